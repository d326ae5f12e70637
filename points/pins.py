"""PINs of members and of those who work for partners: four to eight digits, good for what a static code is not.

So few digits are soon guessed by trying, so each try is counted, and the count committed, before the PIN is looked at:
five for an account and five for a device, then a wait that doubles from a minute to a day. The counts are rows, so that
no restart and no second process gives more tries. What is stored is Argon2id (RFC 9106) keyed with the master secret:
a copy of the table alone cannot be tried out at home.

The time is the database's: the processes share it, and nobody moves it.
"""

import asyncio
import math
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kernel.database import Connection, Database
from kernel.errors import Forbidden, Invalid, Unavailable
from kernel.secrets import Keyring

TRIES: Final = 5
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(days=1)
# When tries are forgotten, counted from the last one or from the end of the wait after it. A device serves many, so
# honest slips add up there.
_FORGET_ACCOUNT: Final = timedelta(days=7)
_FORGET_DEVICE: Final = timedelta(hours=1)

# About 80 ms and 46 MiB of one core; so that a crowd of guessers cannot take the machine, two at once and few in line.
_MEMORY_KIB, _ITERATIONS, _LANES, _LENGTH = 46 * 1024, 2, 1, 32
_AT_ONCE: Final = 2
_MOST_IN_LINE: Final = 32

Value = TypeVar("Value")

_PIN = re.compile(r"[0-9]{4,8}")
_RUN: Final = "01234567890"
_MOST_FORGOTTEN: Final = 1000

_TRIED_SO_FAR = """
INSERT INTO attempt (id, tries, since) VALUES ($1, 0, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET
    tries = CASE WHEN greatest(attempt.since, attempt.blocked_until) < clock_timestamp() - $2::interval
        THEN 0 ELSE attempt.tries END
RETURNING CASE WHEN blocked_until > clock_timestamp() THEN blocked_until END AS blocked_until,
    extract(epoch FROM blocked_until - clock_timestamp())::float8 AS wait_s
"""
_TRY = """
UPDATE attempt SET tries = tries + 1, since = clock_timestamp(),
    blocked_until = CASE WHEN tries + 1 >= $2
        THEN clock_timestamp() + least($3::interval * power(2, least(tries + 1 - $2, 30)), $4::interval) END
WHERE id = ANY($1::text[])
"""
_LOCK = "SELECT id, tries FROM attempt WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_TAKE_BACK = """
UPDATE attempt SET tries = greatest(tries - $2, 0),
    blocked_until = CASE WHEN greatest(tries - $2, 0) >= $3 THEN blocked_until END
