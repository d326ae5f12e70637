"""A programme file read: its text, checked to the last field, as a Programme."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from points.programme.check import faults_of_meaning
from points.programme.faults import Fault, Place, ProgrammeFaults
from points.programme.marked import Marked, read_marked
from points.programme.schema.programme import Programme
from points.programme.shape import faults_of_shape

__all__ = ["Fault", "File", "ProgrammeFaults", "read_file", "read_programme"]


@dataclass(frozen=True, slots=True)
class File:
    """A programme and the places of its parts in the text."""

    programme: Programme
    marked: Marked

    def line(self, place: Place) -> int:
        """The line of a place, from 1; of what contains it if the file does not write it."""
        return self.marked.locate(place)[0]


def read_programme(text: str | bytes) -> Programme:
    """The programme that a YAML text describes. Raises ProgrammeFaults with everything that is wrong."""
    return read_file(text).programme


def read_file(text: str | bytes) -> File:
    """Like `read_programme`, with the places of the parts."""
    marked = read_marked(text)
    shape = faults_of_shape(marked.value)
    if marked.faults or shape:
        raise ProgrammeFaults([*marked.faults.values(), *_beside(marked, shape)])
    programme = msgspec.convert(marked.value, Programme, strict=True)
    meaning = faults_of_meaning(programme)
    if meaning:
        raise ProgrammeFaults(marked.fault(place, message) for place, message in meaning)
    return File(programme, marked)


def _beside(marked: Marked, found: Iterable[tuple[Place, str]]) -> Iterable[Fault]:
    """Faults of the shape, but for values that are already known to be unreadable."""
    for place, message in found:
        if not any(place[: len(bad)] == bad for bad in marked.faults if bad):
            yield marked.fault(place, message)
