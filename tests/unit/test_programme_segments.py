"""Segments are always current, need consent where they look at what is private, and holdouts never change."""

from datetime import date, timedelta

import pytest

from points.programme.entitlements import entitlements
from points.programme.segments import held_out, segments_of
from points.programme.standing import Award, Standing, TierState
from tests.support.evaluating import MONDAY, version

TODAY = date(2026, 11, 16)
DAY = TODAY.toordinal()


def inside(where: str, standing: Standing, **more: object) -> bool:
    text = f"""tiers: {{measure: points, window: {{kind: lifetime}},
  levels: [{{id: plain, names: {{en: P}}, from: 0}}, {{id: gold, names: {{en: G}}, from: 500}}]}}
segments: [{{id: it, where: {where}}}]"""
    known = {"joined": DAY - 100, "balance": 0, "member_id": "mbr_1", **more}
    return "it" in segments_of(version(text), standing, day=TODAY, **known)  # type: ignore[arg-type]


def counts(**by_days_ago: dict[int, int]) -> Standing:
    return Standing(
        counts={
            name.replace("__", "/"): {DAY - ago: n for ago, n in days.items()} for name, days in by_days_ago.items()
        }
    )


@pytest.mark.parametrize(
    ("where", "standing", "expected"),
    [
        ("{no_purchase_for: P60D}", counts(purchases={59: 1}), False),
        ("{no_purchase_for: P60D}", counts(purchases={60: 1, 90: 3}), True),
        ("{no_purchase_for: P60D}", counts(), True),
        ("{no_purchase_for: P101D}", counts(), False),
        ("{purchases_at_least: 3}", counts(purchases={10: 1, 400: 1}), False),
        ("{purchases_at_least: 2}", counts(purchases={10: 1, 400: 1}), True),
        ("{purchases_at_least: 2, within: P30D}", counts(purchases={0: 1, 29: 1}), True),
        ("{purchases_at_least: 2, within: P30D}", counts(purchases={0: 1, 30: 1}), False),
        ("{purchases_at_most: 0}", counts(), True),
        ("{purchases_at_most: 0}", counts(purchases={3: 1}), False),
        ("{spend_at_least: 10.00}", counts(spend={3: 999}), False),
        ("{spend_at_least: 10.00}", counts(spend={3: 999, 4: 1}), True),
        ("{visits_at_least: 2}", counts(visits={3: 2}), True),
        ("{purchases_at_least: 2, category: coffee}", counts(purchases={3: 2}), False),
        ("{purchases_at_least: 2, category: coffee}", counts(category__coffee__purchases={3: 2}), True),
        ("{joined_at_least: P100D}", counts(), True),
        ("{joined_at_least: P101D}", counts(), False),
        ("{tiers: [gold]}", counts(), False),
        ("{tiers: [gold]}", Standing(tier=TierState("gold", 1)), True),
        ("{none: [{tiers: [gold]}]}", Standing(tier=TierState("gold", 1)), False),
        ("{all: [{purchases_at_least: 1}, {visits_at_least: 1}]}", counts(purchases={3: 1}), False),
        ("{any: [{purchases_at_least: 1}, {visits_at_least: 1}]}", counts(purchases={3: 1}), True),
        ("{any: [{purchases_at_least: 1}, {visits_at_least: 1}]}", counts(), False),
    ],
)
def test_a_predicate_looks_at_what_the_history_amounts_to_today(where: str, standing: Standing, expected: bool) -> None:
    assert inside(where, standing) is expected


def test_balance_birthday_and_membership_are_asked_as_they_are() -> None:
    assert inside("{balance_at_least: 100}", Standing(), balance=100)
    assert not inside("{balance_at_least: 100}", Standing(), balance=99)
    assert inside("{birthday_month: true}", Standing(), birth_month=11)
    assert not inside("{birthday_month: true}", Standing(), birth_month=12)
    assert not inside("{birthday_month: true}", Standing())
    end = int(MONDAY.timestamp())
    club = Standing(memberships={"club": (0, end)})
    assert inside("{memberships: [club]}", club, at=MONDAY - timedelta(seconds=1))
    assert not inside("{memberships: [club]}", club, at=MONDAY)


