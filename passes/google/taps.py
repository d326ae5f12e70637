"""Taking a tap of an Android phone: whose card it is, once.

There are two ways. With keys held here, a terminal begins a session (we sign for it and keep the key of one use) and
then brings what the phone answered: the answer opens with that key alone, so the phone was there between the two, which
are a minute apart at most. A terminal that speaks Smart Tap with keys of its own brings the redemption value; that the
phone was there is then the terminal's word, which counts because it is enrolled and numbers what it sends.

Both take one number of the terminal, which remembers what came of it, so that the same message again is answered as the
first time. Time here is that of phones and terminals, not business time.
"""

import os
import re
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from kernel.clock import Clock, SystemClock
from kernel.database import Connection, Database, Unit
from kernel.secrets import Keyring, SealBroken
from network.terminals import Terminal, advance, check_key, locked
from passes.google.smart_tap import NONCE_LENGTH, SESSION_LENGTH, SmartTapRefused, negotiate, opened, request, sign
from passes.google.smart_tap_keys import SmartTapKeys
from passes.google.smart_tap_sessions import Over, Session, Sessions, UnderWay, digest_of
from passes.taken import Reason, Taken

log = structlog.get_logger(__name__)

GOOD_FOR: Final = timedelta(seconds=60)  # how long after its beginning a session is opened
BEFORE: Final = timedelta(minutes=10)  # how old a reading may be that was not kept offline
AFTER: Final = timedelta(minutes=2)  # how far ahead a terminal's clock may be
PROMPT: Final = timedelta(seconds=60)  # what came within this is here now
KEPT_OFFLINE: Final = timedelta(days=7)  # how long a terminal may keep values while it is offline
ANSWERED_AGAIN: Final = timedelta(days=1)  # how long the same message is answered again, after it could be a first one
LONGEST_VALUE: Final = 64

