"""Random programmes for tests: a few words that say what a programme is, and the file that says the same."""

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from hypothesis import strategies as st

from points.programme.canonical import version_of
from points.programme.text import read_programme
from points.programme.version import Version

_NAMES = {"en": "Name"}
SPECIAL = "special"
Kind = Literal["never", "rolling", "inactivity"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Multiplies what the spend rule gives for lines of the special category, on one weekday or on all."""

    times: Fraction
    weekday: int | None
    budget: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A programme in words that the model understands. Money in minor units, days and minutes as they are.

    `gold` is a tier for life with a rate of its own. A `ladder` (window, how long what is reached is held) is judged by
    time too, and earns nothing: only the audit looks at it, by the history.
    """

    points: Fraction
    per_minor: int
    rounding: Literal["carry", "floor"]
    visit: tuple[int, int] | None
    campaign: Campaign | None
    gold: tuple[int, Fraction] | None
    ladder: tuple[str, str] | None
    pending_days: int | None
    expiry: tuple[Kind, int]
    end_of: Literal["day", "month"]
    zone: str
    consume: tuple[str, ...]
    cost: int
    stock: int | None
    voucher: bool
    transfers: int


HOLD_MINUTES = 90
ADJUST_LIMIT = 50

_WINDOWS = ["rolling", "calendar_year", "anniversary"]
_HELD = ["while_measured", "rest_of_year_and_next", "period"]
_RATES = [(Fraction(1), 100), (Fraction(3, 2), 100), (Fraction(1), 700), (Fraction(3, 10), 100), (Fraction(1), 33)]
_EXPIRIES: list[tuple[Kind, int]] = [("never", 0), ("rolling", 10), ("rolling", 40), ("inactivity", 8)]
_CAMPAIGNS = st.builds(
    Campaign,
    times=st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(3)]),
    weekday=st.none() | st.integers(0, 6),
    budget=st.none() | st.integers(1, 60),
)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A programme of many kinds."""
    points, per_minor = draw(st.sampled_from(_RATES))
    expiry = draw(st.sampled_from(_EXPIRIES))
    own, soonest = draw(st.booleans()), expiry[0] == "rolling" and draw(st.booleans())
    order = (*(["own_issuer_first"] if own else []), *(["soonest_expiry"] if soonest else []), "oldest")
    return Shape(
        points=points,
        per_minor=per_minor,
        rounding=draw(st.sampled_from(["carry", "floor"])),
        visit=draw(st.none() | st.tuples(st.integers(1, 5), st.integers(1, 2))),
        campaign=draw(st.none() | _CAMPAIGNS),
        gold=draw(st.none() | st.tuples(st.sampled_from([3_000, 8_000]), st.sampled_from([points * 2, points + 1]))),
        ladder=draw(st.none() | st.tuples(st.sampled_from(_WINDOWS), st.sampled_from(_HELD))),
        pending_days=draw(st.sampled_from([None, None, 3])),
        expiry=expiry,
        end_of=draw(st.sampled_from(["day", "month"])),
        zone=draw(st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York"])),
        consume=order,
        cost=draw(st.integers(3, 25)),
        stock=draw(st.sampled_from([None, 1, 3])),
        voucher=draw(st.booleans()),
        transfers=draw(st.sampled_from([10, 1_000])),
    )


def version_for(shape: Shape) -> Version:
    """The published form of a shape: read from its text as any programme is."""
    return version_of(read_programme(json.dumps(_file(shape))))


def _file(shape: Shape) -> dict[str, Any]:
    written: dict[str, Any] = {
        "programme": "shaped",
        "names": _NAMES,
        "zone": shape.zone,
        "currency": "EUR",
        "earn": _earn(shape),
        "rewards": [_reward(shape)],
        "lots": {"expiry": _expiry(shape), "consume": list(shape.consume), "notices": []},
        "transfers": {"max_points_per_day": shape.transfers},
        "adjustments": {"limits": {"manager": ADJUST_LIMIT}},
    }
    if shape.campaign is not None:
        written["campaigns"] = [_campaign(shape.campaign)]
    if (tiers := _tiers(shape)) is not None:
        written["tiers"] = tiers
    return written


def _tiers(shape: Shape) -> dict[str, Any] | None:
    start = shape.gold[0] if shape.gold else 4_000
    levels = [{"id": "base", "names": _NAMES, "from": 0}, {"id": "gold", "names": _NAMES, "from": _money(start)}]
    if shape.gold is not None:
        return {"measure": "spend", "window": {"kind": "lifetime"}, "levels": levels}
    if shape.ladder is None:
        return None
    kind, held = shape.ladder
    window = {"kind": kind, "length": "P20D"} if kind == "rolling" else {"kind": kind}
    valid = {"kind": held, "period": "P15D"} if held == "period" else {"kind": held}
    return {"measure": "spend", "window": window, "levels": levels, "valid": valid, "grace": "P5D"}


def _earn(shape: Shape) -> list[dict[str, Any]]:
    spend: dict[str, Any] = {
        "id": "spend", "kind": "spend", "per": _money(shape.per_minor), "points": _number(shape.points),
        "rounding": shape.rounding,
    }  # fmt: skip
    if shape.gold is not None:
        spend["tiers"] = {"gold": _number(shape.gold[1])}
    if shape.pending_days is not None:
        spend["pending"] = {"after": f"P{shape.pending_days}D"}
    if shape.visit is None:
        return [spend]
    points, a_day = shape.visit
    return [spend, {"id": "visit", "kind": "visit", "points": points, "adds": True, "max_per": {"day": a_day}}]


def _campaign(campaign: Campaign) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": "push", "stacking": "stack", "times": _number(campaign.times), "applies_to": ["spend"],
        "match": {"categories": [SPECIAL]},
    }  # fmt: skip
    if campaign.weekday is not None:
        day = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][campaign.weekday]
        written["schedule"] = {"from": "2026-01-01", "rrule": f"FREQ=WEEKLY;BYDAY={day}"}
    if campaign.budget is not None:
        written["budget"] = {"points": campaign.budget}
    return written


def _reward(shape: Shape) -> dict[str, Any]:
    reward = {"id": "prize", "names": _NAMES, "kind": "product", "cost": shape.cost, "voucher": shape.voucher}
    if shape.stock is not None:
        reward["stock"] = {"count": shape.stock}
    return {**reward, "hold": f"PT{HOLD_MINUTES}M"}


def _expiry(shape: Shape) -> dict[str, Any]:
    kind, days = shape.expiry
    if kind == "never":
        return {"kind": "never"}
    end = {"end_of": shape.end_of} if kind == "rolling" else {}
    return {"kind": kind, "length": f"P{days}D", **end}


def _money(minor: int) -> float:
    return float(Decimal(minor) / 100)


def _number(value: Fraction) -> float:
    return float(value)
