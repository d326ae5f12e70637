"""Tills in a process of their own: sales at even steps, whether or not the ones before are answered."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import aiohttp
import uvloop


@dataclass(frozen=True, slots=True)
class Round:
    """What the tills are to do: `per_s` sales a second to these members in turn, for `seconds`."""

    members: Sequence[str]
    per_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale with its answer. Moments are seconds of time.perf_counter, which all processes of a machine share."""

    member_id: str
    balance: int
    asked_at: float
    answered_at: float

    @property
    def took_s(self) -> float:
        return self.answered_at - self.asked_at


class Tills:
    """The way to the process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def sell(self, what: Round) -> list[Sale]:
        """Do a round; the sales in the order of asking. Sales that were refused fail the round."""
        self._pipe.send(what)
        sales: list[Sale] = await asyncio.to_thread(self._pipe.recv)
        return sales


@contextmanager
def tills(url: str, key: str) -> Iterator[Tills]:
    """A process with tills that hold this partner's key."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_run, args=(url, key, there), daemon=True)
    process.start()
    try:
        yield Tills(here)
    finally:
        here.send(None)
        process.join(10)


def _run(url: str, key: str, pipe: Pipe) -> None:
    uvloop.run(_serve(url, key, pipe))


async def _serve(url: str, key: str, pipe: Pipe) -> None:
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(url, connector=connector, headers={"authorization": f"Bearer {key}"}) as http:
        number = 0
        while (what := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await _round(http, what, number))
            number += 1


async def _round(http: aiohttp.ClientSession, what: Round, number: int) -> list[Sale]:
    begin = time.perf_counter()

    async def sale(place: int) -> Sale:
        await asyncio.sleep(begin + place / what.per_s - time.perf_counter())
        member_id = what.members[place % len(what.members)]
        body = {"member_id": member_id, "amount": 1000, "currency": "USD"}
        asked_at = time.perf_counter()
        async with http.post(
            "/v1/earnings", json=body, headers={"idempotency-key": f"bench-{number}-{place}"}
        ) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == 201, told
        return Sale(member_id, told["balance"], asked_at, time.perf_counter())

    return await asyncio.gather(*(sale(place) for place in range(int(what.per_s * what.seconds))))
