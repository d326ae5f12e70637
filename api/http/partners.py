"""/v1/partners: the businesses of the coalition, their places, terms and keys."""

from datetime import datetime
from typing import Annotated, Literal, Protocol, TypedDict

import msgspec
from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires, see_partner
from api.body import Currency, Name, StrictBody
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.clock import Clock
from kernel.database import Database
from kernel.secrets import Keyring
from network import keys, locations, partners, terms
from network.rulebook import Rulebook


class _ModeSetting(Protocol):
    @property
    def mode(self) -> keys.Mode: ...


class NetworkParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def settings(self) -> _ModeSetting: ...


Parts = NamedDependency[SkipValidation[NetworkParts]]

Colour = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$", max_length=7, description="#rrggbb")]
Scope = Literal[
    "earn", "redeem", "reverse", "claim", "adjust", "transfer", "programmes:read", "programmes:write",
    "members:read", "members:write", "passes:read", "designs:write", "taps", "presentations",
    "reviews", "receipts", "offline",
    "network:read", "network:write", "clearing:read", "clearing:write",
]  # fmt: skip


class BrandBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the partner's passes look."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    background: Colour = "#1f2937"
    foreground: Colour = "#ffffff"
    label: Colour = "#cbd5e1"
    logo_text: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PartnerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A business to take in. Without a brand its name is the brand."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    brand: BrandBody | None = None


class BeaconBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a transmitter (iBeacon) at a place says; a minor number needs a major one."""

    uuid: Annotated[str, msgspec.Meta(min_length=36, max_length=36, examples=["F7826DA6-4FA2-4E98-8024-BC5B71E0893E"])]
    major: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    minor: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None


class LocationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place; `zone` is an IANA time zone name. Where it is (degrees, WGS 84; both or neither) and its beacon bring
    the cards of members who were near to the lock screen."""

    name: Name
    zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["Europe/Helsinki"])]
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    beacon: BeaconBody | None = None


class TermsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of terms: points per minor units spent, and prices per point in micros (1e-6 of the unit)."""

    currency: Currency
    earn_points: Annotated[int, msgspec.Meta(ge=0, le=terms.MOST_POINTS_EARNED)]
    earn_per_minor: Annotated[int, msgspec.Meta(ge=1, le=terms.MOST_MINOR)]
    issuer_pays_micros: Annotated[int, msgspec.Meta(ge=0, le=terms.MOST_MICROS)]
    acceptor_gets_micros: Annotated[int, msgspec.Meta(ge=0, le=terms.MOST_MICROS)]
    effective_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make, with the rights it carries."""

    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)]


class PartnerView(msgspec.Struct, frozen=True):
    """A partner."""

    id: str
    name: str
    status: partners.PartnerStatus
    brand: BrandBody
    created_at: datetime


class LocationView(msgspec.Struct, frozen=True):
    """A place of a partner."""

    id: str
    partner_id: str
    name: str
    zone: str
    latitude: float | None
    longitude: float | None
    beacon: BeaconBody | None


class TermsView(msgspec.Struct, frozen=True):
    """A version of a partner's terms."""

    id: str
    partner_id: str
    effective_from: datetime
    currency: str
    earn_points: int
    earn_per_minor: int
    issuer_pays_micros: int
    acceptor_gets_micros: int


class KeyView(msgspec.Struct, frozen=True):
    """A key just made. `key` is shown this once and cannot be had again."""

    id: str
    partner_id: str | None
    scopes: list[str]
    mode: keys.Mode
    created_at: datetime
    key: str


@post(
    "/partners", dto=StrictBody[PartnerBody], return_dto=None, guards=[requires("network:write", operator=True)],
    summary="Take a partner in", operation_id="createPartner",
)  # fmt: skip
async def create_partner(data: JSONBody[PartnerBody], parts: Parts) -> PartnerView:
    """A new partner earns and redeems nothing until it has terms and a key."""
    brand = partners.Brand(data.name) if data.brand is None else partners.Brand(*msgspec.structs.astuple(data.brand))
    async with parts.db.unit() as unit:
        return _partner_view(await partners.add_partner(unit, parts.clock, data.name, brand))


@get(
    "/partners", guards=[requires("network:read")], dependencies=PAGE_DEPENDENCIES,
    summary="List partners", operation_id="listPartners",
)  # fmt: skip
async def list_partners(caller: CallerIs, page: PageIs, parts: Parts) -> Listed[PartnerView]:
    """All partners for the operator; a partner sees itself."""
    after, before, rows = page.window("ptn")
    async with parts.db.read() as read:
        found = await partners.partner_window(read.connection, after, before, rows, only=caller.partner_id)
    return page.answer(found, _partner_view, lambda one: one.id)


@get(
    "/partners/{partner_id:str}", guards=[requires("network:read")], summary="Show a partner", operation_id="getPartner"
)
async def get_partner(partner_id: FromPath[str], caller: CallerIs, parts: Parts) -> PartnerView:
    """A partner sees itself; others do not exist for it."""
    see_partner(caller, partner_id)
    async with parts.db.read() as read:
        return _partner_view(await partners.partner(read.connection, partner_id))


