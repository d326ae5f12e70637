"""The phones' small HTTP client against the server that the product runs on, and against servers that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from passes.sandbox.wire import Wire, WireError
from tests.support.web import free_port, listening

Message = MutableMapping[str, Any]


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answers with what it was asked, in one piece or (below /chunks) in many without a length."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    said = f"{scope['method']} {scope['raw_path'].decode()} ".encode() + body
    chunked = scope["path"].startswith("/chunks")
    headers = [] if chunked else [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 204 if scope["path"] == "/none" else 200, "headers": headers})
    for piece in [said[:3], said[3:]] if chunked else [b"" if scope["method"] == "HEAD" else said]:
        await send({"type": "http.response.body", "body": piece, "more_body": chunked})
    if chunked:
        await send({"type": "http.response.body", "body": b""})


async def test_many_share_few_connections_which_are_kept() -> None:
    port = free_port()
    wire = Wire(connections=4)
    async with listening(echo, port):
        base = f"http://127.0.0.1:{port}"
        bodies = [f"b{n}".encode() * n for n in range(100)]
        replies = await asyncio.gather(*(wire.request("POST", base, f"/x%2F{n}", {}, bodies[n]) for n in range(100)))
        assert [reply.body for reply in replies] == [f"POST /x%2F{n} ".encode() + bodies[n] for n in range(100)]
        assert wire.opened == 4
        for path, method, status in (("/none", "GET", 204), ("/chunks", "GET", 200), ("/head", "HEAD", 200)):
            assert (await wire.request(method, base, path)).status == status
            assert (await wire.request("GET", base, "/after")).body == b"GET /after "
        assert (await wire.request("GET", base, "/chunks")).body == b"GET /chunks "
        assert wire.opened == 4
        await wire.close()


async def test_a_server_that_hung_up_meanwhile_is_called_anew() -> None:
    port = free_port()
    wire = Wire()
    for _ in range(2):
        async with listening(echo, port):
            assert (await wire.request("GET", f"http://127.0.0.1:{port}", "/")).status == 200
    assert wire.opened == 2
    await wire.close()


@pytest.mark.parametrize(
    "answer", [b"", b"junk\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", b"HTTP/1.1 200"]
)
async def test_an_answer_that_is_none_is_an_error(answer: bytes) -> None:
    async def misbehave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(misbehave, "127.0.0.1", 0)
    wire = Wire(timeout_s=5.0)
    with pytest.raises(WireError):
        await wire.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "/")
    server.close()
    await wire.close()


async def test_nobody_there_is_an_error() -> None:
    with pytest.raises(WireError):
        await Wire().request("GET", f"http://127.0.0.1:{free_port()}", "/")
