"""Leaderboards: who did most in a period, among members who opted in under a pseudonym.

Scores are sums of the counters that the ledger keeps with each account; of equals the one who reached the score earlier
leads, as the entries show. A period that is over is closed once and stored, and nothing changes it afterwards. Members
of a household share one score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, Invalid
from points.answers import UnknownMember
from points.engagement.ports import NotOffered, Programmes
from points.programme.periods import day_ends, first_of, last_of, name_of
from points.programme.schema.engagement import Leaderboard
from points.programme.version import InForce, Version

TIE_RULE = "earliest_reached"
LONGEST_PSEUDONYM = 30
# Sales of the last evening that a till sends late still count.
CLOSES_AFTER = timedelta(hours=24)
MOST_PERIODS = 60
MOST_PLAYERS = 5000

_FAR = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)

_SCORES = """
SELECT player.member_id, player.pseudonym, account.member_id AS owner_id, coalesce((
    SELECT sum(sums.value::bigint) FROM jsonb_each(account.standing->'counts') AS counter (name, days),
    jsonb_each_text(counter.days) AS sums (day, value)
    WHERE (counter.name = $3 OR ($3 = 'items' AND starts_with(counter.name, 'items/')))
    AND sums.day::bigint BETWEEN $4 AND $5
), 0)::bigint AS score
FROM board_player player JOIN account own ON own.id = player.member_id || '/spendable'
JOIN account ON account.id = coalesce(own.pool_id, own.member_id) || '/spendable'
WHERE player.programme = $1 AND player.board = $2
ORDER BY score DESC, player.member_id LIMIT $6
"""

_STEPS = """
SELECT journal.member_id AS owner_id, journal.occurred_at, journal.seq, sum(sums.value::bigint)::bigint AS change
FROM journal, jsonb_each(facts->'change'->'counts') AS counter (name, days),
jsonb_each_text(counter.days) AS sums (day, value)
WHERE journal.member_id = ANY($1::text[])
AND (counter.name = $2 OR ($2 = 'items' AND starts_with(counter.name, 'items/')))
AND sums.day::bigint BETWEEN $3 AND $4
GROUP BY journal.member_id, journal.occurred_at, journal.seq
"""


class PseudonymTaken(Conflict):
    """Another member plays under this name on this board."""

    code = "pseudonym_taken"
    title = "The pseudonym is taken"


class BadPseudonym(Invalid):
    """A pseudonym that cannot be shown, or that is the member's own name."""

    code = "bad_pseudonym"
    title = "The pseudonym cannot be used"


@dataclass(frozen=True, slots=True)
class Player:
    """Someone on a board with a score above 0; `reached` is when (moment, number of the entry) it was reached."""

    member_id: str
    pseudonym: str
    score: int
    reached: tuple[datetime, int] = _FAR


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a board, from 1."""

    place: int
    pseudonym: str
    score: int
    reached_at: datetime | None
    member_id: str


@dataclass(frozen=True, slots=True)
class Board:
    """A board's places for a period: those of now, or for ever when it is closed."""

    board: str
    period: str
    closes_at: datetime
    closed_at: datetime | None
    tie_rule: str
    places: tuple[Place, ...]


def reached(steps: Sequence[tuple[datetime, int, int]], score: int) -> tuple[datetime, int]:
    """When the running sum of steps (moment, number, change) first came to `score`. Pure."""
    total = 0
    for moment, number, change in sorted(steps):
        total += change
        if total >= score:
            return moment, number
    return _FAR


def ranked(players: Sequence[Player], places: int) -> tuple[Place, ...]:
    """The first `places` of the players: most first, of equals the one who reached it earlier. Pure."""
    order = sorted((p for p in players if p.score > 0), key=lambda p: (-p.score, p.reached, p.pseudonym))
    return tuple(
        Place(number, p.pseudonym, p.score, None if p.reached == _FAR else p.reached[0], p.member_id)
        for number, p in enumerate(order[:places], start=1)
    )


def board_of(in_force: InForce, board_id: str) -> Leaderboard:
    """The board by that name. Raises NotOffered."""
    for board in in_force.version.programme.engagement.leaderboards:
        if board.id == board_id:
            return board
    raise NotOffered(f"The programme has no leaderboard '{board_id}'.")


async def opt_in(
    unit: Unit, clock: Clock, in_force: InForce, partner_id: str, board_id: str, member_id: str, pseudonym: str
) -> None:
    """The member plays under this pseudonym from now on. Raises UnknownMember, BadPseudonym, PseudonymTaken."""
    board = board_of(in_force, board_id)
    name: str | None = await unit.connection.fetchval(
        "SELECT coalesce(profile.name, '') FROM member LEFT JOIN profile ON profile.member_id = member.id"
        " WHERE member.id = $1",
        member_id,
    )
    if name is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    shown = pseudonym.strip()
    if not 0 < len(shown) <= LONGEST_PSEUDONYM or not shown.isprintable():
        raise BadPseudonym(f"A pseudonym has 1 to {LONGEST_PSEUDONYM} printable characters.")
    if name and shown.casefold() == name.strip().casefold():
        raise BadPseudonym("Choose a name that is not your own.")
    try:
        async with unit.connection.transaction():
            await unit.connection.execute(
                "INSERT INTO board_player (programme, board, member_id, pseudonym, partner_id, since)"
                " VALUES ($1, $2, $3, $4, $5, $6)"
                " ON CONFLICT (programme, board, member_id) DO UPDATE SET pseudonym = excluded.pseudonym",
                in_force.version.programme.programme,
                board.id,
                member_id,
                shown,
                partner_id,
                clock.now(),
            )
    except asyncpg.UniqueViolationError:
        raise PseudonymTaken("Another member plays under this name.") from None


