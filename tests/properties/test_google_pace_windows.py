"""Whoever calls when: no second has more calls than Google allows, and a pause is a pause."""

from hypothesis import given
from hypothesis import strategies as st

from passes.google.pace import Bucket, Pace

_quota = st.floats(1.0, 200.0)
# Waits between requests in seconds, and what happens: a call, or a refusal with or without a pause.
_events = st.lists(
    st.tuples(st.floats(0.0, 2.0), st.sampled_from(["call", "call", "call", "refused", "paused"])), max_size=80
)


@given(quota=_quota, events=_events, rest=st.integers(0, 100))
def test_no_second_has_more_calls_than_the_quota(quota: float, events: list[tuple[float, str]], rest: int) -> None:
    pace = Pace.within(quota)
    bucket = Bucket(pace.rate_per_s, pace.burst, now=0.0)
    now, made, paused_until = float(rest), [], 0.0
    for wait_s, what in events:
        now += wait_s
        if what == "call":
            # As fast as it may: what comes after a wait does not go before.
            now = max(now, bucket.ready_at(now))
            assert now >= paused_until
            bucket.take(now)
            made.append(now)
        else:
            bucket.refused(now, 1.0 if what == "paused" else None, jitter=0.5)
            paused_until = max(paused_until, now + 1.0) if what == "paused" else paused_until
        assert 0 < bucket.rate_per_s(now) <= quota
    for first in range(len(made)):
        within = [moment for moment in made[first:] if moment < made[first] + 1.0 - 1e-6]
        assert len(within) <= max(1, quota + 1e-6)


@given(quota=_quota, refusals=st.lists(st.floats(0.0, 100.0), max_size=30))
def test_the_rate_always_comes_back(quota: float, refusals: list[float]) -> None:
    full = Pace.within(quota).rate_per_s
    bucket, now = Bucket(full, 1, now=0.0), 0.0
    for wait_s in refusals:
        now += wait_s
        bucket.refused(now, None, jitter=1.0)
    assert bucket.rate_per_s(now) >= min(1.0, full)
    assert bucket.rate_per_s(now + 60 * full) == full
    assert bucket.ready_at(now + 600) <= now + 600
