"""The followers that make passes show what the ledger and the designs say.

They render the pass as it is now, and if that differs from what is stored, store it as a new version with the one
sentence that the change tells, and leave a note for the wallet's own push. An unchanged pass ends here.

A change at a till comes by member and goes on by the live lane. A change of many passes at once (a design, a rotation
of keys) comes by pass and goes on by the bulk lane, unless something happened on the account meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kernel.database import Connection, Database
from kernel.outbox import BULK, LIVE, touch
from passes.card import Card, card_from_json, card_json
from passes.issue import change_numbers
from passes.news import Budget, news, told_by, with_news
from passes.rendering import PassKey, Rendered, Renderer
from points.happenings import Happening, Since, happenings

KIND = "pass"
SWEEP_KIND = "pass.bulk"
PUSH_KIND = {"apple": "apple.push", "google": "google.push"}

_COLUMNS = """
id, member_id, brand_id, wallet, kind, subject_id, card::text AS card, ledger_version, told, voided,
clock_timestamp() AS now
"""
_OF_MEMBERS = f"SELECT {_COLUMNS} FROM wallet_pass WHERE member_id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_BY_ID = f"SELECT {_COLUMNS} FROM wallet_pass WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"

# Last-Modified has whole seconds and must rise with every change, or a phone that has the first of two changes within
# a second would be told that nothing is new. A member who changes to another account keeps the higher count.
_STORE = """
UPDATE wallet_pass SET card = new.card, voided = new.voided, change_seq = new.seq, told = new.told::timestamptz[],
    ledger_version = greatest(wallet_pass.ledger_version, new.version),
    last_modified = greatest(date_trunc('second', clock_timestamp()), last_modified + interval '1 second')
FROM unnest($1::text[], $2::jsonb[], $3::bool[], $4::bigint[], $5::text[], $6::bigint[])
    AS new (id, card, voided, seq, told, version)
WHERE wallet_pass.id = new.id
"""

_SEEN = """
UPDATE wallet_pass SET ledger_version = greatest(wallet_pass.ledger_version, new.version)
FROM unnest($1::text[], $2::bigint[]) AS new (id, version) WHERE wallet_pass.id = new.id
"""


@dataclass(frozen=True, slots=True)
class _Change:
    """What a stored pass becomes: `told` has the moment of this change if it tells something."""

    row: asyncpg.Record
    before: Card
    card: Card
    rendered: Rendered
    told: Sequence[datetime]

    @property
    def visible(self) -> bool:
        """Whether the wallet must hear of it."""
        return self.card != self.before or self.rendered.voided != self.row["voided"]

    @property
    def moved(self) -> bool:
        """Whether something happened on the account."""
        return _moved(self.row, self.rendered)


class PassRefresh:
    """Follower of kind `pass`; subjects are member ids."""

    kind = KIND
    batch = 100

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring the passes of these members to what the ledger says."""
        async with self._db.unit() as unit:
            changed = await _refresh(unit.connection, self._renderer, _OF_MEMBERS, subjects)
            await _tell(unit.connection, changed, LIVE)
        return {}


class PassSweep:
    """Follower of kind `pass.bulk`; subjects are pass ids."""

    kind = SWEEP_KIND
    batch = 100

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring these passes to what the designs, the keys and the ledger say."""
        async with self._db.unit() as unit:
            changed = await _refresh(unit.connection, self._renderer, _BY_ID, subjects)
            # The live follower finds nothing to do for a change of points that comes along here.
            await _tell(unit.connection, [change for change in changed if change.moved], LIVE)
            await _tell(unit.connection, [change for change in changed if not change.moved], BULK)
        return {}


async def _refresh(connection: Connection, renderer: Renderer, which: str, subjects: Sequence[str]) -> list[_Change]:
    """Store what the passes say now; those of which the wallet must hear."""
    # The rows are locked before the ledger is read, so that of two workers the later writes the newer card.
    rows = await connection.fetch(which, list(subjects))
    if not rows:
        return []
    rendered = await renderer.cards(connection, [_key(row) for row in rows])
    asked = {
        row["id"]: Since(now.holder_id, row["ledger_version"], now.ledger_version)
        for row in rows
        if (now := rendered.get(row["id"])) is not None and now.story is not None and _moved(row, now)
    }
    happened = await happenings(connection, asked) if asked else {}
    changes = [_change(row, now, happened.get(row["id"], ())) for row in rows if (now := rendered.get(row["id"]))]
    visible = [change for change in changes if change.visible]
    await _store(connection, visible)
    await _see(connection, [change for change in changes if change.row["id"] in asked and not change.visible])
    return visible


def _key(row: asyncpg.Record) -> PassKey:
    return PassKey(row["id"], row["member_id"], row["brand_id"], row["kind"], row["subject_id"])


def _moved(row: asyncpg.Record, now: Rendered) -> bool:
    return now.ledger_version > int(row["ledger_version"])


def _change(row: asyncpg.Record, now: Rendered, happened: Sequence[Happening]) -> _Change:
    """The card with the sentence that the change tells, or with the one it has."""
    before = card_from_json(row["card"])
    budget = Budget(row["wallet"], row["told"], row["now"])
    old, fresh = told_by(before), None
    if now.asks is not None and now.asks != old:
        # A till waits for the answer: this goes before whatever else happened.
        fresh = now.asks if budget.allows(important=True) else None
    elif now.story is not None:
        fresh = news(before, now.plain, happened, now.story, budget)
    elif old and old != told_by(now.plain) and budget.allows(important=True):
        fresh = told_by(now.plain)
    if fresh is not None:
        return _Change(row, before, with_news(now.plain, fresh), now, budget.spent())
    return _Change(row, before, with_news(now.plain, old) if old else now.card, now, row["told"])


async def _store(connection: Connection, changes: Sequence[_Change]) -> None:
    if not changes:
        return
    await connection.execute(
        _STORE,
        [change.row["id"] for change in changes],
        [card_json(change.card).decode() for change in changes],
        [change.rendered.voided for change in changes],
        await change_numbers(connection, len(changes)),
        [_array(change.told) for change in changes],
        [change.rendered.ledger_version for change in changes],
    )


async def _see(connection: Connection, changes: Sequence[_Change]) -> None:
    """What happened showed on none of these, and is not looked at again."""
    if changes:
        versions = [change.rendered.ledger_version for change in changes]
        await connection.execute(_SEEN, [change.row["id"] for change in changes], versions)


async def _tell(connection: Connection, changes: Sequence[_Change], lane: int) -> None:
    for wallet, kind in PUSH_KIND.items():
        await touch(connection, kind, [one.row["id"] for one in changes if one.row["wallet"] == wallet], lane)


def _array(moments: Sequence[datetime]) -> str:
    """Moments as PostgreSQL writes an array of them: arrays of several lengths cannot be one parameter."""
    return "{" + ",".join(moment.isoformat() for moment in moments) + "}"