WHERE id = $1
"""
_FORGET = """
DELETE FROM attempt WHERE id IN (
    SELECT id FROM attempt
    WHERE (starts_with(id, 'pin/') OR starts_with(id, 'pin-at/'))
        AND greatest(since, blocked_until) < clock_timestamp() - $1::interval
    LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
_SET = """
INSERT INTO pin (owner_id, hash, set_at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT (owner_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at
"""


class BadPin(Invalid):
    """Not four to eight digits, or the first that anybody would try."""

    code = "bad_pin"
    title = "The PIN cannot be used"


class PinBlocked(Forbidden):
    """Too many tries of this account or device; facts: `of`, `until`, `retry_after_s`."""

    code = "pin_blocked"
    title = "Too many tries: wait before the next"


class PinsBusy(Unavailable):
    """More PINs wait to be looked at than this process takes."""

    code = "pins_busy"
    title = "Too many PINs are waiting"


class Pins:
    """Sets and checks PINs. An owner is a member's id or that of one of a partner's staff."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring
        self._threads = ThreadPoolExecutor(_AT_ONCE, "pins")
        self._line = Lock()
        self._in_line = 0
        # What is looked at when there is no PIN, so that the time taken does not tell.
        self._nobody: str | None = None

    async def set(self, owner: str, pin: str) -> None:
        """The owner's PIN from now on; earlier tries are forgotten. Raises BadPin, PinsBusy.

        Whether whoever asks may set it is the caller's to know.
        """
        _check_new(pin)
        hashed = await self._work(_hash, pin, self._secret(owner))
        async with self._db.unit() as unit:
            await unit.connection.execute(_SET, owner, hashed)
            await unit.connection.execute("DELETE FROM attempt WHERE id = $1", _account(owner))

    async def remove(self, owner: str) -> None:
        """The owner has no PIN any more; twice is no error."""
        async with self._db.unit() as unit:
            await unit.connection.execute("DELETE FROM pin WHERE owner_id = $1", owner)

    async def check(self, owner: str, device: str, pin: str) -> bool:
        """Whether it is the owner's PIN (without one: never), tried at a device (any name of it that stays).

        Raises BadPin for what is no PIN (not counted), PinBlocked, PinsBusy.
        """
        if _PIN.fullmatch(pin) is None:
            raise BadPin("A PIN has 4 to 8 digits.")
        self._check_line()
        hashed = await self._count(owner, device)
        if hashed is None:
            await self._work(_matches, pin, self._secret(owner), await self._no_hash())
            return False
        right = await self._work(_matches, pin, self._secret(owner), hashed)
        if right:
            await self._forgive(owner, device)
        return right

    async def _count(self, owner: str, device: str) -> str | None:
        """Count a try at both, durable before anything is looked at; the stored hash. Raises PinBlocked."""
        account, machine = _account(owner), _machine(device)
        forget = {account: _FORGET_ACCOUNT, machine: _FORGET_DEVICE}
        async with self._db.unit() as unit:
            for one in sorted(forget):
                row = await unit.connection.fetchrow(_TRIED_SO_FAR, one, forget[one])
                if row is not None and row["blocked_until"] is not None:
                    raise _blocked("account" if one == account else "device", row["blocked_until"], row["wait_s"])
            await unit.connection.execute(_TRY, [account, machine], TRIES, FIRST_WAIT, LONGEST_WAIT)
            hashed: str | None = await unit.connection.fetchval("SELECT hash FROM pin WHERE owner_id = $1", owner)
            return hashed

    async def _forgive(self, owner: str, device: str) -> None:
        """The owner was there: their slips, which count at the device too, were no guesses."""
        account, machine = _account(owner), _machine(device)
        async with self._db.unit() as unit:
            tries = {row["id"]: row["tries"] for row in await unit.connection.fetch(_LOCK, [account, machine])}
            await unit.connection.execute("DELETE FROM attempt WHERE id = $1", account)
            await unit.connection.execute(_TAKE_BACK, machine, max(tries.get(account, 0), 1), TRIES)

    async def _no_hash(self) -> str:
        if self._nobody is None:
            self._nobody = await self._work(_hash, "", self._secret(""))
        return self._nobody

    def _check_line(self) -> None:
        if self._in_line >= _MOST_IN_LINE:
            raise PinsBusy("Too many PINs are waiting to be looked at.", retry_after_s=1.0)

    async def _work(self, what: Callable[..., Value], *given: object) -> Value:
        """In a thread, while the loop goes on. A caller who goes away leaves the work, and its place, as they are."""
        self._check_line()
        with self._line:
            self._in_line += 1
        working = self._threads.submit(what, *given)
        working.add_done_callback(lambda _: self._leave_line())
        return await asyncio.wrap_future(working)

    def _leave_line(self) -> None:
        with self._line:
            self._in_line -= 1

    def _secret(self, owner: str) -> bytes:
        return self._keyring.derive("points.pins", owner)


async def has_pin(connection: Connection, owner: str) -> bool:
    """Whether the owner has set one."""
    return bool(await connection.fetchval("SELECT true FROM pin WHERE owner_id = $1", owner))


async def forget_tries(db: Database) -> int:
    """Drop counts that have no effect any more, at most a thousand; how many there were."""
    async with db.unit() as unit:
        return len(await unit.connection.fetch(_FORGET, _FORGET_ACCOUNT, _MOST_FORGOTTEN))


def _check_new(pin: str) -> None:
    if _PIN.fullmatch(pin) is None:
        raise BadPin("A PIN has 4 to 8 digits.")
    if len(set(pin)) == 1 or pin in _RUN or pin in _RUN[::-1]:
        raise BadPin("That is the first PIN that anybody would try: choose another.")


def _hash(pin: str, secret: bytes) -> str:
    kdf = Argon2id(
        salt=os.urandom(16),
        length=_LENGTH,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
        secret=secret,
    )
    return kdf.derive_phc_encoded(pin.encode())


def _matches(pin: str, secret: bytes, hashed: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(pin.encode(), hashed, secret)
    except InvalidKey:
        return False
    return True


def _account(owner: str) -> str:
    return f"pin/{owner}"


def _machine(device: str) -> str:
    return f"pin-at/{device}"


def _blocked(of: str, until: datetime, wait_s: float) -> PinBlocked:
    wait = max(1, math.ceil(wait_s))
    return PinBlocked(
        f"Too many tries with this {of}: the next one in {wait} s.", of=of, until=until.isoformat(), retry_after_s=wait
    )
