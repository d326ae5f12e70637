"""`commonpoint programme simulate`: what a programme would have done with real sales, and two of them side by side."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.commands.simulation_options import Column, Day, Price, Probability, RewardPrice, Zone
from kernel.errors import Invalid
from kernel.money import decimals
from points.programme.canonical import version_of
from points.programme.periods import day_ends
from points.programme.shelf import names as template_names
from points.programme.shelf import template
from points.programme.simulation.behaviour import Assumptions
from points.programme.simulation.comparison import compare, plain
from points.programme.simulation.example import example_sales
from points.programme.simulation.figures import Figures
from points.programme.simulation.picture import draw, format_of
from points.programme.simulation.run import simulate
from points.programme.simulation.sale import SalesFault
from points.programme.simulation.sales import BadSales, Sales, read_sales, sales_of
from points.programme.simulation.table import Format, Naming
from points.programme.simulation.worth import Told
from points.programme.text import read_programme
from points.programme.version import TermsRate, Version

_EXAMPLE = "Purchases at a record shop (the example)"
_REDEEM = "How likely a member takes the cheapest claimable reward after a purchase."
_BREAKAGE = "The share of open points that is expected never to be used; it lowers the liability."
_SALES_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


class NotComparable(Invalid):
    """The two programmes, or the options, do not fit together."""

    code = "not_comparable"
    title = "These cannot be simulated together"


@dataclass(frozen=True, slots=True)
class Source:
    """Where sales come from and how they are read; without a path, the example."""

    path: Path | None
    format: str | None
    zone: ZoneInfo | None
    naming: Naming
    skip_broken: bool
    limit: int | None

    @property
    def name(self) -> str:
        """What people call it."""
        return _EXAMPLE if self.path is None else self.path.name

    def open(self, currency: str, progress: Progress) -> Sales:
        """All sales in order of time, or the first so many. Raises BadSales."""
        if self.path is None:
            return self._first(sales_of(example_sales()))
        jsonl = (self.format or self.path.suffix.lower().lstrip(".")) in ("jsonl", "ndjson")
        format_: Format = "jsonl" if jsonl else "csv"
        task = progress.add_task(f"Reading {self.path.name}", total=None)
        with self.path.open("rb") as stream:
            sales = read_sales(
                stream, format_, currency, self.zone, self.naming, skip_broken=self.skip_broken,
                progress=lambda rows: progress.update(task, completed=rows),
            )  # fmt: skip
        progress.update(task, total=len(sales), completed=len(sales))
        return self._first(sales)

    def _first(self, sales: Sales) -> Sales:
        if self.limit is None or len(sales) <= self.limit:
            return sales
        with sales:
            return replace(sales_of(islice(sales, self.limit)), faults=sales.faults, fault_count=sales.fault_count)


@click.command("simulate")
@click.argument("file")
@click.argument("other", metavar="[FILE2]", required=False)
@click.option("--sales", type=_SALES_FILE, help="CSV or JSONL (docs/simulation.md says which columns).")
@click.option(
    "--format", "format_", type=click.Choice(["csv", "jsonl"]), help="Default: by the name of the sales file."
)
@click.option("--zone", type=Zone(), help="The time zone of moments that have none, like Europe/Helsinki.")
@click.option("--map", "mapped", type=Column(), multiple=True, help="Our column = its name in the file; repeatable.")
@click.option("--ignore", multiple=True, help="A column of the file that is of no interest; repeatable.")
@click.option("--skip-broken", is_flag=True, help="Report broken rows and use the rest (default: use nothing).")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many sales, by time.")
@click.option("--redeem", type=Probability(), default="0.5", show_default=True, help=_REDEEM)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same members' choices.")
@click.option(
    "--terms", type=Price(), default="1", show_default=True, help="Points per unit of money of `terms` rules."
)
@click.option("--point-cost", type=Price(), help="What a point costs (default: what the programme says).")
@click.option("--reward-cost", type=RewardPrice(), multiple=True, help="What a claim of a reward costs; repeatable.")
@click.option("--breakage", type=Probability(), default="0", show_default=True, help=_BREAKAGE)
@click.option("--until", type=Day(), help="Let time go on after the last sale until the end of this day.")
@click.option("--picture", type=_NEW_FILE, help="Write liability and issuance over time as a .svg or .png file.")
@click.option("--ledger", type=_NEW_FILE, help="Write every journal as a line of JSON (one programme only).")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON on standard output.")
def simulate_command(
    file: str,
    other: str | None,
    sales: Path | None,
    format_: str | None,
    zone: ZoneInfo | None,
    mapped: tuple[tuple[str, str], ...],
    ignore: tuple[str, ...],
    skip_broken: bool,
    limit: int | None,
    picture: Path | None,
    ledger: Path | None,
    as_json: bool,
    **assumed: Any,
) -> None:
    """Replay sales under the programme in FILE (a path, or the name of a template), or under two side by side.

    Without --sales: the purchases of 2,357 real customers that come with the product.
    """
    files = [name for name in (file, other) if name is not None]
    versions = [_version(name) for name in files]
    drawn_as = _check(versions, picture, ledger)
    _check_rewards(versions, assumed["reward_cost"])
    source = Source(sales, format_, zone, Naming(dict(mapped), frozenset(ignore)), skip_broken, limit)
    try:
        with _progress() as progress, source.open(versions[0].programme.currency, progress) as history:
            figures = [_simulate(version, history, assumed, ledger, progress) for version in versions]
    except BadSales as error:
        _tell_faults(error.faults, error.count)
        raise
    _tell_faults(history.faults, history.fault_count)
    names = _names(files, figures)
    if picture is not None:
        with picture.open("wb") as to:
            draw(figures, names, to, drawn_as)
    if as_json:
        click.echo(json.dumps(_as_values(figures, names, source, history, assumed), indent=2, ensure_ascii=False))
    else:
        _print(figures, names, source, assumed)


def _version(name: str) -> Version:
    """The programme of a file, or of the template of that name. Raises ProgrammeFaults, Invalid."""
    path = Path(name)
    if path.is_file():
        return version_of(read_programme(path.read_bytes()))
    if name in template_names():
        return version_of(read_programme(template(name)))
    raise click.BadParameter(f"there is no file '{name}', and no template of that name", param_hint="FILE")


def _check(versions: Sequence[Version], picture: Path | None, ledger: Path | None) -> str:
    """Refuse before any work what cannot end well; the format of the picture."""
    currencies = {version.programme.currency for version in versions}
    if len(currencies) > 1:
        raise NotComparable(f"Sales are in one currency, the programmes in {' and '.join(sorted(currencies))}.")
    if ledger is not None and len(versions) > 1:
        raise click.UsageError("--ledger is for one programme")
    try:
        return format_of(picture) if picture is not None else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--picture") from None


def _check_rewards(versions: Sequence[Version], told: Sequence[tuple[str, Fraction]]) -> None:
    known = {reward.id for version in versions for reward in version.programme.rewards}
    for reward, _ in told:
        if reward not in known:
            raise click.BadParameter(f"the programmes have no reward '{reward}'", param_hint="--reward-cost")


def _simulate(
    version: Version, history: Sales, assumed: dict[str, Any], ledger: Path | None, progress: Progress
) -> Figures:
    task = progress.add_task(f"Simulating {version.programme.programme}", total=len(history))
    with ledger.open("wb") if ledger is not None else nullcontext() as to:
        return simulate(
            version,
            history,
            _assumptions(version, assumed),
            ledger=to,
            progress=lambda sales: progress.update(task, completed=sales),
        )


def _assumptions(version: Version, assumed: dict[str, Any]) -> Assumptions:
    """What the options say, with money in minor units."""
    minor = 10 ** decimals(version.programme.currency)
    point: Fraction | None = assumed["point_cost"]
    until: date | None = assumed["until"]
    terms: Fraction = assumed["terms"]
    return Assumptions(
        redeem=assumed["redeem"],
        seed=assumed["seed"],
        terms=TermsRate("simulated", terms.numerator, terms.denominator * minor),
        told=Told(
            None if point is None else point * minor,
            {reward: cost * minor for reward, cost in assumed["reward_cost"]},
        ),
        breakage=assumed["breakage"],
        until=None if until is None else day_ends(until, version.zone, version.day_starts),
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        transient=True,
    )


def _tell_faults(faults: Sequence[SalesFault], count: int) -> None:
    """Every broken row with its line, on standard error."""
    console = Console(stderr=True)
    for fault in faults:
        console.print(str(fault), style="yellow", highlight=False, markup=False, soft_wrap=True)
    if count > len(faults):
        console.print(f"and {count - len(faults):,} more", style="yellow", highlight=False)


def _names(files: Sequence[str], figures: Sequence[Figures]) -> list[str]:
    """What the columns are called: the programmes' names, or their files where the names are one."""
    names = [each.name for each in figures]
    return names if len(set(names)) == len(names) else [Path(name).name for name in files]


