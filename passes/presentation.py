"""Presenting a card: whatever a customer shows becomes a member, with how surely it is them.

What can be copied (a static code, a number, an address) says who somebody is and no more. A rotating code that was not
shown before, a phone held to an enrolled reader, or the member's PIN proves that they are there: that makes a proof,
which one spending may use (`points.proofs`). A request is known by its key: sent again it gets the same answer and the
same proof, however often and however late.

Rotating codes and taps are judged by the system's clock, as phones keep it; proofs live in business time.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, Literal

import structlog

from kernel.clock import Clock, SystemClock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError
from kernel.secrets import Keyring
from network.programmes import Programmes
from network.terminals import check_key
from passes import live_uses
from passes.apple.taps import Reading
from passes.google.taps import PROMPT, holder_of
from passes.live_code import LiveCode, genuine
from passes.presentation_judging import Found, settled
from passes.presentation_limits import TooManyLookups, charge_code, charge_lookup
from passes.presentation_lookups import (
    FindByAddress,
    FindByPhone,
    Holder,
    SeveralMembers,
    by_known,
    by_member,
    by_static_code,
    by_subject,
    place_of,
)
from passes.presentation_records import (
    Message,
    Presented,
    answered,
    forget_old,
    new_presentation_id,
    tap_message,
)
from passes.presentation_shown import (
    Address,
    AppleTap,
    CardUnknown,
    Chain,
    Phone,
    Proves,
    Scan,
    SmartTap,
    SmartTapSession,
    StaticCode,
    Text,
    Typed,
    What,
    WhyNot,
    address_in,
    meaning,
)
from passes.presentation_taps import AppleReader, GoogleReader, Reader, known_as, take
from passes.taken import Taken
from points.programme.proving import accepted_ways

log = structlog.get_logger(__name__)

CheckPin = Callable[[str, str, str], Awaitable[bool]]

_PURPOSE: Final = "passes.presentation"
_OF_READERS: Final = (AppleTap, SmartTap, SmartTapSession)
_FORGETS_EVERY: Final = 8  # showings; more is forgotten then than came since


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was shown at a till of `partner_id`: the request's key, the hash of its content, and what the till read.

    A `terminal_id` needs its own key; without one the till is known by the partner's API key alone. A `pin` is the
    member's, typed at the till.
    """

    partner_id: str
    key: str
    fingerprint: bytes
    what: What
    terminal_id: str | None = None
    terminal_key: str = field(default="", repr=False)
    pin: str | None = field(default=None, repr=False)


