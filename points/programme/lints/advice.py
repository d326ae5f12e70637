"""A piece of advice."""

from dataclasses import dataclass
from fractions import Fraction

from points.programme.faults import Place, path_text


@dataclass(frozen=True, slots=True)
class Advice:
    """Something unwise: a stable `code`, where it is in the file, and why."""

    code: str
    place: Place
    text: str

    @property
    def path(self) -> str:
        """The place as `rewards[0].cost`."""
        return path_text(self.place)


def percent(share: Fraction) -> str:
    """`50 %`, `2.5 %`; for reading only."""
    return f"{share.numerator / share.denominator * 100:.3g} %"


def plainly(number: Fraction) -> str:
    """`104`, `12.5`; for reading only."""
    return f"{number.numerator / number.denominator:,.6g}".replace(",", " ")
