"""A diff of two programmes says what differs in meaning, item by item, and nothing about layout."""

from points.programme.diff import differences
from points.programme.shelf import default_version
from tests.support.programme_files import programme


def said(before: str, after: str) -> list[str]:
    return [str(one) for one in differences(programme(before), programme(after))]


def test_layout_comments_and_written_defaults_do_not_differ() -> None:
    before = "earn: [{id: a, kind: spend, per: 1.00}]\n"
    after = "# points\nearn:\n  - kind: spend\n    per: 1\n    points: 1.0\n    id: a\n    adds: false\n"
    assert said(before, after) == []


def test_changes_are_told_by_the_ids_of_items() -> None:
    before = "earn: [{id: a, kind: spend, per: 1}, {id: b, kind: visit, points: 1}]\nunit: {value: 0.010}\n"
    after = "earn: [{id: b, kind: visit, points: 2}, {id: c, kind: terms}]\n"
    assert said(before, after) == [
        "- unit: {value: 0.01}",
        "- earn[a]: {kind: spend, id: a, per: 1}",
        "~ earn[b].points: 1 -> 2",
        "+ earn[c]: {kind: terms, id: c}",
    ]


def test_the_order_of_campaigns_decides_so_its_change_is_told() -> None:
    one, two = "{id: a, stacking: stack, adds: 1}", "{id: b, stacking: stack, adds: 2}"
    assert said(f"campaigns: [{one}, {two}]\n", f"campaigns: [{two}, {one}]\n") == ["~ campaigns: order a, b -> b, a"]


def test_a_section_that_comes_is_told_item_by_item() -> None:
    campaigns = "campaigns: [{id: a, stacking: stack, adds: 1}]\n"
    assert said("", campaigns) == ["+ campaigns[a]: {id: a, stacking: stack, adds: 1}"]
    assert said(campaigns, "") == ["- campaigns[a]: {id: a, stacking: stack, adds: 1}"]


def test_a_programme_does_not_differ_from_itself() -> None:
    made = default_version().programme
    assert differences(made, made) == []
