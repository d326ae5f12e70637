"""Any course of registering, deleting, changing and asking: lists are exact, against a model in memory."""

import json
from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.database import Database
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import AppleSide, apple_side, token_of

PASSES, DEVICES = 2, 2
passes = st.integers(0, PASSES - 1)
devices = st.integers(0, DEVICES - 1)
moves = st.one_of(
    st.tuples(st.just("register"), devices, passes),
    st.tuples(st.just("unregister"), devices, passes),
    st.tuples(st.just("change"), st.just(0), passes),
    st.tuples(st.just("ask"), devices, st.just(0)),
    st.tuples(st.just("ask"), devices, st.just(0)),
    st.tuples(st.just("lose tag"), devices, st.just(0)),
)


@pytest.fixture
async def side(db: Database) -> AsyncIterator[AppleSide]:
    """One service for all examples; each has passes and devices of its own."""
    async with apple_side(db) as made:
        yield made


class Course:
    """The service and the model side by side. The model numbers events; a device's tag is the number it was told."""

    def __init__(self, side: AppleSide, ids: list[str]) -> None:
        self.side = side
        self.ids = ids
        self.names = [f"{ids[0]}.{number}" for number in range(DEVICES)]
        self.numbers = count(1)
        self.version = [next(self.numbers) for _ in ids]
        self.changed = [False for _ in ids]
        self.registered: dict[tuple[int, int], int] = {}  # what is owed to this registration alone
        self.told = [-1 for _ in self.names]
        self.tags: list[str | None] = [None for _ in self.names]

    async def register(self, device: int, one: int) -> None:
        path = f"/devices/{self.names[device]}/registrations/{PASS_TYPE}/{self.ids[one]}"
        body = json.dumps({"pushToken": "ab" * 32}).encode()
        status, _, _ = await self.side.call("POST", path, token=token_of(self.ids[one]), data=body)
        assert status == (200 if (device, one) in self.registered else 201)
        if status == 201:  # the file it holds may be older than the pass
            self.registered[device, one] = next(self.numbers) if self.changed[one] else 0

    async def unregister(self, device: int, one: int) -> None:
        path = f"/devices/{self.names[device]}/registrations/{PASS_TYPE}/{self.ids[one]}"
        status, _, _ = await self.side.call("DELETE", path, token=token_of(self.ids[one]))
        assert status == 200
        self.registered.pop((device, one), None)

    async def change(self, one: int) -> None:
        self.version[one], self.changed[one] = next(self.numbers), True
        await self.side.change(self.ids[one], balance=self.version[one])

    async def ask(self, device: int) -> None:
        tag = self.tags[device]
        query = "" if tag is None else f"?passesUpdatedSince={tag}"
        path = f"/devices/{self.names[device]}/registrations/{PASS_TYPE}{query}"
        status, _, body = await self.side.call("GET", path)
        new = {
            one: max(self.version[one], owed) for (who, one), owed in self.registered.items() if who == device
        }  # fmt: skip
        due = sorted((number, one) for one, number in new.items() if number > self.told[device])
        assert status == (200 if due else 204)
        if due:
            answer = json.loads(body)
            assert answer["serialNumbers"] == [self.ids[one] for _, one in due]
            assert answer["lastUpdated"] != tag
            self.told[device], self.tags[device] = due[-1][0], answer["lastUpdated"]

    def lose_tag(self, device: int) -> None:
        self.told[device], self.tags[device] = -1, None


@given(moved=st.lists(moves, min_size=8, max_size=40))
async def test_a_device_is_told_of_each_change_once_and_of_nothing_else(
    side: AppleSide, moved: list[tuple[str, int, int]]
) -> None:
    course = Course(side, [await side.issue() for _ in range(PASSES)])
    for move, device, one in moved:
        match move:
            case "register":
                await course.register(device, one)
            case "unregister":
                await course.unregister(device, one)
            case "change":
                await course.change(one)
            case "lose tag":
                course.lose_tag(device)
            case _:
                await course.ask(device)
    for device in range(DEVICES):
        await course.ask(device)
        await course.ask(device)
