"""Passes that are made and refreshed by several at the same time."""

import asyncio
from typing import Any

from kernel.database import Database
from passes.audit import PASSES
from passes.issue import change_numbers
from points.auditing.check import run
from tests.support.cards import Town, town


async def test_a_pass_is_made_once_however_often_it_is_asked_for(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    made = await asyncio.gather(*(the.wallet(aino) for _ in range(8)))
    assert len(set(made)) == 1
    assert await the.wallet(aino, "google") != made[0]


async def test_a_purchase_while_the_pass_is_made_is_not_lost(db: Database) -> None:
    the = await town(db)
    members = [await the.member(f"Guest {number}") for number in range(12)]
    await asyncio.gather(*(the.wallet(one) for one in members), *(the.buys(one, 5) for one in members))
    await the.looks_again()
    for one in members:
        assert (await the.card(await the.wallet(one))).balance == 5
    async with db.read() as read:
        assert await run(read.connection, PASSES, 5) == []


async def waits_for_a_lock(the: Town, how_many: int, *done: "asyncio.Task[Any]") -> None:
    """Until so many wait for locks, or one of the tasks is done."""
    async with the.db.read() as read:
        while not any(task.done() for task in done):
            if await read.connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") >= how_many:
                return
            await asyncio.sleep(0.01)


async def test_what_a_follower_writes_is_never_older_than_what_another_one_wrote(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 5)
    other = await db.dedicated()
    transaction = other.transaction()
    await transaction.start()
    await other.execute("SELECT 1 FROM wallet_pass WHERE id = $1 FOR UPDATE", pass_id)
    follower = asyncio.create_task(the.refresh.follow([aino]))
    await waits_for_a_lock(the, 1, follower)
    await the.buys(aino, 3)
    await transaction.rollback()
    await follower
    assert (await the.card(pass_id)).balance == 8
    await other.close()


async def test_a_purchase_between_reading_the_ledger_and_storing_the_new_pass_is_looked_at_again(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    other = await db.dedicated()
    transaction = other.transaction()
    await transaction.start()
    await change_numbers(other, 1)  # whoever stores a pass waits for this
    made = asyncio.create_task(the.wallet(aino))
    await waits_for_a_lock(the, 1, made)
    bought = asyncio.create_task(the.buys(aino, 5))
    await waits_for_a_lock(the, 2, bought)
    await the.looks_again()  # the note of the purchase meets no pass
    await transaction.rollback()
    await asyncio.gather(made, bought)
    await the.looks_again()
    assert (await the.card(made.result())).balance == 5
    await other.close()


async def test_making_a_pass_waits_for_nobody_who_holds_the_account(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    await the.merges(aino, eino)
    other = await db.dedicated()
    transaction = other.transaction()
    await transaction.start()
    await other.execute("SELECT 1 FROM account ORDER BY id FOR UPDATE")
    assert await the.wallet(aino) != await the.wallet(eino)
    await transaction.rollback()
    await other.close()
