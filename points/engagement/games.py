"""Chance games: published odds, prizes with stock, a cost in points, and a draw that can be repeated.

A play is numbered within its commitment, and its number is what is drawn: neither the member nor the operator can look
for a lucky one. A prize that is out of stock gives nothing in its place, and the record says so.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import CommonpointError, Conflict, Unavailable
from kernel.ids import new_id
from points.commands import INTERNAL, Redeem
from points.engagement import promises
from points.engagement.commitments import current
from points.engagement.draws import draw, pick
from points.engagement.ports import Asks, NotOffered, Programmes
from points.engagement.promises import Promise, promise
from points.engagement.standings import known_of, lock_accounts
from points.programme.periods import name_of
from points.programme.schema.engagement import Game
from points.programme.version import InForce

OUT_OF_STOCK = "out_of_stock"
ABANDONED_AFTER = timedelta(minutes=1)


class PlayedEnough(Conflict):
    """The member has played as often as the game allows in this period."""

    code = "played_enough"
    title = "No more plays in this period"


class PlayRefused(Conflict):
    """The play was refused before, as its cost could not be paid; a new play needs a new key."""

    code = "play_refused"
    title = "The play was refused"


@dataclass(frozen=True, slots=True)
class Played:
    """A play that was drawn: `prize` is what was won, if anything; `subject` is its number under the commitment."""

    id: str
    game: str
    cost: int
    prize: str | None
    commitment_id: str
    subject: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Odds:
    """A prize with its odds, how many there are (None: enough), and how many were won."""

    prize: str
    odds: Fraction
    stock: int | None
    won: int


def game_of(in_force: InForce, game_id: str) -> Game:
    """The game by that name. Raises NotOffered."""
    for game in in_force.version.programme.engagement.games:
        if game.id == game_id:
            return game
    raise NotOffered(f"The programme has no game '{game_id}'.")


async def play(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    partner_id: str,
    member_id: str,
    game_id: str,
    key: str,
) -> Played:
    """One go at a game at a partner; the same key is the same go.

    Raises UnknownMember, NotOffered, PlayedEnough, PlayRefused, and what the ledger says to the cost.
    """
    now = clock.now()
    in_force = await programmes.in_force(partner_id, now)
    game = game_of(in_force, game_id)
    async with db.unit() as unit:
        started, new = await _start(unit, in_force, game, now, partner_id, member_id, key)
    if started["state"] == "drawn":
        return _played(started, replayed=True)
    return await _finish(db, teller, programmes, clock, started, replayed=not new)


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Finish plays whose caller went away in the middle."""
    async with db.read() as read:
        rows = await read.connection.fetch(
            "SELECT * FROM play WHERE state = 'paying' AND started_at <= $1 ORDER BY id LIMIT 500",
            clock.now() - ABANDONED_AFTER,
        )
    for row in rows:
        try:
            await _finish(db, teller, programmes, clock, row, replayed=True)
        except Unavailable:
            return
        except CommonpointError:
            continue  # refused by the ledger, and marked so


async def odds_of(connection: Connection, programme: str, game: Game) -> list[Odds]:
    """The odds of a game as they are published, with what is left."""
    rows = await connection.fetch(
        "SELECT prize, won FROM prize_stock WHERE programme = $1 AND game = $2", programme, game.id
    )
    taken = {row["prize"]: row["won"] for row in rows}
    return [Odds(prize.id, Fraction(prize.odds), prize.stock, taken.get(prize.id, 0)) for prize in game.prizes]


async def _start(
    unit: Unit, in_force: InForce, game: Game, now: datetime, partner_id: str, member_id: str, key: str
) -> tuple[asyncpg.Record, bool]:
    """The play under this key, and whether it is new; the member's account is the lock under which plays count."""
    connection = unit.connection
    await known_of(connection, member_id)
    await lock_accounts(connection, [member_id])
    seen = await connection.fetchrow("SELECT * FROM play WHERE partner_id = $1 AND key = $2", partner_id, key)
    if seen is not None:
        if (seen["member_id"], seen["game"]) != (member_id, game.id) or seen["state"] == "refused":
            raise PlayRefused("This Idempotency-Key stands for another play, or for one that was refused.")
        return seen, False
    programme = in_force.version.programme.programme
    limit = game.per_member
    period = name_of(in_force.version.day(now), limit.per if limit else "ever")
    if limit is not None and limit.times is not None:
        plays = await connection.fetchval(
            "SELECT count(*) FROM play WHERE member_id = $1 AND programme = $2 AND game = $3 AND period = $4"
            " AND state <> 'refused'",
            member_id,
            programme,
            game.id,
            period,
        )
        if plays >= limit.times:
            raise PlayedEnough(f"At most {limit.times} plays per {limit.per}.", limit=limit.times, per=limit.per)
    row = await connection.fetchrow(
        "INSERT INTO play (id, partner_id, key, programme, game, member_id, period, state, cost, started_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 'paying', $8, $9) ON CONFLICT DO NOTHING RETURNING *",
        new_id("ply"),
        partner_id,
        key,
        programme,
        game.id,
        member_id,
        period,
        game.cost or 0,
        now,
    )
    if row is None:
        raise PlayRefused("This Idempotency-Key stands for another play.")
    return row, True


