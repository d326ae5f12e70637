"""The refund algebra: for every kind of rule, what came back entirely leaves no trace, whatever happened in between."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from points.programme.context import Evaluation
from points.programme.evaluation import evaluate, less, without
from points.programme.events import Event
from points.programme.standing import Standing
from points.programme.version import Version
from tests.support.evaluating import Bought, Member
from tests.support.random_programmes import TERMS, events, purchases, versions

# The gap between two events of a history, in minutes.
gaps = st.integers(0, 3000)


def history(version: Version, happened: list[tuple[Event, int]]) -> tuple[Member, list[Bought]]:
    member = Member(version, terms=TERMS)
    return member, [member.does(event, after=timedelta(minutes=gap)) for event, gap in happened]


def is_left(bought: Bought) -> int:
    return bought.event.amount_minor - bought.amount_minor - sum(bought.returned.values())


def give_back(member: Member, bought: Bought, data: st.DataObject) -> None:
    """A part of what is left comes back: some money, or some of a line; of what has no amount all at once."""
    left = is_left(bought)
    open_lines = [
        (index, line.amount_minor - bought.returned.get(index, 0))
        for index, line in enumerate(bought.event.lines)
        if line.amount_minor > bought.returned.get(index, 0)
    ]
    by_line: bool = data.draw(st.booleans())
    if open_lines and by_line:
        index, of_line = data.draw(st.sampled_from(open_lines))
        member.returns(bought, lines={index: data.draw(st.integers(1, min(left, of_line)))})
    else:
        member.returns(bought, data.draw(st.integers(1, left)))


def traces(standing: Standing) -> Standing:
    """What a history leaves in the standing."""
    return Standing(counts=standing.counts, moments=standing.moments, carries=standing.carries, awards=standing.awards)


@given(versions(), st.lists(st.tuples(purchases(), gaps), min_size=1, max_size=5), st.data())
def test_n7_purchases_that_came_back_in_any_order_and_in_any_parts_leave_no_trace(
    version: Version, happened: list[tuple[Event, int]], data: st.DataObject
) -> None:
    member, bought = history(version, happened)
    while open_ones := [one for one in bought if is_left(one)]:
        one = data.draw(st.sampled_from(open_ones))
        if data.draw(st.booleans()):
            give_back(member, one, data)
        else:
            member.returns(one, is_left(one))
    assert member.balance == 0
    assert traces(member.standing) == Standing()
    assert {cap.id: cap.used for cap in member.caps.values() if cap.used} == {}


@given(versions(), st.lists(st.tuples(events, gaps), min_size=1, max_size=6), st.data())
def test_whole_points_are_those_of_what_is_left(
    version: Version, happened: list[tuple[Event, int]], data: st.DataObject
) -> None:
    member, bought = history(version, happened)
    for one in bought:
        if is_left(one) > 0 and data.draw(st.booleans()):
            give_back(member, one, data)
    exact: Counter[tuple[str, bool]] = Counter()
    for one in bought:
        rest = without(one.event, one.returned, one.amount_minor)
        for part in evaluate(version, rest, one.context).parts:
            exact[part.carry_key, part.rounding == "carry"] += part.exact  # type: ignore[assignment]
    assert member.balance == sum(value.__floor__() for value in exact.values())


@given(versions(), purchases(), st.data())
def test_parts_of_a_return_add_up_and_never_give(version: Version, event: Event, data: st.DataObject) -> None:
    bought = Member(version, terms=TERMS).does(event)
    steps = sorted(data.draw(st.sets(st.integers(1, event.amount_minor), max_size=3)) | {event.amount_minor})
    states = [event, *(without(event, {}, step) for step in steps)]
    left = {key(part): part.exact for part in bought.evaluation.parts}
    for before, after in pairwise(states):
        change = less(version, before, after, bought.context)
        assert sum(part.exact for part in change.parts) <= _rounding_of(change)
        for part in change.parts:
            left[key(part)] = left.get(key(part), Fraction(0)) + part.exact
            assert left[key(part)] >= 0
    assert not any(left.values())
    assert evaluate(version, states[-1], bought.context) == Evaluation()


@given(versions(), st.lists(st.tuples(events, gaps), min_size=1, max_size=4))
def test_what_is_given_is_never_negative_and_the_same_every_time(
    version: Version, happened: list[tuple[Event, int]]
) -> None:
    member, bought = history(version, happened)
    for one in bought:
        assert evaluate(version, one.event, one.context) == one.evaluation
        assert all(part.exact > 0 for part in one.evaluation.parts)
        assert all(used > 0 for used in one.evaluation.uses.values())
        assert all(part.exact.denominator == 1 for part in one.evaluation.parts if part.rounding != "carry")
    assert all(cap.used <= cap.size for cap in member.caps.values())


def key(part: object) -> tuple[str, str | None, str]:
    return part.rule, part.campaign, part.issuer_id  # type: ignore[attr-defined]


def _rounding_of(change: Evaluation) -> int:
    """How much rounding alone may give when another rule takes a place: less than a point for each part that came."""
    return sum(part.exact > 0 for part in change.parts)
