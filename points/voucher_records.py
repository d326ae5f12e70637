"""Vouchers in the database: found by code, locked as the ledger locks, and every move written down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import asyncpg

from kernel.bulk import insert_many
from kernel.database import Connection, Unit
from kernel.errors import NotFound
from kernel.ids import is_id
from kernel.outbox import touch
from points.answers import KeyReused, SpendingNotAllowed, UnknownMember
from points.book import VoucherState
from points.programme.voucher_value import VoucherOfAnother
from points.reward_tables import Voucher
from points.tables import Idempotency
from points.voucher_tables import VoucherMove

# Whose the operator's requests are; no partner has this id.
OPERATOR = "operator"

_CODE = re.compile(r"[0-9A-Z]{1,64}")

Kind = Literal["used", "exchanged", "voided"]

_STATE = (
    "id", "code", "reward", "version_id", "partner_id", "journal_id", "state", "valid_until", "uses_left",
    "value_minor", "automatic", "used",
)  # fmt: skip
_MOVE = (
    "id", "voucher_id", "kind", "member_id", "partner_id", "location_id", "shown_by", "order_ref", "basket_minor",
    "money_minor", "state", "uses_left", "value_minor", "into_id", "reason", "actor", "at",
)  # fmt: skip
_COLUMNS = ", ".join(f"voucher.{name}" for name in _STATE)

# `holder` is whose account the voucher's member uses now: their own, or a household's, or the one they merged into.
_FIND = f"""
SELECT {_COLUMNS}, voucher.member_id, coalesce(account.pool_id, voucher.member_id) AS holder,
       EXISTS (SELECT FROM voucher_move WHERE into_id = voucher.id) AS exchanged
