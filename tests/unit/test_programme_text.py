"""A programme file is read strictly, and every fault says where it is and what to do."""

from decimal import Decimal

import pytest

from points.programme.schema.earning import SpendRule
from points.programme.shelf import names, template
from points.programme.text import ProgrammeFaults, read_file, read_programme
from tests.support.programme_files import HEAD, faults, messages, programme


def test_numbers_are_exact_decimals() -> None:
    (rule,) = programme("earn:\n  - {id: a, kind: spend, per: 0.1, points: 1.10}\n").earn
    assert isinstance(rule, SpendRule)
    assert (rule.per, rule.points) == (Decimal("0.1"), Decimal("1.1"))


def test_words_that_older_yaml_takes_for_booleans_and_dates_are_texts() -> None:
    made = programme(
        "sensitive_categories: [on, yes, off, 12:30:00, 2026-01-01, Null-ish]\n"
        "campaigns: [{id: a, stacking: stack, adds: 1, schedule: {from: 2026-03-01, until: 2026-03-02T15:00}}]\n"
    )
    assert made.sensitive_categories == ("on", "yes", "off", "12:30:00", "2026-01-01", "Null-ish")
    assert made.campaigns[0].schedule.from_ == "2026-03-01"


def test_a_text_that_looks_like_a_number_needs_quotes() -> None:
    for written in ("007", "1e3", "0x1F", "1_000", ".5", "+.inf"):
        ((path, message),) = messages(f"sensitive_categories: [{written}]\n")
        assert path == "sensitive_categories[0]"
        assert written in message
        assert "quotes" in message
    assert programme('sensitive_categories: ["007"]\n').sensitive_categories == ("007",)


def test_all_faults_are_told_at_once_with_line_and_column() -> None:
    found = faults(
        HEAD
        + "earn:\n"
        + "  - {id: a, kind: spend, per: '1.00', pointz: 3}\n"
        + "  - {id: b, kind: spent}\n"
        + "  - id: c\n"
        + "    kind: visit\n"
        + "    points: 0\n"
        + "rewards: 3\n"
    )
    assert [(fault.line, fault.column, fault.path) for fault in found] == [
        (6, 26, "earn[0].per"),
        (6, 39, "earn[0].pointz"),
        (7, 13, "earn[1].kind"),
        (10, 5, "earn[2].points"),
        (11, 1, "rewards"),
    ]
    assert "did you mean `points`?" in found[1].message
    assert "did you mean `spend`?" in found[2].message


