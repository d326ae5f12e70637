"""Making a member's pass in a wallet, and the order of all changes of passes."""

from typing import Literal

from kernel.bulk import insert_many
from kernel.database import Connection, Database
from kernel.ids import new_code, new_id
from kernel.outbox import touch
from passes.card import card_json
from passes.rendering import Kind, PassKey, Rendered, Renderer
from passes.tables import WalletPass
from points.answers import UnknownMember
from points.voucher_records import UnknownVoucher

Wallet = Literal["apple", "google"]
SignUp = Literal["", "open"]

# Any fixed number. Change numbers are drawn under this lock and committed before it is released, so a phone that has
# seen number n will never miss a smaller one that was committed later.
_CHANGE_LOCK = 0x70617373

_TAP_CODE_LENGTH = 20  # of five bits each: nobody guesses it, and it fits what a tap carries (64 bytes)

_COLUMNS = (
    "id", "member_id", "brand_id", "wallet", "kind", "subject_id", "pass_type", "card", "change_seq", "last_modified",
    "ledger_version", "tap_code", "sign_up", "voided",
)  # fmt: skip
_INSERT = insert_many(WalletPass, _COLUMNS) + " ON CONFLICT (member_id, wallet, kind, subject_id) DO NOTHING"

_FIND = "SELECT id FROM wallet_pass WHERE member_id = $1 AND wallet = $2 AND kind = $3 AND subject_id = $4"

_LOOK_AGAIN = "pass"  # heard by passes/refresh.py


async def change_numbers(connection: Connection, count: int) -> list[int]:
    """`count` rising change numbers; holds the order of changes until the caller's transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CHANGE_LOCK)
    rows = await connection.fetch("SELECT nextval('pass_change') AS seq FROM generate_series(1, $1)", count)
    return [row["seq"] for row in rows]


async def issue(
    db: Database,
    renderer: Renderer,
    member_id: str,
    wallet: Wallet,
    kind: Kind = "card",
    subject_id: str = "",
    pass_type: str = "",
    sign_up: SignUp = "",
    brand_id: str = "",
) -> str:
    """The id of the member's pass in `wallet`, made at the first call: their card, or (`kind` coupon) the voucher
    `subject_id`. `brand_id` is whose design it has ("": where the member joined), `pass_type` Apple's pass type,
    `sign_up` "open" lets Wallet ask for the member's details where the design does so.

    Raises UnknownMember, UnknownVoucher.
    """
    async with db.read() as read:
        known = await _find(read.connection, member_id, wallet, kind, subject_id)
    if known is not None:
        return known
    async with db.unit() as unit:
        connection = unit.connection
        home = await _home(connection, member_id)
        key = PassKey(new_id("pass"), member_id, brand_id or home, kind, subject_id)
        rendered = (await renderer.cards(connection, [key])).get(key.id)
        if rendered is None:
            raise UnknownVoucher("There is no such voucher.")
        await _insert(connection, key, wallet, pass_type, sign_up, rendered)
        # The note of a change since the ledger was read may be gone by now: it met no pass. No account is locked for
        # that, as the ledger locks those of a household or of a merged card in more than one order.
        await touch(connection, _LOOK_AGAIN, [member_id])
        issued = await _find(connection, member_id, wallet, kind, subject_id)
    assert issued is not None
    return issued


async def _home(connection: Connection, member_id: str) -> str:
    """Where the member joined. Raises UnknownMember."""
    home: str | None = await connection.fetchval("SELECT partner_id FROM member WHERE id = $1", member_id)
    if home is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return home


async def _insert(
    connection: Connection, key: PassKey, wallet: Wallet, pass_type: str, sign_up: SignUp, rendered: Rendered
) -> None:
    (number,) = await change_numbers(connection, 1)
    now = await connection.fetchval("SELECT date_trunc('second', clock_timestamp())")
    row: tuple[object, ...] = (
        key.id, key.member_id, key.brand_id, wallet, key.kind, key.subject_id, pass_type,
        card_json(rendered.card).decode(), number, now, rendered.ledger_version, new_code(_TAP_CODE_LENGTH), sign_up,
        rendered.voided,
    )  # fmt: skip
    await connection.execute(_INSERT, *([value] for value in row))


async def _find(connection: Connection, member_id: str, wallet: Wallet, kind: Kind, subject_id: str) -> str | None:
    found: str | None = await connection.fetchval(_FIND, member_id, wallet, kind, subject_id)
    return found
