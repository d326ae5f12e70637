"""What is remembered of a pass at Google, and which changes are announced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from passes.google.push_paper import says
from passes.google.push_told import NEVER, Notice, Told, notice, read_told, told_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = told_of("ab" * 32, {"en": "Welcome"}, {"points": 1})
EARNED = told_of("cd" * 32, {"en": "You earned 5"}, {"points": 6})
ENDING = told_of("ef" * 32, {"en": "Points end soon"}, {"points": 1})
SILENT = told_of("01" * 32, {"en": "Welcome"}, {"points": 2})


def test_what_was_told_is_read_as_it_was_written() -> None:
    assert read_told(BEFORE.text()) == BEFORE
    in_doubt = replace(BEFORE, in_doubt=True)
    assert read_told(in_doubt.text()) == in_doubt


@pytest.mark.parametrize("text", [None, NEVER])
def test_google_does_not_have_what_it_never_took(text: str | None) -> None:
    assert read_told(text) is None


@pytest.mark.parametrize("text", ["", "?", "a" * 64, "?..", "nonsense"])
def test_whatever_else_is_stored_is_in_doubt_and_announces_nothing(text: str) -> None:
    told = read_told(text)
    assert told is not None
    assert told.in_doubt
    assert notice(told, EARNED, NOW, NOW) == "none"


@pytest.mark.parametrize(
    ("before", "now", "ago", "expected"),
    [
        (None, EARNED, timedelta(0), "none"),
        (BEFORE, SILENT, timedelta(0), "none"),
        (BEFORE, EARNED, timedelta(0), "update"),
        (BEFORE, ENDING, timedelta(hours=23), "message"),
        (BEFORE, ENDING, timedelta(hours=25), "none"),
        (replace(BEFORE, in_doubt=True), EARNED, timedelta(0), "update"),
        (EARNED, EARNED, timedelta(0), "none"),
    ],
)
def test_a_change_is_announced_once_and_in_the_way_that_fits(
    before: Told | None, now: Told, ago: timedelta, expected: Notice
) -> None:
    assert notice(before, now, NOW - ago, NOW) == expected


def test_a_card_that_never_told_anything_is_silent() -> None:
    assert notice(BEFORE, EARNED, None, NOW) == "none"


def test_what_google_adds_of_its_own_does_not_hide_that_it_holds_what_we_said() -> None:
    wanted = {"state": "ACTIVE", "texts": [{"id": "news", "body": "5"}]}
    assert says({"state": "ACTIVE", "kind": "x", "texts": [{"id": "news", "body": "5", "more": 1}]}, wanted)
    for other in (
        {},
        {"state": "ACTIVE"},
        {"state": "ACTIVE", "texts": []},
        {"state": "ACTIVE", "texts": [{"id": "news", "body": "4"}]},
        {"state": "ACTIVE", "texts": [{"id": "news", "body": "5"}, {"id": "more"}]},
    ):
        assert not says(other, wanted)
