"""Whoever changes the ledger behind the service's back is found, and the first changed entry is named."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.database import Database
from points.verifying import Broken, Head, Report, verify
from tests.support.sealed import an_earning, write_batch

BATCHES = ((1, 2, 3), (4,), (5, 6, 7, 8), (9, 10))


async def _written(db: Database, batches: Sequence[Sequence[int]] = BATCHES) -> None:
    for batch in batches:
        async with db.unit() as unit:
            await write_batch(unit.connection, [an_earning(number) for number in batch])


async def _verified(db: Database, noted: Head | None = None) -> Report:
    async with db.read() as read:
        return await verify(read.connection, noted)


async def _after(db: Database, *statements: str) -> Broken | None:
    await _written(db)
    async with db.unit() as unit:
        for statement in statements:
            await unit.connection.execute(statement)
    return (await _verified(db)).broken


async def test_an_empty_ledger_is_in_order(db: Database) -> None:
    assert await _verified(db) == Report(0, 0, Head(0, bytes(32)))


async def test_an_untouched_ledger_is_in_order(db: Database) -> None:
    await _written(db)
    report = await _verified(db)
    assert report.broken is None
    assert (report.journals, report.entries, report.head.height) == (10, 20, 4)


# What was done, and the batch, place and entry that are named for it.
_TAMPERED = {
    "an amount of money": ("UPDATE journal SET amount_minor = 1 WHERE id = 'jrn_06'", 3, 2, "jrn_06"),
    "points of an entry": ("UPDATE entry SET amount = amount + 1 WHERE journal_id = 'jrn_02'", 1, 2, "jrn_02"),
    "an account": (
        "UPDATE entry SET account_id = 'mbr_0/spendable' WHERE journal_id = 'jrn_04' AND amount > 0",
        2, 1, "jrn_04",
    ),
    "one entry more": (
        "INSERT INTO entry (journal_id, account_id, member_id, amount) VALUES ('jrn_09', 'x', 'y', 1)",
        4, 1, "jrn_09",
    ),
    "one entry less": ("DELETE FROM entry WHERE journal_id = 'jrn_10' AND amount > 0", 4, 2, "jrn_10"),
    "facts": ("UPDATE journal SET facts = facts || '{\"version\": \"v2\"}' WHERE id = 'jrn_01'", 1, 1, "jrn_01"),
    "a moment, by a microsecond": (
        "UPDATE journal SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = 'jrn_07'",
        3, 3, "jrn_07",
    ),
    "whose it is": ("UPDATE journal SET member_id = 'mbr_x' WHERE id = 'jrn_03'", 1, 3, "jrn_03"),
    "who acted": ("UPDATE journal SET by_member_id = 'mbr_x' WHERE id = 'jrn_03'", 1, 3, "jrn_03"),
    "a lot's size": ("UPDATE lot SET original = 99 WHERE id = 'lot_05'", 3, 1, "jrn_05"),
    "a lot's issuer": ("UPDATE lot SET issuer_id = 'ptn_z' WHERE id = 'lot_05'", 3, 1, "jrn_05"),
    "what an allocation was for": ("UPDATE allocation SET purpose = 'expired' WHERE id = 'alc_08'", 3, 4, "jrn_08"),
    "an arrear's creditor": ("UPDATE arrear SET creditor_id = 'ptn_z' WHERE id = 'arr_08'", 3, 4, "jrn_08"),
    "a digest": ("UPDATE journal SET digest = sha256('x') WHERE id = 'jrn_08'", 3, 4, "jrn_08"),
    "a deleted entry": ("DELETE FROM journal WHERE id = 'jrn_05'", 3, 1, None),
    "a deleted last entry of a batch": ("DELETE FROM journal WHERE id = 'jrn_08'", 3, 4, None),
    "a deleted batch of one": ("DELETE FROM journal WHERE id = 'jrn_04'", 2, 1, None),
    "a deleted seal": ("DELETE FROM seal WHERE height = 2", 2, None, None),
    "a changed seal": ("UPDATE seal SET hash = sha256('x') WHERE height = 2", 2, 1, "jrn_04"),
    "a changed seal's digest": ("UPDATE seal SET digest = sha256('x') WHERE height = 2", 2, 1, "jrn_04"),
    "a deleted last seal": ("DELETE FROM seal WHERE height = 4", 4, None, None),
    "a deleted head": ("DELETE FROM chain_head", 5, None, None),
    "a lot of nobody's": (
        "INSERT INTO lot (id, member_id, issuer_id, journal_id, original, remaining, issued_at)"
        " VALUES ('lot_x', 'mbr_0', 'ptn_a', 'jrn_x', 5, 5, now())",
        4, None, "jrn_x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", _TAMPERED)
async def test_tampering_is_found_and_the_first_bad_entry_named(db: Database, what: str) -> None:
    statement, height, place, journal_id = _TAMPERED[what]
    broken = await _after(db, statement)
    assert broken is not None
    assert (broken.height, broken.place, broken.journal_id) == (height, place, journal_id)


async def test_of_two_changes_the_first_in_order_is_named(db: Database) -> None:
    broken = await _after(
        db,
        "UPDATE journal SET points = 1 WHERE id = 'jrn_09'",
        "UPDATE journal SET points = 1 WHERE id = 'jrn_02'",
    )
    assert broken is not None
    assert broken.journal_id == "jrn_02"


_COPY = """
INSERT INTO journal (id, kind, member_id, partner_id, points, occurred_at, recorded_at, facts, digest, height, place)
SELECT 'jrn_new', kind, member_id, partner_id, points, occurred_at, recorded_at, facts, digest, {height}, {place}
FROM journal WHERE id = 'jrn_08'
"""


@pytest.mark.parametrize(("height", "place", "named"), [(3, 4, 4), (3, 5, 5), (0, 0, None), (9, 1, None)], ids=str)
async def test_an_inserted_entry_is_named(db: Database, height: int, place: int, named: int | None) -> None:
    broken = await _after(db, "DROP INDEX IF EXISTS journal_chain", _COPY.format(height=height, place=place))
    assert broken is not None
    assert broken.journal_id == "jrn_new"
    assert broken.place == named


async def test_entries_that_changed_places_are_found(db: Database) -> None:
    broken = await _after(
        db,
        "UPDATE journal SET place = 9 WHERE id = 'jrn_06'",
        "UPDATE journal SET place = 2 WHERE id = 'jrn_07'",
        "UPDATE journal SET place = 3 WHERE id = 'jrn_06'",
    )
    assert broken is not None
    assert (broken.height, broken.place, broken.journal_id) == (3, 2, "jrn_07")


async def test_a_tail_cut_off_with_everything_that_belongs_to_it_is_found_by_a_noted_head(db: Database) -> None:
    await _written(db)
    noted = (await _verified(db)).head
    async with db.unit() as unit:
        for table in ("entry", "lot", "arrear", "allocation"):
            await unit.connection.execute(
                f"DELETE FROM {table} WHERE journal_id IN (SELECT id FROM journal WHERE height > 2)"
            )
        await unit.connection.execute("DELETE FROM journal WHERE height > 2")
        await unit.connection.execute("DELETE FROM seal WHERE height > 2")
        await unit.connection.execute(
            "UPDATE chain_head SET (height, hash) = (SELECT height, hash FROM seal WHERE height = 2)"
        )
    assert (await _verified(db)).broken is None  # from the inside nothing is to be seen
    broken = (await _verified(db, noted)).broken
    assert broken is not None
    assert (broken.says, broken.height) == ("the chain ends below the noted head", 3)


async def test_a_ledger_rewritten_from_the_beginning_is_found_by_a_noted_head(db: Database) -> None:
    await _written(db)
    noted = (await _verified(db)).head
    async with db.unit() as unit:
        await unit.connection.execute("TRUNCATE journal, entry, lot, arrear, allocation, seal, chain_head")
    await _written(db, [(1, 2), (3, 4), (5,), (6,), (7,)])
    assert (await _verified(db)).broken is None
    broken = (await _verified(db, noted)).broken
    assert broken is not None
    assert broken.says == "the chain is not the noted one"


async def test_an_earlier_noted_head_still_holds_when_the_chain_has_grown(db: Database) -> None:
    await _written(db)
    noted = (await _verified(db)).head
    await _written(db, [(11, 12)])
    assert (await _verified(db, noted)).broken is None


async def test_batches_written_at_once_make_one_chain(db: Database) -> None:
    async def write(first: int) -> None:
        for number in range(first, first + 10):
            async with db.unit() as unit:
                await write_batch(unit.connection, [an_earning(number)])

    await asyncio.gather(*(write(100 * writer) for writer in range(1, 6)))
    report = await _verified(db)
    assert report.broken is None
    assert (report.journals, report.head.height) == (50, 50)
