"""Whatever order callbacks arrive in, and however often, they say the same of a card in the end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from passes.google.ecv2 import Event
from passes.google.holders import Holding, answered, heard

START = datetime(2026, 11, 1, tzinfo=UTC)
EVENTS: st.SearchStrategy[Event] = st.sampled_from(["save", "del"])


@st.composite
def heard_in_two_orders(draw: st.DrawFn) -> tuple[list[tuple[Event, datetime]], list[tuple[Event, datetime]]]:
    seconds = st.integers(0, 20)  # often the same moment
    words = draw(st.lists(st.tuples(EVENTS, seconds.map(lambda s: START + timedelta(seconds=s))), max_size=12))
    return words, draw(st.permutations(words))


def after(words: list[tuple[Event, datetime]], *, many: bool = False) -> Holding:
    holding = Holding()
    for event, at in words:
        holding = heard(holding, event, at, many=many)
    return holding


@given(heard_in_two_orders())
def test_the_order_of_arrival_does_not_matter(
    orders: tuple[list[tuple[Event, datetime]], list[tuple[Event, datetime]]],
) -> None:
    one, other = orders
    assert after(one) == after(other)
    assert after(one, many=True) == after(other, many=True)


@given(heard_in_two_orders())
def test_the_newest_word_counts(
    orders: tuple[list[tuple[Event, datetime]], list[tuple[Event, datetime]]],
) -> None:
    words = orders[0]
    holding = after(words)
    if not words:
        assert holding == Holding()
        return
    newest = max(at for _, at in words)
    said = {event for event, at in words if at == newest}
    assert holding.held_at == newest
    assert holding.held == ("saved" if "save" in said else "deleted")
    assert holding.holders == (1 if holding.held == "saved" else 0)


@given(heard_in_two_orders())
def test_a_card_of_many_holders_counts_them(
    orders: tuple[list[tuple[Event, datetime]], list[tuple[Event, datetime]]],
) -> None:
    words = orders[0]
    holding = after(words, many=True)
    left = sum(1 if event == "save" else -1 for event, _ in words)
    assert holding.holders == left
    if words:
        assert (holding.held == "saved") == (left > 0)


@given(heard_in_two_orders(), st.booleans())
def test_what_google_answers_holds_against_words_that_are_older_than_the_newest(
    orders: tuple[list[tuple[Event, datetime]], list[tuple[Event, datetime]]], has_users: bool
) -> None:
    words = orders[0]
    healed = answered(after(words), has_users)
    if words:
        assert (healed.held == "saved") == has_users
        assert healed.held_at is not None
        for event in ("save", "del"):
            assert heard(healed, "save" if event == "save" else "del", healed.held_at - timedelta(seconds=1)) == healed
    else:
        assert healed.held == ("saved" if has_users else "unknown")