FROM voucher LEFT JOIN account ON account.id = voucher.member_id || '/spendable'
"""

_USED = """
SELECT coalesce(pool_id, member_id) AS holder, may_spend OR pool_id IS NULL AS may_spend
FROM account JOIN member ON member.id = account.member_id WHERE account.id = $1
"""

# Rewards that the order of this member has: claims that hold, and codes that were used with it.
_TAKEN = """
SELECT reward FROM claim
WHERE member_id = ANY($1::text[]) AND order_ref = $2 AND state IN ('held', 'captured') AND voucher_id IS NULL
UNION ALL
SELECT voucher.reward FROM voucher_move JOIN voucher ON voucher.id = voucher_move.voucher_id
WHERE voucher_move.member_id = ANY($1::text[]) AND order_ref = $2 AND kind = 'used'
"""

# Whoever's wallet may show the code: the member it was issued to, and everybody who uses the same account.
_SHOWN_TO = """
SELECT DISTINCT member_id FROM account WHERE member_id = ANY($1::text[]) OR pool_id = ANY($1::text[])
"""

_AFTER = """
UPDATE voucher SET state = $2, uses_left = $3, value_minor = $4, used = $5 WHERE id = $1
"""


class UnknownVoucher(NotFound):
    """No such code."""

    code = "unknown_voucher"
    title = "No such voucher"


@dataclass(frozen=True, slots=True)
class FoundVoucher:
    """A code, the member it was issued to, whose account that member uses, and whether an exchange made it."""

    voucher: VoucherState
    member_id: str
    holder: str
    exchanged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A code at a till: by whose request, where, by which member (as far as the till knows), for what.

    `partner_id` is OPERATOR for the operator's requests; `key` is the request's, `actor` the API key it came with.
    """

    code: str
    partner_id: str
    key: str
    fingerprint: bytes
    actor: str
    location_id: str | None = None
    member_id: str | None = None
    basket_minor: int | None = None
    amount_minor: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What a request did to a code, the same for every repetition of it. `into` is the code that an exchange made."""

    id: str
    kind: Kind
    voucher: VoucherState
    member_id: str
    money_minor: int | None
    at: datetime
    into: VoucherState | None = None
    replayed: bool = False


async def by_code(connection: Connection, code: str) -> FoundVoucher:
    """The voucher that a code stands for, as it is now. Raises UnknownVoucher."""
    typed = code.strip().upper()
    # What cannot be a code (and what no database stores) is not asked for.
    row = await connection.fetchrow(f"{_FIND} WHERE voucher.code = $1", typed) if _CODE.fullmatch(typed) else None
    if row is None:
        raise UnknownVoucher("There is no voucher with this code.")
    return _found(row)


async def found_by_ids(connection: Connection, voucher_ids: Sequence[str]) -> dict[str, FoundVoucher]:
    """Those of the vouchers that exist, by id."""
    rows = await connection.fetch(f"{_FIND} WHERE voucher.id = ANY($1::text[])", list(voucher_ids))
    return {row["id"]: _found(row) for row in rows}


async def locked(unit: Unit, code: str) -> FoundVoucher:
    """The voucher, with the account that it was issued to locked: under that lock the ledger and everybody else change
    vouchers. Raises UnknownVoucher."""
    found = await by_code(unit.connection, code)
    await unit.connection.execute("SELECT FROM account WHERE id = $1 FOR NO KEY UPDATE", f"{found.member_id}/spendable")
    return await by_code(unit.connection, code)


async def same_account(connection: Connection, found: FoundVoucher, member_id: str | None) -> bool:
    """Whether the member uses the account of the one whom the voucher was issued to (a household, a merged card)."""
    if member_id is None:
        return False
    holder = await connection.fetchval(
        "SELECT coalesce(pool_id, member_id) FROM account WHERE id = $1", f"{member_id}/spendable"
    )
    return bool(holder == found.holder)


async def account_used(connection: Connection, member_id: str) -> tuple[str, bool]:
    """Whose account the member uses, and whether they may spend from it. Raises UnknownMember."""
    row = None
    if is_id(member_id, "mbr"):
        row = await connection.fetchrow(_USED, f"{member_id}/spendable")
    if row is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return row["holder"], row["may_spend"]


async def check_own(connection: Connection, found: FoundVoucher, member_id: str) -> None:
    """Refuse whoever has no right to the code. Raises UnknownMember, VoucherOfAnother, SpendingNotAllowed."""
    holder, may_spend = await account_used(connection, member_id)
    if holder != found.holder:
        raise VoucherOfAnother("The voucher belongs to another member.")
    if not may_spend:
        raise SpendingNotAllowed("This member may not spend what the household has.")


async def taken_by(connection: Connection, found: FoundVoucher, order: str | None) -> tuple[str, ...]:
    """Rewards that the order has already."""
    if order is None:
        return ()
    rows = await connection.fetch(_TAKEN, [found.member_id, found.holder], order)
    return tuple(row["reward"] for row in rows)


async def answered(unit: Unit, shown: Shown) -> Moved | None:
    """What the same request did before, if it did. Raises KeyReused."""
    known = await unit.connection.fetchrow(
        "SELECT fingerprint, effect_id FROM idempotency WHERE partner_id = $1 AND key = $2", shown.partner_id, shown.key
    )
    if known is None:
        return None
    row = await unit.connection.fetchrow("SELECT * FROM voucher_move WHERE id = $1", known["effect_id"])
    if known["fingerprint"] != shown.fingerprint or row is None:
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    voucher = replace(
        await _by_id(unit.connection, row["voucher_id"]),
        state=row["state"], uses_left=row["uses_left"], value_minor=row["value_minor"],
    )  # fmt: skip
    into = None if row["into_id"] is None else await _by_id(unit.connection, row["into_id"])
    return Moved(row["id"], row["kind"], voucher, row["member_id"], row["money_minor"], row["at"], into, replayed=True)


async def write_move(unit: Unit, moved: Moved, shown: Shown, reason: str | None = None) -> None:
    """The voucher after the move, the move, and the request's key. Raises KeyReused if another request took the key in
    the meantime."""
    after = moved.voucher
    await unit.connection.execute(_AFTER, after.id, after.state, after.uses_left, after.value_minor, after.used)
    row: dict[str, Any] = {
        "id": moved.id, "voucher_id": after.id, "kind": moved.kind, "member_id": moved.member_id,
        "partner_id": shown.partner_id, "location_id": shown.location_id, "shown_by": shown.member_id,
        "order_ref": shown.order, "basket_minor": shown.basket_minor, "money_minor": moved.money_minor,
        "state": after.state, "uses_left": after.uses_left, "value_minor": after.value_minor,
        "into_id": moved.into.id if moved.into else None, "reason": reason, "actor": shown.actor, "at": moved.at,
    }  # fmt: skip
    await unit.connection.execute(insert_many(VoucherMove, _MOVE), *([row[name]] for name in _MOVE))
    key = ("partner_id", "key", "fingerprint", "effect_id", "answer")
    taken = await unit.connection.execute(
        insert_many(Idempotency, key) + " ON CONFLICT DO NOTHING",
        [shown.partner_id], [shown.key], [shown.fingerprint], [moved.id], [b""],
    )  # fmt: skip
    if taken != "INSERT 0 1":
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")


async def tell(unit: Unit, found: FoundVoucher, note_kinds: Sequence[str]) -> None:
    """A note per kind for everybody whose wallet may show the code."""
    if note_kinds:
        rows = await unit.connection.fetch(_SHOWN_TO, [found.member_id, found.holder])
        for kind in sorted(set(note_kinds)):
            await touch(unit.connection, kind, [row["member_id"] for row in rows])


async def issue(unit: Unit, voucher: VoucherState, member_id: str) -> None:
    """A new code."""
    columns = (*_STATE, "member_id")
    values = [*(getattr(voucher, name) for name in _STATE), member_id]
    await unit.connection.execute(insert_many(Voucher, columns), *([value] for value in values))


async def _by_id(connection: Connection, voucher_id: str) -> VoucherState:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM voucher WHERE id = $1", voucher_id)
    assert row is not None, "a move names a voucher that exists"
    return VoucherState(**row)


def _found(row: asyncpg.Record) -> FoundVoucher:
    voucher = VoucherState(**{name: row[name] for name in _STATE})
    return FoundVoucher(voucher, row["member_id"], row["holder"], row["exchanged"])
