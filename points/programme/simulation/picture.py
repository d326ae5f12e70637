"""A picture of what a programme owes and issues over time; two programmes in one.

The same figures give the same bytes: no date in the file, ids from a fixed salt, letters as shapes of a font that comes
with the library.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from kernel.money import decimals
from points.programme.periods import Period, first_of, last_of
from points.programme.simulation.figures import Figures

# Blue and orange of the Okabe-Ito palette: told apart by everybody, and by their dashes in grey.
_COLOURS = ("#0072b2", "#d55e00")
_PALE = ("#8cc3e3", "#f2b38c")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)))
_INK, _QUIET, _GRID, _GONE = "#222222", "#666666", "#dddddd", "#9a9a9a"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "commonpoint",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "timezone": "UTC",
}
_EPOCH = date(1970, 1, 1).toordinal()


def draw(figures: Sequence[Figures], names: Sequence[str], to: IO[bytes], format_: str) -> None:
    """Write the picture of one or two programmes as `svg` or `png`; `names` are what the legend calls them."""
    with matplotlib.rc_context(_STYLE):
        picture = Figure(figsize=(9.6, 6.8), dpi=110, layout="constrained")
        above, below = picture.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _liability(above, figures, names)
        _movements(below, figures)
        picture.suptitle(_title(figures), x=0.012, ha="left", color=_INK, fontsize=12, fontweight="bold")
        picture.savefig(to, format=format_, metadata={"Date": None} if format_ == "svg" else {"Software": None})


def format_of(path: Path) -> str:
    """`svg` or `png` by the name of the file. Raises ValueError."""
    found = path.suffix.lower().lstrip(".")
    if found not in ("svg", "png"):
        raise ValueError(f"'{path.name}' is neither .svg nor .png")
    return found


def _title(figures: Sequence[Figures]) -> str:
    first = min((each.first for each in figures if each.first), default=None)
    last = max((each.last for each in figures if each.last), default=None)
    return "Liability and points issued" + (f", {first} to {last}" if first and last else "")


def _liability(axes: Axes, figures: Sequence[Figures], names: Sequence[str]) -> None:
    """What members hold: in money if it is known for all what a point costs, else in points."""
    in_money = len({each.currency for each in figures}) == 1 and all(each.per_point_minor for each in figures)
    for number, each in enumerate(figures):
        days, levels = _levels(each)
        scale = float(each.liability_of(1) or 0) / 10 ** decimals(each.currency) if in_money else 1.0
        values = [level * scale for level in levels]
        axes.plot(
            days, values, color=_COLOURS[number], linestyle=_DASHES[number], linewidth=1.8, drawstyle="steps-post",
            label=names[number],
        )  # fmt: skip
        if len(figures) == 1:
            axes.fill_between(days, values, step="post", color=_COLOURS[number], alpha=0.12, linewidth=0)
    axes.set_ylabel(f"liability, {figures[0].currency}" if in_money else "points that members hold", color=_INK)
    _plain_axes(axes)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", frameon=False, labelcolor=_INK)


def _movements(axes: Axes, figures: Sequence[Figures]) -> None:
    """Points issued in each period upwards; redeemed and expired ones downwards."""
    per = _period(figures)
    for number, each in enumerate(figures):
        bars = _bars(each, per)
        width = 0.84 / len(figures)
        for begins, (issued, redeemed, expired) in bars.items():
            length = (last_of(begins, per) - begins).days + 1
            left = _x(begins) + length * (0.08 + number * width)
            axes.bar(left, issued, length * width, align="edge", color=_COLOURS[number])
            axes.bar(left, -redeemed, length * width, align="edge", color=_PALE[number])
            axes.bar(left, -expired, length * width, align="edge", color=_GONE, bottom=-redeemed)
    axes.axhline(0, color=_QUIET, linewidth=0.8)
    axes.set_ylabel(f"points per {per}", color=_INK)
    _plain_axes(axes)
    kinds = _kinds(figures)
    axes.legend(
        list(kinds.values()), list(kinds), handler_map={tuple: HandlerTuple(ndivide=None)}, loc="lower left",
        frameon=False, ncols=3, labelcolor=_INK, fontsize=9,
    )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(low - (high - low) * 0.16, high)


def _kinds(figures: Sequence[Figures]) -> dict[str, tuple[Patch, ...]]:
    """What the bars are; with two programmes each is shown in both colours."""
    numbers = range(len(figures))
    kinds = {
        "issued": tuple(Patch(color=_COLOURS[number]) for number in numbers),
        "redeemed": tuple(Patch(color=_PALE[number]) for number in numbers),
    }
    if any(each.expired for each in figures):
        kinds["expired"] = (Patch(color=_GONE),)
    return kinds


def _bars(figures: Figures, per: Period) -> dict[date, tuple[int, int, int]]:
    sums: dict[date, tuple[int, int, int]] = {}
    for day in figures.days:
        begins = first_of(day.day, per)
        issued, redeemed, expired = sums.get(begins, (0, 0, 0))
        sums[begins] = (issued + day.issued - day.withdrawn, redeemed + day.redeemed, expired + day.expired)
    return sums


def _period(figures: Sequence[Figures]) -> Period:
    """Bars of a width that can be seen."""
    days = [day.day for each in figures for day in each.days]
    length = (max(days) - min(days)).days if days else 0
    return "day" if length <= 45 else "week" if length <= 200 else "month" if length <= 1500 else "quarter"


def _levels(figures: Figures) -> tuple[list[float], list[int]]:
    """Points held at the end of each day on which they changed, from nothing before the first to the last day."""
    if not figures.days:
        return [], []
    days = [figures.days[0].day - timedelta(days=1), *(day.day for day in figures.days)]
    levels = [0, *(day.open for day in figures.days)]
    if figures.last is not None and figures.last > days[-1]:
        days.append(figures.last)
        levels.append(levels[-1])
    return [_x(day) for day in days], levels


def _x(day: date) -> float:
    """Days since 1970, which is how the library counts dates."""
    return float(day.toordinal() - _EPOCH)


def _plain_axes(axes: Axes) -> None:
    axes.margins(x=0.01)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_QUIET)
    axes.tick_params(colors=_QUIET, length=0)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.xaxis_date()
    locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _thousands(value: float, _: object) -> str:
    """Ticks with thousands; below zero they are points that went, so without a sign."""
    size = abs(value)
    return f"{size:,.0f}" if size == round(size) else f"{size:,.2f}"
