"""Birthdays and anniversaries: once a year, by the programme of the partner at which the member joined.

The date of birth is personal and kept here, apart from the ledger. What was given is known by a key of member and year,
so that neither a changed date nor a second run of the day's work gives it again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg
import msgspec

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, Invalid, NotFound
from points.engagement import promises
from points.engagement.ports import Asks, NotOffered, Programmes
from points.engagement.promises import Promise, promise
from points.engagement.standings import Known, known, known_of, lock_accounts
from points.programme.periods import span
from points.programme.reward_eligibility import Claimant, who_refusals
from points.programme.schema.engagement import Choice, Gain, Yearly
from points.programme.segments import segments_of
from points.programme.standing import Award
from points.programme.tiers import tier_of
from points.programme.version import InForce, Version
from points.programme.yearly import YearlyDue, anniversary_due, birthday_due

AT_ONCE = 500
MOST_CHANGES = 3
EARLIEST_YEAR = 1900
_NOTHING = Gain()

# Members of a partner whose day (month * 100 + day of month) is one of those given.
_BORN = """
SELECT member.id, birthday.month, birthday.day, birthday.given_at, member.joined_at
FROM birthday JOIN member ON member.id = birthday.member_id
WHERE birthday.month * 100 + birthday.day = ANY($2::int[]) AND member.partner_id = $1 AND member.id > $3
ORDER BY member.id LIMIT $4
"""

_JOINED = """
SELECT member.id, NULL::int AS month, NULL::int AS day, NULL::timestamptz AS given_at, member.joined_at
FROM member WHERE partner_id = $1 AND id > $3
AND (extract(month FROM joined_at AT TIME ZONE $5) * 100 + extract(day FROM joined_at AT TIME ZONE $5))::int
    = ANY($2::int[])
ORDER BY id LIMIT $4
"""


class BirthdayUnknown(NotFound):
    """The member has not said when they were born."""

    code = "birthday_unknown"
    title = "No birthday is known"


class BadBirthday(Invalid):
    """A date that does not exist or cannot be a birthday."""

    code = "bad_birthday"
    title = "This is no birthday"


class BirthdayChangedOften(Conflict):
    """The date was changed as often as it may be."""

    code = "birthday_changed_often"
    title = "The birthday was changed too often"


class NothingToChoose(Conflict):
    """It is not the member's time of the year, or this year's choice was made."""

    code = "nothing_to_choose"
    title = "There is nothing to choose now"


@dataclass(frozen=True, slots=True)
class Birthday:
    """A member's birthday as given; `year` is optional."""

    month: int
    day: int
    year: int | None
    given_at: datetime
    changes: int


async def give(unit: Unit, clock: Clock, member_id: str, month: int, day: int, year: int | None) -> Birthday:
    """The member says when they were born; the same again changes nothing, another date counts as new.

    Raises UnknownMember, BadBirthday, BirthdayChangedOften.
    """
    now = clock.now()
    _check(month, day, year, now)
    connection = unit.connection
    await known_of(connection, member_id)
    await lock_accounts(connection, [member_id])
    before = await birthday(connection, member_id)
    if before is not None and (before.month, before.day) == (month, day):
        await connection.execute("UPDATE birthday SET year = $2 WHERE member_id = $1", member_id, year)
        return Birthday(month, day, year, before.given_at, before.changes)
    if before is not None and before.changes >= MOST_CHANGES:
        raise BirthdayChangedOften(f"A birthday may be changed {MOST_CHANGES} times.", most=MOST_CHANGES)
    changes = 0 if before is None else before.changes + 1
    await connection.execute(
        "INSERT INTO birthday (member_id, month, day, year, given_at, changes) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (member_id) DO UPDATE SET month = excluded.month, day = excluded.day, year = excluded.year,"
        " given_at = excluded.given_at, changes = excluded.changes",
        member_id,
        month,
        day,
        year,
        now,
        changes,
    )
    return Birthday(month, day, year, now, changes)


async def birthday(connection: Connection, member_id: str) -> Birthday | None:
    """What a member said, if anything."""
    row = await connection.fetchrow(
        "SELECT month, day, year, given_at, changes FROM birthday WHERE member_id = $1", member_id
    )
    return Birthday(**row) if row else None


