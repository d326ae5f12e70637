"""From ASGI to the passes web service: what arrives there, and what goes out."""

from collections import Counter
from collections.abc import MutableMapping
from typing import Any, cast

import pytest

from api.http.phones import Phones
from kernel.errors import Unavailable
from passes.apple.answer import Response
from passes.apple.service import PassesService


class Listener:
    """Hears what the door passes on; answers as told."""

    def __init__(self, answer: Response | Exception) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.heard: list[tuple[object, ...]] = []
        self._answer = answer

    async def updated(self, *said: object) -> Response:
        return self._hear(*said)

    async def fetch(self, *said: object, head: bool) -> Response:
        return self._hear(*said, head)

    def _hear(self, *said: object) -> Response:
        self.heard.append(said)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def asked(
    listener: Listener, raw_path: bytes | None, query: bytes = b"", method: str = "GET", **scope: Any
) -> list[MutableMapping[str, Any]]:
    """The messages that the door sends for a request."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    request = {"type": "http", "method": method, "raw_path": raw_path, "query_string": query, "headers": [], **scope}
    await Phones(lambda: cast(PassesService, listener))(request, receive, send)
    return sent


@pytest.mark.parametrize(
    ("query", "tag"),
    [
        (b"", None), (b"passesUpdatedSince=", ""), (b"passesUpdatedSince=1.7", "1.7"),
        (b"passesUpdatedSince=2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        (b"passesUpdatedSince=2026-01-01T00%3A00%3A00%2B00%3A00", "2026-01-01T00:00:00+00:00"),
        (b"passesUpdatedSince=a%20b", "a b"), (b"passesUpdatedSince=%2525", "%25"),
        (b"passesUpdatedSince=%zz%4", "%zz%4"),
        (b"passesUpdatedSince=a=b", "a=b"), (b"x=1&passesUpdatedSince=a;b", "a;b"), (b"passesupdatedsince=1", None),
        (b"passesUpdatedSince=%C3%A9", "é"), (b"passesUpdatedSince=%FF", "\ufffd"), (b"xpassesUpdatedSince=1", None),
    ],
)  # fmt: skip
async def test_a_tag_arrives_exactly_as_it_was_given_out(query: bytes, tag: str | None) -> None:
    listener = Listener(Response(204))
    await asked(listener, b"/apple/v1/devices/d%2B+%2e/registrations/p", query)
    assert listener.heard == [("d++.", "p", tag)]


async def test_an_answer_to_head_has_the_length_and_not_the_body() -> None:
    listener = Listener(Response(200, {"content-length": "9"}, b"some file"))
    start, body = await asked(listener, b"/apple/v1/passes/t/s", method="HEAD")
    assert start["headers"] == [(b"content-length", b"9")]
    assert body["body"] == b""
    assert listener.heard == [("t", "s", None, None, True)]
    listener = Listener(Response(200, {}, b"[1]"))
    start, body = await asked(listener, b"/apple/v1/devices/d/registrations/p", method="HEAD")
    assert (start["headers"], body["body"]) == ([(b"content-length", b"3")], b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_never_has_a_body_has_no_length(status: int) -> None:
    start, _ = await asked(Listener(Response(status)), b"/apple/v1/passes/t/s")
    assert start["headers"] == []


async def test_a_server_that_tells_no_raw_path_is_served_too() -> None:
    listener = Listener(Response(204))
    await asked(listener, None, path="/apple/v1/devices/é/registrations/p")
    assert listener.heard == [("é", "p", None)]


async def test_what_is_away_is_told_with_a_time_and_what_breaks_is_not_told_at_all() -> None:
    away = Listener(Unavailable("the database", retry_after_s=2.5))
    start, body = await asked(away, b"/apple/v1/passes/t/s")
    assert (start["status"], start["headers"][0]) == (503, (b"retry-after", b"3"))
    broken = Listener(RuntimeError("a secret"))
    start, body = await asked(broken, b"/apple/v1/passes/t/s")
    assert (start["status"], body["body"]) == (500, b"")
    assert broken.answers == {("fetch", 500): 1}


@pytest.mark.parametrize(
    ("path", "mine"),
    [("/apple/v1/log", True), ("/apple/v1/", True), ("/apple/v1", False), ("/apple/v10/log", False), ("/v1/log", False),
     ("/", False)],
)  # fmt: skip
def test_the_door_knows_what_is_its_own(path: str, mine: bool) -> None:
    door = Phones(lambda: cast(PassesService, None))
    assert door.is_for({"type": "http", "raw_path": path.encode()}) is mine
    assert not door.is_for({"type": "websocket", "raw_path": path.encode()})
    assert not door.is_for({"type": "lifespan"})
