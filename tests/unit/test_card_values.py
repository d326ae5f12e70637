"""Each thing that a card says of its member, in each language."""

from datetime import UTC, datetime
from typing import Any

from kernel.i18n import LANGUAGES
from passes.card import Value, said
from passes.look import Layout, Look, ValueKey
from passes.values import Holding, asked_of, labels_of, values
from points.book import LotState
from points.members import MemberRow
from points.programme.face import look_at
from points.programme.standing import Standing, TierState
from points.programme.version import InForce, Version
from points.statement import MemberState
from tests.support.programme_files import programme

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
JOINED = datetime(2024, 2, 29, 8, tzinfo=UTC)
CAFE = """
tiers:
  measure: points
  window: {kind: lifetime}
  levels:
    - {id: basic, from: 0, names: {en: Basic, fi: Perus, hu: Alap}}
    - {id: gold, from: 500, names: {en: Gold, fi: Kulta, hu: Arany}}
rewards:
  - {id: coffee, kind: product, cost: 25, names: {en: Coffee, fi: Kahvi, hu: Kávé}}
  - {id: lunch, kind: product, cost: 100, names: {en: Lunch, fi: Lounas, hu: Ebéd}}
lots:
  expiry: {kind: rolling, length: P12M, end_of: month}
engagement:
  challenges:
    - id: regular
      names: {en: Regular, fi: Kanta-asiakas, hu: Törzsvendég}
      goal: {count: 5, of: visits}
      gain: {points: 10}
      per: month
"""
SPENDER = """
engagement:
  milestones:
    - id: spender
      names: {en: Spender, fi: Tuhlari, hu: Költekező}
      goal: {amount: 100.00, of: spend}
      gain: {points: 10}
"""
MEMBER = MemberRow("mbr_1", "7K3M9QXA2BCD", "ptn_1", JOINED, "Aino Mäkinen", "fi")


def holding(text: str = CAFE, lots: tuple[LotState, ...] = (), vouchers: int = 0, **state: Any) -> Holding:
    version = Version("v", programme(text))
    known: dict[str, Any] = {"spendable": 0, "arrears": 0, "pending": 0, "held": 0, "standing": Standing()}
    known |= state
    now = MemberState(member_id="mbr_1", holder_id="mbr_1", version=1, frozen=False, seq=1, **known)
    seen = look_at(InForce(version), now.standing, now.spendable, "mbr_1", NOW)
    return Holding(MEMBER, now, seen, version, NOW, vouchers, lots)


def value(key: ValueKey, of: Holding, **labels: dict[str, str]) -> Value | None:
    look = Look(id="dsn_1", partner_id="ptn_1", brand_name="Bistro", labels=labels)
    return values([key], labels_of(look), labels, of).get(key)


def text(key: ValueKey, of: Holding) -> tuple[str, ...]:
    found = value(key, of)
    assert found is not None
    return tuple(said(found.text, language) for language in LANGUAGES)


def labels(key: ValueKey, of: Holding) -> tuple[str, ...]:
    found = value(key, of)
    assert found is not None
    return tuple(said(found.label, language) for language in LANGUAGES)


def lot(number: int, remaining: int, expires_at: datetime | None, **more: Any) -> LotState:
    return LotState(f"lot_{number}", "ptn_1", "ern_1", 1000, remaining, JOINED, "v", expires_at=expires_at, **more)


def test_the_balance_is_a_number_under_the_name_of_the_unit() -> None:
    found = value("balance", holding(spendable=132))
    assert found is not None
    assert found.number == 132
    assert labels("balance", holding(spendable=132)) == ("Points", "Pisteet", "Pont")
    stamps = "unit: {names: {en: [stamp, stamps], fi: [leima, leimaa]}}\n"
    assert labels("balance", holding(stamps))[:2] == ("Stamps", "Leimaa")
    labelled = "unit: {names: {en: [stamp, stamps], fi: [leima, leimaa]}, label: {en: Your stamps, fi: Leimasi}}\n"
    assert labels("balance", holding(labelled))[:2] == ("Your stamps", "Leimasi")


def test_a_design_may_name_a_value_otherwise() -> None:
    found = value("balance", holding(), balance={"en": "Beans"})
    assert found is not None
    assert found.label == {"en": "Beans"}


def test_the_tier_is_named_in_each_language() -> None:
    assert text("tier", holding(standing=Standing(tier=TierState("gold", 1)))) == ("Gold", "Kulta", "Arany")
    assert labels("tier", holding()) == ("Level", "Taso", "Szint")
    assert value("tier", holding("")) is None


