"""Why an entry has the points that it has, in words."""

from fractions import Fraction

import pytest

from points.explain import explain
from tests.support.model import pinned


def test_an_earning_says_its_rule_its_exact_value_and_what_is_kept() -> None:
    facts = pinned(points=1, per_minor=100, before=Fraction(1, 2), after=Fraction(84, 100))
    assert explain("earn", facts, 12, 1234, "EUR") == [
        "1 points for every 1.00 EUR (terms trm_1).",
        "12.34 EUR give exactly 12.34 points; 0.5 was carried.",
        "Whole points: +12; 0.84 is kept for the next time.",
    ]


def test_a_refund_says_what_it_takes_back() -> None:
    facts = pinned(points=1, per_minor=3, before=Fraction(0), after=Fraction(2, 3))
    lines = explain("reverse", facts, -4, 10, "JPY")
    assert lines[1:] == [
        "10 JPY take back exactly ~3.333333 points; 0 was carried.",
        "Whole points: -4; ~0.666667 is kept for the next time.",
    ]


@pytest.mark.parametrize(
    ("kind", "points", "said"), [("redeem", -25, "25 points spent."), ("reverse", 25, "25 points given back.")]
)
def test_a_redemption_and_its_reversal_are_plain(kind: str, points: int, said: str) -> None:
    assert explain(kind, {}, points, None, None) == [said]
