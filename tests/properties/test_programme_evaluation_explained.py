"""What an entry pins is enough to compute it again: the explanation gives the stored amount."""

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from points.explain import explain, recompute
from points.programme.events import Event
from points.programme.version import Version
from tests.support.evaluating import Member
from tests.support.random_programmes import TERMS, events, versions


def pinned(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as they are stored and read."""
    read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(facts))
    return read


@given(versions(), st.lists(st.tuples(events, st.integers(0, 3000)), min_size=1, max_size=5))
def test_n8_an_explanation_computed_again_gives_the_stored_lots(
    version: Version, happened: list[tuple[Event, int]]
) -> None:
    member = Member(version, terms=TERMS)
    for event, gap in happened:
        carries = dict(member.standing.carries)
        bought = member.does(event, after=timedelta(minutes=gap))
        lots = [(given.rule, given.campaign, given.issuer_id, given.points) for given in bought.given]
        facts = pinned({"event": event, "context": bought.context, "carries_before": carries, "lots": lots})
        assert recompute(version, facts) == lots == [tuple(lot) for lot in facts["lots"]]
        for language in ("en", "fi", "hu"):
            told = explain(version, "earn", facts, bought.points, event.amount_minor, "EUR", language)
            assert any(str(bought.points) in line for line in told)
