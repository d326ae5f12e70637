"""What is wrong with a programme file, and where: line and column as an editor counts them, from 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kernel.errors import Invalid

Place: TypeAlias = tuple[str | int, ...]
"""The way to a value in the file: names of fields and numbers of list items, `("earn", 0, "per")`."""

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend. `path` is written like `earn[0].per`; empty, it means the file as a whole."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.line}:{self.column}: {where}{self.message}"


class ProgrammeFaults(Invalid):
    """The file is not a programme. `faults` lists everything found, in the order of the file."""

    code = "programme_faults"
    title = "The programme has faults"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        shown = "; ".join(f"line {fault}" for fault in self.faults[:MOST_SHOWN])
        more = len(self.faults) - MOST_SHOWN
        super().__init__(shown + (f"; and {more} more" if more > 0 else ""))


def path_text(place: Sequence[str | int]) -> str:
    """`("earn", 0, "per")` as `earn[0].per`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")