def test_what_is_missing_is_told_at_the_part_that_lacks_it() -> None:
    (fault,) = faults(HEAD + "rewards:\n  - id: a\n    names: {en: A}\n")
    assert (fault.line, fault.column, fault.path, fault.message) == (6, 5, "rewards[0]", "`kind` is missing")


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: 1\nb: [1, 2\n", 3, 1, "not YAML"),
        ("a: {b: 1}}\n", 1, 10, "not YAML"),
        ("a: 'open\n", 2, 1, "not YAML"),
        ("a: b: 1\n", 1, 5, "not YAML"),
        ("", 1, 1, "a programme is"),
        ("- a\n- b\n", 1, 1, "a programme is"),
        ("just text", 1, 1, "a programme is"),
        ("a: 1\n---\nb: 2\n", 2, 1, "several documents"),
        ("? [a, b]\n: 1\n", 1, 3, "plain text"),
        ("a: 1\nb\x00: 2\n", 2, 2, "U+0000"),
        ("a: b\u202ec\n", 1, 5, "U+202E"),
        ("a: 1\x85b: 2\n", 1, 5, "U+0085"),
        ("a: 'x'\n" + "[" * 100_000, 2, 1026, "not YAML"),
        ("a: " + "[" * 40 + "]" * 40, 1, 35, "nested more than 32"),
    ],
)
def test_what_is_no_programme_at_all_is_refused_with_its_place(text: str, line: int, column: int, says: str) -> None:
    (fault,) = faults(text)
    assert (fault.line, fault.column) == (line, column)
    assert says in fault.message


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        ("zone: Europe/Paris\n", "zone", "written twice here; first in line 3"),
        ("reward_band: {low: 0, low: 0.1, high: 1}\n", "reward_band.low", "written twice"),
        ("unit: &x {code: PT}\n", "unit", "anchors"),
        ("unit: !!map {code: PT}\n", "unit", "tag"),
        ("unit: !python/object:os.system {code: PT}\n", "unit", "tag"),
        ("unit: {code: !!str PT}\n", "unit.code", "tag"),
        ("unit: *nowhere\n", "unit", "repeats another part"),
        ("unit: {<<: {code: A}}\n", "unit.<<", "merges"),
        ('sensitive_categories: ["a\\0b"]\n', "sensitive_categories[0]", "U+0000"),
        ('sensitive_categories: ["\\ud800"]\n', "", "not YAML"),
    ],
)
def test_what_hides_something_from_the_reader_is_refused(rest: str, path: str, says: str) -> None:
    (fault,) = faults(HEAD + rest)
    assert fault.path == path
    assert says in fault.message


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        ("format: 2\n", "format", "the number 2 is none of `1`"),
        ("format: true\n", "format", "none of `1`"),
        ("earn:\n", "earn", "a list is expected"),
        ("unit: {value: nan}\n", "unit.value", "a number is expected"),
        ("unit: {value: 12345678901234567890}\n", "unit.value", "is no number"),
        ("unit: {value: 1234567890123}\n", "unit.value", "too large"),
        ("unit: {value: 0.0000000001}\n", "unit.value", "too many decimals"),
        ("unit: {code: 'PT\n\n  '}\n", "unit.code", "right form"),
        ("unit: {code: 5}\n", "unit.code", "put it in quotes"),
        ("unit: {names: {en: [point]}}\n", "unit.names.en", "a list of 2"),
        ("arrears: {cap: 1.0}\n", "arrears.cap", "a whole number"),
        ("arrears: {cap: 1000000001}\n", "arrears.cap", "too large"),
        ("arrears: {cap: true}\n", "arrears.cap", "a whole number"),
        ("redemptions: {from_next_day: 1}\n", "redemptions.from_next_day", "`true` or `false`"),
        ("redemptions: {from_next_day: yes}\n", "redemptions.from_next_day", "the text `yes`"),
        ("lots: {expiry: never}\n", "lots.expiry", "cannot be here"),
        ("lots: {expiry: {length: P1Y}}\n", "lots.expiry", "`kind` is missing"),
        ("lots: {expiry: {kind: rolling, length: 1 year}}\n", "lots.expiry.length", "P60D"),
        ("lots: {expiry: {kind: rolling, length: P}}\n", "lots.expiry.length", "P60D"),
        ("lots: {expiry: {kind: fixed, on: 2026-1-1}}\n", "lots.expiry.on", "right form"),
        ("adjustments: {limits: {boss: 5}}\n", "adjustments.limits.boss", "none of `cashier`"),
        ("partners: {Shop A: {name: A}}\n", "partners.Shop A", "lower-case"),
        ("partners: [a]\n", "partners", "`name: value` pairs"),
        ("day_starts: 25:00\n", "day_starts", "right form"),
        ("earn: [" + "{id: a, kind: terms}, " * 201 + "]\n", "earn", "at most 200"),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_in_words(rest: str, path: str, says: str) -> None:
    (fault,) = faults(HEAD + rest)
    assert fault.path == path
    assert says in fault.message


def test_a_file_that_is_not_utf_8_or_too_large_is_refused() -> None:
    with pytest.raises(ProgrammeFaults) as refused:
        read_programme(b"programme: a\nzone: \xff\n")
    assert str(refused.value.faults[0]) == "2:7: the file is not UTF-8 text"
    (fault,) = faults("#" * (256 * 1024 + 1))
    assert "262145 bytes" in fault.message


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    text = HEAD.replace("\n", "\r\n")
    assert read_programme(b"\xef\xbb\xbf" + text.encode()) == programme()
    (fault,) = faults(text + "zoom: 1\r\n")
    assert (fault.line, fault.path) == (5, "zoom")


def test_the_place_of_a_part_is_known_even_if_the_file_leaves_it_out() -> None:
    file = read_file(HEAD + "earn:\n  - id: a\n    kind: terms\n")
    assert file.line(("earn", 0, "kind")) == 7
    assert file.line(("earn", 0, "match", "partners")) == 6
    assert file.line(("goal",)) == 1


@pytest.mark.parametrize("name", names())
def test_every_template_is_a_valid_programme(name: str) -> None:
    assert read_programme(template(name)).names["en"]
