"""Who holds a card: what Google's callbacks and its answers say, brought together.

Callbacks may be lost, late, doubled and in any order. Each carries the moment at which it ends, which is later for
what was said later; so of two the later word counts, whichever arrived first. A card that nobody holds is still the
member's card: only the wallet's copy of it was put away, and it can be saved again with the same link.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from kernel.database import Connection
from kernel.outbox import touch
from passes.google.ecv2 import Callback, Event

Held = Literal["unknown", "saved", "deleted"]

PUSH_KIND: Final = "google.push"
# How often Google is asked about each object, and how long it is given to agree with its own callback.
ASKED_EVERY: Final = timedelta(days=1)
SETTLES_WITHIN: Final = timedelta(minutes=10)

_KNOWN_PASS = "SELECT EXISTS (SELECT FROM wallet_pass WHERE id = $1 AND wallet = 'google')"
# Somebody holds it, so it is at Google; what it says there is in doubt.
_ADOPT = """
INSERT INTO google_object (pass_id, pushed_seq, pushed_hash) VALUES ($1, 0, '') ON CONFLICT (pass_id) DO NOTHING
RETURNING pass_id
"""
_LOCK = "SELECT held, held_at, holders FROM google_object WHERE pass_id = $1 FOR UPDATE"
_STORE = "UPDATE google_object SET held = $2, held_at = $3, holders = $4, checked_at = $5 WHERE pass_id = $1"


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known of an object's holders. `held_at` is the moment of the newest callback, `holders` how many accounts
    have it (below 0 while a deletion has arrived before its save)."""

    held: Held = "unknown"
    held_at: datetime | None = None
    holders: int = 0


def heard(holding: Holding, event: Event, at: datetime, *, many: bool = False) -> Holding:
    """What a callback of the moment `at` makes of it; the same callbacks in another order give the same in the end.

    `many`: the class lets several accounts hold one object (MULTIPLE_HOLDERS), so each callback is about one of them.
    """
    newest = at if holding.held_at is None else max(at, holding.held_at)
    if many:
        holders = holding.holders + (1 if event == "save" else -1)
        return Holding("saved" if holders > 0 else "deleted", newest, holders)
    if holding.held_at is not None and at < holding.held_at:
        return holding
    # Of two words of one moment the save counts in either order; Google is asked about it soon anyway.
    saved = event == "save" or (at == holding.held_at and holding.held == "saved")
    return Holding("saved", newest, 1) if saved else Holding("deleted", newest, 0)


def answered(holding: Holding, has_users: bool) -> Holding:
    """What Google's own answer makes of it. An object that nobody ever saved stays `unknown`.

    The moment of the newest callback stays, so that a callback older than it is still too old afterwards.
    """
    if has_users:
        return Holding("saved", holding.held_at, max(1, holding.holders))
    return holding if holding.held == "unknown" else Holding("deleted", holding.held_at, 0)


def pass_id_of(object_id: str) -> str:
    """The pass whose object it is."""
    return object_id.partition(".")[2]


async def take(connection: Connection, callback: Callback, now: datetime, *, many: bool = False) -> bool:
    """Move the state of the callback's object, as a step; False if no pass of ours is behind it."""
    pass_id = pass_id_of(callback.object_id)
    if not await connection.fetchval(_KNOWN_PASS, pass_id):
        return False
    adopted = await connection.fetchval(_ADOPT, pass_id)
    row = await connection.fetchrow(_LOCK, pass_id)
    assert row is not None, "no object is ever deleted"
    after = heard(Holding(*row), callback.event, callback.said_until, many=many)
    # Google is asked once it has settled: a word that was late, or came as two of one moment, does not stay wrong.
    checked_at = now - ASKED_EVERY + SETTLES_WITHIN
    await connection.execute(_STORE, pass_id, after.held, after.held_at, after.holders, checked_at)
    if adopted is not None:
        await touch(connection, PUSH_KIND, [pass_id])
    return True
