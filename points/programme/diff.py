"""What differs between two versions, in words: list items are matched by their id, not by their place."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from points.programme.canonical import plain
from points.programme.schema.programme import Programme

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something `added`, `removed`, `changed` or `moved` (the order of rules and campaigns decides)."""

    kind: Literal["added", "removed", "changed", "moved"]
    path: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"+ {self.path}: {self.after}"
            case "removed":
                return f"- {self.path}: {self.before}"
            case "moved":
                return f"~ {self.path}: order {self.before} -> {self.after}"
            case "changed":
                return f"~ {self.path}: {self.before} -> {self.after}"


def differences(old: Programme, new: Programme) -> list[Difference]:
    """From `old` to `new`, in the order of the fields; empty if both are the same version."""
    return list(_compare("", plain(old), plain(new)))


def _compare(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            below = f"{path}.{name}" if path else str(name)
            yield from _compare(below, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif _named(old) and _named(new) and (_non_empty(old) or _non_empty(new)):
        yield from _items(path, old, new)
    elif old is _ABSENT:
        yield Difference("added", path, None, _text(new))
    elif new is _ABSENT:
        yield Difference("removed", path, _text(old), None)
    elif old != new:
        yield Difference("changed", path, _text(old), _text(new))


def _items(path: str, old: Any, new: Any) -> Iterator[Difference]:
    before = {item["id"]: item for item in ([] if old is _ABSENT else old)}
    after = {item["id"]: item for item in ([] if new is _ABSENT else new)}
    for name in [*before, *(name for name in after if name not in before)]:
        yield from _compare(f"{path}[{name}]", before.get(name, _ABSENT), after.get(name, _ABSENT))
    stayed = [name for name in before if name in after]
    now = [name for name in after if name in before]
    if stayed != now:
        yield Difference("moved", path, ", ".join(stayed), ", ".join(now))


def _named(value: Any) -> bool:
    return value is _ABSENT or (isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value))


def _non_empty(value: Any) -> bool:
    return value is not _ABSENT and bool(value)


def _text(value: Any) -> str:
    """Short and readable, much as the file would say it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name}: {_text(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_text(item) for item in value) + "]"
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)