def _print(figures: Sequence[Figures], names: Sequence[str], source: Source, assumed: dict[str, Any]) -> None:
    console = Console(highlight=False)
    first, last = figures[0].first, figures[0].last
    console.print(f"[bold]{source.name}[/]" + (f", {first} to {last}" if first else ""))
    console.print(_table(figures, names))
    chance = float(assumed["redeem"] * 100)
    console.print(
        f"\n[dim]Assumed: after a purchase, the cheapest claimable reward is taken in {chance:g} % of cases "
        f"(seed {assumed['seed']}).[/]",
        soft_wrap=True,
    )


def _table(figures: Sequence[Figures], names: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    if len(figures) == 2:
        table.add_column("difference", justify="right")
    group = None
    for row in compare(figures):
        if row.group != group:
            group = row.group
            table.add_row()
            table.add_row(f"[bold]{group}[/]")
        table.add_row(f"  {row.label}", *row.values, row.difference)
    return table


def _as_values(
    figures: Sequence[Figures], names: Sequence[str], source: Source, history: Sales, assumed: dict[str, Any]
) -> dict[str, Any]:
    return {
        "sales": {
            "source": source.name,
            "used": len(history),
            "faults": [{"line": f.line, "column": f.column, "message": f.message} for f in history.faults],
            "fault_count": history.fault_count,
        },
        "assumptions": {name: _plain_value(value) for name, value in assumed.items()},
        "programmes": [{"name": name, **plain(each)} for name, each in zip(names, figures, strict=True)],
    }


def _plain_value(value: Any) -> Any:
    if isinstance(value, Fraction | date):
        return str(value)
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    return value