async def opt_out(unit: Unit, in_force: InForce, board_id: str, member_id: str) -> None:
    """The member is not on the board any more; places on closed boards stay."""
    programme = in_force.version.programme.programme
    await unit.connection.execute(
        "DELETE FROM board_player WHERE programme = $1 AND board = $2 AND member_id = $3",
        programme,
        board_id,
        member_id,
    )


async def standings(
    connection: Connection, in_force: InForce, board_id: str, now: datetime, period: str | None = None
) -> Board:
    """The board of the present period, or of a closed one by its name. Raises NotOffered."""
    board, version = board_of(in_force, board_id), in_force.version
    today = version.day(now)
    if period is not None and period != name_of(today, board.per):
        return await _closed(connection, version, board, period)
    places = await _places(connection, version, board, today)
    return Board(board.id, name_of(today, board.per), _closes_at(version, board, today), None, TIE_RULE, places)


async def run_due(db: Database, programmes: Programmes, clock: Clock) -> None:
    """Close the periods that are over."""
    now = clock.now()
    async with db.read() as read:
        played = await read.connection.fetch(
            "SELECT programme, board, min(partner_id) AS partner_id, min(since) AS since FROM board_player"
            " GROUP BY programme, board ORDER BY programme, board"
        )
    for row in played:
        in_force = await programmes.in_force(row["partner_id"], now)
        content = in_force.version.programme
        board = next((b for b in content.engagement.leaderboards if b.id == row["board"]), None)
        if board is None or content.programme != row["programme"]:
            continue
        for day in _ended(in_force.version, board, row["since"], now):
            async with db.unit() as unit:
                await _close(unit, in_force.version, board, day, now)


def _ended(version: Version, board: Leaderboard, since: datetime, now: datetime) -> list[date]:
    """A day in each period since the first player came that is over, oldest first, the last MOST_PERIODS."""
    found: list[date] = []
    day = first_of(version.day(now), board.per) - timedelta(days=1)
    while day >= version.day(since) and len(found) < MOST_PERIODS:
        if _closes_at(version, board, day) <= now:
            found.append(day)
        day = first_of(day, board.per) - timedelta(days=1)
    return found[::-1]


def _closes_at(version: Version, board: Leaderboard, day: date) -> datetime:
    return day_ends(last_of(day, board.per), version.zone, version.day_starts) + CLOSES_AFTER


async def _close(unit: Unit, version: Version, board: Leaderboard, day: date, now: datetime) -> None:
    """Whoever writes the row of the period writes its places; another waits here and then has nothing to do."""
    key = (version.programme.programme, board.id, name_of(day, board.per))
    first = await unit.connection.execute(
        "INSERT INTO board_closed (programme, board, period, tie_rule, closed_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        *key,
        TIE_RULE,
        now,
    )
    if first != "INSERT 0 1":
        return
    await unit.connection.executemany(
        "INSERT INTO board_place (programme, board, period, place, member_id, pseudonym, score, reached_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (*key, p.place, p.member_id, p.pseudonym, p.score, p.reached_at)
            for p in await _places(unit.connection, version, board, day)
        ],
    )


async def _places(connection: Connection, version: Version, board: Leaderboard, day: date) -> tuple[Place, ...]:
    first, last = first_of(day, board.per).toordinal(), last_of(day, board.per).toordinal()
    rows = await connection.fetch(_SCORES, version.programme.programme, board.id, board.of, first, last, MOST_PLAYERS)
    players = [Player(row["member_id"], row["pseudonym"], row["score"]) for row in rows]
    owners = {row["member_id"]: row["owner_id"] for row in rows}
    near = _in_question(players, board.places)
    steps: dict[str, list[tuple[datetime, int, int]]] = {}
    for row in await connection.fetch(_STEPS, [owners[p.member_id] for p in near], board.of, first, last):
        steps.setdefault(row["owner_id"], []).append((row["occurred_at"], row["seq"], row["change"]))
    return ranked([_with_moment(p, owners, steps) for p in near], board.places)


def _with_moment(
    player: Player, owners: Mapping[str, str], steps: Mapping[str, Sequence[tuple[datetime, int, int]]]
) -> Player:
    return replace(player, reached=reached(steps.get(owners[player.member_id], ()), player.score))


def _in_question(players: Sequence[Player], places: int) -> list[Player]:
    """Those who may have one of the places: whole groups of equals until the places are full."""
    found: list[Player] = []
    for score, group in groupby(players, key=lambda p: p.score):
        if len(found) >= places or score <= 0:
            break
        found += group
    return found


async def _closed(connection: Connection, version: Version, board: Leaderboard, period: str) -> Board:
    key = (version.programme.programme, board.id, period)
    closed = await connection.fetchrow(
        "SELECT tie_rule, closed_at FROM board_closed WHERE programme = $1 AND board = $2 AND period = $3", *key
    )
    if closed is None:
        raise NotOffered(f"There is no closed board for '{period}'.")
    rows = await connection.fetch(
        "SELECT place, pseudonym, score, reached_at, member_id FROM board_place"
        " WHERE programme = $1 AND board = $2 AND period = $3 ORDER BY place",
        *key,
    )
    places = tuple(Place(**row) for row in rows)
    return Board(board.id, period, closed["closed_at"], closed["closed_at"], closed["tie_rule"], places)