_SESSION_ID = re.compile(r"sts_[0-9a-f]{32}")
_HELD = "SELECT id AS pass_id, member_id, voided FROM wallet_pass WHERE wallet = 'google' AND {} = $1"
_HELD_BY_VALUE, _HELD_BY_ID = _HELD.format("tap_code"), _HELD.format("id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A terminal of `partner_id` has met a phone. `device_nonce` are the 32 bytes that the phone gave."""

    partner_id: str
    terminal_id: str
    terminal_key: str = field(repr=False)
    sequence: int
    device_nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the terminal says to the phone: `negotiate` and then `request` are the data of the two commands."""

    session_id: str
    negotiate: bytes
    request: bytes
    collector_id: int
    key_version: int
    good_until: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the phone answered in a session: to NEGOTIATE, and to GET DATA with all that followed, joined; both without
    status words."""

    partner_id: str
    terminal_id: str
    terminal_key: str = field(repr=False)
    session_id: str
    negotiated: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRead:
    """A redemption value that a terminal read with keys of its own. `read_at` is its own clock; `offline` says that it
    kept the value until it could send it."""

    partner_id: str
    terminal_id: str
    terminal_key: str = field(repr=False)
    sequence: int
    value: str = field(repr=False)
    read_at: datetime
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose pass says a value."""

    pass_id: str
    member_id: str
    voided: bool


class SmartTaps:
    """Takes taps of Android phones. `counts` is what came of them, by outcome and by reason of refusal."""

    def __init__(self, db: Database, keyring: Keyring, keys: SmartTapKeys, clock: Clock | None = None) -> None:
        self._db = db
        self._keyring = keyring
        self._keys = keys
        self._sessions = Sessions(keyring)
        self._clock = clock or SystemClock()
        self.counts: Counter[str] = Counter()

    async def begin(self, beginning: Beginning) -> Begun:
        """Sign for a terminal that has met a phone. The same message again is answered as the first time.

        Raises SmartTapRefused, TerminalRefused, SmartTapKeyMissing, SmartTapKeyClosed.
        """
        check_key(self._keyring, beginning.terminal_id, beginning.terminal_key)
        try:
            begun = await self._begin(beginning)
        except SmartTapRefused as refused:
            self._note_refusal(refused, beginning.terminal_id)
            raise
        self.counts["begun_again" if begun.replayed else "begun"] += 1
        return begun

    async def open(self, answered: Answered) -> Taken:
        """Whose card the phone handed out. A session opens once; the same message again is answered as the first time.

        What does not open leaves the session as it was. Raises SmartTapRefused, the same for everything that is wrong;
        TerminalRefused.
        """
        check_key(self._keyring, answered.terminal_id, answered.terminal_key)
        return await self._counted(self._open(answered), answered.terminal_id)

    async def value(self, read: ValueRead) -> Taken:
        """Whose card a terminal read by itself. The same message again is answered as the first time.

        Raises SmartTapRefused, the same for everything that is wrong; TerminalRefused.
        """
        check_key(self._keyring, read.terminal_id, read.terminal_key)
        return await self._counted(self._value(read), read.terminal_id)

    async def _counted(self, taking: Awaitable[Taken], terminal_id: str) -> Taken:
        try:
            taken = await taking
        except SmartTapRefused as refused:
            self._note_refusal(refused, terminal_id)
            raise
        self.counts["again" if taken.replayed else taken.assurance] += 1
        return taken

    def _note_refusal(self, refused: SmartTapRefused, terminal_id: str) -> None:
        self.counts[refused.why] += 1
        log.info("smart_tap.refused", why=refused.why, terminal_id=terminal_id)

    async def _begin(self, beginning: Beginning) -> Begun:
        if len(beginning.device_nonce) != NONCE_LENGTH:
            raise SmartTapRefused("length")
        async with self._db.unit() as unit:
            terminal = await locked(unit, beginning.partner_id, beginning.terminal_id)
            now, made = self._clock.now(), self._sessions.id_of(terminal.id, beginning.sequence)
            known = await self._sessions.find(unit.connection, made, terminal.id)
            if known is not None:
                return _begun_again(known, beginning, now)
            if beginning.sequence <= terminal.sequence:
                raise SmartTapRefused("sequence")
            session = await self._signed(unit, terminal, beginning, now)
            await self._advance(unit, terminal, beginning.sequence, now)
        return _begun(session)

    async def _signed(self, unit: Unit, terminal: Terminal, beginning: Beginning, now: datetime) -> Session:
        key = await self._keys.signing(unit.connection, beginning.partner_id)
        once = generate_private_key(SECP256R1())
        said = sign(
            key.private_key, key.collector_id, os.urandom(SESSION_LENGTH), os.urandom(NONCE_LENGTH),
            beginning.device_nonce, once.public_key(),
        )  # fmt: skip
        under_way = UnderWay(said.session, said.signed, said.signature, key.version)
        return await self._sessions.begin(
            unit.connection, terminal.id, beginning.sequence, key.id, once, under_way, now, now + GOOD_FOR
        )

    async def _open(self, answered: Answered) -> Taken:
        if not _SESSION_ID.fullmatch(answered.session_id):
            raise SmartTapRefused("session")
        digest = digest_of(answered.negotiated, answered.answer)
        async with self._db.unit() as unit:
            terminal = await locked(unit, answered.partner_id, answered.terminal_id)
            now = self._clock.now()
            session = await self._sessions.find(unit.connection, answered.session_id, terminal.id)
            if session is None:
                raise SmartTapRefused("session")
            if isinstance(session.transcript, Over):
                return await _again(unit.connection, session.transcript, digest, terminal)
            if not session.made_at - AFTER <= now <= session.good_until:  # our own clock may be set back
                raise SmartTapRefused("window")
            held = await _first_held(unit.connection, self._shown(session, session.transcript, answered))
            over = Over(digest, held.pass_id, session.made_at, ())
            await self._sessions.end(unit.connection, session, over, now, now + ANSWERED_AGAIN)
        return _taken(held, over, terminal)

    def _shown(self, session: Session, under_way: UnderWay, answered: Answered) -> list[str]:
        """The redemption values in the phone's answer."""
        try:
            once = self._sessions.key_of_one_use(session)
        except SealBroken:  # the master secret was changed within the minute
            raise SmartTapRefused("session") from None
        return [one.value for one in opened(once, under_way.said, answered.negotiated, answered.answer)]

    async def _value(self, read: ValueRead) -> Taken:
        digest = digest_of(read.value.encode(), read.read_at.isoformat().encode())
        async with self._db.unit() as unit:
            terminal = await locked(unit, read.partner_id, read.terminal_id)
            now, made = self._clock.now(), self._sessions.id_of(terminal.id, read.sequence)
            known = await self._sessions.find(unit.connection, made, terminal.id)
            if known is not None:
                return await _again(unit.connection, known.transcript, digest, terminal)
            reasons = judged(read.read_at, read.offline, now)
            if read.sequence <= terminal.sequence:
                raise SmartTapRefused("sequence")
            held = await _first_held(unit.connection, [read.value])
            over = Over(digest, held.pass_id, read.read_at, reasons)
            until = now + KEPT_OFFLINE + ANSWERED_AGAIN
            await self._sessions.note(unit.connection, terminal.id, read.sequence, over, now, until)
            await self._advance(unit, terminal, read.sequence, now)
        return _taken(held, over, terminal)

    async def _advance(self, unit: Unit, terminal: Terminal, sequence: int, now: datetime) -> None:
        await advance(unit, terminal.id, sequence)
        await self._sessions.prune(unit.connection, now)


async def holder_of(connection: Connection, value: str) -> Holder | None:
    """Whose pass in Google Wallet says this redemption value; None for a value that nobody's does."""
    if not (0 < len(value) <= LONGEST_VALUE and value.isascii() and value.isprintable()):
        return None
    row = await connection.fetchrow(_HELD_BY_VALUE, value)
    return None if row is None else Holder(**row)


def judged(read_at: datetime, offline: bool, now: datetime) -> tuple[Reason, ...]:
    """Why a value that a terminal read at `read_at` only identifies; nothing if the phone is here now.

    Raises SmartTapRefused outside the window in which values are taken at all.
    """
    if not now - (KEPT_OFFLINE if offline else BEFORE) <= read_at <= now + AFTER:
        raise SmartTapRefused("window")
    if offline:
        return ("offline",)
    return ("delivered_late",) if abs(now - read_at) > PROMPT else ()


async def _first_held(connection: Connection, values: list[str]) -> Holder:
    """The first pass of ours among what a phone handed out."""
    for value in values:
        held = await holder_of(connection, value)
        if held is not None and held.voided:
            raise SmartTapRefused("pass")
        if held is not None:
            return held
    raise SmartTapRefused("message")


async def _again(connection: Connection, known: UnderWay | Over, digest: bytes, terminal: Terminal) -> Taken:
    """The answer to the same message; anything else under its number is a tap shown twice."""
    if isinstance(known, UnderWay) or known.digest != digest:
        raise SmartTapRefused("replay")
    row = await connection.fetchrow(_HELD_BY_ID, known.pass_id)
    if row is None:
        raise SmartTapRefused("replay")
    return _taken(Holder(**row), known, terminal, replayed=True)


def _begun_again(known: Session, beginning: Beginning, now: datetime) -> Begun:
    """The answer to the same message while the session can still be opened."""
    if isinstance(known.transcript, Over) or known.transcript.said.device_nonce != beginning.device_nonce:
        raise SmartTapRefused("replay")
    if now > known.good_until:
        raise SmartTapRefused("window")
    return _begun(known, replayed=True)


def _begun(session: Session, replayed: bool = False) -> Begun:
    assert isinstance(session.transcript, UnderWay)
    said, version = session.transcript.said, session.transcript.version
    return Begun(
        session_id=session.id,
        negotiate=negotiate(said, version),
        request=request(said),
        collector_id=said.collector_id,
        key_version=version,
        good_until=session.good_until,
        replayed=replayed,
    )


def _taken(held: Holder, over: Over, terminal: Terminal, replayed: bool = False) -> Taken:
    return Taken(
        pass_id=held.pass_id,
        member_id=held.member_id,
        tapped_at=over.tapped_at,
        location_id=terminal.location_id,
        reasons=over.reasons,
        replayed=replayed,
    )