@pytest.mark.parametrize(
    ("consent", "where", "needed"),
    [
        ("", "{purchases_at_least: 1, category: vitamins}", "sensitive"),
        ("", "{none: [{any: [{purchases_at_least: 1, category: vitamins}]}]}", "sensitive"),
        ("consent: profiling,", "{purchases_at_least: 1}", "profiling"),
    ],
)
def test_p3_without_consent_nobody_is_in_a_segment_that_looks_at_what_is_private(
    consent: str, where: str, needed: str
) -> None:
    text = f"sensitive_categories: [vitamins]\nsegments: [{{id: it, {consent} where: {where}}}]"
    inner = "none" in where
    standing = counts(purchases={1: 1}) if inner else counts(purchases={1: 1}, category__vitamins__purchases={1: 1})

    def members() -> frozenset[str]:
        return segments_of(version(text), standing, day=TODAY, joined=1, balance=0, member_id="mbr_1")

    assert members() == set()
    standing.consents = ["marketing"]
    assert members() == set()
    standing.consents = [needed]
    assert members() == {"it"}
    standing.consents = []
    assert members() == set()


@pytest.mark.parametrize(("share", "least", "most"), [("0.0001", 0, 3), ("0.25", 210, 290), ("0.9999", 997, 1000)])
def test_a_holdout_is_a_share_of_members_and_the_same_for_ever(share: str, least: int, most: int) -> None:
    one = version(f"holdouts: [{{id: it, share: {share}, salt: one}}]")
    drawn = [held_out(one, "it", f"mbr_{n}") for n in range(1000)]
    assert least <= sum(drawn) <= most
    assert drawn == [held_out(one, "it", f"mbr_{n}") for n in range(1000)]


def test_another_salt_draws_other_members() -> None:
    one, two = (version(f"holdouts: [{{id: it, share: 0.5, salt: {salt}}}]") for salt in ("one", "two"))
    same = sum(held_out(one, "it", f"mbr_{n}") == held_out(two, "it", f"mbr_{n}") for n in range(1000))
    assert 400 < same < 600


def test_r6_a_right_follows_from_tier_segment_membership_or_badge_and_says_from_which() -> None:
    text = """tiers: {measure: points, window: {kind: lifetime}, levels: [
  {id: plain, names: {en: P}, from: 0, benefits: [newsletter]},
  {id: gold, names: {en: G}, from: 500, benefits: [free_shipping]}]}
segments: [{id: regulars, where: {purchases_at_least: 5}}]
engagement: {badges: [{id: pioneer, names: {en: Pioneer}}]}
benefits:
  - {id: free_shipping, names: {en: Free shipping}, when: {tiers: [gold]}}
  - {id: newsletter, names: {en: Newsletter}, when: {tiers: [plain, gold]}}
  - {id: preview, names: {en: Preview}, when: {segments: [regulars], memberships: [club]}}
  - {id: founders, names: {en: Founders}, badge: pioneer}"""
    one = version(text)

    def of(standing: Standing) -> dict[str, tuple[str, ...]]:
        rights = entitlements(one, standing, TODAY, joined=1, balance=0, member_id="mbr_1", at=MONDAY)
        return {right.benefit: right.because for right in rights}

    assert of(Standing()) == {"newsletter": ("tier:plain",)}
    rich = counts(purchases={3: 5})
    rich.tier = TierState("gold", 1)
    rich.memberships["club"] = (0, None)
    rich.awards["badge/pioneer"] = [Award("ever", DAY)]
    assert of(rich) == {
        "free_shipping": ("tier:gold",),
        "newsletter": ("tier:gold",),
        "preview": ("segment:regulars", "membership:club"),
        "founders": ("badge:pioneer",),
    }
