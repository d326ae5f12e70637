"""What phones complain of reaches the operator, counted and cleaned, and cannot be used to flood anyone."""

import asyncio
import json

from api.http.operations import operations_router
from kernel.database import Database
from passes.apple.reports import DROPPED, LINES_PER_CALL, LINES_PER_MINUTE, Reports
from tests.support.apple import AppleSide, apple_side
from tests.support.http_ground import GroundParts, as_caller, ground_client, operator_key


async def tell(side: AppleSide, *lines: str) -> None:
    status, _, body = await side.call("POST", "/log", data=json.dumps({"logs": lines}).encode())
    assert (status, body) == (200, b"")


async def test_complaints_of_phones_are_sorted_and_counted(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phones = [await side.phone_with(pass_id) for _ in range(3)]
        for phone in phones:
            await phone.pull(pass_id)
            await phone.refresh()  # the first list names every pass, and this one is unchanged
        found = await side.reported()
        assert {key: one.reports for key, one in found.items()} == {("unchanged", ""): 3}
        said = found["unchanged", ""].sample
        assert pass_id in said
        assert not any(phone.library_id in said for phone in phones)


async def test_counts_add_up_over_many_calls_and_processes(db: Database) -> None:
    async with apple_side(db) as side:
        other_process = Reports(db, written_every_s=0.01)
        line = "Get pass task (…) encountered error: Unexpected response code 502"
        for _ in range(4):
            other_process.take(json.dumps({"logs": [line]}).encode())
            await tell(side, line, line)
            await asyncio.sleep(0.02)
        await other_process.close()
        found = (await side.reported())["status", "get 502"]
        assert found.reports == 12
        assert found.first_at <= found.last_at


async def test_lines_are_cleaned_before_they_are_kept(db: Database) -> None:
    async with apple_side(db) as side:
        await tell(side, "first\n\x1b[31mline\x00" + "x" * 5_000)
        (found,) = (await side.reported()).values()
        assert found.kind == "other"
        assert found.sample.startswith("first  [31mline x")
        assert len(found.sample) <= 300


async def test_a_flood_makes_a_few_rows_and_is_counted_as_such(db: Database) -> None:
    async with apple_side(db) as side:
        calls, lines = 40, 200
        await asyncio.gather(*(
            tell(side, *(f"Get pass task encountered error: Unexpected response code {n % 900:03}"
                         for n in range(call, call + lines)))
            for call in range(calls)
        ))  # fmt: skip
        found = await side.reported()
        taken = sum(one.reports for key, one in found.items() if key != (DROPPED, ""))
        assert taken <= 2 * LINES_PER_MINUTE  # a minute may turn while this runs
        assert found[DROPPED, ""].reports == calls * lines - taken
        assert len(found) <= LINES_PER_CALL + 70


async def test_what_cannot_be_written_now_is_written_later(db: Database) -> None:
    async with apple_side(db) as side:
        async with db.unit() as unit:
            await unit.connection.execute("ALTER TABLE apple_report RENAME TO away")
        await tell(side, "one")
        await asyncio.sleep(0.2)
        async with db.unit() as unit:
            await unit.connection.execute("ALTER TABLE away RENAME TO apple_report")
        await tell(side, "two")
        assert (await side.reported())["other", ""].reports == 2


async def test_the_operator_reads_what_is_wrong_and_what_it_means(db: Database) -> None:
    async with apple_side(db) as side:
        await tell(side, "Update requested for unregistered serial number 7", "the moon is full")
        assert len(await side.reported()) == 2
        parts = GroundParts(db)
        caller = as_caller(await operator_key(parts))
        async with ground_client(parts, [operations_router]) as client:
            assert (await client.get("/v1/apple/reports")).status_code == 401
            answer = await client.get("/v1/apple/reports", headers=caller)
        assert answer.status_code == 200
        told = {one["kind"]: one for one in answer.json()}
        assert "deleted" in told["unregistered"]["means"]
        assert told["other"]["sample"] == "the moon is full"
        assert {one["reports"] for one in told.values()} == {1}