async def _finish(
    db: Database, teller: Asks, programmes: Programmes, clock: Clock, row: asyncpg.Record, replayed: bool
) -> Played:
    """Pay the cost, draw, and give what was won; each step is done once however often this is called."""
    in_force = await programmes.in_force(row["partner_id"], row["started_at"])
    try:
        await _pay(teller, in_force, row)
    except Unavailable:
        raise
    except CommonpointError:
        async with db.unit() as unit:
            await unit.connection.execute(
                "UPDATE play SET state = 'refused' WHERE id = $1 AND state = 'paying'", row["id"]
            )
        raise
    async with db.unit() as unit:
        drawn = await _draw(unit, in_force, clock.now(), row["id"])
    await promises.keep(db, teller, programmes, clock, [f"game/{row['id']}/prize"])
    return _played(drawn, replayed)


async def _pay(teller: Asks, in_force: InForce, row: asyncpg.Record) -> None:
    if not row["cost"]:
        return
    key = f"game/{row['id']}/cost"
    await teller.ask(
        Redeem(
            partner_id=row["partner_id"],
            key=key,
            key_owner=INTERNAL,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            occurred_at=row["started_at"],
            member_id=row["member_id"],
            points=row["cost"],
            in_force=in_force,
        )
    )


async def _draw(unit: Unit, in_force: InForce, now: datetime, play_id: str) -> asyncpg.Record:
    connection = unit.connection
    row = await connection.fetchrow("SELECT * FROM play WHERE id = $1 FOR UPDATE", play_id)
    assert row is not None
    if row["state"] == "drawn":
        return row
    game = game_of(in_force, row["game"])
    committed = await current(unit, in_force, "game", game.id, now)
    subject = f"{committed['drawn'] + 1:09}"
    outcome = pick(draw(committed["seed"], subject), [(prize.id, Fraction(prize.odds)) for prize in game.prizes])
    instead = None
    if outcome is not None and not await _take(connection, row["programme"], game, outcome):
        instead = OUT_OF_STOCK
    await connection.execute("UPDATE commitment SET drawn = drawn + 1 WHERE id = $1", committed["id"])
    await connection.execute(
        "INSERT INTO draw (commitment_id, subject, member_id, outcome, instead, at) VALUES ($1, $2, $3, $4, $5, $6)",
        committed["id"],
        subject,
        row["member_id"],
        outcome,
        instead,
        now,
    )
    prize = None if instead else outcome
    await _promise_prize(connection, game, now, row, prize)
    done = await connection.fetchrow(
        "UPDATE play SET state = 'drawn', prize = $2, subject = $3, commitment_id = $4 WHERE id = $1 RETURNING *",
        play_id,
        prize,
        subject,
        committed["id"],
    )
    assert done is not None
    return done


async def _take(connection: Connection, programme: str, game: Game, prize_id: str) -> bool:
    """Take one of a prize's stock; whether there was one left."""
    size = next(prize.stock for prize in game.prizes if prize.id == prize_id)
    row = await connection.fetchrow(
        "INSERT INTO prize_stock (programme, game, prize, size, won) VALUES ($1, $2, $3, $4, 1)"
        " ON CONFLICT (programme, game, prize) DO UPDATE SET won = prize_stock.won + 1, size = excluded.size"
        " WHERE prize_stock.won < excluded.size RETURNING won",
        programme,
        game.id,
        prize_id,
        size if size is not None else 2**62,
    )
    return row is not None


async def _promise_prize(
    connection: Connection, game: Game, now: datetime, row: asyncpg.Record, prize_id: str | None
) -> None:
    gain = next((prize.gain for prize in game.prizes if prize.id == prize_id), None)
    if gain is None:
        return
    prize = Promise(
        key=f"game/{row['id']}/prize",
        member_id=row["member_id"],
        partner_id=row["partner_id"],
        at=now,
        gain=gain,
        reason="game",
        about=f"{game.id}/{prize_id}",
    )
    await promise(connection, now, [prize])


def _played(row: asyncpg.Record, replayed: bool) -> Played:
    return Played(
        id=row["id"],
        game=row["game"],
        cost=row["cost"],
        prize=row["prize"],
        commitment_id=row["commitment_id"],
        subject=row["subject"],
        replayed=replayed,
    )
