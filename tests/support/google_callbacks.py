"""Google's callbacks on their way: the sandbox posts them over sockets to the real route on a test's database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import aiohttp
import httpx
from aiohttp import web
from litestar import Litestar
from litestar.di import Provide

from api.http.google_callbacks import google_callbacks_router
from api.problems import EXCEPTION_HANDLERS
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.secrets import Keyring
from passes.google.callbacks import PATH, Callbacks, callback_segment
from passes.google.root_keys import RootKeys
from passes.sandbox.android import AndroidFleet
from passes.sandbox.wallet_api import SANDBOX_ISSUER_ID, WalletApiSandbox

KEYRING = Keyring(b"x" * 32)
CLASS_ID = f"{SANDBOX_ISSUER_ID}.ptn_cafe"

_KEEP = """
INSERT INTO wallet_pass (id, member_id, brand_id, tap_code, wallet, card, change_seq, last_modified)
VALUES ($1::text, $1::text || '-member', 'ptn_cafe', $1::text, 'google', '{}', nextval('pass_change'), now())
"""
_PUSHED = """
INSERT INTO google_object (pass_id, pushed_seq, pushed_hash, pushed_at) VALUES ($1, 1, 'h', now() - interval '1 hour')
"""


@dataclass
class Seconds:
    """A monotonic clock that is moved by hand, or by `step` at each look."""

    now: float = 1000.0
    step: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@dataclass
class CallbackSide:
    """Google, the route, and the time at which it looks."""

    db: Database
    sandbox: WalletApiSandbox
    callbacks: Callbacks
    http: httpx.AsyncClient
    fleet: AndroidFleet
    url: str
    clock: MovableClock
    seconds: Seconds

    async def card(self, pass_id: str, *, pushed: bool = True) -> str:
        """A card of ours that is at Google; its object id. Without `pushed` we never recorded that it is."""
        async with self.db.unit() as unit:
            await unit.connection.execute(_KEEP, pass_id)
            if pushed:
                await unit.connection.execute(_PUSHED, pass_id)
        object_id = f"{self.sandbox.issuer_id}.{pass_id}"
        kept = self.sandbox.resources.kept
        kept["loyaltyClass"].setdefault(
            CLASS_ID,
            {
                "id": CLASS_ID, "issuerName": "Café", "programName": "Points", "reviewStatus": "APPROVED",
                "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES", "callbackOptions": {"url": self.url},
                "programLogo": {"sourceUri": {"uri": "https://points.example/logo.png"}},
            },
        )  # fmt: skip
        kept["loyaltyObject"][object_id] = {"id": object_id, "classId": CLASS_ID, "state": "ACTIVE"}
        return object_id

    def body(self, pass_id: str, event: str = "save", **differing: Any) -> bytes:
        """A signed callback about a card."""
        object_id = f"{self.sandbox.issuer_id}.{pass_id}"
        return self.sandbox.signer.body(CLASS_ID, object_id, event, **differing)

    async def post(self, body: bytes, segment: str | None = None) -> httpx.Response:
        """What the route answers."""
        return await self.http.post(f"{PATH}/{segment or self.callbacks.segment}", content=body)

    async def known(self, pass_id: str) -> Mapping[str, Any]:
        """What is known of an object."""
        async with self.db.read() as read:
            row = await read.connection.fetchrow("SELECT * FROM google_object WHERE pass_id = $1", pass_id)
        return dict(row) if row is not None else {}

    async def inbox(self) -> list[Mapping[str, Any]]:
        """All callbacks that were kept."""
        async with self.db.read() as read:
            rows = await read.connection.fetch("SELECT * FROM google_callback ORDER BY received_at, nonce")
        return [dict(row) for row in rows]

    def later(self, seconds: float) -> datetime:
        """A moment in the future, for messages."""
        return self.clock.now() + timedelta(seconds=seconds)


@asynccontextmanager
async def callback_side(db: Database) -> AsyncIterator[CallbackSide]:
    """Everything between a phone that saves a card and the row that says so."""
    async with AsyncExitStack() as stack:
        sandbox = WalletApiSandbox()
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        clock, seconds = MovableClock(datetime.now(UTC)), Seconds()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        roots = RootKeys(session, sandbox.root_keys_url, clock, seconds)
        callbacks = Callbacks(db, roots, sandbox.issuer_id, callback_segment(KEYRING), clock)
        http = await stack.enter_async_context(_route(callbacks))
        url = await _listening(stack, http)
        fleet = AndroidFleet(sandbox.phones_url)
        await fleet.start()
        stack.push_async_callback(fleet.close)
        address = f"{url}{PATH}/{callbacks.segment}"
        yield CallbackSide(db, sandbox, callbacks, http, fleet, address, clock, seconds)


@dataclass
class _Parts:
    google_callbacks: Callbacks


def _route(callbacks: Callbacks) -> httpx.AsyncClient:
    parts = _Parts(callbacks)
    app = Litestar(
        [google_callbacks_router],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        exception_handlers=dict(EXCEPTION_HANDLERS),
        openapi_config=None,
        logging_config=None,
    )
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://points.test")


async def _listening(stack: AsyncExitStack, http: httpx.AsyncClient) -> str:
    """A socket in front of the application; where it is."""

    async def forward(request: web.Request) -> web.Response:
        answer = await http.request(request.method, request.path, content=await request.read())
        return web.Response(status=answer.status_code, body=answer.content)

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
