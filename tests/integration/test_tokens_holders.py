"""Whose address it is that somebody shows at a till."""

from eth_utils.address import to_checksum_address

from kernel.database import Database
from tokens.holders import member_of_address

ADDRESS = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"


async def test_an_address_says_whose_it_is_in_the_spellings_that_wallets_use(db: Database) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO mirror_balance (member_id, address, mirrored) VALUES ('mbr_1', $1, 5)", ADDRESS
        )
    mixed = to_checksum_address(ADDRESS)
    slip = mixed.replace("aA", "Aa", 1)
    async with db.read() as read:
        found = [await member_of_address(read.connection, text) for text in (ADDRESS, mixed, slip, "0x12", "aino")]
    assert found == ["mbr_1", "mbr_1", None, None, None]