def test_the_next_reward_says_how_many_points_are_missing() -> None:
    assert text("next_reward", holding(spendable=24)) == ("1 point to Coffee", "1 piste: Kahvi", "1 pont: Kávé")
    assert text("next_reward", holding(spendable=30)) == ("70 points to Lunch", "70 pistettä: Lounas", "70 pont: Ebéd")
    assert text("next_reward", holding(spendable=100)) == (
        "All rewards reached", "Kaikki edut saatavilla", "Minden jutalom elérve",
    )  # fmt: skip
    assert value("next_reward", holding("")) is None


def test_rewards_and_vouchers_are_counted() -> None:
    ready = value("rewards_ready", holding(spendable=100))
    assert ready is not None
    assert ready.number == 2
    none = value("rewards_ready", holding())
    assert none is not None
    assert none.number == 0
    assert value("rewards_ready", holding("")) is None
    vouchers = value("vouchers", holding(vouchers=3))
    assert vouchers is not None
    assert vouchers.number == 3
    assert labels("vouchers", holding()) == ("Vouchers", "Kupongit", "Kuponok")


def test_points_that_wait_are_held_or_owed_are_said_while_there_are_some() -> None:
    one, many = ("1 point", "1 piste", "1 pont"), ("12 points", "12 pistettä", "12 pont")
    assert (text("pending", holding(pending=1)), text("pending", holding(pending=12))) == (one, many)
    assert (text("held", holding(held=1)), text("held", holding(held=12))) == (one, many)
    assert (text("owed", holding(arrears=1)), text("owed", holding(arrears=12))) == (one, many)
    nothing = [value("pending", holding()), value("held", holding()), value("owed", holding())]
    assert nothing == [None, None, None]


def test_the_points_that_end_next_are_said_with_their_last_day() -> None:
    june, july = datetime(2026, 6, 30, 21, tzinfo=UTC), datetime(2026, 7, 31, 21, tzinfo=UTC)
    # All of them are a year and more old, so each ends when it is due.
    lots = (lot(1, 20, june), lot(2, 30, june), lot(3, 70, july), lot(4, 5, None), lot(5, 0, june))
    assert text("expiring", holding(lots=lots)) == ("50 points on 30 June", "50 pistettä 30.6.", "50 pont, június 30.")
    one = (lot(1, 1, datetime(2027, 1, 31, 22, tzinfo=UTC)),)
    assert text("expiring", holding(lots=one)) == (
        "1 point on 31 January 2027", "1 piste 31.1.2027", "1 pont, 2027. január 31.",
    )  # fmt: skip
    assert value("expiring", holding()) is None
    assert value("expiring", holding(lots=(lot(1, 5, june, pending=True),))) is None


def test_progress_is_that_of_the_first_goal_that_is_not_reached() -> None:
    today = NOW.date().toordinal()
    visits = Standing(counts={"visits": {today: 3}})
    assert text("progress", holding(standing=visits)) == ("Regular: 3 of 5", "Kanta-asiakas: 3/5", "Törzsvendég: 3/5")
    spent = Standing(counts={"spend": {today: 1250}})
    assert text("progress", holding(SPENDER, standing=spent)) == (
        "Spender: 12.50 of 100.00 EUR", "Tuhlari: 12,50/100,00 EUR", "Költekező: 12,50/100,00 EUR",
    )  # fmt: skip
    done = Standing(counts={"visits": {today: 5}})
    assert value("progress", holding(standing=done)) is None
    assert value("progress", holding("")) is None


def test_the_member_is_named_numbered_and_dated() -> None:
    assert text("holder", holding()) == ("Aino Mäkinen",) * 3
    assert text("member_code", holding()) == ("7K3M9QXA2BCD",) * 3
    joined = value("joined", holding())
    assert joined is not None
    assert joined.moment == JOINED


def test_a_card_asks_for_each_value_of_its_layout_once() -> None:
    layout = Layout(header=("balance",), primary=("holder",), secondary=("tier",), auxiliary=("tier",), back=("owed",))
    assert asked_of(layout) == ("balance", "holder", "tier", "owed")


def test_what_only_coupons_say_is_not_on_a_card() -> None:
    coupons: tuple[ValueKey, ...] = ("reward", "worth", "uses_left", "valid_until")
    assert [value(key, holding()) for key in coupons] == [None] * 4