@post(
    "/partners/{partner_id:str}/locations", dto=StrictBody[LocationBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Add a location", operation_id="createLocation",
)  # fmt: skip
async def create_location(partner_id: FromPath[str], data: JSONBody[LocationBody], parts: Parts) -> LocationView:
    """The zone of a place decides which business day a visit belongs to."""
    where = _where(data)
    async with parts.db.unit() as unit:
        return _location_view(
            await locations.add_location(unit, parts.clock, partner_id, data.name, data.zone, **where)
        )


@put(
    "/partners/{partner_id:str}/locations/{location_id:str}", dto=StrictBody[LocationBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Change a location", operation_id="changeLocation",
)  # fmt: skip
async def change_location(
    partner_id: FromPath[str], location_id: FromPath[str], data: JSONBody[LocationBody], parts: Parts
) -> LocationView:
    """The whole of it is said anew; each card learns of it at its next change."""
    where = _where(data)
    async with parts.db.unit() as unit:
        return _location_view(
            await locations.change_location(unit, partner_id, location_id, data.name, data.zone, **where)
        )


@get(
    "/partners/{partner_id:str}/locations", guards=[requires("network:read")], dependencies=PAGE_DEPENDENCIES,
    summary="List locations", operation_id="listLocations",
)  # fmt: skip
async def list_locations(
    partner_id: FromPath[str], caller: CallerIs, page: PageIs, parts: Parts
) -> Listed[LocationView]:
    """A partner sees its own places."""
    see_partner(caller, partner_id)
    after, before, rows = page.window("loc")
    async with parts.db.read() as read:
        owner = await partners.partner(read.connection, partner_id)
        found = await locations.location_window(read.connection, owner.id, after, before, rows)
    return page.answer(found, _location_view, lambda one: one.id)


@post(
    "/partners/{partner_id:str}/terms", dto=StrictBody[TermsBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Publish terms", operation_id="publishTerms",
)  # fmt: skip
async def publish_terms(partner_id: FromPath[str], data: JSONBody[TermsBody], parts: Parts) -> TermsView:
    """A new version; what was earned or redeemed under older ones keeps them."""
    rates = terms.Rates(
        data.currency, data.earn_points, data.earn_per_minor, data.issuer_pays_micros, data.acceptor_gets_micros
    )
    async with parts.db.unit() as unit:
        kept = await terms.publish(unit, parts.clock, partner_id, rates, data.effective_from)
    parts.rulebook.forget(partner_id)
    return _terms_view(kept)


@post(
    "/partners/{partner_id:str}/keys", dto=StrictBody[KeyBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Make an API key", operation_id="createKey",
)  # fmt: skip
async def create_key(partner_id: FromPath[str], data: JSONBody[KeyBody], parts: Parts) -> KeyView:
    """The answer holds the key's text, once."""
    async with parts.db.unit() as unit:
        made = await keys.create_key(
            unit, parts.clock, parts.keyring, parts.settings.mode, partner_id, frozenset(data.scopes)
        )
    return KeyView(made.id, made.partner_id, sorted(made.scopes), made.mode, made.created_at, made.text)


@post(
    "/partners/{partner_id:str}/keys/{key_id:str}/revoke", status_code=200,
    guards=[requires("network:write", operator=True)], summary="Revoke an API key", operation_id="revokeKey",
)  # fmt: skip
async def revoke_key(partner_id: FromPath[str], key_id: FromPath[str], parts: Parts) -> None:
    """Refused everywhere within a second. Revoking twice is no error."""
    async with parts.db.unit() as unit:
        await keys.revoke_key(unit, parts.clock, partner_id, key_id)


def _partner_view(one: partners.Partner) -> PartnerView:
    brand = one.brand
    look = BrandBody(brand.name, brand.background, brand.foreground, brand.label, brand.logo_text)
    return PartnerView(one.id, one.name, one.status, look, one.created_at)


class _Where(TypedDict):
    latitude: float | None
    longitude: float | None
    beacon: locations.Beacon | None


def _where(data: LocationBody) -> _Where:
    beacon = None if data.beacon is None else locations.Beacon(*msgspec.structs.astuple(data.beacon))
    return _Where(latitude=data.latitude, longitude=data.longitude, beacon=beacon)


def _location_view(one: locations.Location) -> LocationView:
    beacon = None if one.beacon is None else BeaconBody(one.beacon.uuid, one.beacon.major, one.beacon.minor)
    return LocationView(one.id, one.partner_id, one.name, one.zone, one.latitude, one.longitude, beacon)


def _terms_view(one: terms.Terms) -> TermsView:
    rates = one.rates
    return TermsView(
        one.id,
        one.partner_id,
        one.effective_from,
        rates.currency,
        rates.earn_points,
        rates.earn_per_minor,
        rates.issuer_pays_micros,
        rates.acceptor_gets_micros,
    )


partners_router = Router(
    "/v1",
    route_handlers=[
        create_partner,
        list_partners,
        get_partner,
        create_location,
        list_locations,
        change_location,
        publish_terms,
        create_key,
        revoke_key,
    ],
    dependencies=AUTH_DEPENDENCIES,
    tags=["network"],
)
