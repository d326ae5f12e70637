"""Bringing the ledger's standing to what the records here say: consents, memberships, offers.

The records are the truth. A mark sets the standing to what they say, and is asked again until both agree, so that two
changes at once or a crash between record and mark leave nothing stale. A household's standing has the consents that all
its members gave and the memberships and offers that any of them has.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Unavailable
from kernel.ids import new_id
from points.commands import INTERNAL, Mark
from points.engagement.ports import Asks, home_of
from points.engagement.standings import known, known_of
from points.programme.standing import Change, Standing

TRIES = 8
AT_ONCE = 500

_SHARING = """
SELECT member_id FROM account WHERE (pool_id = $1 OR (member_id = $1 AND pool_id IS NULL))
AND id = member_id || '/spendable' AND EXISTS (SELECT 1 FROM member WHERE member.id = account.member_id)
"""

_CONSENTS = "SELECT DISTINCT ON (member_id, kind) member_id, kind, given FROM consent WHERE member_id = ANY($1::text[])"
_OFFERS = 'SELECT DISTINCT ON (member_id, offer) offer, "on" FROM offer_switch WHERE member_id = ANY($1::text[])'
_MEMBERSHIPS = """
SELECT DISTINCT ON (member_id, name) name, valid_from, valid_until FROM membership WHERE member_id = ANY($1::text[])
"""

# Members whose records changed of late, for the job that looks whether the ledger agrees.
_CHANGED = """
SELECT member_id FROM consent WHERE recorded_at >= $1 AND member_id > $2
UNION SELECT member_id FROM membership WHERE recorded_at >= $1 AND member_id > $2
UNION SELECT member_id FROM offer_switch WHERE recorded_at >= $1 AND member_id > $2
ORDER BY member_id LIMIT $3
"""


async def agree(db: Database, teller: Asks, clock: Clock, member_id: str, reason: str) -> None:
    """Bring the standing of the member's account to what the records say. Raises UnknownMember, Unavailable."""
    for _ in range(TRIES):
        async with db.read() as read:
            change = await difference(read.connection, member_id)
            partner_id = await home_of(read.connection, member_id)
        if change is None:
            return
        key = new_id("mrk")
        await teller.ask(
            Mark(
                partner_id=partner_id,
                key=key,
                key_owner=INTERNAL,
                fingerprint=hashlib.sha256(key.encode()).digest(),
                occurred_at=clock.now(),
                member_id=member_id,
                change=change,
                reason=reason,
            )
        )
    raise Unavailable("The member's records keep changing; try again.", retry_after_s=1.0)


async def difference(connection: Connection, member_id: str) -> Change | None:
    """What the standing lacks to agree with the records; None when it agrees. Raises UnknownMember."""
    account = await known_of(connection, member_id)
    rows = await connection.fetch(_SHARING, account.owner_id)
    members = sorted({row["member_id"] for row in rows} | {member_id})
    return _between(
        account.standing,
        await _consents(connection, members),
        await _memberships(connection, members),
        await _offers(connection, members),
    )


async def run_due(db: Database, teller: Asks, clock: Clock, since: datetime) -> None:
    """Look at members whose records changed `since`, and mark those whose standing does not agree."""
    after = ""
    while True:
        async with db.read() as read:
            rows = await read.connection.fetch(_CHANGED, since, after, AT_ONCE)
            known_here = await known(read.connection, [row["member_id"] for row in rows])
        for member_id in sorted(known_here):
            try:
                await agree(db, teller, clock, member_id, "records")
            except Unavailable:
                return
            except CommonpointError:
                continue  # a frozen account is marked when its records change again
        if len(rows) < AT_ONCE:
            return
        after = rows[-1]["member_id"]


def _between(
    standing: Standing, consents: list[str], memberships: dict[str, tuple[int, int | None]], offers: list[str]
) -> Change | None:
    changed = {name: when for name, when in memberships.items() if standing.memberships.get(name) != when}
    change = Change(
        consents=consents if sorted(standing.consents) != consents else None,
        offers=offers if sorted(standing.offers) != offers else None,
        memberships=changed,
    )
    return None if change == Change() else change


async def _consents(connection: Connection, members: Sequence[str]) -> list[str]:
    rows = await connection.fetch(f"{_CONSENTS} ORDER BY member_id, kind, id DESC", members)
    given = [row["kind"] for row in rows if row["given"]]
    return sorted({kind for kind in given if given.count(kind) == len(members)})


async def _memberships(connection: Connection, members: Sequence[str]) -> dict[str, tuple[int, int | None]]:
    """Each name with its span in whole seconds; of several members the one that lasts longest."""
    found: dict[str, tuple[int, int | None]] = {}
    for row in await connection.fetch(f"{_MEMBERSHIPS} ORDER BY member_id, name, id DESC", members):
        until = row["valid_until"]
        span = int(row["valid_from"].timestamp()), None if until is None else int(until.timestamp())
        if row["name"] not in found or _lasts(span) > _lasts(found[row["name"]]):
            found[row["name"]] = span
    return found


async def _offers(connection: Connection, members: Sequence[str]) -> list[str]:
    rows = await connection.fetch(f"{_OFFERS} ORDER BY member_id, offer, id DESC", members)
    return sorted({row["offer"] for row in rows if row["on"]})


def _lasts(span: tuple[int, int | None]) -> tuple[bool, int, int]:
    return span[1] is None, span[1] or 0, -span[0]
