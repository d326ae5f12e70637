"""What deciding costs: CPU per pure decision under a realistic programme, and purchases per second of a simulation.

    python -m bench.decisions [purchases]

The programme has 10 earn rules, 5 campaigns (one with a budget), 3 tiers by a rolling year, expiry, 4 rewards. The
purchases are made up: 100,000 members (a tenth of the purchases), two lines each, over two years. Everything runs on
one core; the simulation includes redemptions, expiry and tier reviews.
"""

import gc
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median

from points.book import Book, CapState
from points.commands import Earn
from points.decide import decide
from points.decision import Ground
from points.programme.canonical import version_of
from points.programme.events import Line
from points.programme.pinning import caps_of
from points.programme.shelf import default_version
from points.programme.simulation.behaviour import Assumptions
from points.programme.simulation.figures import Figures
from points.programme.simulation.run import simulate
from points.programme.simulation.sale import Sale, micros_of
from points.programme.simulation.sales import sales_of
from points.programme.standing import Standing
from points.programme.text import read_programme
from points.programme.version import InForce, TermsRate, Version

_PURCHASES = 1_000_000
_DECISIONS = 20_000
_ROUNDS = 5
_BEGINS = datetime(2024, 1, 1, tzinfo=UTC)
_REALISTIC = Path(__file__).with_name("realistic.yaml")
_CATEGORIES = ("coffee", "tea", "cake", "lunch", "beans", "cups", "books", "gift_cards")


def main(purchases: int) -> None:
    """Print the figures."""
    realistic = version_of(read_programme(_REALISTIC.read_bytes()))
    for name, version in (("10 rules, 5 campaigns, 3 tiers", realistic), ("the default programme", default_version())):
        each = [_decision_us(version, seed) for seed in range(_ROUNDS)]
        print(f"CPU per decision, {name:32} {median(each):8.1f} us   ({min(each):.1f} to {max(each):.1f})")
    for version in (realistic, default_version()):
        _simulation(version, purchases)


def _decision_us(version: Version, seed: int) -> float:
    """Microseconds of CPU per purchase, decided and folded into books of members with a history."""
    rng = random.Random(seed)
    numbers = iter(range(1, 10**12))
    ground = Ground(
        _BEGINS, lambda prefix: f"{prefix}_{next(numbers):012d}", lambda: f"C{next(numbers)}", {version.id: version}
    )
    in_force = InForce(version)
    commands = [_earn(in_force, sale) for sale in made_up(_DECISIONS, rng)]
    books: dict[str, Book] = {}
    for command in commands:
        if command.member_id not in books:
            joined = version.day(command.occurred_at).toordinal()
            books[command.member_id] = Book(member_id=command.member_id, standing=Standing(joined=joined))
        for cap_id, size in caps_of(in_force, command.event, command.occurred_at).items():
            ground.caps.setdefault(cap_id, CapState(cap_id, size))
    gc.collect()
    began = time.process_time()
    for command in commands:
        ground.now = command.occurred_at
        decide(books[command.member_id], command, ground)
    return 1e6 * (time.process_time() - began) / len(commands)


def _earn(in_force: InForce, sale: Sale) -> Earn:
    return Earn(
        partner_id="shop",
        key=f"sale-{sale.line}",
        fingerprint=b"",
        occurred_at=sale.moment,
        member_id=sale.customer,
        event=sale.event(),
        currency="EUR",
        in_force=in_force,
        terms=TermsRate("terms", 1, 100),
    )


def _simulation(version: Version, purchases: int) -> None:
    with sales_of(made_up(purchases, random.Random(1))) as sales:
        began, cpu = time.perf_counter(), time.process_time()
        figures = simulate(version, sales, Assumptions(redeem=Fraction(1, 4)))
        took, used = time.perf_counter() - began, time.process_time() - cpu
    name = f"{purchases:,} purchases, {figures.name}"
    print(
        f"simulated {name:40} {purchases / took:8.0f} a second   {took:.0f} s, {used:.0f} s of CPU, {_shown(figures)}"
    )


def _shown(figures: Figures) -> str:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{figures.members:,} members, {figures.issued:,} points issued, {figures.redeemed:,} redeemed, "
        f"{figures.expired:,} expired; process at most {peak_mb:,} MB"
    )


def made_up(count: int, rng: random.Random) -> Iterator[Sale]:
    """Purchases evenly over two years; some members buy often, most seldom."""
    members = max(count // 10, 10)
    step = timedelta(days=730) / count
    for number in range(count):
        at = _BEGINS + number * step
        lines = tuple(Line(amount_minor=rng.randrange(150, 2_000), category=rng.choice(_CATEGORIES)) for _ in range(2))
        yield Sale(
            at=micros_of(at),
            line=number + 1,
            customer=f"{int(members * rng.random() ** 2):06d}",
            amount_minor=sum(line.amount_minor for line in lines),
            order=f"o{number}",
            tender=rng.choice(("card", "cash")),
            lines=lines,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _PURCHASES)
