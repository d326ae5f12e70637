"""Codes: how long they are good, what a use is worth, who may use them where, and what a partner makes of them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import CommonpointError
from points.book import VoucherState
from points.programme.rewards import given
from points.programme.schema.basics import Match, Schedule
from points.programme.schema.programme import Programme, Unit
from points.programme.schema.rewards import Boost, Conversion, Reward
from points.programme.version import Version
from points.programme.voucher_value import Use, boost_at, exchange, use_voucher, valid_until, voucher_of

NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
OWNER, OTHER = "mbr_owner", "mbr_other"


def of(*rewards: Reward, **more: Any) -> Version:
    fields: dict[str, Any] = {"zone": "Europe/London", "currency": "GBP", "names": {"en": "Shop"}, **more}
    return Version("v1", Programme(programme="shop", unit=Unit(value=Decimal("0.01")), rewards=rewards, **fields))


def code_of(kind: Any = "amount_off", **more: Any) -> tuple[Version, VoucherState]:
    """A version with one reward, and a code of it."""
    one = Reward(id="off", names={"en": "Off"}, kind=kind, voucher=True, **more)
    version = of(one)
    made = voucher_of(
        version, given(version, "off", NOON), voucher_id="vch_1", code="ABC", partner_id="ptn_a", journal_id="clm_1",
        at=NOON,
    )  # fmt: skip
    return version, made


def used(pair: tuple[Version, VoucherState], **use: Any) -> tuple[str, int, int | None, int | None]:
    """State, uses left, value left and money of one use."""
    done = use_voucher(*pair, OWNER, Use(**{"at": NOON, **use}))
    return done.voucher.state, done.voucher.uses_left, done.voucher.value_minor, done.money_minor


TENNER = {"amount": Decimal("10.00")}


def test_a_single_use_code_is_over_after_one_use() -> None:
    pair = code_of("product")
    assert used(pair) == ("used", 0, None, None)
    with pytest.raises(CommonpointError) as refused:
        used((pair[0], use_voucher(*pair, OWNER, Use(at=NOON)).voucher))
    assert refused.value.code == "voucher_used"


def test_a_value_is_used_in_parts_as_often_as_the_file_says() -> None:
    pair = code_of(**TENNER, uses=3)
    assert used(pair, basket_minor=400) == ("issued", 2, 600, 400)
    assert used(pair, amount_minor=250) == ("issued", 2, 750, 250)
    assert used(pair, basket_minor=5000) == ("used", 0, 0, 1000)


def test_what_is_left_after_the_last_use_is_forfeited() -> None:
    assert used(code_of(**TENNER), basket_minor=400) == ("used", 0, 600, 400)


def test_using_leaves_the_given_state_as_it_was() -> None:
    pair = code_of(**TENNER, uses=2)
    assert used(pair, basket_minor=400) == used(pair, basket_minor=400)


def test_a_share_of_a_purchase_is_rounded_down() -> None:
    assert used(code_of("percent_off", percent=Decimal("0.15")), basket_minor=1999)[3] == 299


REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    ("more than its value", "amount_off", TENNER, {"amount_minor": 1001}, "more_than_voucher_value"),
    ("more than the purchase", "amount_off", TENNER, {"amount_minor": 500, "basket_minor": 400},
     "more_than_voucher_value"),
    ("an amount of a thing", "product", {}, {"amount_minor": 1}, "voucher_has_no_value"),
    ("a share of nothing known", "percent_off", {"percent": Decimal("0.5")}, {}, "basket_needed"),
    ("below the minimum", "amount_off", {**TENNER, "minimum_basket": Decimal(20)}, {"basket_minor": 1999},
     "basket_too_small"),
    ("minimum of nothing known", "amount_off", {**TENNER, "minimum_basket": Decimal(20)}, {}, "basket_needed"),
    ("of another member", "product", {"personal": True}, {"member_id": OTHER}, "voucher_of_another_member"),
    ("of an unnamed member", "product", {"personal": True}, {}, "voucher_of_another_member"),
    ("elsewhere", "product", {"item": Match(partners=("cafe",))}, {"partner": "gym"}, "not_here"),
    ("at another place", "product", {"item": Match(locations=("main",))}, {"location": "mall"}, "not_here"),
    ("without its order", "product", {"one_per_order": True}, {}, "order_needed"),
    ("second of an order", "product", {"one_per_order": True}, {"order": "o", "taken_by": ("cake",)},
     "order_already_rewarded"),
    ("too late", "product", {"valid": "P1D"}, {"at": datetime(2026, 3, 3, tzinfo=UTC)}, "voucher_expired"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "fields", "use", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_code_is_refused_with_its_reason(
    what: str, kind: Any, fields: dict[str, Any], use: dict[str, Any], code: str
) -> None:
    with pytest.raises(CommonpointError) as refused:
        used(code_of(kind, **fields), **use)
    assert refused.value.code == code


def test_a_code_that_names_nobody_is_good_for_whoever_shows_it() -> None:
    assert used(code_of("product"), member_id=OTHER)[0] == "used"
    assert used(code_of("product", personal=True), member_id=OWNER)[0] == "used"


def test_a_voided_code_says_so() -> None:
    version, made = code_of("product")
    made.state = "voided"
    with pytest.raises(CommonpointError) as refused:
        use_voucher(version, made, OWNER, Use(at=NOON))
    assert refused.value.code == "voucher_voided"


def test_validity_ends_with_the_business_day_or_to_the_second() -> None:
    version = of(zone="Europe/Helsinki", day_starts="04:00")
    assert valid_until(version, "P60D", NOON) == datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert valid_until(version, "PT2H", NOON) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert valid_until(version, None, NOON) is None


def test_a_voucher_of_two_years_issued_in_february_2021_is_gone_in_march_2023() -> None:
    end = valid_until(of(), "P2Y", datetime(2021, 2, 28, 23, tzinfo=UTC))
    assert end == datetime(2023, 3, 1, tzinfo=UTC)


BOOSTS = (
    Boost(times=3, schedule=Schedule(until="2023-06-14"), valid="P12M"),
    Boost(times=2, schedule=Schedule(from_="2023-06-14"), valid="P6M"),
)
CLUB = of(
    conversion=Conversion(
        months=(2, 5, 8, 11), min_points=150, points=100, money=Decimal(1), step=Decimal("0.50"), valid="P2Y",
        boosts=BOOSTS,
    )
)  # fmt: skip


def statement(value_minor: int = 500) -> VoucherState:
    return VoucherState("vch_1", "ABC", "statement", "v1", "ptn_shop", "cnv_1", "issued", None, 1, value_minor)


EXCHANGES = [
    ("the last day of three times", datetime(2023, 6, 13, 12, tzinfo=UTC), 1500, datetime(2024, 6, 13, 23, tzinfo=UTC)),
    ("the first day of two times", datetime(2023, 6, 14, 12, tzinfo=UTC), 1000, datetime(2023, 12, 15, tzinfo=UTC)),
]


@pytest.mark.parametrize(("what", "at", "value", "until"), EXCHANGES, ids=[row[0] for row in EXCHANGES])
def test_a_statement_voucher_is_worth_more_at_partners_as_of_the_day_of_the_order(
    what: str, at: datetime, value: int, until: datetime
) -> None:
    made = exchange(
        CLUB,
        statement(),
        boost_at(CLUB, "park", False, at),
        voucher_id="vch_2",
        code="PARK",
        partner_id="ptn_park",
        at=at,
    )
    assert (made.value_minor, made.valid_until, made.partner_id) == (value, until, "ptn_park")
    assert use_voucher(CLUB, made, OWNER, Use(at=datetime(2023, 12, 1, tzinfo=UTC))).money_minor == value


def test_the_issuer_itself_boosts_nothing() -> None:
    at = datetime(2023, 6, 13, 12, tzinfo=UTC)
    assert boost_at(CLUB, "shop", True, at) is None
    with pytest.raises(CommonpointError) as refused:
        exchange(CLUB, statement(), None, voucher_id="vch_2", code="X", partner_id="ptn_shop", at=at)
    assert refused.value.code == "voucher_not_exchangeable"


def test_a_reward_code_is_not_exchanged() -> None:
    version, made = code_of(**TENNER)
    with pytest.raises(CommonpointError) as refused:
        exchange(version, made, BOOSTS[0], voucher_id="v", code="X", partner_id="ptn_park", at=NOON)
    assert refused.value.code == "voucher_not_exchangeable"
