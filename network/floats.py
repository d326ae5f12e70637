"""The float of a terminal: the points for which its partner stands when what it honoured offline was not covered.

A till without a connection cannot see that a member spent the same points elsewhere. What the member still has is taken
as ever; what is missing nobody owes the partner, so it is charged to the till's float, once, in the transaction that
finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict
from kernel.ids import new_id
from network.terminals import Terminal
from points.answers import KeyReused
from points.ledger import Posted

DOUBLE_SPENT = "double_spent"


class FloatTooLow(Conflict):
    """More is to be paid out than there is; facts: `balance`."""

    code = "float_too_low"
    title = "The float does not hold so much"


@dataclass(frozen=True, slots=True)
class FloatMove:
    """One change of a float; `points` is negative when it sank. `reason` is a code for charges, words for payments."""

    id: str
    kind: str
    points: int
    reason: str
    member_id: str | None
    allowance_id: str | None
    recorded_at: datetime


async def float_of(connection: Connection, terminal_id: str) -> int:
    """The float in points; below zero the partner is behind."""
    found = await connection.fetchval("SELECT balance FROM terminal_float WHERE terminal_id = $1", terminal_id)
    return int(found or 0)


async def locked_float(unit: Unit, terminal_id: str) -> int:
    """The float, with nobody else changing it until the unit ends."""
    balance: int = await unit.connection.fetchval(
        "INSERT INTO terminal_float (terminal_id) VALUES ($1)"
        " ON CONFLICT (terminal_id) DO UPDATE SET balance = terminal_float.balance RETURNING balance",
        terminal_id,
    )
    return balance


async def pay(
    unit: Unit, clock: Clock, terminal: Terminal, points: int, reason: str, key: str
) -> tuple[FloatMove, bool]:
    """Pay into the float (negative: out of it), once per key of the partner: (what was done, whether it was before).

    Raises FloatTooLow, KeyReused.
    """
    balance = await locked_float(unit, terminal.id)
    cause = f"{terminal.partner_id}/{key}"
    known = await unit.connection.fetchrow(f"{_MOVES} WHERE cause = $1", cause)
    if known is not None:
        move = FloatMove(**known)
        if (move.points, move.reason) != (points, reason):
            raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
        return move, True
    if balance + points < 0 and points < 0:
        raise FloatTooLow(f"The float is {balance} points.", balance=balance)
    kind = "paid_in" if points > 0 else "paid_out"
    move = FloatMove(new_id("flm"), kind, points, reason, None, None, clock.now())
    await _keep(unit.connection, cause, terminal.id, terminal.partner_id, move)
    return move, False


async def charge(unit: Unit, clock: Clock, terminal: Terminal, use_id: str, points: int, reason: str) -> None:
    """Charge a redemption that no allowance covered; the same one again is not charged again."""
    cause = f"{terminal.id}/{use_id}"
    await locked_float(unit, terminal.id)
    if await unit.connection.fetchval("SELECT true FROM float_move WHERE cause = $1", cause) is None:
        move = FloatMove(new_id("flm"), "charged", -points, reason, None, None, clock.now())
        await _keep(unit.connection, cause, terminal.id, terminal.partner_id, move)


async def charge_shortages(connection: Connection, posted: Sequence[Posted]) -> None:
    """A ledger step: what members did not have for redemptions that were honoured offline is charged to the tills."""
    short = [(p.offline.terminal_id, p) for p in posted if p.offline is not None and p.short]
    for terminal_id, p in sorted(short, key=lambda one: (one[0], one[1].journal_id)):
        assert p.offline is not None
        move = FloatMove(
            new_id("flm"),
            "charged",
            -p.short,
            DOUBLE_SPENT,
            p.by_member_id or p.member_id,
            p.offline.allowance_id,
            p.recorded_at,
        )
        await _keep(connection, p.journal_id, terminal_id, p.partner_id, move)


async def float_window(
    connection: Connection, terminal_id: str, after: str | None, before: str | None, rows: int
) -> list[FloatMove]:
    """Up to `rows` changes of a float in order: those after `after`, else the last ones before `before`, else the
    first."""
    backwards = after is None and before is not None
    found = await connection.fetch(
        f"{_MOVES} WHERE terminal_id = $1 AND ($2::text IS NULL OR id > $2) AND ($3::text IS NULL OR id < $3)"
        f" ORDER BY id {'DESC' if backwards else ''} LIMIT $4",
        terminal_id, after, before if backwards else None, rows,
    )  # fmt: skip
    moves = [FloatMove(**row) for row in found]
    return moves[::-1] if backwards else moves


_MOVES = "SELECT id, kind, points, reason, member_id, allowance_id, recorded_at FROM float_move"


async def _keep(connection: Connection, cause: str, terminal_id: str, partner_id: str, move: FloatMove) -> None:
    await connection.execute(
        "INSERT INTO float_move (id, cause, terminal_id, partner_id, kind, points, reason, member_id, allowance_id,"
        " recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        move.id, cause, terminal_id, partner_id, move.kind, move.points, move.reason, move.member_id,
        move.allowance_id, move.recorded_at,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO terminal_float (terminal_id, balance) VALUES ($1, $2)"
        " ON CONFLICT (terminal_id) DO UPDATE SET balance = terminal_float.balance + excluded.balance",
        terminal_id, move.points,
    )  # fmt: skip
