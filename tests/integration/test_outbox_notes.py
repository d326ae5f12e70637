"""Notes to followers: coalesced, leased, retried, parked, and never lost."""

import asyncio
import contextvars
from collections.abc import Mapping, Sequence

import pytest

from kernel import outbox
from kernel.database import Database
from kernel.errors import Invalid, Unavailable
from kernel.outbox import Note, claim, follow_once, retry_now, settle, touch, waiting

KIND = "pass"

TOUCH_THAT_DOES_NOTHING = """
INSERT INTO outbox (kind, subject) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""
TOUCH_THAT_COUNTS_FROM_ONE = """
INSERT INTO outbox (kind, subject, version) SELECT *, 1 FROM unnest($1::text[], $2::text[])
ON CONFLICT (kind, subject) DO UPDATE SET version = outbox.version + 1
"""
DELETE_WHATEVER_THE_VERSION = """
DELETE FROM outbox USING unnest($2::text[], $3::bigint[]) AS done (subject, version)
WHERE outbox.kind = $1 AND outbox.subject = done.subject
"""


async def write(db: Database, *subjects: str, kind: str = KIND) -> None:
    """What a writer does when something changes."""
    async with db.unit() as unit:
        await touch(unit.connection, kind, subjects)


async def pass_time(db: Database) -> None:
    """Let every wait and every lease be over, leaving parked notes as they are."""
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE outbox SET due = now()")


async def notes(db: Database, column: str = "subject") -> list[object]:
    async with db.read() as read:
        return [row[0] for row in await read.connection.fetch(f"SELECT {column} FROM outbox ORDER BY kind, subject")]


class Copyist:
    """Copies a number to the other side; a writer changes it in the middle of the first copy."""

    kind = KIND
    batch = 10

    def __init__(self, db: Database) -> None:
        self.db = db
        self.truth = 1
        self.copy = 0
        self.interrupted = False

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        read = self.truth
        if not self.interrupted:
            self.interrupted = True
            self.truth = 2
            await write(self.db, "m1")
        self.copy = read
        return {}


async def change_during_a_copy_arrives(db: Database) -> bool:
    """Change something while a follower is at work on it; whether the other side ends up with the change."""
    copyist = Copyist(db)
    await write(db, "m1")
    while await follow_once(db, copyist):
        pass
    return copyist.copy == copyist.truth


async def change_after_a_takeover_arrives(db: Database) -> bool:
    """Two hold one note, as the first was slow; it finishes, a change comes, then the second finishes on old state.

    Whether the change still has a note.
    """
    await write(db, "m1")
    slow = await claim(db, KIND, 1, lease_s=0)
    second = await claim(db, KIND, 1)
    await settle(db, KIND, slow, {})
    await write(db, "m1")
    await settle(db, KIND, second, {})
    return await notes(db) == ["m1"]


async def test_a_change_while_a_follower_is_at_work_is_not_lost(db: Database) -> None:
    assert await change_during_a_copy_arrives(db)
    assert await notes(db) == []


async def test_the_change_would_be_lost_if_a_touch_did_nothing_on_conflict(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TOUCH", TOUCH_THAT_DOES_NOTHING)
    assert not await change_during_a_copy_arrives(db)


async def test_the_change_would_be_lost_if_done_notes_were_deleted_whatever_their_version(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_DELETE_DONE", DELETE_WHATEVER_THE_VERSION)
    assert not await change_during_a_copy_arrives(db)


async def test_a_worker_that_was_overtaken_does_not_delete_a_younger_note(db: Database) -> None:
    assert await change_after_a_takeover_arrives(db)


async def test_the_younger_note_would_be_deleted_if_each_note_counted_its_touches_from_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TOUCH", TOUCH_THAT_COUNTS_FROM_ONE)
    assert not await change_after_a_takeover_arrives(db)


async def test_a_note_is_written_with_the_change_or_not_at_all(db: Database) -> None:
    async def touch_and_fail() -> None:
        async with db.unit() as unit:
            await touch(unit.connection, KIND, ["m1"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await touch_and_fail()
    assert await notes(db) == []


async def test_many_touches_make_one_note(db: Database) -> None:
    for _ in range(5):
        await write(db, "m1", "m2", "m1")
    assert await notes(db) == ["m1", "m2"]
    assert len(await claim(db, KIND, 10)) == 2


async def test_touching_nothing_is_nothing(db: Database) -> None:
    await write(db)
    assert await notes(db) == []


async def test_each_follower_has_its_own_note(db: Database) -> None:
    await write(db, "m1", kind="mirror")
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {})
    assert await notes(db, "kind") == ["mirror"]


async def test_a_batch_is_no_larger_than_asked_and_the_oldest_come_first(db: Database) -> None:
    for subject in ("m3", "m1", "m2"):
        await write(db, subject)
    assert {note.subject for note in await claim(db, KIND, 2)} == {"m3", "m1"}
    assert [note.subject for note in await claim(db, KIND, 2)] == ["m2"]


async def test_a_touch_does_not_break_a_lease(db: Database) -> None:
    await write(db, "m1")
    assert await claim(db, KIND, 10)
    await write(db, "m1")
    assert await claim(db, KIND, 10) == []


async def test_a_note_touched_under_a_lease_is_due_as_soon_as_the_holder_is_done(db: Database) -> None:
    await write(db, "m1")
    held = await claim(db, KIND, 10)
    await write(db, "m1")
    await settle(db, KIND, held, {})
    again = await claim(db, KIND, 10)
    assert [note.subject for note in again] == ["m1"]
    assert again[0].version != held[0].version


async def test_a_lease_that_ends_gives_the_note_to_the_next(db: Database) -> None:
    await write(db, "m1")
    assert await claim(db, KIND, 10, lease_s=30.0)
    assert await claim(db, KIND, 10) == []
    await pass_time(db)
    assert [note.subject for note in await claim(db, KIND, 10)] == ["m1"]


async def test_claims_at_the_same_moment_share_nothing(db: Database) -> None:
    await write(db, *(f"m{n:03}" for n in range(60)))
    shares = await asyncio.gather(*(claim(db, KIND, 10) for _ in range(6)))
    taken = [note.subject for share in shares for note in share]
    assert len(taken) == len(set(taken))
    rest = await claim(db, KIND, 100)  # what a claim skipped because another was just taking it
    assert len(taken) + len(rest) == 60


async def test_a_failed_note_waits_longer_each_time_and_says_why(db: Database) -> None:
    await write(db, "m1")
    waits: list[float] = []
    for attempt in range(1, 5):
        await settle(db, KIND, await claim(db, KIND, 10), {"m1": OSError("phone is off")})
        assert await claim(db, KIND, 10) == []
        assert await notes(db, "attempts") == [attempt]
        assert await notes(db, "last_error") == ["OSError: phone is off"]
        waits.append(float(str((await notes(db, "extract(epoch FROM due - now())"))[0])))
        await pass_time(db)
    assert waits == sorted(waits)


async def test_the_failures_of_one_do_not_hold_up_the_others(db: Database) -> None:
    await write(db, "m1", "m2", "m3")
    await settle(db, KIND, await claim(db, KIND, 10), {"m2": OSError()})
    assert await notes(db) == ["m2"]


async def test_a_wait_that_the_other_side_asked_for_is_kept(db: Database) -> None:
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": Unavailable("busy", retry_after_s=200.0)})
    assert await notes(db, "due > now() + interval '100 s' AND due < now() + interval '201 s'") == [True]


async def test_a_touch_does_not_cut_a_wait_short(db: Database) -> None:
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": Unavailable("busy", retry_after_s=200.0)})
    await write(db, "m1")
    assert await claim(db, KIND, 10) == []


async def test_success_forgets_earlier_failures(db: Database) -> None:
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": OSError()})
    await pass_time(db)
    held = await claim(db, KIND, 10)
    await write(db, "m1")
    await settle(db, KIND, held, {})
    assert await notes(db, "(attempts, last_error IS NULL)::text") == ["(0,t)"]


async def test_what_will_never_pass_is_parked_until_it_is_touched(db: Database) -> None:
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": Invalid("the card has no name")})
    await pass_time(db)
    assert await claim(db, KIND, 10) == []
    await write(db, "m1")
    assert await claim(db, KIND, 10) == [Note("m1", await version_of(db, "m1"), attempts=0)]


async def version_of(db: Database, subject: str) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval("SELECT version FROM outbox WHERE subject = $1", subject))


async def test_what_was_touched_meanwhile_is_not_parked(db: Database) -> None:
    await write(db, "m1")
    held = await claim(db, KIND, 10)
    await write(db, "m1")
    await settle(db, KIND, held, {"m1": Invalid("as it was, it could not pass")})
    await pass_time(db)
    assert len(await claim(db, KIND, 10)) == 1


async def test_an_operator_sends_parked_and_waiting_notes_again(db: Database) -> None:
    await write(db, "m1", "m2")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": Invalid(), "m2": OSError()})
    await write(db, "m1", kind="mirror")
    async with db.unit() as unit:
        assert await retry_now(unit.connection, KIND) == 2
        assert await retry_now(unit.connection) == 3
    assert sorted(note.subject for note in await claim(db, KIND, 10)) == ["m1", "m2"]


async def test_stuck_notes_are_shown(db: Database) -> None:
    await write(db, "m1", "m2", "m3")
    held = await claim(db, KIND, 10)
    await settle(db, KIND, held, {"m1": Invalid("no name"), "m2": OSError(), "m3": OSError()})
    for _ in range(outbox.STUCK_AFTER_ATTEMPTS - 1):
        await pass_time(db)
        held = await claim(db, KIND, 10)
        await settle(db, KIND, held, {n.subject: OSError() for n in held if n.subject == "m2"})
    await write(db, "m9", kind="mirror")
    async with db.read() as read:
        mirror, stuck = await waiting(read.connection)
    assert (mirror.kind, mirror.waiting, mirror.stuck, mirror.error) == ("mirror", 1, 0, None)
    assert (stuck.kind, stuck.waiting, stuck.stuck) == (KIND, 2, 2)
    assert stuck.error in ("Invalid: no name", "OSError: ")
    assert stuck.oldest <= mirror.oldest


@pytest.mark.parametrize("said", ["nul \0 inside", "half a pair \ud800", "x" * 10_000])
async def test_whatever_a_stranger_says_the_failure_is_kept(db: Database, said: str) -> None:
    await write(db, "m1")
    await settle(db, KIND, await claim(db, KIND, 10), {"m1": OSError(said)})
    kept = str((await notes(db, "last_error"))[0])
    assert kept.startswith("OSError: ")
    assert len(kept) <= 500


async def test_finishing_notes_and_touching_them_do_not_deadlock(db: Database) -> None:
    await write(db, "m1", "m2")
    held = sorted(await claim(db, KIND, 10), key=lambda note: note.subject, reverse=True)
    async with db.unit() as unit:
        await touch(unit.connection, KIND, ["m1"])
        finishing = asyncio.create_task(settle(db, KIND, held, {}), context=contextvars.Context())
        await until_somebody_waits(db)
        await touch(unit.connection, KIND, ["m2"])
    await finishing
    assert await notes(db) == ["m1", "m2"]


async def until_somebody_waits(db: Database) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(10):
        while True:
            async with db.read() as read:
                if await read.connection.fetchval(blocked):
                    return
