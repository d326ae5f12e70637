"""A version is what a programme says, not how it is written; and nothing that is broken is read."""

import random
from decimal import Decimal
from typing import Any

import fastjsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from points.programme.canonical import canonical, from_canonical, id_of, version_of
from points.programme.json_schema import json_schema
from points.programme.marked import read_marked
from points.programme.schema.programme import Programme
from points.programme.shape import faults_of_shape
from points.programme.shelf import names, template
from points.programme.text import read_programme
from tests.support.programme_files import faults

_TREES = {name: read_marked(template(name)).value for name in names()}
_SCHEMA = msgspec.json.decode(msgspec.json.encode(json_schema()))
_accepts = fastjsonschema.compile(_SCHEMA)


def written(value: Any, chance: random.Random) -> str:
    """Values as YAML text in one of many layouts: order of names, quotes, flow or block, spelling of numbers."""
    dumper: Any = type("Layout", (yaml.CSafeDumper,), {})
    dumper.ignore_aliases = lambda *_: True
    dumper.add_representer(Decimal, lambda d, one: d.represent_scalar("tag:yaml.org,2002:float", spelled(one, chance)))
    text = yaml.dump(
        shuffled(value, chance),
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=chance.random() < 0.5,
        default_flow_style=chance.choice([True, False, None]),
        width=chance.choice([20, 80, 1000]),
        indent=chance.choice([2, 4]),
    )
    return f"# a comment\n{text}\n# the end\n"


def spelled(number: Decimal, chance: random.Random) -> str:
    text = format(number, "f")
    return text + "0" * chance.randint(0, 3) if "." in text else text


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        order = list(value)
        chance.shuffle(order)
        return {name: shuffled(value[name], chance) for name in order}
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


@given(name=st.sampled_from(names()), chance=st.randoms(use_true_random=False))
def test_comments_layout_and_the_order_of_names_do_not_change_the_version(name: str, chance: random.Random) -> None:
    expected = version_of(read_programme(template(name)))
    assert version_of(read_programme(written(_TREES[name], chance))).id == expected.id


@given(name=st.sampled_from(names()), chance=st.randoms(use_true_random=False))
def test_the_order_of_lists_changes_the_version(name: str, chance: random.Random) -> None:
    before = read_programme(template(name))
    rewards = list(before.rewards)
    chance.shuffle(rewards)
    after = msgspec.structs.replace(before, rewards=tuple(rewards))
    assert (version_of(before).id == version_of(after).id) == (before.rewards == after.rewards)


@pytest.mark.parametrize("name", names())
def test_the_canonical_form_reads_back_to_the_same_programme(name: str) -> None:
    programme = read_programme(template(name))
    content = canonical(programme)
    assert from_canonical(content) == programme
    assert canonical(from_canonical(content)) == content
    assert version_of(programme).id == id_of(content)


@given(number=st.decimals(min_value="0.000000001", max_value="999999999999", places=9), zeros=st.integers(0, 9))
def test_a_number_has_one_spelling(number: Decimal, zeros: int) -> None:
    base = read_programme(template("default"))
    spellings = [number, number.normalize(), Decimal(format(number, "f") + "0" * zeros)]
    programmes = [
        msgspec.structs.replace(base, unit=msgspec.structs.replace(base.unit, value=one)) for one in spellings
    ]
    contents = {canonical(one) for one in programmes}
    assert len(contents) == 1
    assert from_canonical(contents.pop()).unit.value == number


def test_a_written_default_is_the_same_version_as_a_default_left_out() -> None:
    base = template("default")
    rest = 'day_starts: "00:00"\nformat: 1\nlots: {expiry: {kind: never}, consume: [oldest]}\nsegments: []\n'
    assert version_of(read_programme(base + rest)).id == version_of(read_programme(base)).id


BROKEN: list[Any] = [None, True, 3, -1, Decimal("1.5"), "", "text", [], {}, [1], {"a": 1}, "P1D", "2026-02-30"]


@st.composite
def broken_trees(draw: st.DrawFn) -> Any:
    """A template with a few values replaced, dropped or added."""
    tree = _TREES[draw(st.sampled_from(names()))]
    copy = _copy(tree)
    for _ in range(draw(st.integers(1, 3))):
        parent, step = draw(st.sampled_from(list(_places(copy))))
        action = draw(st.sampled_from(["replace", "drop", "add"]))
        if action == "replace":
            parent[step] = _copy(draw(st.sampled_from(BROKEN)))
        elif action == "drop":
            del parent[step]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["surprise", "id", "kind", "points"]))] = _copy(draw(st.sampled_from(BROKEN)))
    return copy


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(one) for name, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


def _places(value: Any) -> Any:
    steps: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield value, step
        yield from _places(value[step])


@given(tree=broken_trees())
def test_the_shape_is_right_exactly_when_the_schema_and_the_decoder_say_so(tree: Any) -> None:
    found = faults_of_shape(tree)
    try:
        msgspec.convert(tree, Programme, strict=True)
        converts = True
    except msgspec.ValidationError:
        converts = False
    try:
        _accepts(tree)
        accepted = True
    except fastjsonschema.JsonSchemaException:
        accepted = False
    assert (not found) == accepted
    # The decoder alone is more lenient: it takes quoted numbers and lists of any length.
    assert converts or found


@given(tree=broken_trees(), chance=st.randoms(use_true_random=False))
def test_a_broken_file_ends_in_faults_with_places_and_never_in_anything_else(tree: Any, chance: random.Random) -> None:
    text = written(tree, chance)
    lines = text.count("\n") + 1
    for fault in faults(text):
        assert 1 <= fault.line <= lines
        assert fault.column >= 1
        assert fault.message


@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_anything_at_all_is_refused_with_faults(text: str | bytes) -> None:
    assert faults(text)


@pytest.mark.parametrize("name", names())
def test_every_template_is_accepted_by_the_published_schema(name: str) -> None:
    _accepts(_TREES[name])


def test_the_published_schema_describes_its_parts() -> None:
    assert _SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(part["description"] and part["additionalProperties"] is False for part in _SCHEMA["$defs"].values())
    reward = _SCHEMA["$defs"]["rewards.Reward"]["properties"]
    assert "cost" in reward["cost"]["description"]
