"""What happened on an account since a follower last looked, and where its members were last.

Journals are numbered (`seq`) as they are written, those of an account under its lock: whoever has seen number n of an
account has seen all that are lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from kernel.database import Connection

# Whoever missed more is told the result alone.
MOST_HAPPENINGS = 50

# What sentences need of a journal's facts; the whole of them is a hundred times as long.
_FACTS = ("notice", "points", "ends_at", "falls_on", "level", "reward", "voucher", "worth_minor", "sender")

_HAPPENINGS = f"""
SELECT asked.id, journal.kind, journal.points, journal.by_member_id,
       (SELECT coalesce(sum(amount), 0) FROM entry
        WHERE journal_id = journal.id AND account_id = asked.holder_id || '/spendable')::bigint AS change,
       (SELECT coalesce(sum(amount), 0) FROM entry
        WHERE journal_id = journal.id AND account_id = asked.holder_id || '/pending')::bigint AS waiting,
       jsonb_strip_nulls(jsonb_build_object(
           {", ".join(f"'{name}', facts -> '{name}'" for name in _FACTS)},
           'tier', facts #> '{{change,tier,level}}', 'tier_before', facts #> '{{change,tier,past,-1,0}}')) AS facts
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS asked (id, holder_id, since, until)
CROSS JOIN LATERAL (
    SELECT * FROM journal WHERE member_id = asked.holder_id AND seq > asked.since AND seq <= asked.until
    ORDER BY seq DESC LIMIT {MOST_HAPPENINGS}) AS journal
ORDER BY asked.id, journal.seq
"""

# A household's member was where they themselves acted.
_LAST_PLACES = """
SELECT asked.member_id, place.location_id
FROM unnest($1::text[], $2::text[]) AS asked (holder_id, member_id)
CROSS JOIN LATERAL (
    SELECT location_id FROM journal
    WHERE member_id = asked.holder_id AND location_id IS NOT NULL
      AND coalesce(by_member_id, asked.member_id) = asked.member_id
    ORDER BY seq DESC LIMIT 1) AS place
"""


@dataclass(frozen=True, slots=True)
class Happening:
    """A journal as news: `change` is what it did to the spendable points, `waiting` to the pending ones, both signed;
    `points` is its size. `by_member_id` acted for a household.

    `facts` has of the journal's facts what there is of: notice, points, ends_at, falls_on, level, reward, voucher,
    worth_minor, sender; and `tier` with `tier_before` where it judged the member's tier.
    """

    kind: str
    points: int = 0
    change: int = 0
    waiting: int = 0
    by_member_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Since:
    """The journals of an account after number `since`, up to and with number `until`."""

    holder_id: str
    since: int
    until: int


async def happenings(connection: Connection, asked: Mapping[str, Since]) -> dict[str, list[Happening]]:
    """The journals that are asked for, under the name they are asked by; oldest first, at most the newest
    MOST_HAPPENINGS each. Who asks for none is missing."""
    spans = list(asked.values())
    rows = await connection.fetch(
        _HAPPENINGS,
        list(asked),
        [one.holder_id for one in spans],
        [one.since for one in spans],
        [one.until for one in spans],
    )
    found: dict[str, list[Happening]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(_happening(row))
    return found


def _happening(row: asyncpg.Record) -> Happening:
    return Happening(row["kind"], row["points"], row["change"], row["waiting"], row["by_member_id"], row["facts"])


async def last_places(connection: Connection, holders: Mapping[str, str]) -> dict[str, str]:
    """The place (location id) at which each member (id -> whose account they use) last did something there; members
    who were nowhere are missing."""
    rows = await connection.fetch(_LAST_PLACES, list(holders.values()), list(holders))
    return {row["member_id"]: row["location_id"] for row in rows}
