"""What the demonstration prints at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from api.demo.checks import Check
from api.demo.purchases import CURRENCY
from api.demo.replay import Replay
from kernel.money import minor_text


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that is printed."""

    replay: Replay
    checks: Sequence[Check]
    mirror: dict[str, Any]
    cycle: dict[str, Any]
    pushes: int
    seconds: float


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Figures, net positions and checks."""
    console.print(_figures(outcome))
    console.print(_positions(outcome))
    checks = Table(title="Checks", title_justify="left", box=None, show_header=False)
    for check in outcome.checks:
        checks.add_row("[green]ok[/]" if check.holds else "[bold red]FAILED[/]", check.name, f"[dim]{check.seen}[/]")
    console.print(checks)


def _figures(outcome: Outcome) -> Table:
    replay = outcome.replay
    sums, phones = replay.sums, replay.phones
    waits_ms = [wait_s * 1000 for wait_s in phones.stopwatch.waits_s]
    table = Table(title="What happened", title_justify="left", box=None, show_header=False)
    rows = [
        ("purchases", f"{sums.purchases} ({replay.plan.nothing_paid} more of 0.00 earned nothing)"),
        ("members", f"{len(phones)} ({phones.iphone_count} iPhones, {len(phones) - phones.iphone_count} Androids)"),
        ("points issued", f"{sums.earned}"),
        ("points redeemed", f"{sums.redeemed} in {sums.redemptions} redemptions"),
        ("points reversed", f"{sums.taken_back} in {sums.refunds} refunds"),
        ("requests delivered twice", f"{replay.api.delivered_twice}"),
        ("passes updated", f"{phones.updates}"),
        ("pushes", f"{outcome.pushes} to Apple's server, {phones.updates_of_androids} by Google"),
        ("till to phone", f"median {quantile(waits_ms, 0.5):.0f} ms, p99 {quantile(waits_ms, 0.99):.0f} ms"),
        ("paced at", f"{replay.rate_per_s:g} events a second"),
        ("gas per mirrored change", f"{outcome.mirror['gas_per_change']:.0f} ({outcome.mirror['changes']} changes)"),
        ("seconds", f"{outcome.seconds:.1f}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    return table


def _positions(outcome: Outcome) -> Table:
    names = {partner.id: partner.name for partner in outcome.replay.partners}
    table = Table("party", "pays", "gets", "net", title="Clearing cycle", title_justify="left", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for position in outcome.cycle["positions"]:
        table.add_row(
            names.get(position["party_id"], position["party_id"]),
            f"{position['pays_micros'] / 1e6:.2f}",
            f"{position['gets_micros'] / 1e6:.2f}",
            minor_text(position["net_minor"], CURRENCY),
        )
    return table