async def forget(unit: Unit, member_id: str) -> None:
    """The date is gone; a date given later counts as new. What was given for it stays given."""
    await unit.connection.execute("DELETE FROM birthday WHERE member_id = $1", member_id)


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Give what is due today for birthdays and anniversaries."""
    now = clock.now()
    for partner_id in await programmes.partners():
        in_force = await programmes.in_force(partner_id, now)
        engagement = in_force.version.programme.engagement
        zone = in_force.version.programme.zone
        for rule, sql, more in ((engagement.birthday, _BORN, ()), (engagement.anniversary, _JOINED, (zone,))):
            if rule is not None:
                days = _days_around(rule, in_force.version.day(now))
                await _give_all(db, teller, programmes, clock, partner_id, in_force, (sql, days, more))


async def choices(connection: Connection, in_force: InForce, member_id: str, now: datetime) -> list[Choice]:
    """What the member may choose from now, for their birthday; nothing outside its time. Raises UnknownMember."""
    due = await _birthday_due(connection, in_force.version, member_id, now)
    if due is None:
        return []
    version, account = in_force.version, await known_of(connection, member_id)
    claimant = _claimant(version, account, member_id, now)
    return [choice for choice in due.choices if not any(who_refusals(version, choice.when, claimant))]


async def choose(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    in_force: InForce,
    partner_id: str,
    member_id: str,
    choice_id: str,
) -> None:
    """Give what the member chose, which closes the other choices of this year. Raises NothingToChoose, NotOffered."""
    now = clock.now()
    async with db.unit() as unit:
        await known_of(unit.connection, member_id)
        await lock_accounts(unit.connection, [member_id])
        due = await _birthday_due(unit.connection, in_force.version, member_id, now)
        if due is None or not due.choices:
            raise NothingToChoose("There is nothing to choose now.")
        offered = await choices(unit.connection, in_force, member_id, now)
        chosen = next((choice for choice in offered if choice.id == choice_id), None)
        if chosen is None:
            raise NotOffered(f"'{choice_id}' is not among the choices of this member.")
        made = _promise(due, member_id, partner_id, now, chosen.gain)
        await promise(unit.connection, now, [made])
    await promises.keep(db, teller, programmes, clock, [made.key])


async def _give_all(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    partner_id: str,
    in_force: InForce,
    work: tuple[str, list[int], tuple[str, ...]],
) -> None:
    sql, days, more = work
    now, after = clock.now(), ""
    while True:
        async with db.unit() as unit:
            rows = await unit.connection.fetch(sql, partner_id, days, after, AT_ONCE, *more)
            made = await _due_of(unit.connection, in_force.version, rows, partner_id, now)
            await promise(unit.connection, now, made)
        await promises.keep(db, teller, programmes, clock, [one.key for one in made])
        if len(rows) < AT_ONCE:
            return
        after = rows[-1]["id"]


async def _due_of(
    connection: Connection, version: Version, rows: Collection[asyncpg.Record], partner_id: str, now: datetime
) -> list[Promise]:
    members = [row["id"] for row in rows]
    accounts = await known(connection, members)
    kind = "birthday" if any(row["month"] for row in rows) else "anniversary"
    given = await _given(connection, members, kind)
    found: list[Promise] = []
    for row in rows:
        account = accounts.get(row["id"])
        due = account and _due(version, account, row, given.get(row["id"], ()), now)
        # With choices, what nobody chose is given when their time is nearly over.
        if due and due.gain != _NOTHING and (not due.choices or version.day(now) >= due.closes):
            found.append(_promise(due, row["id"], partner_id, now, due.gain))
    return found


async def _birthday_due(connection: Connection, version: Version, member_id: str, now: datetime) -> YearlyDue | None:
    row = await connection.fetchrow(
        "SELECT month, day, given_at, joined_at FROM birthday JOIN member ON member.id = member_id"
        " WHERE member_id = $1",
        member_id,
    )
    if row is None:
        return None
    given = await _given(connection, [member_id], "birthday")
    return _due(version, await known_of(connection, member_id), row, given.get(member_id, ()), now)


def _due(
    version: Version, account: Known, row: asyncpg.Record, given: Collection[str], now: datetime
) -> YearlyDue | None:
    """What is due to one member. The years already given are their own, not those of others in their household."""
    today = version.day(now)
    tier = tier_of(version, account.standing, today)
    kind = "birthday" if row["month"] else "anniversary"
    standing = msgspec.structs.replace(
        account.standing,
        joined=version.day(row["joined_at"]).toordinal(),
        awards={kind: [Award(period=year, day=0) for year in given]},
    )
    if row["month"]:
        return birthday_due(version, standing, (row["month"], row["day"]), version.day(row["given_at"]), tier, today)
    return anniversary_due(version, standing, tier, today)


async def _given(connection: Connection, members: Collection[str], kind: str) -> dict[str, list[str]]:
    """The years for which each member's day was given."""
    rows = await connection.fetch(
        "SELECT member_id, period FROM promise WHERE member_id = ANY($1::text[]) AND award = $2", list(members), kind
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["member_id"], []).append(row["period"])
    return found


def _promise(due: YearlyDue, member_id: str, partner_id: str, now: datetime, gain: Gain) -> Promise:
    return Promise(
        key=f"{due.kind}/{member_id}/{due.year}",
        member_id=member_id,
        partner_id=partner_id,
        at=now,
        gain=gain,
        reason=due.kind,
        about=str(due.year),
        award=(due.kind, str(due.year)),
        last_day=due.closes,
    )


def _claimant(version: Version, account: Known, member_id: str, now: datetime) -> Claimant:
    today, standing = version.day(now), account.standing
    segments = segments_of(
        version, standing, day=today, joined=standing.joined, balance=account.balance, member_id=member_id
    )
    return Claimant(
        at=now,
        standing=standing,
        spendable=account.balance,
        tier=tier_of(version, standing, today),
        segments=segments,
    )


def _days_around(rule: Yearly, today: date) -> list[int]:
    """The days (month * 100 + day) whose window may hold today; 29 February counts with the days beside it."""
    back = max(span(valid).upper_days for valid in (rule.valid, *rule.valid_by_tier.values())) + 1
    ahead = span(rule.before).upper_days + 1
    days = [today + timedelta(days=n) for n in range(-min(back, 366), min(ahead, 366) + 1)]
    found = {day.month * 100 + day.day for day in days}
    return sorted(found | {229} if found & {228, 301} else found)


def _check(month: int, day: int, year: int | None, now: datetime) -> None:
    try:
        # A leap year where none was given: 29 February is a birthday.
        born = date(2000 if year is None else year, month, day)
    except ValueError:
        raise BadBirthday("There is no such day.", field="day") from None
    if year is not None and not (date(EARLIEST_YEAR, 1, 1) <= born <= now.date()):
        raise BadBirthday(f"The year must be from {EARLIEST_YEAR} to now.", field="year")
