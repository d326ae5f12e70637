"""Taps of both wallets, as a presentation takes them."""

from dataclasses import dataclass
from typing import Protocol

from passes.apple.taps import Reading
from passes.google.taps import Answered, ValueRead
from passes.presentation_shown import AppleTap, SmartTap, SmartTapSession
from passes.taken import Taken


class AppleReader(Protocol):
    """Takes taps of iPhones: `passes.apple.taps.Taps`."""

    async def take(self, reading: Reading) -> Taken: ...


class GoogleReader(Protocol):
    """Takes taps of Android phones: `passes.google.taps.SmartTaps`."""

    async def open(self, answered: Answered) -> Taken: ...

    async def value(self, read: ValueRead) -> Taken: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """The terminal that passes a tap on, with the key that it showed."""

    partner_id: str
    terminal_id: str
    terminal_key: str


async def take(
    apple: AppleReader, google: GoogleReader, reader: Reader, tap: AppleTap | SmartTap | SmartTapSession
) -> Taken:
    """Whose card was held to the terminal. Raises TapRefused, SmartTapRefused, TerminalRefused, TapKeyClosed."""
    known = {
        "partner_id": reader.partner_id,
        "terminal_id": reader.terminal_id,
        "terminal_key": reader.terminal_key,
    }
    if isinstance(tap, SmartTapSession):
        answer = Answered(**known, session_id=tap.session_id, negotiated=tap.negotiated, answer=tap.answer)
        return await google.open(answer)
    if isinstance(tap, SmartTap):
        read = ValueRead(**known, sequence=tap.sequence, value=tap.value, read_at=tap.read_at, offline=tap.offline)
        return await google.value(read)
    return await apple.take(reading_of(reader, tap))


def reading_of(reader: Reader, tap: AppleTap) -> Reading:
    """What the terminal passes on of an iPhone's tap."""
    return Reading(
        partner_id=reader.partner_id,
        terminal_id=reader.terminal_id,
        terminal_key=reader.terminal_key,
        sequence=tap.sequence,
        blob=tap.blob,
        read_at=tap.read_at,
        offline=tap.offline,
        pass_type=tap.pass_type,
    )


def known_as(reader: Reader, tap: AppleTap | SmartTap | SmartTapSession) -> str:
    """What a tap that was taken is known by for ever: a terminal uses each number once, and each session is used once.
    The wallets number alike, so a number says nothing of the kind."""
    if isinstance(tap, SmartTapSession):
        return f"session {tap.session_id}"
    return f"tap {reader.terminal_id} {tap.sequence}"
