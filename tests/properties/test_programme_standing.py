"""A standing is the fold of its changes; what is taken back leaves no trace; old days are folded without loss."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from points.programme.standing import LONG_AGO, Award, Change, Standing, between, fold, prune, total

TODAY = 740_000
counters = st.sampled_from(["visits", "points", "items/tea"])
counts = st.dictionaries(counters, st.dictionaries(st.integers(TODAY - 500, TODAY), st.integers(1, 50), max_size=5))
awards = st.dictionaries(
    st.sampled_from(["challenge/a", "badge/b"]),
    st.lists(
        st.builds(Award, period=st.sampled_from(["1", "2", "3"]), day=st.integers(TODAY - 500, TODAY)), max_size=3
    ),
)
horizons = st.dictionaries(st.sampled_from(["visits", "points", "items/", "items/tea"]), st.integers(0, 400))


def copy(standing: Standing) -> Standing:
    return msgspec.json.decode(msgspec.json.encode(standing), type=Standing)


def undone(change: Change) -> Change:
    return Change(
        counts={counter: {day: -n for day, n in by_day.items()} for counter, by_day in change.counts.items()},
        awards_gone=change.awards,
        moments_gone=change.moments,
    )


@given(counts, counts)
def test_taking_a_change_back_leaves_what_was(
    before: dict[str, dict[int, int]], after: dict[str, dict[int, int]]
) -> None:
    standing = Standing()
    fold(standing, Change(counts=before))
    known = copy(standing)
    change = Change(counts=after, moments={"rule": [5]}, awards={"challenge/a": [Award("9", 1)]})
    fold(standing, change)
    fold(standing, undone(change))
    assert standing == known


@given(st.lists(counts, max_size=5), st.randoms())
def test_the_order_of_changes_does_not_matter_to_counts(
    changes: list[dict[str, dict[int, int]]], random: object
) -> None:
    forwards, backwards = Standing(), Standing()
    for change in changes:
        fold(forwards, Change(counts=change))
    for change in reversed(changes):
        fold(backwards, Change(counts=change))
    assert forwards == backwards


@given(counts, horizons)
def test_folding_old_days_keeps_sums_and_every_day_within_the_horizon(
    before: dict[str, dict[int, int]], horizon: dict[str, int]
) -> None:
    standing = Standing()
    fold(standing, Change(counts=before))
    known = copy(standing)
    prune(standing, horizon, TODAY)
    for counter in before:
        days = max(horizon.get(counter, 0), horizon.get("items/", 0) if counter.startswith("items/") else 0)
        assert total(standing, counter) == total(known, counter)
        for first in (TODAY - days, TODAY - days // 2, TODAY):
            assert between(standing, counter, first, TODAY) == between(known, counter, first, TODAY)
        old = [day for day in standing.counts.get(counter, {}) if LONG_AGO < day < TODAY - days]
        assert len(old) <= 1
    again = copy(standing)
    prune(again, horizon, TODAY)
    assert again == standing


@given(counts, horizons)
def test_what_was_folded_away_can_still_be_taken_back(
    before: dict[str, dict[int, int]], horizon: dict[str, int]
) -> None:
    standing = Standing()
    fold(standing, Change(counts=before))
    prune(standing, horizon, TODAY)
    fold(standing, undone(Change(counts=before)))
    assert standing.counts == {}


@given(st.lists(st.integers(0, 600), max_size=20), st.integers(0, 400))
def test_moments_beyond_their_horizon_are_forgotten(ages: list[int], days: int) -> None:
    epoch_day = TODAY - 719_163
    moments = sorted({(epoch_day - age) * 86_400 + 43_200 for age in ages})
    standing = Standing(moments={"rule": list(moments), "other": list(moments)} if moments else {})
    prune(standing, {"moments/rule": days}, TODAY)
    assert standing.moments.get("rule", []) == [each for each in moments if epoch_day - each // 86_400 <= days]
    assert standing.moments.get("other", []) == moments


@given(awards, awards)
def test_awards_come_and_go_by_name(before: dict[str, list[Award]], gone: dict[str, list[Award]]) -> None:
    standing = Standing()
    fold(standing, Change(awards=before))
    fold(standing, Change(awards_gone=gone))
    for name, listed in before.items():
        assert standing.awards.get(name, []) == [award for award in listed if award not in gone.get(name, [])]
    assert all(standing.awards.values())
