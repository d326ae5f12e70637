"""A campaign that touches every member while tills go on: how fast it drains, and what the tills feel of it.

    python -m bench.campaign [phones] [sales per second]

A partner publishes a design: every pass changes, every phone is woken and fetches its new pass. The service,
PostgreSQL, the tills, and the phones with their push server share the machine; one file in fifty is verified.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.world.street import Street, quantile, street
from bench.world.tills import Round, Sale

IDLE_S = 10.0
PATIENCE_S = 900.0
STEP_S = 5.0


async def main(phones: int, per_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-", ignore_cleanup_errors=True) as folder:
        async with street(Path(folder), verify_every=50) as town:
            began = time.perf_counter()
            await town.join(phones)
            print(f"{phones} members joined, each with a phone, in {time.perf_counter() - began:.0f} s", flush=True)
            await town.tills.sell(Round(town.members[:100], per_s, 3.0))  # warm
            await asyncio.sleep(1.0)
            idle = await town.tills.sell(Round(town.members, per_s, IDLE_S))
            await town.fleet.idle()
            before = town.cpu_s()
            began = await _publish(town)
            busy = await _tills_meanwhile(town, per_s, began)
            ended = max(min(at for at, _ in seen if at > began) for seen in town.seen.values() if seen[-1][0] > began)
            _report(town, idle, busy, began, ended)
            for name, used_s in town.cpu_s().items():
                print(f"CPU, {name:25}{1e6 * (used_s - before[name]) / phones:8,.0f} us per phone, tills included")


async def _publish(town: Street) -> float:
    path = f"/v1/partners/{town.partner.id}/designs"
    design = {"background": "#0b3d2e", "foreground": "#ffffff", "label_colour": "#bbf7d0"}
    made = await town.api.ask("POST", path, town.operator_key, design)
    began = time.perf_counter()
    await town.api.ask("POST", f"{path}/{made.body['id']}/publish", town.operator_key, {"share": 100})
    return began


async def _tills_meanwhile(town: Street, per_s: float, began: float) -> list[Sale]:
    """Sales until every phone has a pass that is newer than the publication."""
    sales: list[Sale] = []
    while time.perf_counter() - began < PATIENCE_S:
        sales += await town.tills.sell(Round(town.members[len(sales) :] or town.members, per_s, STEP_S))
        if len(_renewed(town, began)) == len(town.members):
            break
    return sales


def _renewed(town: Street, began: float) -> list[str]:
    return [member_id for member_id, seen in town.seen.items() if seen[-1][0] > began]


def _report(town: Street, idle: list[Sale], busy: list[Sale], began: float, ended: float) -> None:
    renewed, took_s = len(_renewed(town, began)), ended - began
    print(f"{renewed} of {len(town.members)} phones renewed in {took_s:.1f} s: {renewed / took_s:,.0f} passes a second")
    for name, sales in (("idle", idle), ("meanwhile", [sale for sale in busy if sale.asked_at < ended])):
        took = [sale.took_s for sale in sales]
        p50, p99, worst = (1000 * quantile(took, share) for share in (0.5, 0.99, 1.0))
        print(f"tills, {name:10} p50 {p50:6,.0f} ms   p99 {p99:6,.0f} ms   worst {worst:6,.0f} ms   {len(took)} sales")
    waits = [_shown_after(town, sale) for sale in busy if sale.asked_at < ended]
    p50, p99 = (1000 * quantile(waits, share) for share in (0.5, 0.99))
    print(f"till's answer to the phone, meanwhile: p50 {p50:,.0f} ms   p99 {p99:,.0f} ms")


def _shown_after(town: Street, sale: Sale) -> float:
    shown = (at for at, balance in town.seen[sale.member_id] if balance >= sale.balance)
    return max(0.0, next(shown, float("inf")) - sale.answered_at)


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:]] + [20_000.0, 20.0][len(sys.argv) - 1 :]
    uvloop.run(main(int(given[0]), given[1]))
