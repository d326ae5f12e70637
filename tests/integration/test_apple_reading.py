"""Many small questions answered with few queries, over a connection that may break."""

import asyncio
import re
from collections.abc import Sequence

import asyncpg
import pytest

from kernel.database import Connection, Database, DatabaseAway
from passes.apple.reading import Reading, TooManyAsk
from passes.apple.registry import CHANGED_SINCE
from passes.apple.service import STORED


async def doubled(connection: Connection, questions: Sequence[int]) -> list[int]:
    rows = await connection.fetch("SELECT 2 * q AS d FROM unnest($1::int[]) WITH ORDINALITY AS u (q, n) ORDER BY n",
                                  questions)  # fmt: skip
    return [row["d"] for row in rows]


async def test_whoever_asks_at_once_shares_a_query_and_gets_their_own_answer(db: Database) -> None:
    reading = Reading(db, doubled, most_at_once=64)
    answers = await asyncio.gather(*(reading.answer(number) for number in range(1000)))
    assert answers == [2 * number for number in range(1000)]
    assert reading.asked == 1000
    assert reading.queries <= 20
    await reading.close()


async def test_a_question_that_nobody_waits_for_any_more_disturbs_none(db: Database) -> None:
    reading = Reading(db, doubled)
    waiting = [asyncio.create_task(reading.answer(number)) for number in range(10)]
    await asyncio.sleep(0)
    waiting[3].cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [one for one in done if not isinstance(one, BaseException)] == [0, 2, 4, 8, 10, 12, 14, 16, 18]
    assert await reading.answer(21) == 42
    await reading.close()


async def test_a_connection_that_breaks_under_a_question_is_replaced(db: Database) -> None:
    broken = 0

    async def sometimes(connection: Connection, questions: Sequence[int]) -> list[int]:
        nonlocal broken
        if not broken:
            broken += 1
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await doubled(connection, questions)

    reading = Reading(db, sometimes)
    assert await reading.answer(21) == 42
    assert broken == 1
    await reading.close()


async def test_a_database_that_stays_away_is_told_and_comes_back(db: Database) -> None:
    away = True

    async def ask(connection: Connection, questions: Sequence[int]) -> list[int]:
        if away:
            raise asyncpg.ConnectionDoesNotExistError
        return await doubled(connection, questions)

    reading = Reading(db, ask)
    with pytest.raises(DatabaseAway):
        await reading.answer(1)
    away = False
    assert await reading.answer(1) == 2
    await reading.close()


async def test_a_fault_of_one_kind_of_question_is_told_to_those_who_asked(db: Database) -> None:
    async def ask(connection: Connection, questions: Sequence[int]) -> list[int]:
        if 0 in questions:
            raise ZeroDivisionError
        return await doubled(connection, questions)

    reading = Reading(db, ask)
    with pytest.raises(ZeroDivisionError):
        await reading.answer(0)
    assert await reading.answer(1) == 2
    await reading.close()


async def test_the_line_is_bounded(db: Database) -> None:
    reading = Reading(db, doubled, most_at_once=5, most_waiting=10)
    answers = await asyncio.gather(*(reading.answer(number) for number in range(50)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, TooManyAsk)]
    assert len(refused) == 40
    assert all(one.retry_after_s for one in refused)
    await reading.close()


async def _fill(db: Database, passes: range) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(
            """
            INSERT INTO wallet_pass (id, member_id, brand_id, wallet, pass_type, card, change_seq, last_modified,
                tap_code)
            SELECT n, n, 'ptn', 'apple', 'pass.t', '{}', n, now(), n FROM generate_series($1::int, $2::int) AS n
            """,
            passes.start,
            passes.stop,
        )
        await unit.connection.execute(
            "INSERT INTO apple_registration (library_id, pass_id) SELECT id, id FROM wallet_pass ON CONFLICT DO NOTHING"
        )


QUESTIONS = {
    "lists": ("text[], text[], bigint[], int", CHANGED_SINCE, "'{a}', '{p}', '{1}', 500"),
    "passes": ("text[], bool[]", STORED, "'{a}', '{t}'"),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_plan_that_was_made_for_a_few_passes_is_not_kept_for_many(db: Database, question: str) -> None:
    types, statement, example = QUESTIONS[question]
    prepared: list[bool] = []

    async def plan(connection: Connection, questions: Sequence[None]) -> list[str]:
        if not prepared:
            await connection.execute(f"PREPARE q ({types}) AS {statement}")
            prepared.append(True)
        return ["\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE q ({example})"))]

    reading = Reading(db, plan, plan_kept_s=0.0)
    await _fill(db, range(1, 5))
    async with db.unit() as unit:
        await unit.connection.execute("ANALYZE wallet_pass, apple_registration")
    assert await reading.answer(None)
    await _fill(db, range(6, 5_000))
    said = await reading.answer(None)
    used = set(re.findall(r"Index (?:Only )?Scan using (\w+)", said))
    assert "wallet_pass_pkey" in used, said
    assert used <= {"wallet_pass_pkey", "apple_registration_pkey"}, said
    assert set(re.findall(r"Seq Scan on (\w+)", said)) <= {"pass_change"}, said
    await reading.close()
