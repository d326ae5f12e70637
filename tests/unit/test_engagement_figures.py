"""Figures of engagement: promoters, satisfaction, draws, places on a board."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from api.http.surveys import one_decimal
from points.engagement.boards import Player, ranked, reached
from points.engagement.draws import commitment, draw, pick, winners, won
from points.engagement.surveys import csat, nps

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEED = bytes(range(32))


def test_five_promoters_three_passives_and_two_detractors_make_plus_thirty() -> None:
    counts = {9: 2, 10: 3, 7: 1, 8: 2, 6: 1, 0: 1}
    figure = nps(counts)
    assert (figure.promoters, figure.passives, figure.detractors, figure.score) == (5, 3, 2, Fraction(30))


@pytest.mark.parametrize(("score", "expected"), [(6, -100), (7, 0), (8, 0), (9, 100)])
def test_the_edges_of_promoters_and_detractors(score: int, expected: int) -> None:
    assert nps({score: 4}).score == expected


def test_a_survey_without_answers_has_no_figure() -> None:
    assert nps({}).score is None
    assert csat({}).score is None


def test_fours_and_fives_are_satisfied() -> None:
    figure = csat({1: 1, 3: 1, 4: 1, 5: 3})
    assert (figure.satisfied, figure.answers, figure.total) == (4, 6, 23)
    assert figure.score == Fraction(200, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(30), "30.0"),
        (Fraction(200, 3), "66.7"),
        (Fraction(-2, 3), "-0.7"),
        (Fraction(1, 20), "0.1"),
        (Fraction(-1, 20), "-0.1"),
        (Fraction(-1, 30), "0.0"),
        (Fraction(0), "0.0"),
    ],
)
def test_figures_are_shown_with_one_exact_decimal(value: Fraction, text: str) -> None:
    assert one_decimal(value) == text


def test_a_draw_is_what_anybody_can_compute_from_seed_and_subject() -> None:
    expected = int(hmac.new(SEED, b"ern_1", hashlib.sha256).hexdigest(), 16)
    assert draw(SEED, "ern_1") == Fraction(expected, 2**256)
    assert commitment(SEED) == hashlib.sha256(SEED).hexdigest()


def test_a_replay_chooses_the_same_purchases() -> None:
    purchases = [f"ern_{n}" for n in range(2000)]
    first = winners(SEED, purchases, Fraction(1, 100))
    assert first == winners(SEED, purchases, Fraction("0.01"))
    assert 5 < len(first) < 45
    assert first != winners(bytes(32), purchases, Fraction(1, 100))


def test_chance_zero_never_wins_and_chance_one_always() -> None:
    assert not any(won(SEED, f"ern_{n}", Fraction(0)) for n in range(200))
    assert all(won(SEED, f"ern_{n}", Fraction(1)) for n in range(200))


@pytest.mark.parametrize(
    ("value", "prize"),
    [("0", "mug"), ("0.0999", "mug"), ("0.1", "point"), ("0.4999", "point"), ("0.5", None), ("0.9999", None)],
)
def test_prizes_lie_side_by_side_by_their_odds(value: str, prize: str | None) -> None:
    assert pick(Fraction(value), [("mug", Fraction("0.1")), ("point", Fraction("0.4"))]) == prize


def test_of_equals_the_one_who_reached_the_score_earlier_leads() -> None:
    players = [
        Player("mbr_late", "Owl", 5, (NOON + timedelta(hours=1), 9)),
        Player("mbr_first", "Lark", 5, (NOON, 12)),
        Player("mbr_most", "Hawk", 6, (NOON + timedelta(days=1), 20)),
        Player("mbr_none", "Dodo", 0),
    ]
    assert [(place.place, place.pseudonym) for place in ranked(players, 10)] == [(1, "Hawk"), (2, "Lark"), (3, "Owl")]
    assert [place.pseudonym for place in ranked(players, 2)] == ["Hawk", "Lark"]


def test_in_the_same_moment_the_order_of_the_ledger_decides() -> None:
    players = [Player("mbr_b", "A", 5, (NOON, 2)), Player("mbr_a", "B", 5, (NOON, 1))]
    assert [place.pseudonym for place in ranked(players, 2)] == ["B", "A"]


def test_a_score_counts_from_when_it_was_first_reached_also_after_a_refund() -> None:
    steps = [(NOON, 1, 2), (NOON + timedelta(hours=1), 2, 3), (NOON + timedelta(hours=2), 3, -3)]
    assert reached(steps, 2) == (NOON, 1)
    assert reached(steps, 5) == (NOON + timedelta(hours=1), 2)
