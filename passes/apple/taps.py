"""Taking a tap: whose card it is, once.

The phone proves with each tap that it holds the card, but the reader has no say in it: a cryptogram can be made ahead
of time on a phone whose clock was changed, and be kept. So a tap is good once, for some minutes, from an enrolled
terminal that numbers what it sends; and only one that came at once proves that the phone is here now. One that a
terminal kept while it was offline still says whose card it was: enough to earn, not to spend.

Time here is that of phones and terminals, not business time.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog

from kernel.clock import Clock, SystemClock
from kernel.database import Connection, Database, Unit
from kernel.secrets import Keyring
from network.terminals import advance, check_key, locked
from passes.apple.tap import Tap, TapRefused, decrypt_any, key_id_in
from passes.apple.tap_keys import OpenKey, TapKeys
from passes.taken import Reason, Taken

log = structlog.get_logger(__name__)

BEFORE: Final = timedelta(minutes=10)  # how far the phone's clock may be behind that of who received the tap
AFTER: Final = timedelta(minutes=2)  # and how far ahead
PROMPT: Final = timedelta(seconds=60)  # what came within this is here now
KEPT_OFFLINE: Final = timedelta(days=7)  # how long a terminal may keep taps while it is offline
# A tap is remembered for as long as it could be shown again, and longer: our own clock may be set back.
REMEMBERED: Final = KEPT_OFFLINE + BEFORE + timedelta(days=1)
_PRUNED_AT_ONCE = 8  # more than one, so that what is over goes faster than it comes

_SEEN = """
SELECT terminal_id, sequence, pass_id, tapped_at, reason FROM apple_tap WHERE key_id = $1 AND ephemeral = $2
"""
_PASS = """
SELECT id, member_id, brand_id, pass_type, voided FROM wallet_pass WHERE wallet = 'apple' AND {} = $1
"""
_PASS_BY_CODE, _PASS_BY_ID = _PASS.format("tap_code"), _PASS.format("id")
_TAKE = """
INSERT INTO apple_tap (key_id, ephemeral, terminal_id, sequence, pass_id, reason, tapped_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key_id, ephemeral) DO NOTHING RETURNING true
"""
_PRUNE = """
DELETE FROM apple_tap WHERE (key_id, ephemeral) IN (
    SELECT key_id, ephemeral FROM apple_tap WHERE tapped_at < $1
    ORDER BY tapped_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a terminal of `partner_id` passes on, with its own key. `read_at` is its own clock; `offline` says that it
    kept the tap until it could send it; `pass_type` is what it asked the phone for, if it tells."""

    partner_id: str
    terminal_id: str
    terminal_key: str = field(repr=False)
    sequence: int
    blob: bytes
    read_at: datetime
    offline: bool = False
    pass_type: str | None = None


class Taps:
    """Takes taps. `pass_types` are the pass types that are signed here; `counts` is what came of them, by reason."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        keys: TapKeys,
        pass_types: Callable[[], Sequence[str]],
        clock: Clock | None = None,
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._keys = keys
        self._pass_types = pass_types
        self._clock = clock or SystemClock()
        self.counts: Counter[str] = Counter()

    async def take(self, reading: Reading) -> Taken:
        """Whose card was held to the terminal. The same message again is answered as the first time.

        Raises TapRefused, the same for everything that is wrong with a tap; TerminalRefused; TapKeyClosed.
        """
        check_key(self._keyring, reading.terminal_id, reading.terminal_key)
        try:
            taken = await self._take(reading)
        except TapRefused as refused:
            self.counts[refused.why] += 1
            log.info("tap.refused", why=refused.why, terminal_id=reading.terminal_id, sequence=reading.sequence)
            raise
        self.counts["again" if taken.replayed else taken.assurance] += 1
        return taken

    async def _take(self, reading: Reading) -> Taken:
        key = await self._keys.private(key_id_in(reading.blob))
        if key is None:
            raise TapRefused("key")
        tap = decrypt_any(key.private_key, self._types(reading.pass_type), reading.blob)
        now = self._clock.now()
        reasons = judged(tap.at, reading, now)
        async with self._db.unit() as unit:
            terminal = await locked(unit, reading.partner_id, reading.terminal_id)
            seen = await unit.connection.fetchrow(_SEEN, key.key_id, tap.ephemeral)
            if seen is not None:
                return await _again(unit.connection, seen, reading, tap, terminal.location_id)
            if reading.sequence <= terminal.sequence:
                raise TapRefused("sequence")
            held = await _holder(unit.connection, key, tap)
            await _note(unit, reading, key, tap, held["id"], reasons, now)
            await advance(unit, terminal.id, reading.sequence)
            await unit.connection.execute(_PRUNE, now - REMEMBERED, _PRUNED_AT_ONCE)
        return _taken(held, tap.at, terminal.location_id, reasons)

    def _types(self, asked: str | None) -> Sequence[str]:
        known = self._pass_types()
        return known if asked is None else [one for one in known if one == asked]


def judged(at: datetime, reading: Reading, now: datetime) -> tuple[Reason, ...]:
    """Why a tap that the phone made at `at` only identifies; nothing if the phone is here now.

    Raises TapRefused outside the window in which taps are taken at all.
    """
    if reading.offline:
        if not now - KEPT_OFFLINE <= reading.read_at <= now + AFTER:
            raise TapRefused("window")
        if not reading.read_at - BEFORE <= at <= min(reading.read_at, now) + AFTER:
            raise TapRefused("window")
        return ("offline",)
    if not now - BEFORE <= at <= now + AFTER:
        raise TapRefused("window")
    found: list[Reason] = []
    if abs(now - reading.read_at) > PROMPT:
        found.append("delivered_late")
    if abs(now - at) > PROMPT:
        found.append("clocks_differ")
    return tuple(found)


async def _again(
    connection: Connection, seen: asyncpg.Record, reading: Reading, tap: Tap, location_id: str | None
) -> Taken:
    """The answer to the same message of the same terminal; anything else is a tap shown twice."""
    if (seen["terminal_id"], seen["sequence"], seen["tapped_at"]) != (reading.terminal_id, reading.sequence, tap.at):
        raise TapRefused("replay")
    held = await connection.fetchrow(_PASS_BY_ID, seen["pass_id"])
    if held is None:
        raise TapRefused("replay")
    reasons = tuple(seen["reason"].split(",")) if seen["reason"] else ()
    return _taken(held, tap.at, location_id, reasons, replayed=True)


async def _holder(connection: Connection, key: OpenKey, tap: Tap) -> asyncpg.Record:
    """The pass that the message names, if it may say this with this key."""
    try:
        code = tap.message.decode("ascii")
    except UnicodeDecodeError:
        raise TapRefused("message") from None
    held = await connection.fetchrow(_PASS_BY_CODE, code) if code.isprintable() else None
    if held is None:
        raise TapRefused("message")
    if held["voided"] or held["pass_type"] != tap.pass_type or key.partner_id not in (None, held["brand_id"]):
        raise TapRefused("pass")
    return held


async def _note(
    unit: Unit, reading: Reading, key: OpenKey, tap: Tap, pass_id: str, reasons: Sequence[Reason], now: datetime
) -> None:
    """Nobody takes this tap again. Of two at the same moment the second waits here for the first."""
    first = await unit.connection.fetchval(
        _TAKE, key.key_id, tap.ephemeral, reading.terminal_id, reading.sequence, pass_id, ",".join(reasons), tap.at, now
    )
    if first is None:
        raise TapRefused("replay")


def _taken(
    held: asyncpg.Record, at: datetime, location_id: str | None, reasons: tuple[Reason, ...], replayed: bool = False
) -> Taken:
    return Taken(
        pass_id=held["id"],
        member_id=held["member_id"],
        tapped_at=at,
        location_id=location_id,
        reasons=reasons,
        replayed=replayed,
    )
