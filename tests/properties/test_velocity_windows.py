"""A meter of slots keeps what the exact list of moments would demand, and is at most a slot stricter."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from points.programme.periods import span
from points.programme.velocity import SLOTS, Meter, slots_of

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPANS = ("PT1S", "PT45S", "PT1M", "PT7M", "PT1H", "PT90M", "P1D", "P1DT3H", "P1W", "P1M")

spans = st.sampled_from(SPANS)
limits = st.integers(1, 6)
# How long after the one before, in thousandths of the span: crowded, and now and then a long silence.
steps = st.lists(st.one_of(st.integers(0, 300), st.integers(900, 2500)), min_size=1, max_size=60)


def seconds_of(within: str) -> int:
    length = span(within)
    return (length.months * 31 + length.days) * 86_400 + length.seconds


def passed(within: str, limit: int, pauses: list[int]) -> tuple[list[datetime], list[datetime]]:
    """The moments that a limit of so many times let pass, and those that it stopped."""
    meter = Meter("m", *slots_of(within))
    now, length = BEGIN, timedelta(seconds=seconds_of(within))
    went: list[datetime] = []
    stopped: list[datetime] = []
    for pause in pauses:
        now += length * pause / 1000
        if meter.used(now)[0] < limit:
            meter.count(now, 1)
            went.append(now)
        else:
            stopped.append(now)
    return went, stopped


@given(spans, limits, steps)
def test_never_more_than_the_limit_passes_within_any_such_span(within: str, limit: int, pauses: list[int]) -> None:
    went, _ = passed(within, limit, pauses)
    length = timedelta(seconds=seconds_of(within))
    for end in went:
        assert sum(end - length <= moment <= end for moment in went) <= limit


@given(spans, limits, steps)
def test_nothing_is_stopped_that_the_span_and_one_slot_more_would_let_pass(
    within: str, limit: int, pauses: list[int]
) -> None:
    went, stopped = passed(within, limit, pauses)
    slot_s, back = slots_of(within)
    longest = timedelta(seconds=slot_s * (back + 1))
    for moment in stopped:
        assert sum(moment - longest < before <= moment for before in went) >= limit


@given(spans, st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 10**9)), min_size=1, max_size=40))
def test_points_are_summed_exactly_and_little_is_kept(within: str, done: list[tuple[int, int]]) -> None:
    meter = Meter("m", *slots_of(within))
    now, length = BEGIN, timedelta(seconds=seconds_of(within))
    for pause, points in done:
        now += length * pause / 1000
        before = meter.used(now)
        meter.count(now, points)
        assert meter.used(now) == (before[0] + 1, before[1] + points)
        assert len(meter.slots) <= 2 * SLOTS + 1


@given(spans, st.integers(1, 40), st.integers(0, 3000))
def test_a_clock_that_is_set_back_forgives_nothing_within_the_span(within: str, times: int, back: int) -> None:
    meter = Meter("m", *slots_of(within))
    length = timedelta(seconds=seconds_of(within))
    for _ in range(times):
        meter.count(BEGIN, 1)
    earlier = BEGIN - length * back / 1000
    assert meter.used(earlier)[0] == (times if back <= 980 else meter.used(earlier)[0])


def test_slots_are_a_sixtieth_of_the_span_and_at_least_a_second() -> None:
    assert slots_of("PT1H") == (60, 60)
    assert slots_of("P1D") == (1440, 60)
    assert slots_of("PT10S") == (1, 10)
    assert slots_of("PT61S") == (2, 31)
