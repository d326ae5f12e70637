"""How many pushes a second of the client's CPU time: our client, a bare `h2` loop, and aioapns where it is installed.

    python -m bench.pushes [pushes] [rounds]

The push server is the sandbox's in a process of its own, over TLS on loopback, so that only the client's work is
counted. The client and the bare loop take turns and the median of the rounds counts. aioapns is no part of the
project: `pip install aioapns` shows it beside ours.
"""

import asyncio
import importlib
import importlib.util
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias, cast

import h2.config
import h2.connection
import h2.events
import uvloop
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)

from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.apple.push_clients import PushClients
from passes.apple.push_keys import ProviderKey, PushKeys
from passes.sandbox.apns import PushServer
from passes.sandbox.authority import PASS_TYPE, TEAM, Authority

TOKENS = [f"{number:064x}" for number in range(1000)]
BATCH = 500  # what the follower takes at once
HOST = "127.0.0.1"
KEY_ID = "BENCHKEY01"
Push: TypeAlias = Callable[[], Awaitable[int]]


def main(pushes: int, rounds: int) -> None:
    key = generate_private_key(SECP256R1())
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-") as folder:
        authority = Authority.at(Path(folder))
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        numbers = key.public_key().public_numbers()
        server = spawn.Process(target=serve, args=(folder, theirs, (numbers.x, numbers.y)), daemon=True)
        server.start()
        try:
            uvloop.run(_measure(authority, key, ours.recv(), pushes, rounds))
        finally:
            ours.send("stop")
            server.join(10)


def serve(folder: str, pipe: Pipe, point: tuple[int, int]) -> None:
    """The push server's process: says its port, runs until it is told to stop."""

    async def run() -> None:
        server = PushServer(Authority.at(Path(folder)))
        server.tokens.trust(KEY_ID, TEAM, EllipticCurvePublicNumbers(*point, SECP256R1()).public_key())
        for token in TOKENS:
            server.enrol(token, lambda _: None)
        await server.start()
        pipe.send(server.port)
        await asyncio.to_thread(pipe.recv)
        await server.stop()

    uvloop.run(run())


async def _measure(authority: Authority, key: EllipticCurvePrivateKey, port: int, pushes: int, rounds: int) -> None:
    identity = Identity.load(authority.pass_certificate, authority.pass_key, authority.intermediate)
    async with AsyncExitStack() as stack:
        contenders = {
            "our client, certificate": await _ours(stack, identity, authority, port, None),
            "our client, provider token": await _ours(stack, identity, authority, port, key),
            "bare h2 loop": await _bare(identity, authority, port),
        }
        if importlib.util.find_spec("aioapns"):
            contenders["aioapns"] = _aioapns(identity, authority, port)
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, push in contenders.items():
                taken[name].append(await _per_cpu_second(push, pushes))
    floor = taken["bare h2 loop"]
    for name, rates in taken.items():
        times = median(rate / bare for rate, bare in zip(rates, floor, strict=True))
        print(
            f"{name:28}{median(rates):9,.0f} pushes/CPU-s  {1e6 / median(rates):6.1f} us each"
            f"   {times:5.2f} of the bare loop   [{min(rates):,.0f}-{max(rates):,.0f}]"
        )


async def _ours(
    stack: AsyncExitStack, identity: Identity, authority: Authority, port: int, key: EllipticCurvePrivateKey | None
) -> Push:
    keys = PushKeys.fixed(ProviderKey(KEY_ID, identity.team, key)) if key else None
    clients = PushClients(Identities.fixed(identity), HOST, port, authority.root, keys)
    stack.push_async_callback(clients.close)

    async def push() -> int:
        said = await clients.push_all(identity.pass_type, TOKENS[:BATCH])
        assert not any(said), said[0]
        return BATCH

    return push


async def _bare(identity: Identity, authority: Authority, port: int) -> Push:
    bare = await Bare.connect(identity, port, authority.root)
    return partial(bare.push, BATCH)


def _aioapns(identity: Identity, authority: Authority, port: int) -> Push:
    """aioapns, pointed at the sandbox."""
    theirs: Any = importlib.import_module("aioapns")
    both = authority.directory / "client.pem"
    both.write_bytes(authority.pass_certificate.read_bytes() + authority.pass_key.read_bytes())
    tls = identity.tls_context(authority.root)
    client = theirs.APNs(client_cert=str(both), topic=PASS_TYPE, max_connections=1, ssl_context=tls)
    client.pool.protocol_class.APNS_SERVER, client.pool.protocol_class.APNS_PORT = HOST, port
    requests = [
        theirs.NotificationRequest(device_token=token, message={}, push_type=theirs.PushType.BACKGROUND, priority=5)
        for token in TOKENS[:BATCH]
    ]

    async def push() -> int:
        answers = await asyncio.gather(*(client.send_notification(request) for request in requests))
        assert all(answer.is_successful for answer in answers)
        return BATCH

    return push


async def _per_cpu_second(push: Push, pushes: int) -> float:
    await push()
    done, began = 0, time.process_time()
    while done < pushes:
        done += await push()
    return done / (time.process_time() - began)


class Bare(asyncio.Protocol):
    """`h2` as lean as it goes: no futures, no answers looked at, one write for what fits into the free streams."""

    def __init__(self) -> None:
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
            )
        )
        self._transport: asyncio.Transport | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open = self._left = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, identity: Identity, port: int, root: Path) -> "Bare":
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(cls, HOST, port, ssl=identity.tls_context(root), server_hostname=HOST)
        await made._ready
        return made

    async def push(self, count: int) -> int:
        self._left, self._done = count, asyncio.get_running_loop().create_future()
        self._send()
        await self._done
        return count

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                self._open -= 1
            elif isinstance(event, h2.events.RemoteSettingsChanged) and not self._ready.done():
                self._ready.set_result(None)
        self._send()
        if not self._open and not self._left and not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        while (
            self._left
            and self._open < self._h2.remote_settings.max_concurrent_streams
            and self._h2.outbound_flow_control_window > 2
        ):
            stream = self._h2.get_next_available_stream_id()
            headers = [
                (b":method", b"POST"),
                (b":path", b"/3/device/" + TOKENS[self._left].encode()),
                (b":scheme", b"https"),
                (b":authority", b"127.0.0.1"),
                (b"apns-push-type", b"background"),
                (b"apns-priority", b"5"),
            ]
            self._h2.send_headers(stream, headers)
            self._h2.send_data(stream, b"{}", end_stream=True)
            self._open += 1
            self._left -= 1
        self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]] + [10_000, 3][len(sys.argv) - 1 :]
    main(given[0], given[1])
