"""The demonstration itself: it ends well on a good service, and its checks notice when something is wrong."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg

from api.demo.checks import check_all, phones_show, recount_agrees, states_of, tokens_agree
from api.demo.client import ApiClient
from api.demo.coalition import found
from api.demo.phones import Phones
from api.demo.plan import Buy, Refund, make_plan
from api.demo.purchases import noon, of_some_customers, read_purchases
from api.demo.recount import Recount
from api.demo.replay import Replay
from api.demo.service import service
from api.twins import twins


async def test_the_command_replays_real_purchases_and_ends_well() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMMONPOINT_")}
    arguments = ("-m", "api", "demo", "--purchases", "12", "--end")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    printed, _ = await process.communicate()
    text = printed.decode()
    assert process.returncode == 0, text
    assert "FAILED" not in text
    for figure in ("points issued", "till to phone", "gas per mirrored change", "Clearing cycle"):
        assert figure in text


async def test_the_checks_hold_and_notice_one_point_too_many(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            twins(tmp_path / "twins", "pass.org.commonpoint.test", "TESTTEAM01", "3388000000000000001")
        )
        settings = {**sandbox.settings, "database_url": database_url, "test_clock": True}
        running = await stack.enter_async_context(service(tmp_path, settings))
        phones = Phones(sandbox)
        await phones.start()
        stack.push_async_callback(phones.close)
        api = ApiClient(running.url, await stack.enter_async_context(aiohttp.ClientSession()))
        key = (await running.command("key", "create", "--operator")).strip()
        plan = make_plan(of_some_customers(read_purchases(), 15, seed=3), seed=3)
        await api.ask("PUT", "/v1/test-clock", key, {"now": noon(min(plan.days)).isoformat()})
        partners = await found(api, key)
        recount = Recount({partner.id: partner.rate for partner in partners})
        replay = Replay(api, key, partners, phones, plan, recount, seed=3, rate_per_s=100.0)
        await replay.run()
        checks = await check_all(replay, running.doctor)
        assert [check.name for check in checks if not check.holds] == []

        await _one_point_too_many(database_url)
        states = await states_of(replay)
        assert not phones_show(replay, states).holds
        assert not recount_agrees(replay, states).holds
        assert not (await tokens_agree(api, key, states)).holds
        ledger = next(line for line in await running.doctor() if line["name"] == "ledger")
        assert ledger["verdict"] == "bad"


async def _one_point_too_many(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        somebody = "SELECT min(id) FROM account WHERE id LIKE '%/spendable'"
        await connection.execute(f"UPDATE account SET balance = balance + 1 WHERE id = ({somebody})")
    finally:
        await connection.close()


def test_the_same_seed_is_the_same_plan_and_another_is_not() -> None:
    purchases = of_some_customers(read_purchases(), 300, seed=1)
    assert make_plan(purchases, 1) == make_plan(purchases, 1)
    assert make_plan(purchases, 1) != make_plan(purchases, 2)
    assert purchases == of_some_customers(read_purchases(), 300, seed=1)


def test_the_file_is_all_there_and_in_order_of_time() -> None:
    purchases = read_purchases()
    assert len(purchases) == 6919
    assert len({purchase.customer for purchase in purchases}) == 2357
    assert [purchase.day for purchase in purchases] == sorted(purchase.day for purchase in purchases)
    assert sum(purchase.amount_minor for purchase in purchases) == 24_409_194


def test_a_plan_refunds_about_three_in_a_hundred_and_never_before_the_purchase() -> None:
    plan = make_plan(read_purchases(), 1)
    days = [(day, event) for day, customers in plan.in_order() for events in customers.values() for event in events]
    bought = {event.key: (day, event.amount_minor) for day, event in days if isinstance(event, Buy)}
    refunds = [(day, event) for day, event in days if isinstance(event, Refund)]
    assert 0.02 < len(refunds) / len(bought) < 0.04
    for day, refund in refunds:
        when, amount = bought[refund.of]
        assert when <= day
        assert refund.amount_minor is None or 0 < refund.amount_minor < amount
