"""YAML to plain values, with the place of each value in the text.

Of YAML 1.2 (core schema, section 10.3) only what a person writes: mappings, lists, texts, `true` and `false`, `null`,
whole numbers and decimals, which stay exact. What hides something from the reader is refused: anchors, aliases, tags,
repeated keys, several documents, invisible characters. `yes`, `on` and `2026-03-01` are texts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from points.programme.faults import Fault, Place, ProgrammeFaults, path_text

LARGEST_FILE_BYTES = 256 * 1024
DEEPEST_NESTING = 32

# Control characters, directions that reorder what is seen, line ends that editors do not count, halves of pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
# What other readers of YAML take for a number, so that a text may not look like it without quotes.
_NUMBER_LIKE = re.compile(
    r"[-+]?\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Position = tuple[int, int]


@dataclass
class Marked:
    """A file's value, and where its parts begin: `values` and `keys` by the way to them."""

    value: Any = None
    values: dict[Place, Position] = field(default_factory=dict)
    keys: dict[Place, Position] = field(default_factory=dict)
    faults: dict[Place, Fault] = field(default_factory=dict)

    def locate(self, place: Sequence[str | int]) -> Position:
        """Line and column of a key if the place has one, else of the value, else of what would contain it."""
        way = tuple(place)
        while way:
            if found := self.keys.get(way) or self.values.get(way):
                return found
            way = way[:-1]
        return self.values.get((), (1, 1))

    def fault(self, place: Sequence[str | int], message: str) -> Fault:
        """A fault at a place."""
        return Fault(*self.locate(place), path_text(place), message)


def read_marked(given: str | bytes) -> Marked:
    """Read a file. Faults that leave its shape readable are in the answer's `faults`; others raise ProgrammeFaults."""
    text = _as_text(given)
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    try:
        return _Reader(events).read()
    except yaml.MarkedYAMLError as error:
        raise ProgrammeFaults([_syntax_fault(error)]) from None
    except yaml.YAMLError as error:
        raise ProgrammeFaults([Fault(1, 1, "", f"this is not YAML: {error}")]) from None


def _as_text(given: str | bytes) -> str:
    size = len(given) if isinstance(given, bytes) else len(given.encode("utf-8", "surrogatepass"))
    if size > LARGEST_FILE_BYTES:
        raise ProgrammeFaults([Fault(1, 1, "", f"the file has {size} bytes; {LARGEST_FILE_BYTES} are allowed")])
    try:
        text = given.decode("utf-8") if isinstance(given, bytes) else given
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        raise ProgrammeFaults([Fault(*_position(before), "", "the file is not UTF-8 text")]) from None
    text = text.removeprefix("\ufeff")
    if found := _UNSEEN.search(text):
        name = f"U+{ord(found.group()):04X}"
        message = f"the invisible character {name} is not allowed"
        raise ProgrammeFaults([Fault(*_position(text[: found.start()]), "", message)])
    return text


def _position(before: str) -> Position:
    lines = re.split("\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(part for part in (error.context, error.problem) if part)
    return Fault(line, column, "", f"this is not YAML: {said}")


class _Reader:
    """Builds values from parser events, so that nothing is resolved or expanded before it is looked at."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._made = Marked()

    def read(self) -> Marked:
        """The one document of the file."""
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "the file holds several documents; a programme is one")
            elif isinstance(event, yaml.NodeEvent):
                self._made.value = self._value(event, (), 0)
        if not isinstance(self._made.value, dict):
            line, column = self._made.values.get((), (1, 1))
            raise ProgrammeFaults([Fault(line, column, "", "a programme is a list of `name: value` lines")])
        return self._made

    def _value(self, event: Any, place: Place, depth: int) -> Any:
        self._made.values[place] = _start(event)
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, place, f"`*{event.anchor}` repeats another part; write it out")
            return None
        if event.anchor:
            self._fault(event, place, f"`&{event.anchor}` names a part; programme files do not use anchors")
        if event.tag:
            self._fault(event, place, f"`{event.tag}` is a YAML tag; programme files do not use them")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        if depth >= DEEPEST_NESTING:
            self._stop(event, f"the file is nested more than {DEEPEST_NESTING} levels deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(place, depth)
        return self._mapping(place, depth)

    def _list(self, place: Place, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*place, len(items)), depth + 1))
        return items

    def _mapping(self, place: Place, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                self._stop(key, "a name must be a plain text")
            name = key.value
            below = (*place, name)
            if name in found:
                first = self._made.keys[below][0]
                self._fault(key, below, f"`{name}` is written twice here; first in line {first}")
                self._skip(next(self._events), depth + 1)
                continue
            self._made.keys[below] = _start(key)
            if key.anchor or key.tag or _UNSEEN.search(name) or name == "<<":
                self._fault(key, below, "a name must be a plain text, without anchors, tags and merges")
            found[name] = self._value(next(self._events), below, depth + 1)
        return found

    def _skip(self, event: Any, depth: int) -> None:
        """Read a value without keeping it or its places."""
        aside = _Reader(self._events)
        aside._value(event, (), depth)

    def _scalar(self, event: Any, place: Place) -> Any:
        text: str = event.value
        if found := _UNSEEN.search(text):
            self._fault(event, place, f"the invisible character U+{ord(found.group()):04X} is not allowed")
        if event.style:  # quoted, or a block of text
            return text
        if text in _NOTHING:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if _WHOLE.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        if _NUMBER_LIKE.fullmatch(text):
            message = f"`{text}` is no number as programme files write them; put it in quotes if it is a text"
            self._fault(event, place, message)
        return text

    def _fault(self, event: Any, place: Place, message: str) -> None:
        self._made.faults.setdefault(place, Fault(*_start(event), path_text(place), message))

    def _stop(self, event: Any, message: str) -> None:
        raise ProgrammeFaults([*self._made.faults.values(), Fault(*_start(event), "", message)])


def _start(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
