"""What a coupon in the wallet says of its voucher."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from passes.card import card_from_json, card_json, said
from passes.coupons import coupon_card, coupon_look, is_over, news
from passes.look import BackText, Layout, Look, SignUp
from points.book import VoucherState
from points.members import MemberRow
from points.programme.canonical import version_of
from points.programme.text import read_programme
from points.programme.version import Version

PROGRAMME = """
programme: coupons
names: {en: Coupons}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
rewards:
  - {id: coffee, names: {en: Free coffee, fi: Ilmainen kahvi}, kind: product, cost: 20, voucher: true, valid: P60D}
  - {id: card, names: {en: Gift card}, kind: amount_off, amount: 10.00, cost: 30, voucher: true, uses: 5}
  - {id: mine, names: {en: Mine}, kind: percent_off, percent: 0.125, cost: 15, voucher: true, personal: true}
conversion: {months: [2], min_points: 150, points: 100, money: 1.00, step: 0.50, valid: P2Y, names: {en: Statement}}
"""
VERSION: Version = version_of(read_programme(PROGRAMME))
MEMBER = MemberRow("mbr_1", "MEMBERCODE", "ptn_home", datetime(2026, 3, 1, tzinfo=UTC), "Ödön", "hu")
LOOK = Look(id="dsg_1", partner_id="ptn_1", brand_name="Kávézó", background="#123456")


def a_voucher(reward: str = "coffee", **changes: Any) -> VoucherState:
    fresh = VoucherState(
        id="vch_1", code="ABC234", reward=reward, version_id=VERSION.id, partner_id="ptn_1", journal_id="clm_1",
        state="issued", valid_until=None, uses_left=1,
    )  # fmt: skip
    return replace(fresh, **changes)


def test_a_coupon_says_its_reward_in_each_language_and_shows_the_vouchers_code() -> None:
    card = coupon_card(a_voucher(), VERSION, LOOK, MEMBER)
    assert card.code == "ABC234"
    assert (card.brand_id, card.language, card.tap_key) == ("ptn_1", "hu", "")
    reward = card.values["reward"]
    assert [said(reward.text, language) for language in ("en", "fi", "hu")] == [
        "Free coffee", "Ilmainen kahvi", "Free coffee",
    ]  # fmt: skip
    assert said(reward.label, "fi") == "Etu"
    assert said(card.description, "en") == "Kávézó coupon: Free coffee"
    assert set(card.values) == {"reward", "news"}


def test_a_coupon_with_a_worth_says_what_is_left_of_it_and_how_often() -> None:
    card = coupon_card(a_voucher("card", value_minor=700, uses_left=4, used=True), VERSION, LOOK, MEMBER)
    worth = card.values["worth"]
    assert (worth.minor, worth.currency) == (700, "EUR")
    assert card.values["uses_left"].number == 4
    assert said(card.values["news"].text, "hu") == "Gift card: még 7,00 EUR"


def test_a_share_of_a_purchase_is_written_as_each_language_writes_it() -> None:
    card = coupon_card(a_voucher("mine"), VERSION, LOOK, MEMBER)
    assert card.values["worth"].text == {"en": "12.5%", "fi": "12,5\N{NO-BREAK SPACE}%", "hu": "12,5%"}


def test_a_personal_coupon_names_its_member_and_another_does_not() -> None:
    assert coupon_card(a_voucher("mine"), VERSION, LOOK, MEMBER).values["holder"].text == {"hu": "Ödön"}
    assert "holder" not in coupon_card(a_voucher(), VERSION, LOOK, MEMBER).values
    assert "holder" not in coupon_card(a_voucher("mine"), VERSION, LOOK, replace(MEMBER, name="")).values


def test_a_statements_voucher_is_money_without_a_number_of_uses() -> None:
    card = coupon_card(a_voucher("statement", value_minor=1500, uses_left=1500), VERSION, LOOK, MEMBER)
    assert said(card.values["reward"].text, "en") == "Statement"
    assert "uses_left" not in card.values


def test_the_last_day_that_is_shown_is_a_day_on_which_the_code_is_good() -> None:
    midnight = datetime(2026, 4, 30, 21, tzinfo=UTC)  # the first of May begins in Helsinki
    card = coupon_card(a_voucher(valid_until=midnight), VERSION, LOOK, MEMBER)
    assert card.valid_until == midnight
    shown = card.values["valid_until"].moment
    assert shown is not None
    assert (shown.isoformat(), shown < midnight) == ("2026-04-30T23:59:59+03:00", True)


@pytest.mark.parametrize(
    ("changes", "over", "told"),
    [
        ({}, False, "Show this code at the till"),
        ({"reward": "card", "value_minor": 1000, "uses_left": 5}, False, "Show this code at the till"),
        ({"reward": "card", "value_minor": 250, "uses_left": 3, "used": True}, False, "Gift card: 2.50 EUR left"),
        ({"uses_left": 2, "used": True}, False, "Free coffee: good for 2 more"),
        ({"state": "used", "uses_left": 0, "used": True}, True, "Free coffee: used"),
        ({"uses_left": 0, "used": True}, True, "Free coffee: used"),
        ({"state": "voided", "uses_left": 0}, True, "Free coffee: cancelled"),
    ],
    ids=str,
)
def test_each_state_of_a_voucher_has_one_sentence_and_is_over_or_not(
    changes: dict[str, Any], over: bool, told: str
) -> None:
    voucher = a_voucher(**changes)
    assert is_over(voucher) == over
    assert said(news(voucher, VERSION), "en") == told
    card = coupon_card(voucher, VERSION, LOOK, MEMBER)
    assert said(card.values["news"].text, "en") == told
    assert max(len(text) for text in card.values["news"].text.values()) <= 60


def test_the_same_voucher_gives_the_same_bytes_also_after_they_were_read_again() -> None:
    voucher = a_voucher("card", value_minor=700, uses_left=4, valid_until=datetime(2026, 4, 30, 21, tzinfo=UTC))
    card = coupon_card(voucher, VERSION, LOOK, MEMBER)
    again = coupon_card(voucher, VERSION, coupon_look(LOOK), MEMBER)
    assert card_json(card) == card_json(again) == card_json(card_from_json(card_json(card)))


def test_the_look_of_coupons_is_the_brands_without_what_belongs_to_the_card() -> None:
    look = Look(
        id="dsg_1", partner_id="ptn_1", brand_name="Kávézó", style="generic", taps=True, unlock_to_tap=True,
        sharing=True, sign_up=SignUp(("name",), {"en": "Join"}), labels={"reward": {"en": "Treat"}},
        texts=(BackText("terms", {"en": "Terms"}, {"en": "One per visit"}),),
        pictures={"logo": "a", "strip.fi": "b", "thumbnail": "c", "background": "d", "personalization_logo": "e"},
        layout=Layout(primary=("balance",)),
    )  # fmt: skip
    shown = coupon_look(look)
    assert (shown.id, shown.style, shown.taps, shown.sign_up, shown.sharing) == (
        "dsg_1#coupon", "coupon", False, None, False,
    )  # fmt: skip
    assert shown.layout.primary == ("reward",)
    assert set(shown.pictures) == {"logo", "strip.fi"}
    assert (shown.background, shown.texts) == (look.background, look.texts)
    assert coupon_look(shown) is shown
    assert coupon_card(a_voucher(), VERSION, look, MEMBER).values["reward"].label == {"en": "Treat"}


def test_a_coupon_says_nothing_that_its_layout_has_no_place_for() -> None:
    card = coupon_card(
        a_voucher("card", value_minor=1, uses_left=2, valid_until=datetime(2026, 4, 30, tzinfo=UTC)),
        VERSION,
        LOOK,
        MEMBER,
    )
    layout = coupon_look(LOOK).layout
    places = {*layout.header, *layout.primary, *layout.secondary, *layout.auxiliary, *layout.back}
    assert set(card.values) - {"news"} <= places
