"""/v1/members/{id}: a name told later, and how the member can be reached.

These are personal data of the partner where the member joined: no other partner reads or changes them.
"""

from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires
from api.body import StrictBody
from kernel.database import Connection, Database
from kernel.errors import Forbidden
from kernel.outbox import touch
from kernel.secrets import Keyring
from network.keys import Caller
from passes import refresh
from points.answers import UnknownMember
from points.contact_changes import Contacts
from points.contacts import LONGEST_EMAIL, Contact, contact_of, kept
from points.members import LONGEST_NAME, find, rename


class MemberOfAnotherPartner(Forbidden):
    """Personal data are for the partner where the member joined, and the operator."""

    code = "member_of_another_partner"
    title = "The member joined at another partner"


class DetailParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def contacts(self) -> Contacts: ...


Parts = NamedDependency[SkipValidation[DetailParts]]


class NameBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the card calls the member from now on."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]


class ContactBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the member tells of how to reach them, in place of what they told before. A telephone number
    without a country code is one of the country that the service is set to; `country` is ISO 3166-1 alpha-2."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_EMAIL)] | None = None
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    postal_code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    country: Annotated[str, msgspec.Meta(min_length=2, max_length=2)] | None = None


class ContactView(msgspec.Struct, frozen=True):
    """What the member told; null is not told."""

    email: str | None
    phone: str | None
    postal_code: str | None
    country: str | None


@put(
    "/members/{member_id:str}/name", status_code=204, dto=StrictBody[NameBody], return_dto=None,
    guards=[requires("members:write")], summary="Name a member", operation_id="nameMember",
)  # fmt: skip
async def name_member(member_id: FromPath[str], data: JSONBody[NameBody], caller: CallerIs, parts: Parts) -> None:
    """Also one who joined anonymously; their passes follow."""
    async with parts.db.unit() as unit:
        await check_home(unit.connection, member_id, caller)
        await rename(unit.connection, member_id, data.name)
        await touch(unit.connection, refresh.KIND, [member_id])


@get(
    "/members/{member_id:str}/contact", guards=[requires("members:write")],
    summary="How a member can be reached", operation_id="getContact",
)  # fmt: skip
async def get_contact(member_id: FromPath[str], caller: CallerIs, parts: Parts) -> Response[ContactView]:
    """For keys that may change members: a till has no need of it."""
    async with parts.db.read() as read:
        await check_home(read.connection, member_id, caller)
        contact = await kept(read.connection, parts.keyring, member_id)
    return _view(contact)


@put(
    "/members/{member_id:str}/contact", dto=StrictBody[ContactBody], return_dto=None,
    guards=[requires("members:write")], summary="Change how a member can be reached", operation_id="changeContact",
)  # fmt: skip
async def change_contact(
    member_id: FromPath[str], data: JSONBody[ContactBody], caller: CallerIs, parts: Parts
) -> Response[ContactView]:
    """Another address or number than before is noted in the ledger: a programme may let some time pass before points
    can be spent again. What was never told before, and the same again, are no change."""
    told = contact_of(data.email or "", data.phone or "", data.postal_code or "", data.country or "")
    async with parts.db.read() as read:
        await check_home(read.connection, member_id, caller)
    await parts.contacts.change(member_id, told)
    return _view(told)


@delete(
    "/members/{member_id:str}/contact", guards=[requires("members:write")],
    summary="Forget how a member can be reached", operation_id="forgetContact",
)  # fmt: skip
async def forget_contact(member_id: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """Twice is no error. It is a change like any other."""
    async with parts.db.read() as read:
        await check_home(read.connection, member_id, caller)
    await parts.contacts.change(member_id, Contact())


def _view(contact: Contact) -> Response[ContactView]:
    view = ContactView(
        contact.email or None, contact.phone or None, contact.postal_code or None, contact.country or None
    )
    return Response(view, headers={"cache-control": "private, no-store"})


async def check_home(connection: Connection, member_id: str, caller: Caller) -> None:
    """Refuse other partners than the one where the member joined. Raises UnknownMember, MemberOfAnotherPartner."""
    member = await find(connection, member_id)
    if member is None:
        raise UnknownMember("There is no such member.")
    if caller.partner_id not in (None, member.partner_id):
        raise MemberOfAnotherPartner("The member joined at another partner.")


member_details_router = Router(
    "/v1",
    route_handlers=[name_member, get_contact, change_contact, forget_contact],
    dependencies=AUTH_DEPENDENCIES,
    tags=["members"],
)
