"""What faults are, and how parts of a body are looked at that may be of any type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that would not be shown as it was meant. `path` is its place in the body; `says` is a sentence in
    English, for those who design passes. `refused`: Google would take nothing of the body.
    """

    path: str
    says: str
    refused: bool = False


def part(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; an empty one for anything else."""
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a member that is a list; none for anything else."""
    value = holder.get(name)
    return [one if isinstance(one, Mapping) else {} for one in value] if isinstance(value, list) else []


def moment_of(value: Any) -> datetime | None:
    """The moment of an ISO 8601 text, with offset or without; None for anything else."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
