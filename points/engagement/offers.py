"""Offers that members switch on: campaigns with `activation` hold only for those who did."""

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.ids import new_id
from points.engagement import marks
from points.engagement.ports import Asks, NotOffered
from points.engagement.standings import known_of, lock_accounts
from points.programme.schema.campaigns import Campaign
from points.programme.version import InForce


def offers_of(in_force: InForce) -> list[Campaign]:
    """The campaigns that members switch on."""
    return [campaign for campaign in in_force.version.programme.campaigns if campaign.activation]


async def switch(
    db: Database, teller: Asks, clock: Clock, in_force: InForce, partner_id: str, member_id: str, offer: str, on: bool
) -> None:
    """Switch an offer on or off for a member and bring the ledger to it; the same again is no error.

    Raises UnknownMember, NotOffered.
    """
    if offer not in {campaign.id for campaign in offers_of(in_force)}:
        raise NotOffered(f"The programme has no offer '{offer}' to switch on.")
    async with db.unit() as unit:
        connection = unit.connection
        await known_of(connection, member_id)
        await lock_accounts(connection, [member_id])
        if (offer in await switched_on(connection, member_id)) != on:
            await connection.execute(
                'INSERT INTO offer_switch (id, member_id, offer, "on", partner_id, recorded_at)'
                " VALUES ($1, $2, $3, $4, $5, $6)",
                new_id("ofs"),
                member_id,
                offer,
                on,
                partner_id,
                clock.now(),
            )
    await marks.agree(db, teller, clock, member_id, "offer")


async def switched_on(connection: Connection, member_id: str) -> list[str]:
    """The offers that a member has on, in the order of their names."""
    rows = await connection.fetch(
        'SELECT DISTINCT ON (offer) offer, "on" FROM offer_switch WHERE member_id = $1 ORDER BY offer, id DESC',
        member_id,
    )
    return [row["offer"] for row in rows if row["on"]]
