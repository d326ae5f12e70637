"""Chance and ranking, for whatever odds and scores."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from points.engagement.boards import Player, ranked
from points.engagement.draws import draw, pick, won
from points.engagement.surveys import nps

START = datetime(2026, 3, 2, tzinfo=UTC)
seeds = st.binary(min_size=32, max_size=32)
shares = st.fractions(min_value=0, max_value=1, max_denominator=1000)


@given(seeds, st.text(max_size=30))
def test_a_drawn_number_is_at_least_zero_and_below_one(seed: bytes, subject: str) -> None:
    assert 0 <= draw(seed, subject) < 1


@given(seeds, st.text(max_size=30), shares, shares)
def test_who_wins_at_some_odds_wins_at_better_ones(seed: bytes, subject: str, one: Fraction, other: Fraction) -> None:
    worse, better = sorted((one, other))
    assert won(seed, subject, better) or not won(seed, subject, worse)


@given(st.lists(st.fractions(min_value=0, max_value=Fraction(1, 10), max_denominator=100), max_size=10), shares)
def test_a_prize_has_exactly_its_share_of_the_numbers(odds: list[Fraction], value: Fraction) -> None:
    prizes = [(str(n), share) for n, share in enumerate(odds)]
    got = pick(value, prizes)
    before = sum(odds[: int(got)], Fraction(0)) if got is not None else sum(odds, Fraction(0))
    assert before <= value
    assert got is None or value < before + odds[int(got)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 99)), max_size=30), st.integers(1, 10))
def test_a_board_is_a_full_order_of_the_best(scores: list[tuple[int, int, int]], places: int) -> None:
    players = [
        Player(f"mbr_{n}", f"P{n}", score, (START + timedelta(hours=hour), seq * 100 + n))
        for n, (score, hour, seq) in enumerate(scores)
    ]
    board = ranked(players, places)
    playing = [p for p in players if p.score > 0]
    assert [place.place for place in board] == list(range(1, min(places, len(playing)) + 1))
    assert board == ranked(players[::-1], places)
    key = {p.member_id: (-p.score, p.reached) for p in playing}
    on_board = [key[place.member_id] for place in board]
    assert on_board == sorted(on_board)
    below = [key[p.member_id] for p in playing if p.member_id not in {place.member_id for place in board}]
    assert not on_board or all(on_board[-1] < other for other in below)


@given(st.dictionaries(st.integers(0, 10), st.integers(1, 1000), min_size=1))
def test_the_promoter_score_is_between_minus_and_plus_one_hundred(counts: dict[int, int]) -> None:
    figure = nps(counts)
    assert figure.answers == sum(counts.values())
    assert figure.score is not None
    assert -100 <= figure.score <= 100
    assert figure.score * figure.answers == 100 * (figure.promoters - figure.detractors)
