"""Whose address it is: a member shows the address that holds their tokens, as any wallet would say it."""

from eth_utils.address import is_address, is_checksum_address, is_checksum_formatted_address

from kernel.database import Connection


async def member_of_address(connection: Connection, address: str) -> str | None:
    """The member whose points the address holds, or None. Mixed case has to be right (EIP-55): a slip of the finger is
    nobody's address."""
    if not is_address(address) or (is_checksum_formatted_address(address) and not is_checksum_address(address)):
        return None
    member_id: str | None = await connection.fetchval(
        "SELECT member_id FROM mirror_balance WHERE address = $1", address.lower()
    )
    return member_id
