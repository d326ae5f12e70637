"""PINs: right ones are taken, guesses run out, whoever asks and however often the service starts."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta

import pytest

from kernel.database import Database
from kernel.secrets import Keyring
from points import pins as subject
from points.pins import BadPin, PinBlocked, Pins, PinsBusy, forget_tries, has_pin

KEYRING = Keyring(b"only for tests, at least 32 bytes")
AINO, BO, TILL = "mbr_aino", "mbr_bo", "trm_1"


async def tried(pins: Pins, pin: str, owner: str = AINO, device: str = TILL) -> bool | None:
    """None: not looked at."""
    try:
        return await pins.check(owner, device, pin)
    except PinBlocked:
        return None


async def pass_time(db: Database, time: timedelta) -> None:
    """As if all that was tried had been tried so much earlier."""
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE attempt SET since = since - $1::interval, blocked_until = blocked_until - $1::interval", time
        )


async def wait_of(pins: Pins, owner: str = AINO, device: str = TILL) -> int:
    with pytest.raises(PinBlocked) as blocked:
        await pins.check(owner, device, "0000")
    seconds = blocked.value.facts["retry_after_s"]
    assert isinstance(seconds, int)
    return seconds


@pytest.fixture
async def pins(db: Database) -> Pins:
    pins = Pins(db, KEYRING)
    await pins.set(AINO, "4071")
    return pins


async def test_the_right_pin_is_right_and_any_other_is_not(pins: Pins, db: Database) -> None:
    assert await pins.check(AINO, TILL, "4071")
    for wrong in ("4072", "40711", "1704"):
        assert not await pins.check(AINO, TILL, wrong)
    async with db.read() as read:
        assert await has_pin(read.connection, AINO)
        assert not await has_pin(read.connection, BO)


async def test_who_has_no_pin_is_never_right_and_cannot_be_tried_without_end(pins: Pins) -> None:
    assert [await tried(pins, "4071", BO) for _ in range(6)] == [False] * 5 + [None]


async def test_a_new_pin_replaces_the_old_one(pins: Pins) -> None:
    await pins.set(AINO, "86420")
    assert not await pins.check(AINO, TILL, "4071")
    assert await pins.check(AINO, TILL, "86420")
    for _ in range(2):
        await pins.remove(AINO)
    assert not await pins.check(AINO, TILL, "86420")


@pytest.mark.parametrize(
    "pin", ["", "123", "123456789", "12a4", "٤٠٧١", "4071\n", "1111", "1234", "3456789", "9876", "0000"]
)
async def test_what_is_no_pin_or_the_first_guess_of_anybody_is_not_set(pins: Pins, pin: str) -> None:
    with pytest.raises(BadPin):
        await pins.set(AINO, pin)
    assert await pins.check(AINO, TILL, "4071")


async def test_what_is_no_pin_costs_no_try(pins: Pins) -> None:
    for _ in range(10):
        with pytest.raises(BadPin):
            await pins.check(AINO, TILL, "40 71")
    assert await pins.check(AINO, TILL, "4071")


async def test_five_wrong_tries_close_the_account_at_every_till(pins: Pins) -> None:
    for number in range(5):
        assert await tried(pins, "0000", device=f"trm_{number}") is False
    assert await tried(pins, "4071", device="trm_other") is None
    assert await tried(pins, "4071", BO, device="trm_other") is False


async def test_five_wrong_tries_close_the_till_for_every_account(pins: Pins) -> None:
    for number in range(5):
        assert await tried(pins, "0000", owner=f"mbr_{number}") is False
    assert await tried(pins, "4071") is None
    assert await tried(pins, "4071", device="trm_other") is True


async def test_the_wait_doubles_from_a_minute_to_a_day(pins: Pins, db: Database) -> None:
    for _ in range(5):
        assert await tried(pins, "0000") is False
    waits = []
    for _ in range(14):
        waits.append(await wait_of(pins, device="trm_other"))
        await pass_time(db, timedelta(seconds=waits[-1]))
        assert await tried(pins, "0000") is False
    assert waits[:11] == [60 * 2**n for n in range(11)]
    assert waits[11:] == [86_400] * 3


async def test_the_right_pin_after_slips_opens_everything_again(pins: Pins) -> None:
    for _ in range(3):
        for _ in range(4):
            assert await tried(pins, "0000") is False
        assert await tried(pins, "4071") is True


async def test_a_busy_till_is_not_closed_by_customers_who_know_their_pin(pins: Pins) -> None:
    assert [await tried(pins, "4071") for _ in range(8)] == [True] * 8


async def test_who_guesses_others_cannot_clear_the_till_with_a_pin_of_their_own(pins: Pins) -> None:
    answers: list[bool | None] = []
    for number in range(6):
        answers.append(await tried(pins, "0000", owner=f"mbr_{number}"))
        await tried(pins, "4071")
    assert answers == [False] * 5 + [None]


async def test_slips_at_a_till_are_forgotten_after_an_hour_and_those_of_an_account_after_a_week(
    pins: Pins, db: Database
) -> None:
    for _ in range(4):
        await tried(pins, "0000")
    await pass_time(db, timedelta(hours=2))
    assert [await tried(pins, "0000", BO) for _ in range(4)] == [False] * 4
    assert await tried(pins, "0000") is False
    assert await tried(pins, "0000") is None
    await pass_time(db, timedelta(days=7, minutes=2))
    assert [await tried(pins, "0000") for _ in range(5)] == [False] * 5


async def test_counts_without_effect_are_dropped_and_no_others(pins: Pins, db: Database) -> None:
    for number in range(3):
        await tried(pins, "0000", owner=f"mbr_{number}", device=f"trm_{number}")
    async with db.unit() as unit:
        await unit.connection.execute("INSERT INTO attempt VALUES ('receipt/mbr_1', 3, now())")
    await pass_time(db, timedelta(days=8))
    for _ in range(6):
        await tried(pins, "0000")
    assert await forget_tries(db) == 5
    assert await forget_tries(db) == 0
    async with db.read() as read:
        left = await read.connection.fetch("SELECT id FROM attempt ORDER BY id")
    assert [row["id"] for row in left] == ["pin-at/trm_1", "pin/mbr_aino", "receipt/mbr_1"]


async def test_hundreds_of_guesses_in_two_processes_with_a_restart_are_looked_at_five_times(
    pins: Pins, db: Database
) -> None:
    """The limit is in rows: processes share it and a start gives nothing back."""
    second = await Database.connect(db.url, 4)
    try:
        workers = [pins, Pins(second, KEYRING)]
        looked_at = 0
        for start in range(2):
            guesses = [tried(workers[number % 2], f"{number:04}") for number in range(1000 * start, 1000 * start + 150)]
            looked_at += sum(answer is not None for answer in await _few_at_once(guesses))
            workers = [Pins(db, KEYRING), Pins(second, KEYRING)]
        assert looked_at == subject.TRIES
    finally:
        await second.close()


async def test_a_try_counts_before_the_pin_is_looked_at(
    pins: Pins, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it looks has spent the try."""

    def dies(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr(subject, "_matches", dies)
    for _ in range(5):
        with pytest.raises(MemoryError):
            await pins.check(AINO, TILL, "0000")
    monkeypatch.undo()
    assert await tried(Pins(db, KEYRING), "4071") is None


async def test_two_pins_are_looked_at_at_once_and_a_crowd_is_sent_away(pins: Pins) -> None:
    answers = await asyncio.gather(
        *(pins.check(f"mbr_{number}", f"trm_{number}", "0000") for number in range(60)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {bool, PinsBusy}
    assert await pins.check(AINO, TILL, "4071")


async def test_a_stolen_table_cannot_be_tried_out_without_the_master_secret(pins: Pins, db: Database) -> None:
    async with db.unit() as unit:
        stored = await unit.connection.fetchval("SELECT hash FROM pin WHERE owner_id = $1", AINO)
        await unit.connection.execute("INSERT INTO pin VALUES ($1, $2, now())", BO, stored)
    assert stored.startswith("$argon2id$")
    assert not await Pins(db, Keyring(b"another master secret, 32 bytes!")).check(AINO, TILL, "4071")
    assert not await pins.check(BO, TILL, "4071")


async def _few_at_once(guesses: Sequence[Awaitable[bool | None]]) -> list[bool | None]:
    places = asyncio.Semaphore(8)

    async def one(guess: Awaitable[bool | None]) -> bool | None:
        async with places:
            return await guess

    return list(await asyncio.gather(*(one(guess) for guess in guesses)))
