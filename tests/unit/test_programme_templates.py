"""The templates that ship with the product are good examples: faultless, without advice, named in every language."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml

from points.programme.canonical import canonical, from_canonical
from points.programme.fair_change import reasons_against
from points.programme.lint import lint
from points.programme.schema.basics import Language
from points.programme.shelf import DEFAULT, names, template
from points.programme.text import read_programme

LANGUAGES = set(get_args(Language))
SHIPPED = [name for name in names() if name != DEFAULT]
EXPECTED = {
    "cafe", "cafe_points", "coffee_chain", "coffee_chain_2019", "coffee_chain_calendar", "beauty", "beauty_earlier",
    "card_rewards", "supermarket", "household_bonus", "gym", "salon", "town_coalition",
    "grocery", "bookshop", "travel", "cosmetics", "car_dealer", "education", "clothing", "tech",
}  # fmt: skip


def test_the_eight_programmes_their_variants_and_the_presets_are_there() -> None:
    assert set(SHIPPED) >= EXPECTED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_template_has_no_faults_and_calls_for_no_advice(name: str) -> None:
    assert [advice.text for advice in lint(read_programme(template(name)))] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_template_is_the_same_programme_after_it_was_stored(name: str) -> None:
    programme = read_programme(template(name))
    assert from_canonical(canonical(programme)) == programme


@pytest.mark.parametrize("name", SHIPPED)
def test_everything_in_a_template_has_a_name_in_every_language(name: str) -> None:
    named = dict(_named(yaml.safe_load(template(name)), ""))
    assert {path: sorted(words) for path, words in named.items() if set(words) != LANGUAGES} == {}
    assert all(word and word == word.strip() for words in named.values() for word in _words(words))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_template_says_what_it_is_in_its_first_line(name: str) -> None:
    assert template(name).startswith("# ")
    assert read_programme(template(name)).goal is not None


CHANGES = [
    ("coffee_chain_2019", "coffee_chain"),
    ("coffee_chain", "coffee_chain_calendar"),
    ("beauty_earlier", "beauty"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_template_that_follows_another_is_fair_to_who_has_points(before: str, after: str) -> None:
    assert reasons_against(read_programme(template(before)), read_programme(template(after))) == []


def _named(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything with an id (and the programme itself): its names, by its path."""
    if isinstance(part, dict):
        if {"id", "programme"} & {*part} and "chance" not in part and "odds" not in part:
            survey = part.get("kind") in ("nps", "csat", "free")
            if not survey:
                yield f"{path}/{part.get('id', '')}", part.get("names", {})
        if "code" in part and "names" in part:
            yield f"{path}/unit", part["names"]
        for key, value in part.items():
            yield from _named(value, f"{path}/{key}")
    if isinstance(part, list):
        for one in part:
            yield from _named(one, path)


def _words(words: dict[str, Any]) -> Iterator[str]:
    for word in words.values():
        yield from word if isinstance(word, list) else [word]
