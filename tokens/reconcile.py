"""Ledger, mirror and chain side by side. A mismatch is a named difference, never a silent correction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kernel.database import Connection, Database
from points.statement import member_states
from tokens.batches import Counters, Key, Move, counters
from tokens.chain import Chain
from tokens.contract import Points
from tokens.deploying import current
from tokens.mirror import out_of_step
from tokens.sending import MIRROR

PAGE = 500
LOOKS = 5
DIFFERENCES_MAX = 1_000

_MEMBERS = """
SELECT id FROM (SELECT id FROM member UNION SELECT member_id FROM mirror_balance) known
WHERE id > $1 ORDER BY id LIMIT $2
"""
_BALANCES = "SELECT member_id, address, mirrored FROM mirror_balance WHERE member_id = ANY($1::text[])"
_NOTED = "SELECT subject FROM outbox WHERE kind = $1 AND subject = ANY($2::text[])"

# Not on the chain yet: what batches without a block will do.
_ON_THE_WAY = """
SELECT move.member_id, sum(CASE move.kind WHEN 'issued' THEN move.points ELSE -move.points END)::bigint AS points
FROM mirror_move move JOIN mirror_batch batch ON batch.id = move.batch_id
WHERE batch.status IN ('signed', 'sent') AND move.member_id = ANY($1::text[]) GROUP BY move.member_id
"""
_POSITIONS = """
SELECT issuer_id, acceptor_id, kind, sum(points)::bigint AS points FROM (
    SELECT issuer_id, acceptor_id, kind, points FROM mirror_position
    UNION ALL
    SELECT move.issuer_id, move.acceptor_id, move.kind, -move.points
    FROM mirror_move move JOIN mirror_batch batch ON batch.id = move.batch_id WHERE batch.status IN ('signed', 'sent')
) mirrored GROUP BY issuer_id, acceptor_id, kind
"""
_MARK = """
SELECT coalesce(sum(next_nonce), 0)::bigint, (SELECT count(*) FROM mirror_batch WHERE status IN ('signed', 'sent'))
FROM chain_sender
"""
_GAS = """
SELECT coalesce(sum(gas_used), 0)::bigint AS gas, coalesce(sum(change_count), 0)::bigint AS changes
FROM mirror_batch WHERE status IN ('mined', 'final') AND change_count > 0
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sides that do not agree. `what` is the kind of comparison, `subject` a member, a partner or "all"."""

    what: str
    subject: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.what} of {self.subject}: expected {self.expected}, found {self.found}"


@dataclass
class Reconciliation:
    """The result. `waiting` counts members whose change is known and on its way, which is no difference.

    Points are whole points; `gas_per_change` is gas used by batches per member changed, 0 before the first.
    """

    members: int = 0
    ledger_points: int = 0
    mirrored_points: int = 0
    chain_supply: int = 0
    waiting: int = 0
    gas_used: int = 0
    changes: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def gas_per_change(self) -> float:
        """Gas per member change, the deployment not counted."""
        return self.gas_used / self.changes if self.changes else 0.0

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class _Page:
    """What the database says of some members in one snapshot; points are those that should be on the chain."""

    ledger: dict[str, int]
    mirrored: dict[str, int]
    on_chain: dict[str, int]
    addresses: dict[str, str]
    waiting: frozenset[str]


async def reconcile(db: Database, chain: Chain) -> Reconciliation:
    """Compare every member, every partner and the totals. Reads only. Raises ChainAway."""
    result = Reconciliation()
    async with db.read() as read:
        deployment = await current(read.connection)
    if deployment is None:
        return result
    points = Points(chain, deployment.contract)
    last = ""
    while members := await _members(db, last):
        last = members[-1]
        await _compare_members(db, points, members, result)
    await _compare_totals(db, points, result)
    return result


async def _members(db: Database, after: str) -> list[str]:
    async with db.read() as read:
        return [row["id"] for row in await read.connection.fetch(_MEMBERS, after, PAGE)]


async def _compare_members(db: Database, points: Points, members: Sequence[str], result: Reconciliation) -> None:
    """The same snapshot of database and chain is needed; a batch that lands in between makes us look again."""
    for _ in range(LOOKS):
        async with db.read() as read:
            mark = await _mark(read.connection)
            page = await _page(read.connection, members)
        order = sorted(page.addresses)
        balances = dict(zip(order, await points.balances([page.addresses[m] for m in order]), strict=True))
        if mark == await _mark_now(db):
            break
    else:
        result.waiting += len(members)  # batches land faster than we can look: nothing can be said of these now
        return
    result.members += len(members)
    result.ledger_points += sum(page.ledger.values())
    result.mirrored_points += sum(page.mirrored.values())
    result.waiting += len(page.waiting)
    for member in members:
        found = [
            _difference("ledger and mirror", member, page.ledger.get(member, 0), page.mirrored.get(member, 0))
            if member not in page.waiting
            else None,
            _difference("mirror and chain", member, page.on_chain.get(member, 0), balances.get(member, 0)),
        ]
        _note(result, found)


async def _page(connection: Connection, members: Sequence[str]) -> _Page:
    states = await member_states(connection, members)
    rows = await connection.fetch(_BALANCES, list(members))
    on_the_way = {r["member_id"]: r["points"] for r in await connection.fetch(_ON_THE_WAY, list(members))}
    behind = {change.member_id for change in await out_of_step(connection, members)}
    noted = {row["subject"] for row in await connection.fetch(_NOTED, MIRROR, list(members))}
    return _Page(
        ledger={member: state.spendable for member, state in states.items()},
        mirrored={row["member_id"]: row["mirrored"] for row in rows},
        on_chain={row["member_id"]: row["mirrored"] - on_the_way.get(row["member_id"], 0) for row in rows},
        addresses={row["member_id"]: row["address"] for row in rows},
        waiting=frozenset(behind & noted),
    )


async def _compare_totals(db: Database, points: Points, result: Reconciliation) -> None:
    for _ in range(LOOKS):
        async with db.read() as read:
            mark = await _mark(read.connection)
            expected = await _expected_counters(read.connection)
            numbers = await read.connection.fetch("SELECT partner_id, number FROM mirror_partner ORDER BY number")
            gas = await read.connection.fetchrow(_GAS)
        found = {row["partner_id"]: (await points.partner(row["number"])).counters for row in numbers}
        result.chain_supply = await points.total_supply()
        if mark == await _mark_now(db):
            break
    result.gas_used, result.changes = (gas["gas"], gas["changes"]) if gas else (0, 0)
    for partner, on_chain in found.items():
        _note(result, _counter_differences(partner, expected.get(partner, Counters()), on_chain))
    outstanding = sum(counter.outstanding for counter in expected.values())
    _note(result, [_difference("total supply", "all", outstanding, result.chain_supply)])


def _counter_differences(partner: str, expected: Counters, found: Counters) -> list[Difference | None]:
    return [
        _difference(name, partner, getattr(expected, name), getattr(found, name))
        for name in ("issued", "withdrawn", "redeemed_of", "redeemed_at")
    ]


async def _expected_counters(connection: Connection) -> dict[str, Counters]:
    rows = await connection.fetch(_POSITIONS)
    return counters(Move(Key("", r["issuer_id"], r["acceptor_id"], r["kind"]), r["points"]) for r in rows)


def _difference(what: str, subject: str, expected: int, found: int) -> Difference | None:
    return None if expected == found else Difference(what, subject, expected, found)


def _note(result: Reconciliation, found: Sequence[Difference | None]) -> None:
    room = DIFFERENCES_MAX - len(result.differences)
    result.differences.extend([difference for difference in found if difference is not None][:room])


async def _mark(connection: Connection) -> tuple[int, int]:
    row = await connection.fetchrow(_MARK)
    return (row[0], row[1]) if row else (0, 0)


async def _mark_now(db: Database) -> tuple[int, int]:
    async with db.read() as read:
        return await _mark(read.connection)
