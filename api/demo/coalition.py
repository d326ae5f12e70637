"""Founding the coalition: four partners with brands, places, terms and keys, made through the API as anybody would."""

from dataclasses import dataclass
from fractions import Fraction

from api.demo.client import ApiClient
from api.demo.purchases import CURRENCY


@dataclass(frozen=True, slots=True)
class Founding:
    """What a partner brings: brand colours and terms (points per minor units; prices per point in micros)."""

    name: str
    background: str
    foreground: str
    label: str
    earn_points: int
    earn_per_minor: int
    issuer_pays_micros: int
    acceptor_gets_micros: int


FOUNDERS = (
    Founding("Kulma Café", "#14532d", "#ffffff", "#bbf7d0", 1, 100, 12_000, 10_500),
    Founding("Bookshop Sivu", "#1e3a8a", "#ffffff", "#bfdbfe", 1, 150, 12_500, 10_250),
    Founding("Gym Lendület", "#7c2d12", "#ffffff", "#fed7aa", 2, 300, 12_000, 10_000),
    Founding("Record Shop Lemez", "#3b0764", "#ffffff", "#e9d5ff", 3, 200, 11_000, 10_333),
)
SCOPES = ["earn", "redeem", "reverse", "members:read", "members:write", "passes:read", "clearing:read"]


@dataclass(frozen=True, slots=True)
class Partner:
    """A founded partner: id, place, key and points per minor unit."""

    name: str
    id: str
    location_id: str
    key: str
    rate: Fraction


async def found(api: ApiClient, operator_key: str) -> list[Partner]:
    """The four partners."""
    return [await _found_one(api, operator_key, founding) for founding in FOUNDERS]


async def _found_one(api: ApiClient, key: str, founding: Founding) -> Partner:
    brand = {
        "name": founding.name,
        "background": founding.background,
        "foreground": founding.foreground,
        "label": founding.label,
        "logo_text": founding.name,
    }
    made = await api.ask("POST", "/v1/partners", key, {"name": founding.name, "brand": brand})
    path = f"/v1/partners/{made.body['id']}"
    place = await api.ask("POST", f"{path}/locations", key, {"name": "Main Street", "zone": "Europe/Budapest"})
    terms = {
        "currency": CURRENCY,
        "earn_points": founding.earn_points,
        "earn_per_minor": founding.earn_per_minor,
        "issuer_pays_micros": founding.issuer_pays_micros,
        "acceptor_gets_micros": founding.acceptor_gets_micros,
    }
    await api.ask("POST", f"{path}/terms", key, terms)
    made_key = await api.ask("POST", f"{path}/keys", key, {"scopes": SCOPES})
    rate = Fraction(founding.earn_points, founding.earn_per_minor)
    return Partner(founding.name, made.body["id"], place.body["id"], made_key.body["key"], rate)
