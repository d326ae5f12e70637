"""The one sentence that a change tells."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kernel.i18n import LANGUAGES
from passes.card import Card, Value, Words, said
from passes.news import Budget, first_news, news, with_news
from passes.news_sentences import Story
from points.happenings import Happening
from points.programme.face import look_at
from points.programme.standing import Standing, TierState
from points.programme.version import InForce, Version
from tests.support.programme_files import programme

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAFE = """
tiers:
  measure: points
  window: {kind: lifetime}
  levels:
    - {id: basic, from: 0, names: {en: Basic, fi: Perus, hu: Alap}}
    - {id: gold, from: 500, names: {en: Gold, fi: Kulta, hu: Arany}}
rewards:
  - {id: coffee, kind: product, cost: 25, names: {en: Free coffee, fi: Ilmainen kahvi, hu: Ingyenes kávé}}
  - {id: lunch, kind: product, cost: 100, names: {en: Free lunch, fi: Ilmainen lounas, hu: Ingyenes ebéd}}
  - {id: gift, kind: product, voucher: true, names: {en: Birthday cake, fi: Syntymäpäiväkakku, hu: Születésnapi torta}}
"""
VERSION = Version("v", programme(CAFE))


def story(balance: int, tier: str | None = None) -> Story:
    standing = Standing(tier=TierState(tier, 1) if tier else None)
    seen = look_at(InForce(VERSION), standing, balance, "mbr_1", NOW)
    return Story("mbr_1", seen, balance, VERSION, date(2026, 6, 1))


def card(balance: int | None = None, told: Words | None = None, **values: Value) -> Card:
    shown = {"balance": Value(label={"en": "Points"}, number=balance)} if balance is not None else {}
    plain = Card(
        brand_id="ptn_1", design="dsn_1", language="en", description={"en": "Card"}, code="C", values=shown | values
    )
    return with_news(plain, told) if told else plain


def told(
    before: int,
    after: int,
    *happened: Happening,
    tier: str | None = None,
    last: Words | None = None,
    told_today: int = 0,
) -> tuple[str, ...] | None:
    budget = Budget("apple", [NOW - timedelta(hours=1)] * told_today, NOW)
    found = news(card(before, last or {"en": "Before"}), card(after), happened, story(after, tier), budget)
    return None if found is None else tuple(said(found, language) for language in LANGUAGES)


def journal(kind: str, change: int, points: int | None = None, **more: Any) -> Happening:
    return Happening(kind, abs(change) if points is None else points, change, **more)


MOVES = [
    ("earn", 12, ("You earned 12 points, now 12", "Sinulle kertyi 12 pistettä, nyt 12", "12 pont jóváírva, most 12")),
    ("earn", 1, ("You earned 1 point, now 1", "Sinulle kertyi 1 piste, nyt 1", "1 pont jóváírva, most 1")),
    ("grant", 5, ("You earned 5 points, now 5", "Sinulle kertyi 5 pistettä, nyt 5", "5 pont jóváírva, most 5")),
    ("redeem", -25, ("You used 25 points, now 0", "Käytetty 25 pistettä, nyt 0", "25 pont beváltva, most 0")),
    ("claim", -1, ("1 point set aside, now 0", "Varattu 1 piste, nyt 0", "1 pont félretéve, most 0")),
    ("release", 5, ("5 points free again, now 5", "5 pistettä taas käytettävissä, nyt 5",
                    "5 pont újra felhasználható, most 5")),
    ("reverse", -3, ("3 points taken back, now 0", "Peruttu 3 pistettä, nyt 0", "3 pont visszavonva, most 0")),
    ("reverse", 3, ("3 points given back, now 3", "Palautettu 3 pistettä, nyt 3", "3 pont visszaadva, most 3")),
    ("adjust", 3, ("3 points added, now 3", "Lisätty 3 pistettä, nyt 3", "3 pont hozzáadva, most 3")),
    ("adjust", -3, ("3 points removed, now 0", "Poistettu 3 pistettä, nyt 0", "3 pont levonva, most 0")),
    ("transfer_in", 4, ("You received 4 points, now 4", "Saapui 4 pistettä, nyt 4", "4 pont érkezett, most 4")),
    ("transfer_out", -4, ("You gave 4 points, now 0", "Annettu 4 pistettä, nyt 0", "4 pont átadva, most 0")),
    ("activate", 9, ("9 points ready to use, now 9", "9 pistettä nyt käytettävissä, nyt 9",
                     "9 pont mostantól felhasználható, most 9")),
    ("expire", -7, ("7 points expired, now 0", "7 pistettä vanheni, nyt 0", "7 pont lejárt, most 0")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "expected"), MOVES)
def test_points_that_move_are_told_with_the_balance(kind: str, change: int, expected: tuple[str, ...]) -> None:
    assert told(max(0, -change), max(0, change), journal(kind, change)) == expected


def test_points_that_will_expire_are_told_with_their_last_day() -> None:
    # The day ends at midnight in Helsinki.
    facts = {"notice": "expiry", "points": 50, "ends_at": "2026-06-30T21:00:00Z"}
    assert told(80, 80, Happening("notice", facts=facts)) == (
        "50 points expire on 30 June", "50 pistettä vanhenee 30.6.", "50 pont június 30-án lejár",
    )  # fmt: skip
    assert told(80, 80, Happening("notice", facts=facts | {"points": 1, "ends_at": "2027-01-31T22:00:00Z"})) == (
        "1 point expires on 31 January 2027", "1 piste vanhenee 31.1.2027", "1 pont 2027. január 31-én lejár",
    )  # fmt: skip


def test_a_reward_is_told_when_the_points_suffice_for_it_and_not_again_while_they_do() -> None:
    assert told(20, 32, journal("earn", 12)) == (
        "Your reward is ready: Free coffee", "Etusi odottaa: Ilmainen kahvi", "Vár a jutalmad: Ingyenes kávé",
    )  # fmt: skip
    assert told(32, 44, journal("earn", 12)) == (
        "You earned 12 points, now 44", "Sinulle kertyi 12 pistettä, nyt 44", "12 pont jóváírva, most 44",
    )  # fmt: skip
    assert told(0, 120, journal("earn", 120)) == (
        "2 rewards are ready for you", "2 etua odottaa sinua", "2 jutalom vár rád",
    )  # fmt: skip


def test_a_voucher_is_told_by_the_name_of_its_reward() -> None:
    gift = Happening("grant", facts={"reward": "gift", "voucher": "vch_1"})
    assert told(5, 5, gift) == (
        "Your reward is ready: Birthday cake", "Etusi odottaa: Syntymäpäiväkakku", "Vár a jutalmad: Születésnapi torta",
    )  # fmt: skip
    money = Happening("convert", 500, -500, facts={"reward": "statement", "voucher": "vch_1", "worth_minor": 500})
    assert told(500, 0, money) == (
        "Your reward is ready: 5.00 EUR", "Etusi odottaa: 5,00 EUR", "Vár a jutalmad: 5,00 EUR",
    )  # fmt: skip


def test_a_new_level_is_told_and_one_that_is_held_for_longer_is_not() -> None:
    raised = Happening("tier", facts={"tier": "gold", "tier_before": "basic"})
    assert told(600, 600, raised, tier="gold") == (
        "Your level is now Gold", "Tasosi on nyt Kulta", "A szinted mostantól Arany",
    )  # fmt: skip
    assert told(600, 600, Happening("tier", facts={"tier": "gold", "tier_before": "gold"}), tier="gold") is None


def test_the_end_of_a_level_is_told_with_its_last_day() -> None:
    facts = {"notice": "tier", "level": "gold", "to": "basic", "falls_on": "2026-07-01"}
    assert told(600, 600, Happening("notice", facts=facts), tier="gold") == (
        "Your level Gold ends on 30 June", "Tasosi Kulta päättyy 30.6.", "Arany szinted június 30-án lejár",
    )  # fmt: skip


def test_of_several_things_the_most_important_is_told() -> None:
    raised = Happening("tier", facts={"tier": "gold", "tier_before": "basic"})
    gift = Happening("grant", facts={"reward": "gift", "voucher": "vch_1"})
    ending = Happening("notice", facts={"notice": "expiry", "points": 5, "ends_at": "2026-06-30T21:00:00Z"})
    earned, spent = journal("earn", 12), journal("redeem", -30)

    def first(*happened: Happening) -> str:
        found = told(200, 200 + sum(one.change for one in happened), *happened, tier="gold")
        assert found is not None
        return found[0]

    assert first(ending, earned, spent, raised, gift) == "Your reward is ready: Birthday cake"
    assert first(ending, earned, spent, raised) == "Your level is now Gold"
    assert first(ending, earned, spent) == "You used 30 points, now 182"
    assert first(ending, earned) == "You earned 12 points, now 212"
    assert first(ending) == "5 points expire on 30 June"


def test_points_of_one_sort_are_told_in_one_sum() -> None:
    found = told(200, 262, journal("earn", 12), journal("grant", 50))
    assert found is not None
    assert found[0] == "You earned 62 points, now 262"


def test_what_was_given_and_taken_back_at_once_is_silent() -> None:
    assert told(200, 200, journal("earn", 12), journal("reverse", -12)) is None


def test_points_that_wait_are_told_as_such() -> None:
    assert told(3, 3, Happening("earn", 12, 0, 12)) == (
        "12 points on the way, now 3", "Tulossa 12 pistettä, nyt 3", "12 pont úton, most 3",
    )  # fmt: skip


def test_what_others_do_with_a_shared_account_is_told_as_theirs() -> None:
    assert told(3, 15, journal("earn", 12, by_member_id="mbr_2")) == (
        "Shared account: +12 points, now 15", "Yhteinen tili: +12 pistettä, nyt 15", "Közös számla: +12 pont, most 15",
    )  # fmt: skip
    found = told(15, 3, journal("redeem", -12, by_member_id="mbr_2"))
    assert found is not None
    assert found[0] == "Shared account: \N{MINUS SIGN}12 points, now 3"
    own = told(3, 15, journal("earn", 12, by_member_id="mbr_1"))
    assert own is not None
    assert own[0] == "You earned 12 points, now 15"


def test_a_change_of_which_nothing_happened_is_silent() -> None:
    assert told(12, 12) is None


def test_a_balance_that_what_happened_does_not_explain_is_told_alone() -> None:
    expected = ("Your balance is now 40 points", "Saldosi on nyt 40 pistettä", "Az egyenleged most 40 pont")
    assert told(12, 40) == expected
    assert told(12, 40, journal("earn", 5)) == expected
    merged = told(4, 20, journal("merge_in", 16))
    assert merged is not None
    assert merged[0] == "Your balance is now 20 points"


def test_what_happened_on_an_account_before_the_member_used_it_is_not_told_as_theirs() -> None:
    joined = Happening("merge_in", facts={"sender": "mbr_1"})
    found = told(0, 20, journal("earn", 20), joined)
    assert found is not None
    assert found[0] == "Your balance is now 20 points"
    assert told(20, 20, journal("earn", 5), journal("redeem", -5), joined) is None
    others = told(0, 20, journal("earn", 20), Happening("merge_in", facts={"sender": "mbr_2"}))
    assert others is not None
    assert others[0] == "You earned 20 points, now 20"


def test_the_same_sentence_twice_differs_by_the_balance() -> None:
    gift = Happening("grant", facts={"reward": "gift", "voucher": "vch_1"})
    first = told(5, 5, gift)
    assert first is not None
    second = told(5, 5, gift, last=dict(zip(LANGUAGES, first, strict=True)))
    assert second == tuple(
        f"{text} (5 {unit})" for text, unit in zip(first, ("points", "pistettä", "pont"), strict=True)
    )


def test_the_last_messages_of_a_day_are_for_what_matters() -> None:
    assert told(0, 12, journal("earn", 12), told_today=14) is not None
    assert told(0, 12, journal("earn", 12), told_today=15) is None
    assert told(12, 0, journal("redeem", -12), told_today=15) is not None
    assert told(12, 0, journal("redeem", -12), told_today=20) is None


def test_google_is_told_twice_a_day_of_anything_and_once_more_of_what_matters() -> None:
    def allowed(times: int, *, important: bool) -> bool:
        return Budget("google", [NOW] * times, NOW).allows(important=important)

    assert [allowed(times, important=False) for times in range(4)] == [True, True, False, False]
    assert [allowed(times, important=True) for times in range(4)] == [True, True, True, False]


def test_a_card_to_which_nothing_was_told_says_the_balance() -> None:
    spoken = first_news(story(132))
    assert tuple(said(spoken, language) for language in LANGUAGES) == (
        "You have 132 points", "Sinulla on 132 pistettä", "Egyenleged 132 pont",
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "expected"), MOVES)
def test_sentences_are_short_enough_for_a_watch(kind: str, change: int, expected: tuple[str, ...]) -> None:
    assert max(map(len, expected)) <= 60
