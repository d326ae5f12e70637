"""Members bring friends: both are rewarded after the friend's first purchase that qualifies, and a hold.

A friend is bound once, before their first purchase. The first purchase that reaches the minimum basket starts the hold;
when it is over, what is left of that purchase decides: both are rewarded, or, if it was returned, nobody, for good. The
most friends per period are counted by the day on which the hold is over. Everything is read from the ledger as it was
at that moment, so it does not matter when or how often this is looked at.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.ids import new_code
from kernel.money import decimals
from points.answers import UnknownMember
from points.engagement import promises
from points.engagement.ports import Asks, Programmes
from points.engagement.promises import Promise, promise
from points.engagement.standings import lock_accounts
from points.programme.periods import moment_after, name_of, span
from points.programme.schema.engagement import Gain, Referral
from points.programme.schema.programme import Programme
from points.programme.version import InForce

AT_ONCE = 500
CODE_LENGTH = 8

_PURCHASE = "kind = 'earn' AND amount_minor > 0 AND coalesce(facts->'event'->>'name', 'purchase') = 'purchase'"

# The next purchase of each bound friend that was not looked at yet; entries of one member are numbered in order.
_UNSEEN = f"""
SELECT referral.friend_id, bought.* FROM referral
JOIN account ON account.id = referral.friend_id || '/spendable'
CROSS JOIN LATERAL (
    SELECT id, seq, partner_id, amount_minor, currency, occurred_at, recorded_at FROM journal
    WHERE member_id IN (referral.friend_id, account.pool_id)
    AND coalesce(by_member_id, member_id) = referral.friend_id
    AND {_PURCHASE} AND seq > referral.seen_seq
    ORDER BY seq LIMIT 1
) bought
WHERE referral.state = 'bound' ORDER BY bought.seq LIMIT {AT_ONCE}
"""

# What was left of the qualifying purchase when its hold was over.
_DUE = f"""
SELECT referral.*, journal.amount_minor - (
    SELECT coalesce(sum(abs(back.amount_minor)), 0) FROM journal back
    WHERE back.reverses_id = journal.id AND back.recorded_at < referral.due_at
)::bigint AS left_minor
FROM referral JOIN journal ON journal.id = referral.journal_id
WHERE referral.state = 'waiting' AND referral.due_at <= $1 ORDER BY referral.due_at, referral.friend_id LIMIT {AT_ONCE}
"""


class CodeUnknown(NotFound):
    """No member has this referral code."""

    code = "referral_code_unknown"
    title = "No such referral code"


class OwnCode(Forbidden):
    """Members cannot refer themselves, their household, or whoever referred them."""

    code = "self_referral"
    title = "This would be a referral of oneself"


class AlreadyReferred(Conflict):
    """The friend is bound to another member."""

    code = "already_referred"
    title = "The friend was referred by somebody else"


class NotNew(Conflict):
    """The friend has bought before."""

    code = "friend_not_new"
    title = "The friend has bought before"


@dataclass(frozen=True, slots=True)
class Friend:
    """How far it is with a friend: `decided_by` is when the hold is over, `reason` why there is no reward."""

    state: str
    bound_at: datetime
    decided_by: datetime | None
    reason: str | None


async def code_of(unit: Unit, clock: Clock, member_id: str) -> str:
    """The member's code, made at the first asking. Raises UnknownMember."""
    code: str | None = await unit.connection.fetchval(
        "INSERT INTO referral_code (member_id, code, created_at) SELECT id, $2, $3 FROM member WHERE id = $1"
        " ON CONFLICT (member_id) DO UPDATE SET member_id = excluded.member_id RETURNING code",
        member_id,
        new_code(CODE_LENGTH),
        clock.now(),
    )
    if code is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return code


async def bind(unit: Unit, clock: Clock, friend_id: str, code: str) -> str:
    """Bind a friend to the member whose code they give; the member's id. The same again is no error.

    Raises UnknownMember, CodeUnknown, OwnCode, AlreadyReferred, NotNew.
    """
    connection = unit.connection
    referrer: str | None = await connection.fetchval(
        "SELECT member_id FROM referral_code WHERE code = $1", code.strip().upper()
    )
    if referrer is None:
        raise CodeUnknown("No member has this referral code.")
    if friend_id not in await lock_accounts(connection, [friend_id, referrer]):
        raise UnknownMember(f"There is no member '{friend_id}'.")
    known: str | None = await connection.fetchval("SELECT referrer_id FROM referral WHERE friend_id = $1", friend_id)
    if known == referrer:
        return referrer
    if known is not None:
        raise AlreadyReferred("The friend was referred by somebody else.")
    await _check(connection, friend_id, referrer)
    await connection.execute(
        "INSERT INTO referral (friend_id, referrer_id, state, bound_at) VALUES ($1, $2, 'bound', $3)",
        friend_id,
        referrer,
        clock.now(),
    )
    return referrer


