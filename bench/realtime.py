"""From the till's answer to the phone that shows it: over HTTP, the push service's protocol and the pass file itself.

    python -m bench.realtime [changes per second] [seconds] [phones]

The service, PostgreSQL, the tills, and the phones with their push server are processes of their own that share the
machine. Each change is a sale to another member; a phone shows it when it has fetched, verified and read the new pass.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.world.street import Street, quantile, street
from bench.world.tills import Round, Sale

PATIENCE_S = 20.0


async def main(per_s: float, seconds: float, phones: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-", ignore_cleanup_errors=True) as folder:
        async with street(Path(folder)) as town:
            await town.join(phones)
            await town.tills.sell(Round(town.members, per_s, 3.0))  # warm
            await asyncio.sleep(1.0)
            before = town.cpu_s()
            sales = await town.tills.sell(Round(town.members, per_s, seconds))
            waits = await _waits(town, sales)
            _report(town, sales, waits, per_s)
            for name, used_s in town.cpu_s().items():
                print(f"CPU, {name:29}{1e6 * (used_s - before[name]) / len(sales):8,.0f} us per change")


async def _waits(town: Street, sales: list[Sale]) -> list[float]:
    """For each sale the seconds until the phone showed its balance, or a later one; infinite when it never did."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while any(_wait(town, sale) == float("inf") for sale in sales):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    return [_wait(town, sale) for sale in sales]


def _wait(town: Street, sale: Sale) -> float:
    shown = (at for at, balance in town.seen[sale.member_id] if balance >= sale.balance)
    return max(0.0, next(shown, float("inf")) - sale.answered_at)


def _report(town: Street, sales: list[Sale], waits: list[float], per_s: float) -> None:
    tills = [sale.took_s for sale in sales]
    for name, values in (("till's answer to the phone", waits), ("till: request to answer", tills)):
        p50, p99, worst = (1000 * quantile(values, share) for share in (0.5, 0.99, 1.0))
        print(f"{name:32} p50 {p50:7,.0f} ms   p99 {p99:7,.0f} ms   worst {worst:7,.0f} ms")
    lost = sum(wait == float("inf") for wait in waits)
    print(f"{len(sales)} changes at {per_s:g} a second, {lost} never shown, {len(town.members)} phones")


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:]] + [50.0, 20.0, 500.0][len(sys.argv) - 1 :]
    uvloop.run(main(given[0], given[1], int(given[2])))
