"""Publishing with everything checked that only the coalition knows: partners, places, currency."""

from collections.abc import Mapping
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Invalid
from network import terms
from network.locations import LocationUnknown, location
from network.partners import PartnerUnknown, partner
from points.programme.publishing import ProgrammeCurrency, Publication, publish
from points.programme.schema.programme import Programme


class BoundToNobody(Invalid):
    """A name of the file was given an id that is no partner's or place's."""

    code = "programme_bound_to_nobody"
    title = "A name of the file is bound to something unknown"


async def publish_checked(
    unit: Unit,
    clock: Clock,
    programme: Programme,
    ids: Mapping[str, str],
    partner_id: str | None,
    effective_from: datetime | None = None,
) -> Publication:
    """`points.programme.publishing.publish`, after a look at the coalition.

    Raises what `publish` raises, and PartnerUnknown, BoundToNobody.
    """
    if partner_id is not None:
        await partner(unit.connection, partner_id)
    await _check_ids(unit.connection, programme, ids)
    await _check_currency(
        unit.connection, programme, {partner_id, *(ids[name] for name in programme.partners if name in ids)}
    )
    return await publish(unit, clock, programme, ids, partner_id, effective_from)


async def _check_ids(connection: Connection, programme: Programme, ids: Mapping[str, str]) -> None:
    for name, bound in ids.items():
        try:
            if name in programme.partners:
                await partner(connection, bound)
            elif name in programme.locations:
                await location(connection, bound)
        except (PartnerUnknown, LocationUnknown) as error:
            raise BoundToNobody(f"{name}: {error.detail}", name=name) from None


async def _check_currency(connection: Connection, programme: Programme, partner_ids: set[str | None]) -> None:
    """Terms clear in one currency; a programme in another could not be settled."""
    for partner_id in sorted(one for one in partner_ids if one is not None):
        for published in (await terms.versions(connection, partner_id))[:1]:
            if published.rates.currency != programme.currency:
                detail = (
                    f"The coalition clears in {published.rates.currency}, the programme is in {programme.currency}."
                )
                raise ProgrammeCurrency(detail, currency=published.rates.currency)
