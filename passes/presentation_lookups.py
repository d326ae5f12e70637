"""Whose card something is: by a code, a pass, a telephone number, an address. Steps in somebody's snapshot.

Somebody whose card was merged into another member's is that member from then on (a housemate stays who they are).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import asyncpg

from kernel.database import Connection
from kernel.errors import Conflict
from kernel.ids import is_id
from network.terminals import TerminalRefused
from passes.presentation_shown import CardUnknown, VoucherShown
from points.voucher_records import UnknownVoucher, by_code

FindByPhone = Callable[[Connection, str], Awaitable[Sequence[str]]]
FindByAddress = Callable[[Connection, str], Awaitable[str | None]]

# A household's account has another kind of id than a member's.
_FOLLOWED: Final = "CASE WHEN own.pool_id LIKE 'mbr%' THEN own.pool_id ELSE member.id END AS member_id"
_MEMBER: Final = f"""
SELECT member.id AS card_of, {_FOLLOWED} FROM member JOIN account own ON own.id = member.id || '/spendable'
"""
_BY_CODE = f"{_MEMBER} WHERE member.code = $1"
_BY_IDS = f"{_MEMBER} WHERE member.id = ANY($1::text[]) ORDER BY member.id"
_BY_PASS = f"""
SELECT wallet_pass.id AS pass_id, member.id AS card_of, {_FOLLOWED}
FROM wallet_pass JOIN member ON member.id = wallet_pass.member_id JOIN account own ON own.id = member.id || '/spendable'
WHERE wallet_pass.id = $1 AND NOT wallet_pass.voided
"""
_TERMINAL = "SELECT location_id FROM terminal WHERE id = $1 AND partner_id = $2 AND revoked_at IS NULL"


class SeveralMembers(Conflict):
    """More than one member told this telephone number, so it says of none that it is them."""

    code = "several_members"
    title = "More than one member has this number"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose card it was when it was made (`card_of`), and who that is now."""

    card_of: str
    member_id: str
    pass_id: str | None = None


async def by_static_code(connection: Connection, code: str) -> Holder:
    """The member whose card says `code`. Raises CardUnknown, VoucherShown."""
    row = await connection.fetchrow(_BY_CODE, code)
    if row is not None:
        return _holder(row)
    try:
        found = await by_code(connection, code)
    except UnknownVoucher:
        raise CardUnknown from None
    raise VoucherShown("Look it up with GET /v1/vouchers/{code}, and use it there.", code=found.voucher.code)


async def by_subject(connection: Connection, subject: str) -> Holder:
    """The holder of the pass, or the member, whom a rotating code names. Raises CardUnknown."""
    if not is_id(subject, "pass"):
        row = await connection.fetchrow(_BY_CODE, subject)
        return _holder(row) if row else _nobody()
    row = await connection.fetchrow(_BY_PASS, subject)
    return Holder(row["card_of"], row["member_id"], row["pass_id"]) if row else _nobody()


async def by_known(connection: Connection, member_ids: str | Sequence[str] | None) -> Holder:
    """The one member who was found. Raises CardUnknown, SeveralMembers."""
    found = [member_ids] if isinstance(member_ids, str) else list(member_ids or ())
    rows = await connection.fetch(_BY_IDS, found) if found else []
    if not rows:
        raise CardUnknown
    if len({row["member_id"] for row in rows}) > 1:
        raise SeveralMembers("Ask for the card or the code on it.")
    return _holder(rows[0])


async def by_member(connection: Connection, member_id: str, pass_id: str | None = None) -> Holder:
    """The member whose card it was. Raises CardUnknown."""
    row = await connection.fetchrow(_BY_IDS, [member_id])
    if row is None:
        raise CardUnknown
    return Holder(row["card_of"], row["member_id"], pass_id)


async def place_of(connection: Connection, terminal_id: str, partner_id: str) -> str | None:
    """Where the partner's terminal stands. Raises TerminalRefused."""
    row = await connection.fetchrow(_TERMINAL, terminal_id, partner_id)
    if row is None:
        raise TerminalRefused
    place: str | None = row["location_id"]
    return place


def _nobody() -> NoReturn:
    raise CardUnknown


def _holder(row: asyncpg.Record) -> Holder:
    return Holder(row["card_of"], row["member_id"])