class Presentations:
    """Takes what is shown. `counts` is what came of it, by assurance or refusal."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        clock: Clock,
        programmes: Programmes,
        taps: AppleReader,
        smart_taps: GoogleReader,
        *,
        find_by_phone: FindByPhone,
        find_by_address: FindByAddress,
        check_pin: CheckPin,
        phones_clock: Clock | None = None,
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._clock = clock
        self._programmes = programmes
        self._taps = taps
        self._smart_taps = smart_taps
        self._find_by_phone = find_by_phone
        self._find_by_address = find_by_address
        self._check_pin = check_pin
        self._phones = phones_clock or SystemClock()
        self._showings = count()
        self.counts: Counter[str] = Counter()

    async def take(self, shown: Shown) -> Presented:
        """Who showed this. The same message again gets the same answer.

        Raises CardUnknown, VoucherShown, ReceiptShown, SeveralMembers, BadContact, TooManyLookups,
        TerminalRefused, TapRefused, SmartTapRefused, KeyReused, and what is wrong with a PIN (BadPin, PinBlocked).
        """
        try:
            one = await self._take(shown)
        except CommonpointError as refused:
            self.counts[refused.code] += 1
            log.info("presentation.refused", code=refused.code, partner_id=shown.partner_id)
            raise
        self.counts["again" if one.replayed else one.assurance] += 1
        return one

    async def tapped(self, reading: Reading) -> tuple[Taken, Presented]:
        """An iPhone's tap that came without a key of the request: it is known by the terminal's number.

        Raises TapRefused, TerminalRefused, TapKeyClosed.
        """
        taken = await self._taps.take(reading)
        tap = f"tap {reading.terminal_id} {reading.sequence}"
        message = tap_message(reading.partner_id, tap)
        async with self._db.read() as read:
            known = await answered(read.connection, message)
        return taken, known or await self._judged(message, reading.terminal_id, self._tap(taken, tap))

    async def _take(self, shown: Shown) -> Presented:
        message = self._message(shown)
        if shown.terminal_id is not None:
            check_key(self._keyring, shown.terminal_id, shown.terminal_key)
        text = _text(shown.what)
        found = None
        # Rotating codes are counted before they are looked at; everything else is only looked up.
        async with self._db.unit() if isinstance(text, LiveCode) else self._db.read() as step:
            known = await answered(step.connection, message)
            if known is not None:
                return known
            place = None
            if shown.terminal_id is not None and not isinstance(shown.what, _OF_READERS):
                place = await place_of(step.connection, shown.terminal_id, shown.partner_id)
            if isinstance(text, LiveCode):
                found = await self._live(step.connection, text)
            elif isinstance(text, StaticCode):
                found = await _static(step.connection, shown.what, text)
        if isinstance(text, LiveCode) and not genuine(self._keyring, text):
            raise CardUnknown
        if found is None:
            found = await self._found(shown, text)
        if shown.pin is not None:
            found = await self._with_pin(shown, found, shown.pin)
        return await self._judged(message, shown.terminal_id, replace(found, place=found.place or place))

    async def _with_pin(self, shown: Shown, found: Found, pin: str) -> Found:
        """A wrong PIN proves nothing whatever else was shown. Where both the code (or tap) and the PIN prove it, the
        programme says which of them counts."""
        device = shown.terminal_id or f"{shown.partner_id}/"
        if not await self._check_pin(found.holder.card_of, device, pin):
            return replace(found, reasons=(*found.reasons, "pin_wrong"), ways=())
        in_force = await self._programmes.in_force(shown.partner_id, self._clock.now())
        accepted = accepted_ways(in_force.version)
        ways: tuple[Proves, ...] = (*found.ways, "pin")
        return replace(found, ways=tuple(sorted(ways, key=lambda way: way not in accepted)))

    def _message(self, shown: Shown) -> Message:
        key = self._keyring.derive(_PURPOSE)
        return Message(shown.partner_id, shown.key, hmac.digest(key, shown.fingerprint, hashlib.sha256))

    async def _found(self, shown: Shown, text: Text | None) -> Found:
        """Whose card it is, where that is no code."""
        what = shown.what
        if isinstance(text, Chain):
            return await self._looked_up(shown.partner_id, "wallet_address", text.address)
        if isinstance(what, Phone):
            return await self._looked_up(shown.partner_id, "phone_number", what.number)
        if isinstance(what, SmartTap) and shown.terminal_id is None:
            return await self._value(what.value)
        assert isinstance(what, _OF_READERS)
        return await self._tapped(shown, what)

    async def _live(self, connection: Connection, code: LiveCode) -> Found:
        """What a rotating code says if it is genuine, which is for the caller to find out."""
        now = self._phones.now()
        holder = await by_subject(connection, code.subject)
        tried = await charge_code(connection, code.subject, now)
        reasons = _against(live_uses.steps_off(code, now), tried)
        ways: tuple[Proves, ...] = () if reasons else ("rotating_code",)
        return Found(holder=holder, way="rotating_code", reasons=reasons, ways=ways, live=code)

    async def _looked_up(self, partner_id: str, way: Literal["phone_number", "wallet_address"], asked: str) -> Found:
        """By what is no secret. That somebody asked is counted, whatever comes of it."""
        refused: CommonpointError | None = None
        async with self._db.unit() as unit:
            wait_s = await charge_lookup(unit.connection, partner_id, self._phones.now())
            try:
                if wait_s is None:
                    find = self._find_by_phone if way == "phone_number" else self._find_by_address
                    holder = await by_known(unit.connection, await find(unit.connection, asked))
            except (CardUnknown, SeveralMembers) as nobody:
                refused = nobody
        if wait_s is not None:
            raise TooManyLookups("Ask for the card instead, or wait.", retry_after_s=wait_s)
        if refused is not None:
            raise refused
        return Found(holder=holder, way=way, reasons=(way,), looked_up=True)

    async def _value(self, value: str) -> Found:
        """A redemption value from nobody's reader: it may have been read anywhere, at any time."""
        async with self._db.read() as read:
            held = await holder_of(read.connection, value)
            if held is None or held.voided:
                raise CardUnknown
            holder = await by_member(read.connection, held.member_id, held.pass_id)
        return Found(holder=holder, way="tapped_value", reasons=("unknown_reader",))

    async def _tapped(self, shown: Shown, tap: AppleTap | SmartTap | SmartTapSession) -> Found:
        reader = Reader(shown.partner_id, shown.terminal_id or "", shown.terminal_key)
        return self._tap(await take(self._taps, self._smart_taps, reader, tap), known_as(reader, tap))

    def _tap(self, taken: Taken, tap: str) -> Found:
        """What a tap says; if the card was merged is looked up later. One that was taken before but came to nothing
        then (a crash) proves only while it is fresh."""
        reasons: tuple[WhyNot, ...] = taken.reasons
        if not reasons and taken.replayed and abs(self._phones.now() - taken.tapped_at) > PROMPT:
            reasons = ("delivered_late",)
        ways: tuple[Proves, ...] = () if reasons else ("tap",)
        holder = Holder(taken.member_id, taken.member_id, taken.pass_id)
        return Found(holder=holder, way="tap", reasons=reasons, ways=ways, tap=tap, place=taken.location_id)

    async def _judged(self, message: Message, terminal_id: str | None, found: Found) -> Presented:
        """Note what was shown, and make the proof if something proves it."""
        business, phones = self._clock.now(), self._phones.now()
        one = Presented(
            id=new_presentation_id(),
            partner_id=message.partner_id,
            member_id=found.holder.member_id,
            pass_id=found.holder.pass_id,
            terminal_id=terminal_id,
            location_id=found.place,
            way=found.way,
            reasons=found.reasons,
            proof_id=None,
            shown_at=business,
        )
        async with self._db.unit() as unit:
            if found.tap is not None:
                holder = await by_member(unit.connection, found.holder.card_of)
                one = replace(one, member_id=holder.member_id)
            one = await settled(unit.connection, message, one, found, phones)
            if next(self._showings) % _FORGETS_EVERY == 0:
                await forget_old(unit.connection, business)
                await live_uses.forget_old(unit.connection, phones)
        return one


def _text(what: What) -> Text | None:
    """What a text says; None: something else was shown. Raises CardUnknown, ReceiptShown."""
    if isinstance(what, Scan):
        return meaning(what.content)
    if isinstance(what, Typed):
        return meaning(what.code)
    return Chain(address_in(what.text)) if isinstance(what, Address) else None


async def _static(connection: Connection, what: What, text: StaticCode) -> Found:
    holder = await by_static_code(connection, text.code)
    way: Literal["typed_code", "static_code"] = "typed_code" if isinstance(what, Typed) else "static_code"
    return Found(holder=holder, way=way, reasons=(way,))


def _against(steps: int, tried: bool) -> tuple[WhyNot, ...]:
    """Why a genuine code does not prove that somebody is here; whether it is worth showing the next one."""
    if tried:
        return ("too_many_tries",)
    if abs(steps) <= live_uses.STEPS:
        return ()
    return ("clocks_differ", "show_again") if abs(steps) <= live_uses.STEPS_AGAIN else ("clocks_differ",)
