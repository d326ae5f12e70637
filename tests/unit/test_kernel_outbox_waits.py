"""How long a note waits after a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Unavailable
from kernel.outbox import FIRST_WAIT_S, LONGEST_WAIT_S, SHORTEST_WAIT_S, wait_s


@given(st.integers(0, 10_000))
def test_every_wait_is_bounded(attempts: int) -> None:
    assert FIRST_WAIT_S / 2 <= wait_s(attempts, OSError()) <= LONGEST_WAIT_S


@given(st.integers(0, 8))
def test_waits_double_with_each_failure_and_differ_by_chance(attempts: int) -> None:
    longest = FIRST_WAIT_S * 2**attempts
    waits = {wait_s(attempts, OSError()) for _ in range(50)}
    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert len(waits) > 1


@given(st.integers(0, 10_000), st.floats(SHORTEST_WAIT_S, LONGEST_WAIT_S))
def test_the_other_side_may_say_how_long_to_wait(attempts: int, asked_s: float) -> None:
    assert wait_s(attempts, Unavailable(retry_after_s=asked_s)) == asked_s


@pytest.mark.parametrize(
    ("asked_s", "kept_s"),
    [
        pytest.param(86_400.0, LONGEST_WAIT_S, id="a day is cut"),
        pytest.param(0.0, SHORTEST_WAIT_S, id="at once is not without a pause"),
        pytest.param(-5.0, SHORTEST_WAIT_S, id="nor is the past"),
    ],
)
def test_what_the_other_side_asks_is_kept_within_bounds(asked_s: float, kept_s: float) -> None:
    assert wait_s(0, Unavailable(retry_after_s=asked_s)) == kept_s


def test_away_without_a_hint_waits_like_any_failure() -> None:
    assert FIRST_WAIT_S * 4 <= wait_s(3, Unavailable("away")) <= FIRST_WAIT_S * 8
