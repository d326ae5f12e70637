"""Many who ask for the same thing at once cause one reading."""

import asyncio

import pytest

from kernel.shared import Shared


class Source:
    """Counts how often it is read; answers when it is let."""

    def __init__(self) -> None:
        self.readings = 0
        self.let = asyncio.Event()

    async def read(self) -> int:
        self.readings += 1
        number = self.readings
        await self.let.wait()
        return number


async def test_who_asks_while_it_is_being_read_gets_that_answer() -> None:
    shared, source = Shared[int](), Source()
    asking = [asyncio.create_task(shared.of("a", source.read)) for _ in range(50)]
    await asyncio.sleep(0)
    source.let.set()
    assert {answer for _, answer in await asyncio.gather(*asking)} == {1}
    assert (await shared.of("a", source.read))[1] == 2


async def test_names_are_read_apart_and_forgotten_readings_are_not_joined() -> None:
    shared, source = Shared[int](), Source()
    first, other = (asyncio.create_task(shared.of(name, source.read)) for name in "ab")
    await asyncio.sleep(0)
    shared.forget()
    later = asyncio.create_task(shared.of("a", source.read))
    await asyncio.sleep(0)
    source.let.set()
    assert [(await one)[1] for one in (first, other, later)] == [1, 2, 3]


async def test_an_error_is_everybodys_and_who_goes_away_ends_nothing() -> None:
    async def fails() -> int:
        await asyncio.sleep(0.01)
        raise ValueError

    shared, source = Shared[int](), Source()
    for answer in await asyncio.gather(*(shared.of("a", fails) for _ in range(3)), return_exceptions=True):
        assert isinstance(answer, ValueError)
    impatient = asyncio.create_task(shared.of("a", source.read))
    patient = asyncio.create_task(shared.of("a", source.read))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    source.let.set()
    assert (await patient)[1] == 1
