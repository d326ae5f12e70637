"""A test's own ASGI application on a real socket, behind the server that the product runs on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import create_server
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with create_server(("127.0.0.1", 0)) as socket:
        port: int = socket.getsockname()[1]
        return port


@asynccontextmanager
async def listening(app: Any, port: int) -> AsyncIterator[None]:
    """Serve `app` on loopback while the block runs."""
    server: Any = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        backlog=4096,
    )
    serving = asyncio.create_task(server.serve())
    try:
        await _until_open(port, serving)
        yield
    finally:
        server.stop()
        await serving


async def _until_open(port: int, serving: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(20):
        while not serving.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.005)
            else:
                writer.close()
                return
    serving.result()
    raise RuntimeError("the server ended before it had begun")


async def exchange(port: int, request: bytes, wait_s: float = 5.0) -> bytes:
    """The bytes that a server answers to raw bytes, until it hangs up or we do (a request should say `close`)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()
    try:
        writer.write(request)
        async with asyncio.timeout(wait_s):
            while chunk := await reader.read(65536):
                answer += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return bytes(answer)