async def friends_of(connection: Connection, member_id: str) -> list[Friend]:
    """The newest 200 friends that a member brought, unnamed."""
    rows = await connection.fetch(
        "SELECT state, bound_at, due_at AS decided_by, reason FROM referral WHERE referrer_id = $1"
        " ORDER BY bound_at DESC, friend_id LIMIT 200",
        member_id,
    )
    return [Friend(**row) for row in rows]


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Start the holds of new purchases, decide what is due, and give what was decided."""
    while await _qualify(db, programmes):
        pass
    while True:
        looked, keys = await _decide(db, programmes, clock.now())
        await promises.keep(db, teller, programmes, clock, keys)
        if looked < AT_ONCE:
            return


def qualifies(amount_minor: int, rules: Referral, programme: Programme) -> bool:
    """Whether a purchase (or what is left of it) of so many minor units counts."""
    minimum = rules.minimum_basket or 0
    return amount_minor > 0 and amount_minor >= minimum * 10 ** decimals(programme.currency)


async def _check(connection: Connection, friend_id: str, referrer: str) -> None:
    if friend_id == referrer:
        raise OwnCode("This is the member's own code.")
    together = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM account a JOIN account b ON a.pool_id = b.pool_id"
        " WHERE a.id = $1 || '/spendable' AND b.id = $2 || '/spendable')"
        " OR EXISTS (SELECT 1 FROM referral WHERE friend_id = $2 AND referrer_id = $1)",
        friend_id,
        referrer,
    )
    if together:
        raise OwnCode("The two share a household, or the friend referred this member.")
    bought = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM journal WHERE coalesce(by_member_id, member_id) = $1 AND member_id IN"
        f" (SELECT unnest(ARRAY[member_id, pool_id]) FROM account WHERE id = $1 || '/spendable') AND {_PURCHASE})",
        friend_id,
    )
    if bought:
        raise NotNew("The friend has bought before.")


async def _qualify(db: Database, programmes: Programmes) -> int:
    """Look at each bound friend's next purchase; how many were looked at."""
    async with db.read() as read:
        bought = await read.connection.fetch(_UNSEEN)
    for row in bought:
        in_force = await programmes.in_force(row["partner_id"], row["occurred_at"])
        rules = in_force.version.programme.engagement.referral
        if rules is not None and qualifies(row["amount_minor"], rules, in_force.version.programme):
            await _hold(db, row, in_force, rules)
        else:
            async with db.unit() as unit:
                await unit.connection.execute(
                    "UPDATE referral SET seen_seq = $2 WHERE friend_id = $1 AND state = 'bound' AND seen_seq < $2",
                    row["friend_id"],
                    row["seq"],
                )
    return len(bought)


async def _hold(db: Database, row: asyncpg.Record, in_force: InForce, rules: Referral) -> None:
    """The hold runs from when the purchase reached the ledger: a sale with an earlier date does not shorten it."""
    version = in_force.version
    due_at = moment_after(row["recorded_at"], span(rules.hold), version.zone)
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE referral SET state = 'waiting', seen_seq = $2, journal_id = $3, partner_id = $4, programme = $5,"
            " period = $6, qualified_at = $7, due_at = $8 WHERE friend_id = $1 AND state = 'bound'",
            row["friend_id"],
            row["seq"],
            row["id"],
            row["partner_id"],
            version.programme.programme,
            name_of(version.day(due_at), rules.per),
            row["occurred_at"],
            due_at,
        )


async def _decide(db: Database, programmes: Programmes, now: datetime) -> tuple[int, list[str]]:
    """Decide what is due: how many that were, and the keys of what was promised."""
    async with db.read() as read:
        due = await read.connection.fetch(_DUE, now)
    keys: list[str] = []
    for row in due:
        in_force = await programmes.in_force(row["partner_id"], row["qualified_at"])
        rules = in_force.version.programme.engagement.referral
        async with db.unit() as unit:
            made = await _decide_one(unit, row, in_force, rules, now)
        keys += made
    return len(due), keys


async def _decide_one(
    unit: Unit, row: asyncpg.Record, in_force: InForce, rules: Referral | None, now: datetime
) -> list[str]:
    connection = unit.connection
    # The referrer's row is the lock under which their friends are counted.
    await connection.execute("SELECT 1 FROM referral_code WHERE member_id = $1 FOR UPDATE", row["referrer_id"])
    reason = await _refusal(connection, row, in_force, rules)
    done = await connection.execute(
        "UPDATE referral SET state = $2, reason = $3, decided_at = $4 WHERE friend_id = $1 AND state = 'waiting'",
        row["friend_id"],
        "refused" if reason else "paid",
        reason,
        now,
    )
    if reason or rules is None or done != "UPDATE 1":
        return []
    sides = (("referrer", row["referrer_id"], rules.referrer), ("friend", row["friend_id"], rules.friend))
    made = [
        Promise(
            key=f"referral/{row['friend_id']}/{side}",
            member_id=member_id,
            partner_id=row["partner_id"],
            at=row["due_at"],
            gain=Gain(points=points),
            reason=f"referral_{side}",
            about=row["journal_id"],
        )
        for side, member_id, points in sides
    ]
    await promise(connection, now, made)
    return [p.key for p in made]


async def _refusal(
    connection: Connection, row: asyncpg.Record, in_force: InForce, rules: Referral | None
) -> str | None:
    if rules is None or not qualifies(row["left_minor"], rules, in_force.version.programme):
        return "returned"
    paid = await connection.fetchval(
        "SELECT count(*) FROM referral WHERE referrer_id = $1 AND programme = $2 AND period = $3 AND state = 'paid'",
        row["referrer_id"],
        row["programme"],
        row["period"],
    )
    return "too_many_friends" if paid >= rules.max_friends else None
