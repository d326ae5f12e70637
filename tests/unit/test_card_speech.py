"""How the languages on a card say numbers, units, money and days."""

from datetime import date

import msgspec
import pytest

from kernel.i18n import LANGUAGES
from passes.card import Words, said
from passes.speech import counted, day, grouped, money, numbers, on_day
from points.programme.face import nouns_of
from points.programme.schema.basics import Language
from points.programme.schema.programme import Unit
from points.programme.version import Version
from tests.support.programme_files import programme

TODAY = date(2026, 5, 2)
STAMPS = "unit: {names: {en: [stamp, stamps], fi: [leima, leimaa], hu: [pecsét, pecsétek]}}\n"


def unit(text: str = "") -> dict[str, tuple[str, str]]:
    return nouns_of(Version("v", programme(text))).unit


def spoken(words: Words) -> tuple[str, ...]:
    return tuple(said(words, language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ("0 points", "0 pistettä", "0 pont")),
        (1, ("1 point", "1 piste", "1 pont")),
        (2, ("2 points", "2 pistettä", "2 pont")),
        (21, ("21 points", "21 pistettä", "21 pont")),
        (1234, ("1,234 points", "1\N{NO-BREAK SPACE}234 pistettä", "1234 pont")),
        (12345, ("12,345 points", "12\N{NO-BREAK SPACE}345 pistettä", "12\N{NO-BREAK SPACE}345 pont")),
    ],
)
def test_points_have_the_form_that_follows_the_number(number: int, expected: tuple[str, ...]) -> None:
    assert spoken(counted(unit(), number)) == expected


def test_hungarian_counts_in_the_singular_whatever_plural_the_file_gives() -> None:
    assert spoken(counted(unit(STAMPS), 1)) == ("1 stamp", "1 leima", "1 pecsét")
    assert spoken(counted(unit(STAMPS), 7)) == ("7 stamps", "7 leimaa", "7 pecsét")


def test_a_unit_that_has_only_one_language_is_said_in_it_to_all() -> None:
    def only(language: Language, *forms: str) -> dict[str, tuple[str, str]]:
        named = msgspec.structs.replace(programme(), unit=Unit(names={language: (forms[0], forms[1])}))
        return nouns_of(Version("v", named)).unit

    assert counted(only("en", "stamp", "stamps"), 1) == {"en": "1 stamp"}
    assert counted(only("en", "stamp", "stamps"), 3) == {"en": "3 stamps"}
    assert counted(only("fi", "leima", "leimaa"), 3) == {"en": "3 leimaa"}


@pytest.mark.parametrize(
    ("when", "written", "within"),
    [
        (date(2026, 6, 30), ("30 June", "30.6.", "június 30."), ("30 June", "30.6.", "június 30-án")),
        (date(2027, 1, 1), ("1 January 2027", "1.1.2027", "2027. január 1."),
         ("1 January 2027", "1.1.2027", "2027. január 1-jén")),
    ],
)  # fmt: skip
def test_days_are_written_as_each_language_does(when: date, written: tuple[str, ...], within: tuple[str, ...]) -> None:
    assert spoken(day(when, TODAY)) == written
    assert spoken(on_day(when, TODAY)) == within


def test_a_hungarian_day_ends_in_the_vowels_of_its_ordinal() -> None:
    ends = [said(on_day(date(2026, 3, n), TODAY), "hu").partition("-")[2] for n in range(1, 32)]
    back = {2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30}
    assert ends[0] == "jén"
    assert {n for n, end in enumerate(ends, start=1) if end == "án"} == back
    assert {n for n, end in enumerate(ends, start=1) if end == "én"} == set(range(2, 32)) - back


def test_money_has_a_comma_where_the_language_does() -> None:
    assert spoken(money(1250, "EUR")) == ("12.50 EUR", "12,50 EUR", "12,50 EUR")


def test_small_numbers_are_the_same_everywhere() -> None:
    assert numbers(7) == {"en": "7"}
    assert spoken(numbers(-1500)) == ("-1,500", "-1\N{NO-BREAK SPACE}500", "-1500")
    assert grouped(1000000, "hu") == "1\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}000"
