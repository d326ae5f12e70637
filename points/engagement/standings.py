"""Reading what members' histories amount to, from the accounts they use: their own, or their household's."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kernel.database import Connection
from points.answers import UnknownMember
from points.programme.standing import Standing

_ACCOUNT = """
SELECT own.member_id, coalesce(own.pool_id, own.member_id) AS owner_id, account.balance, account.standing
FROM account own JOIN account ON account.id = coalesce(own.pool_id, own.member_id) || '/spendable'
WHERE own.id = ANY($1::text[])
"""


_LOCK = "SELECT member_id, pool_id FROM account WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE"


class Known(msgspec.Struct, frozen=True):
    """A member's account: whose it is (`owner_id` is the household, or the member), its balance and standing."""

    owner_id: str
    balance: int
    standing: Standing


async def known(connection: Connection, member_ids: Sequence[str]) -> dict[str, Known]:
    """What is known of those of the members that exist, by member id."""
    rows = await connection.fetch(_ACCOUNT, [f"{member_id}/spendable" for member_id in member_ids])
    return {row["member_id"]: Known(row["owner_id"], row["balance"], standing(row["standing"])) for row in rows}


async def known_of(connection: Connection, member_id: str) -> Known:
    """What is known of one member. Raises UnknownMember."""
    found = (await known(connection, [member_id])).get(member_id)
    if found is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return found


async def lock_accounts(connection: Connection, member_ids: Sequence[str]) -> set[str]:
    """Lock the members' accounts in id order, and then those of their households; ids of all that exist.

    The ledger locks the same rows in the same order, so that what is read after this cannot be changed by a purchase
    until the end of the transaction.
    """
    own = await connection.fetch(_LOCK, [f"{member_id}/spendable" for member_id in set(member_ids)])
    pools = {row["pool_id"] for row in own if row["pool_id"] is not None}
    if pools:
        await connection.fetch(_LOCK, [f"{pool_id}/spendable" for pool_id in pools])
    return {row["member_id"] for row in own} | pools


def standing(stored: Mapping[str, Any]) -> Standing:
    """A standing as it is stored."""
    return msgspec.convert(stored, Standing, str_keys=True)
