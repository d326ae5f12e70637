"""A till's or an operator's way to the API: plain HTTP with a key. Every twentieth request is delivered twice."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from api.demo.plan import TWICE_EVERY

REPLAYED = "idempotent-replayed"


class Unexpected(Exception):
    """The service answered something that the demonstration did not expect."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and decoded body (bytes if it is not JSON)."""

    status: int
    headers: dict[str, str]
    body: Any


class ApiClient:
    """Requests to one service; `key` is given per call."""

    def __init__(self, base_url: str, http: aiohttp.ClientSession) -> None:
        self._base_url = base_url
        self._http = http
        self._sent = 0
        self.delivered_twice = 0

    async def ask(
        self, method: str, path: str, key: str, body: object = None, idempotency_key: str | None = None
    ) -> Answer:
        """One request; raises Unexpected unless the answer is 2xx."""
        sent = {"authorization": f"Bearer {key}"}
        if idempotency_key is not None:
            sent["idempotency-key"] = idempotency_key
        async with self._http.request(method, f"{self._base_url}{path}", json=body, headers=sent) as response:
            raw = await response.read()
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(response.status, headers, raw)
            if "json" in response.content_type:
                answer = Answer(response.status, headers, await response.json(content_type=None))
        if not 200 <= answer.status < 300:
            raise Unexpected(f"{method} {path}: {answer.status} {answer.body!r:.300}")
        return answer

    async def move_value(self, path: str, key: str, body: object, idempotency_key: str) -> Answer:
        """A POST that moves points; some are delivered twice, by turns at once and one after the other."""
        self._sent += 1
        if self._sent % TWICE_EVERY:
            return await self.ask("POST", path, key, body, idempotency_key)
        self.delivered_twice += 1
        if self.delivered_twice % 2:
            first, second = await asyncio.gather(
                self.ask("POST", path, key, body, idempotency_key), self.ask("POST", path, key, body, idempotency_key)
            )
        else:
            first = await self.ask("POST", path, key, body, idempotency_key)
            second = await self.ask("POST", path, key, body, idempotency_key)
        replays = [answer.headers.get(REPLAYED) for answer in (first, second)].count("true")
        if first.body != second.body or replays != 1:
            raise Unexpected(f"POST {path} delivered twice gave two answers: {first} and {second}")
        return first
