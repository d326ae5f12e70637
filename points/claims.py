"""Claims and catalogues as they are: reading only; what changes them goes through the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kernel.database import Connection
from points.answers import UnknownMember
from points.book import Book, CapState, LotState, VoucherState
from points.deciding.claimant import claimant_of
from points.deciding.errors import UnknownClaim
from points.programme.proving import unproved_left
from points.programme.rewards import Ladder, ladder, stock_caps
from points.programme.version import InForce, Version
from points.statement import member_states
from points.voucher_records import account_used

MOST_VOUCHERS = 200

_CLAIM = """
SELECT claim.id, claim.member_id, claim.reward, claim.version_id, claim.partner_id, claim.points, claim.state,
       claim.deadline, claim.order_ref, claim.ended_by, voucher.code AS voucher_code, journal.facts
FROM claim JOIN journal ON journal.id = claim.journal_id LEFT JOIN voucher ON voucher.id = claim.voucher_id
WHERE claim.id = $1
"""

_LOTS = """
SELECT id, issuer_id, journal_id, original, remaining, issued_at, version_id, pending, active_at, awaits, expires_at,
       moved_from
FROM lot WHERE member_id = $1 AND remaining > 0
"""

_VOUCHERS = """
SELECT voucher.id, code, reward, version_id, voucher.partner_id, journal_id, state, valid_until, uses_left, value_minor,
       automatic, used
FROM voucher JOIN account ON account.id = voucher.member_id || '/spendable'
WHERE coalesce(account.pool_id, voucher.member_id) = $1 AND state = 'issued'
  AND (valid_until IS NULL OR valid_until > $2)
ORDER BY valid_until, voucher.id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as it is. `worth_minor` is what it takes off a purchase or gives away, `acceptor` who supplies it."""

    id: str
    member_id: str
    reward: str
    version_id: str
    partner_id: str
    points: int
    state: Literal["held", "captured", "released", "timed_out"]
    deadline: datetime
    order: str | None
    ended_by: str | None
    voucher_code: str | None
    worth_minor: int | None
    acceptor: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a member can have now and next, and the codes that they hold. `unproved_left` points can still be spent
    today without a proof that the member is there (None: all)."""

    member_id: str
    balance: int
    frozen: bool
    tier: str | None
    ladder: Ladder
    vouchers: Sequence[VoucherState]
    unproved_left: int | None = None


async def claim(connection: Connection, claim_id: str) -> ClaimRow:
    """The claim as it is now. Raises UnknownClaim."""
    row = await connection.fetchrow(_CLAIM, claim_id)
    if row is None:
        raise UnknownClaim(f"There is no claim '{claim_id}'.")
    known = dict(row)
    facts: dict[str, Any] = known.pop("facts")
    return ClaimRow(
        **{"order" if name == "order_ref" else name: value for name, value in known.items()},
        worth_minor=facts.get("worth_minor"),
        acceptor=facts.get("acceptor"),
    )


async def catalogue(
    connection: Connection, member_id: str, in_force: InForce, at: datetime, partner_id: str | None = None
) -> Catalogue:
    """The rewards of a programme as the member (or their household) meets them, at a partner if one is named. It asks
    the same rules as a claim does. Raises UnknownMember."""
    state = (await member_states(connection, [member_id])).get(member_id)
    if state is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    book = Book(state.holder_id, spendable=state.spendable, standing=state.standing)
    if in_force.version.programme.redemptions.from_next_day:
        book.lots = {row["id"]: LotState(**row) for row in await connection.fetch(_LOTS, state.holder_id)}
    claimant = claimant_of(book, in_force, at, partner_id)
    caps = await stocks(connection, in_force.version, at)
    return Catalogue(
        member_id=member_id,
        balance=state.spendable,
        frozen=state.frozen,
        tier=claimant.tier,
        ladder=ladder(in_force.version, claimant, caps),
        vouchers=await vouchers_of(connection, state.holder_id, at),
        unproved_left=unproved_left(in_force.version, state.standing, at),
    )


async def stocks(connection: Connection, version: Version, at: datetime) -> dict[str, CapState]:
    """What is used of the stocks of the catalogue in their present periods; untouched ones are missing."""
    sizes = stock_caps(version, version.day(at))
    rows = await connection.fetch("SELECT id, size, used FROM cap WHERE id = ANY($1::text[])", list(sizes))
    return {row["id"]: CapState(row["id"], row["size"], row["used"]) for row in rows}


async def vouchers_of(connection: Connection, holder_id: str, at: datetime) -> list[VoucherState]:
    """Codes that can be used now, those that end first in front (at most MOST_VOUCHERS)."""
    return [VoucherState(**row) for row in await connection.fetch(_VOUCHERS, holder_id, at, MOST_VOUCHERS)]


async def usable_vouchers(connection: Connection, member_id: str, at: datetime) -> list[VoucherState]:
    """The codes that this member can use now; none for whoever may not spend from the account they use.

    Raises UnknownMember.
    """
    holder, may_spend = await account_used(connection, member_id)
    return await vouchers_of(connection, holder, at) if may_spend else []
