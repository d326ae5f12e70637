"""`commonpoint demo`."""

import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.demo.checks import check_all
from api.demo.client import ApiClient, Unexpected
from api.demo.coalition import found
from api.demo.phones import Phones
from api.demo.plan import make_plan
from api.demo.purchases import noon, of_some_customers, read_purchases
from api.demo.recount import Recount
from api.demo.replay import Replay
from api.demo.report import Outcome, print_outcome
from api.demo.service import Service, service
from api.twins import Twins, twins

USUAL_PURCHASES = 1200
USUAL_RATE_PER_S = 40.0
_PLAIN_EVERY_S = 5.0


@click.command()
@click.option(
    "--purchases", type=click.IntRange(1), default=USUAL_PURCHASES, show_default=True, help="At least so many."
)
@click.option("--all", "everything", is_flag=True, help="All 6,919 purchases.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same run.")
@click.option("--rate", default=USUAL_RATE_PER_S, show_default=True, help="Events a second at the tills.")
@click.option("--keep/--end", default=None, help="Keep serving afterwards (default: only on a terminal).")
def demo(purchases: int, everything: bool, seed: int, rate: float, keep: bool | None) -> None:
    """Replay real purchases through everything and check the outcome to the point. Exit code 1 if a check fails."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    keep = sys.stdout.isatty() if keep is None else keep
    directory = Path(tempfile.mkdtemp(prefix="commonpoint-demo-"))
    verdict = _Verdict()
    try:
        asyncio.run(_demo(directory, None if everything else purchases, seed, rate, keep, verdict))
    except* Unexpected as failures:
        for failure in failures.exceptions:
            Console(stderr=True).print(f"[red]{failure}[/]", highlight=False)
    except* KeyboardInterrupt:
        verdict.interrupted = True
    if verdict.good or verdict.interrupted:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        Console(stderr=True).print(f"The service's log is kept: {directory / 'serve.log'}", highlight=False)
    sys.exit(0 if verdict.good else 1)


@dataclass(slots=True)
class _Verdict:
    """Whether every check held, and whether somebody pressed Ctrl+C."""

    good: bool = False
    interrupted: bool = False


async def _demo(directory: Path, at_least: int | None, seed: int, rate: float, keep: bool, verdict: _Verdict) -> None:
    console = Console()
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        console.print("Starting PostgreSQL, the vendors' twins, the chain and the service ...")
        sandbox = await stack.enter_async_context(
            twins(directory / "twins", "pass.org.commonpoint.test", "TESTTEAM01", "3388000000000000001")
        )
        running = await stack.enter_async_context(service(directory, {**sandbox.settings, "test_clock": True}))
        phones = Phones(sandbox)
        await phones.start()
        stack.push_async_callback(phones.close)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        replay = await _prepare(ApiClient(running.url, http), running, phones, at_least, seed, rate)
        await _with_progress(console, replay)
        outcome = await _look(replay, running, sandbox, began)
        print_outcome(console, outcome)
        verdict.good = all(check.holds for check in outcome.checks)
        if keep and verdict.good:
            await _keep_serving(console, replay, running)


async def _prepare(
    api: ApiClient, running: Service, phones: Phones, at_least: int | None, seed: int, rate: float
) -> Replay:
    purchases = of_some_customers(read_purchases(), at_least, seed)
    plan = make_plan(purchases, seed)
    operator_key = (await running.command("key", "create", "--operator")).strip()
    # The clock first: terms take effect when they are published, and purchases must not be older.
    first_day = min(plan.days)
    await api.ask("PUT", "/v1/test-clock", operator_key, {"now": noon(first_day).isoformat()})
    partners = await found(api, operator_key)
    recount = Recount({partner.id: partner.rate for partner in partners})
    return Replay(api, operator_key, partners, phones, plan, recount, seed, rate)


async def _with_progress(console: Console, replay: Replay) -> None:
    """Replay with a live display on a terminal and a line now and then elsewhere."""
    total = replay.plan.purchases - replay.plan.nothing_paid
    running = asyncio.create_task(replay.run())
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[seen]}[/]"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Replaying purchases", total=total, seen="")
        said_at_s = time.perf_counter()
        while not running.done():
            await asyncio.wait({running}, timeout=0.2)
            progress.update(bar, completed=replay.sums.purchases, seen=_seen(replay))
            if not console.is_terminal and time.perf_counter() - said_at_s > _PLAIN_EVERY_S:
                said_at_s = time.perf_counter()
                console.print(f"  {replay.sums.purchases} of {total} purchases; {_seen(replay)}", highlight=False)
    await running


def _seen(replay: Replay) -> str:
    return f"{len(replay.phones)} phones, {replay.phones.updates} updates, {replay.sums.redemptions} redemptions"


async def _look(replay: Replay, running: Service, sandbox: Twins, began: float) -> Outcome:
    checks = await check_all(replay, running.doctor)
    api, key = replay.api, replay.operator_key
    mirror = (await api.ask("GET", "/v1/mirror", key)).body
    cycles = (await api.ask("GET", "/v1/clearing-cycles", key)).body["data"]
    cycle = (await api.ask("GET", f"/v1/clearing-cycles/{cycles[-1]['id']}", key)).body
    pushes = sandbox.push_server.answers["200"]
    return Outcome(replay, checks, mirror, cycle, pushes, time.perf_counter() - began)


async def _keep_serving(console: Console, replay: Replay, running: Service) -> None:
    console.print(
        f"\nStill serving. API docs: {running.url}/docs\nA member's page: {replay.pages[0]}\n"
        f"The operator's key: {replay.operator_key}\nPress Ctrl+C to end.",
        highlight=False,
    )
    await asyncio.Event().wait()
