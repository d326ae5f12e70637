"""Making a member's pass in a wallet, and the order of all changes of passes."""

from typing import Literal

from kernel.bulk import insert_many
from kernel.database import Connection, Database
from kernel.ids import new_id
from passes.card import card_json
from passes.rendering import Renderer
from passes.tables import WalletPass
from points.answers import UnknownMember

Wallet = Literal["apple", "google"]

# Any fixed number. Change numbers are drawn under this lock and committed before it is released, so a phone that has
# seen number n will never miss a smaller one that was committed later.
_CHANGE_LOCK = 0x70617373

_INSERT = insert_many(WalletPass, ("id", "member_id", "wallet", "card", "change_seq", "last_modified"))


async def change_numbers(connection: Connection, count: int) -> list[int]:
    """`count` rising change numbers; holds the order of changes until the caller's transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CHANGE_LOCK)
    rows = await connection.fetch("SELECT nextval('pass_change') AS seq FROM generate_series(1, $1)", count)
    return [row["seq"] for row in rows]


async def issue(db: Database, renderer: Renderer, member_id: str, wallet: Wallet) -> str:
    """The id of the member's pass in `wallet`, made at the first call. Raises UnknownMember."""
    async with db.read() as read:
        known = await _find(read.connection, member_id, wallet)
    if known is not None:
        return known
    async with db.unit() as unit:
        # The member's account row is the lock that the ledger takes too: no change can slip in between.
        await unit.connection.execute(
            "SELECT 1 FROM account WHERE id = $1 || '/spendable' FOR NO KEY UPDATE", member_id
        )
        card = (await renderer.cards(unit.connection, [member_id])).get(member_id)
        if card is None:
            raise UnknownMember(f"There is no member '{member_id}'.")
        numbers = await change_numbers(unit.connection, 1)
        await unit.connection.execute(
            f"{_INSERT} ON CONFLICT (member_id, wallet) DO NOTHING",
            [new_id("pass")],
            [member_id],
            [wallet],
            [card_json(card).decode()],
            numbers,
            [await unit.connection.fetchval("SELECT date_trunc('second', clock_timestamp())")],
        )
        issued = await _find(unit.connection, member_id, wallet)
    assert issued is not None
    return issued


async def _find(connection: Connection, member_id: str, wallet: Wallet) -> str | None:
    found: str | None = await connection.fetchval(
        "SELECT id FROM wallet_pass WHERE member_id = $1 AND wallet = $2", member_id, wallet
    )
    return found
