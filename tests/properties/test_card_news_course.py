"""News over a long time: never more than a day may have, and never the same text for a card that tells something."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kernel.i18n import LANGUAGES
from passes.card import Card, Value, Words, said
from passes.news import MESSAGES_PER_DAY, Budget, news, told_by, unlike, with_news
from passes.news_sentences import Rank, Sentence, Story
from points.happenings import Happening
from points.programme.face import look_at
from points.programme.standing import Standing
from points.programme.version import InForce, Version
from tests.support.programme_files import programme

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(hours=24)
VERSION = Version(
    "v",
    programme(
        """
rewards:
  - {id: coffee, kind: product, cost: 25, names: {en: Coffee, fi: Kahvi, hu: Kávé}}
  - {id: gift, kind: product, voucher: true, names: {en: Cake, fi: Kakku, hu: Torta}}
"""
    ),
)
_FACTS: dict[str, dict[str, Any]] = {
    "grant": {"reward": "gift", "voucher": "vch"},
    "notice": {"notice": "expiry", "points": 5, "ends_at": "2026-06-30T21:00:00Z"},
}
_steps = st.one_of(
    st.tuples(st.just("earn"), st.integers(1, 60)),
    st.tuples(st.sampled_from(["redeem", "expire", "reverse"]), st.integers(-60, -1)),
    st.tuples(st.sampled_from(["grant", "notice"]), st.just(0)),
)
# Mostly minutes apart, sometimes days, and now and then a clock that is put back.
_waits = st.one_of(st.integers(0, 90), st.integers(60, 3_000), st.integers(-2_000, 0)).map(
    lambda n: timedelta(minutes=n)
)


def happening(kind: str, change: int) -> Happening:
    return Happening(kind, abs(change), change, facts=_FACTS.get(kind, {}))


def card(balance: int) -> Card:
    shown = {"balance": Value(label={"en": "Points"}, number=balance)}
    return Card(brand_id="p", design="d", language="en", description={}, code="C", values=shown)


def story(balance: int) -> Story:
    seen = look_at(InForce(VERSION), Standing(), balance, "mbr_1", START)
    return Story("mbr_1", seen, balance, VERSION, date(2026, 6, 1))


def most_in_a_day(moments: Sequence[datetime]) -> int:
    return max((sum(begin <= each <= begin + DAY for each in moments) for begin in moments), default=0)


@given(st.sampled_from(sorted(MESSAGES_PER_DAY)), st.lists(st.tuples(_steps, _waits), max_size=80))
def test_no_24_hours_have_more_messages_than_the_wallet_shows(
    wallet: str, course: list[tuple[tuple[str, int], timedelta]]
) -> None:
    now, told, moments, balance = START, list[datetime](), list[datetime](), 1_000
    shown = with_news(card(balance), {"en": "Hello"})
    for (kind, change), wait in course:
        now += wait
        balance += change
        budget = Budget(wallet, told, now)
        found = news(shown, card(balance), [happening(kind, change)], story(balance), budget)
        shown = with_news(card(balance), told_by(shown) if found is None else found)
        if found is not None:
            told = budget.spent()
            moments.append(now)
        assert len(told) <= MESSAGES_PER_DAY[wallet]
    assert most_in_a_day(moments) <= MESSAGES_PER_DAY[wallet]


@given(st.lists(_steps, max_size=30))
def test_what_is_told_is_never_what_the_card_said_before_in_any_language(course: list[tuple[str, int]]) -> None:
    balance = 1_000
    shown = with_news(card(balance), {"en": "Hello"})
    for kind, change in course:
        balance += change
        found = news(shown, card(balance), [happening(kind, change)], story(balance), Budget("apple", (), START))
        assert found is not None
        for language in LANGUAGES:
            assert said(found, language) != said(told_by(shown), language)
        shown = with_news(card(balance), found)


_texts = st.sampled_from(["a", "a.", "b", "b.", "c"])
_words = st.fixed_dictionaries(dict.fromkeys(LANGUAGES, _texts))


@given(_words, _words, _words)
def test_whatever_was_told_a_sentence_has_a_form_that_differs(told: Words, first: Words, second: Words) -> None:
    bare = {language: text.rstrip(".") + "1" for language, text in first.items()}
    other = {language: text.rstrip(".") + "2" for language, text in second.items()}
    for last in (told, bare, other, {language: f"{text}." for language, text in bare.items()}):
        form = unlike(last, Sentence(Rank.READY, bare, other))
        assert all(said(form, language) != said(last, language) for language in LANGUAGES)


@given(st.permutations(["first", "second", "first.", "second."]))
def test_three_languages_cannot_block_all_four_forms(forms: list[str]) -> None:
    first, second = (dict.fromkeys(LANGUAGES, text) for text in ("first", "second"))
    last = dict(zip(LANGUAGES, forms, strict=False))
    form = unlike(last, Sentence(Rank.READY, first, second))
    assert all(said(form, language) != last[language] for language in LANGUAGES)
