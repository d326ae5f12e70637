"""Earnings over HTTP: how many a second, and what one costs, beside the bare framework in the same run.

    python -m bench.earnings [seconds] [connections]

Server, database and load share the machine, so the CPU per earning and the ratio to `/livez` are the figures to keep.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from statistics import median

import aiohttp
import psutil

from api.demo.client import ApiClient
from api.demo.coalition import Partner, found
from api.demo.service import Service, service

MEMBERS = 500
ROUNDS = 3


async def main(seconds: float, connections: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-", ignore_cleanup_errors=True) as folder:
        # The chain is off: this measures the till's side, not a chain that shares the process.
        async with service(Path(folder), {"chain_url": "off"}) as running:
            connector = aiohttp.TCPConnector(limit=connections)
            async with aiohttp.ClientSession(connector=connector) as http:
                await _measure(running, http, seconds, connections)


async def _measure(running: Service, http: aiohttp.ClientSession, seconds: float, connections: int) -> None:
    api = ApiClient(running.url, http)
    partners = await found(api, (await running.command("key", "create", "--operator")).strip())
    members = await _members(api, partners[0])
    numbers = count()
    headers = {"authorization": f"Bearer {partners[0].key}"}

    async def earn() -> None:
        number = next(numbers)
        body = {"member_id": members[number % len(members)], "amount": 1000 + number % 997, "currency": "USD"}
        sent = {**headers, "idempotency-key": f"bench-{number}"}
        async with http.post(f"{running.url}/v1/earnings", json=body, headers=sent) as response:
            assert response.status == 201, await response.text()

    async def alive() -> None:
        async with http.get(f"{running.url}/livez") as response:
            assert response.status == 200

    rates: list[float] = []
    floors: list[float] = []
    app_us: list[float] = []
    database_us: list[float] = []
    for _ in range(ROUNDS):
        floor, _, _ = await _round(running, alive, seconds / 2, connections)
        rate, app, database = await _round(running, earn, seconds, connections)
        floors.append(floor)
        rates.append(rate)
        app_us.append(app)
        database_us.append(database)
    print(f"earnings a second over HTTP      {median(rates):8.0f}   {connections} connections, one server process")
    print(f"the framework's own /livez       {median(floors):8.0f}")
    print(f"ratio                            {median(rates) / median(floors):8.2f}")
    print(f"CPU per earning, server          {median(app_us):8.0f} us   with its followers")
    print(f"CPU per earning, PostgreSQL      {median(database_us):8.0f} us")


async def _members(api: ApiClient, partner: Partner) -> list[str]:
    made = await asyncio.gather(
        *(api.ask("POST", "/v1/members", partner.key, {"name": f"Member {n}"}) for n in range(MEMBERS))
    )
    return [answer.body["id"] for answer in made]


async def _round(
    running: Service, act: Callable[[], Awaitable[None]], seconds: float, connections: int
) -> tuple[float, float, float]:
    """Acts a second, and microseconds of CPU per act in the server and in PostgreSQL."""
    before = _cpu_s(running)
    began = time.perf_counter()
    done = 0

    async def one_connection() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await act()
            done += 1

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    took = time.perf_counter() - began
    app, database = (1e6 * (after - start) / done for after, start in zip(_cpu_s(running), before, strict=True))
    return done / took, app, database


def _cpu_s(running: Service) -> tuple[float, float]:
    """CPU seconds so far of the server's processes and of its PostgreSQL."""
    server = psutil.Process(running.process.pid)
    app = sum(_used_s(process) for process in (server, *server.children(recursive=True)))
    folder = running.environment["COMMONPOINT_DATA_DIR"]
    postmaster = int((Path(folder) / "postgres" / "postmaster.pid").read_text().split()[0])
    parent = psutil.Process(postmaster)
    return app, sum(_used_s(process) for process in (parent, *parent.children(recursive=True)))


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    given = sys.argv[1:] + ["4", "64"][len(sys.argv) - 1 :]
    asyncio.run(main(float(given[0]), int(given[1])))
