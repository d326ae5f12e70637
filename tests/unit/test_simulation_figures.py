"""Figures, their comparison and their picture."""

import hashlib
from datetime import date
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from points.programme.canonical import version_of
from points.programme.shelf import template
from points.programme.simulation.comparison import Compared, compare, plain
from points.programme.simulation.figures import (
    Day,
    Figures,
    RewardFigures,
    TierFigures,
    Wait,
    percentile,
    share,
    wait_of,
)
from points.programme.simulation.picture import draw, format_of
from points.programme.simulation.worth import Told, costs_of
from points.programme.text import read_programme


def figures(**changed: Any) -> Figures:
    """A small programme: 100 points issued of which 10 were taken back, 30 redeemed, 20 expired, 40 open."""
    given: dict[str, Any] = {
        "version_id": "v1", "programme": "cafe", "name": "Café", "currency": "EUR", "first": date(2026, 1, 1),
        "last": date(2026, 1, 9), "members": 3, "purchases": 7, "events": 0, "refunds": 1,
        "refused": {"nothing_paid": 2}, "revenue_minor": 10_000, "issued": 100, "withdrawn": 10, "redeemed": 30,
        "expired": 20, "open": 40, "owed": 0, "cost_minor": Fraction(50), "per_point_minor": Fraction(1, 3),
        "breakage_declared": Fraction(1, 4), "to_claimable": Wait(2, 3, 8), "to_redeemed": Wait(0, None, None),
        "rewards": (RewardFigures("cup", "Cup", 2, 1, 3, 30, Fraction(50)),),
        "tiers": (TierFigures("gold", "Gold", 1, 0),),
        "days": (Day(date(2026, 1, 1), 100, 0, 30, 0, 70, 0), Day(date(2026, 1, 5), 0, 10, 0, 20, 40, 0)),
    }  # fmt: skip
    return Figures(**{**given, **changed})


def row(rows: list[Compared], label: str) -> Compared:
    return next(row for row in rows if row.label == label)


def test_liability_is_open_points_at_their_cost_less_the_declared_breakage() -> None:
    assert figures().liability_minor == 40 * Fraction(1, 3) * Fraction(3, 4)
    assert figures(per_point_minor=None).liability_minor is None


def test_rates_are_exact_and_absent_without_a_whole() -> None:
    one = figures()
    assert (one.breakage, one.redemption_rate) == (Fraction(20, 90), Fraction(30, 90))
    assert (one.reward_rate, one.promised_rate) == (Fraction(50, 10_000), Fraction(30, 10_000))
    nothing = figures(issued=0, withdrawn=0, revenue_minor=0)
    assert (nothing.breakage, nothing.reward_rate, nothing.promised_rate) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7], 50, 7), ([7], 90, 7), ([1, 2], 50, 1), ([1, 2, 3], 50, 2), (list(range(1, 11)), 90, 9)],
)
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: int, expected: int | None) -> None:
    assert percentile(values, percent) == expected


def test_waiting_times_are_those_of_the_members_who_got_there() -> None:
    assert wait_of([9, 1, 5]) == Wait(3, 5, 9)
    assert share(0, 0) is None


def test_two_programmes_stand_side_by_side_with_their_difference() -> None:
    rows = compare([figures(), figures(issued=130, cost_minor=Fraction(51), revenue_minor=20_000)])
    assert row(rows, "Issued") == Compared("Points", "Issued", ("100", "130"), "+30")
    assert row(rows, "Expired").difference == "="
    assert row(rows, "Paid by members").values == ("100.00 EUR", "200.00 EUR")
    # 0.5 % and 0.255 %, rounded half to even from the exact value.
    assert row(rows, "Effective reward rate") == Compared(
        "Money and rates", "Effective reward rate", ("0.50 %", "0.26 %"), "−0.24 pp"
    )
    assert row(rows, "Cup").values == ("66.67 % (1, 3)",) * 2
    assert row(rows, "nothing_paid").values == ("2", "2")


def test_what_nobody_states_is_said_to_be_unknown_rather_than_nothing() -> None:
    rows = compare([figures(cost_minor=None, per_point_minor=None)])
    assert row(rows, "Cost of rewards").values == ("not stated",)
    assert row(rows, "Liability at the end").values == ("not stated",)
    assert row(rows, "redeemed, p50").values == ("–",)
    assert plain(figures(cost_minor=None))["cost"] is None


def test_a_reward_of_one_programme_alone_leaves_a_gap_in_the_other() -> None:
    other = RewardFigures("tea", "Tea", 3, 3, 3, 9, None)
    rows = compare([figures(), figures(rewards=(other,))])
    assert row(rows, "Tea") == Compared(row(rows, "Cup").group, "Tea", ("–", "100.00 % (3, 3)"), "")


def test_programs_get_exact_values_beside_rounded_ones() -> None:
    values = plain(figures())
    assert values["liability"] == {"value": "0.10", "exact": "1/10"}
    assert values["breakage"] == {"value": "0.222222", "exact": "2/9"}
    assert values["first_reward"]["claimable"]["p90_days"] == 8
    assert msgspec.json.decode(msgspec.json.encode(values)) == values


def test_what_a_point_costs_is_told_or_stated_or_follows_from_the_dearest_reward() -> None:
    default = version_of(read_programme(template("default"))).programme
    assert costs_of(default, Told()).per_point == Fraction(2000, 900), "20.00 for 900 points beats 5.00 for 250"
    assert costs_of(default, Told(Fraction(3, 2))).per_point == Fraction(3, 2)
    told = costs_of(default, Told(per_reward={"coffee": Fraction(60)}))
    assert [told.of("coffee", 25), told.of("gift_card_5", 250)] == [Fraction(60), Fraction(500)]
    assert told.of("lunch", 100) == 100 * Fraction(60, 25), "what has no price of its own costs its points"
    cafe = read_programme(template("cafe_points"))
    assert costs_of(cafe, Told()).of("drink", 100) is None, "nobody says what a drink costs"


@pytest.mark.parametrize("format_", ["svg", "png"])
def test_the_same_figures_are_the_same_picture_byte_for_byte(format_: str) -> None:
    def picture() -> bytes:
        to = BytesIO()
        draw([figures(), figures(issued=130)], ["Now", "Then"], to, format_)
        return to.getvalue()

    first = picture()
    assert hashlib.sha256(first).digest() == hashlib.sha256(picture()).digest()
    assert b"<dc:date>" not in first


def test_a_picture_can_be_read_whatever_is_known() -> None:
    for each in (figures(), figures(per_point_minor=None), figures(days=(), first=None, last=None, open=0)):
        to = BytesIO()
        draw([each], ["One"], to, "png")
        image = Image.open(BytesIO(to.getvalue()))
        assert image.size == (1056, 748)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 20) or []) > 10, "something was drawn"


def test_pictures_are_svg_or_png() -> None:
    assert (format_of(Path("a.SVG")), format_of(Path("b.png"))) == ("svg", "png")
    with pytest.raises(ValueError, match=r"neither \.svg nor \.png"):
        format_of(Path("c.pdf"))
