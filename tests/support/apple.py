"""The Apple side with its twins: a test authority, a push server, phones, and the real service on a real socket."""

import subprocess
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from socket import create_server
from typing import Any

import aiohttp
from aiohttp import web

from kernel import outbox
from kernel.database import Database
from kernel.ids import new_id
from kernel.secrets import Keyring
from passes.apple.apns import PushClient
from passes.apple.device_log import DeviceLog
from passes.apple.identity import Identity
from passes.apple.press import Press, pass_token
from passes.apple.push import ApplePush
from passes.apple.service import PassesService, Response
from passes.card import Card, Link, card_json
from passes.sandbox.apns import PushServer
from passes.sandbox.authority import Authority
from passes.sandbox.iphone import Iphone, IphoneFleet

SERVICE = web.AppKey("service", PassesService)
KEYRING = Keyring(b"only for tests, at least 32 bytes")


_FOLDER = tempfile.TemporaryDirectory(prefix="cp-authority-")  # gone when the process ends


@cache
def authority() -> Authority:
    """One test authority per test process: making keys takes a while."""
    return Authority.at(Path(_FOLDER.name))


@cache
def identity() -> Identity:
    """The signing identity of that authority."""
    made = authority()
    return Identity.load(made.pass_certificate, made.pass_key, made.intermediate)


def a_card(**changes: Any) -> Card:
    """A card of a small café, with what a test wants different."""
    said: dict[str, Any] = {
        "brand_id": "ptn_1",
        "brand_name": "Kávézó Körút",
        "description": "Kávézó Körút loyalty card",
        "background": "#1f3a5f",
        "foreground": "#ffffff",
        "label_colour": "#c9d6e8",
        "logo_text": "Kávézó Körút",
        "holder": "Aino Mäkinen",
        "holder_label": "Member",
        "balance": 120,
        "balance_label": "Points",
        "balance_change": "You have %@ points",
        "tier": "Gold",
        "tier_label": "Level",
        "next_reward": "Free coffee in 30 points",
        "next_reward_label": "Next reward",
        "code": "7K3M9QXA2BCD",
        "language": "en",
        "links": (Link("Your account", "https://example.org/me?a=1&b=2"),),
    }
    return Card(**(said | changes))


def openssl_verify(file: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """What openssl thinks of the signature of a pass file."""
    with zipfile.ZipFile(BytesIO(file)) as archive:
        archive.extractall(folder)
    return subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "signature", "-content",
         folder / "manifest.json", "-CAfile", authority().root, "-purpose", "any", "-out", "/dev/null"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@dataclass
class AppleSide:
    """Everything between the wallet_pass table and the phones."""

    db: Database
    base: str
    service: PassesService
    client: PushClient
    push: ApplePush
    push_server: PushServer
    phones: IphoneFleet
    reports: list[str]
    http: aiohttp.ClientSession

    async def issue(self, **changes: Any) -> str:
        """A stored Apple pass; returns its id."""
        pass_id = new_id("pass")
        async with self.db.unit() as unit:
            await unit.connection.execute(
                """
                INSERT INTO wallet_pass (id, member_id, wallet, card, change_seq, last_modified, token_version, voided)
                VALUES ($1, $2, 'apple', $3::jsonb, nextval('pass_change'), date_trunc('second', now()), 1, false)
                """,
                pass_id,
                new_id("mbr"),
                card_json(a_card(**changes)).decode(),
            )
        return pass_id

    async def change(self, pass_id: str, **changes: Any) -> None:
        """The pass says something new, and a note waits for the push."""
        async with self.db.unit() as unit:
            await unit.connection.execute(
                """
                UPDATE wallet_pass SET card = $2::jsonb, change_seq = nextval('pass_change'),
                    last_modified = greatest(date_trunc('second', now()), last_modified + interval '1 second')
                WHERE id = $1
                """,
                pass_id,
                card_json(a_card(**changes)).decode(),
            )
            await outbox.touch(unit.connection, "apple.push", [pass_id])

    async def download(self, phone: Iphone, pass_id: str) -> None:
        """The member taps "Add to Apple Wallet"."""
        file = await self.service.file(pass_id)
        await phone.add(file.body)

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """A raw request to the service, below `/v1`."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"ApplePass {token}"
        async with self.http.request(method, f"{self.base}/v1{path}", headers=sent, data=data) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, told, await answer.read()

    async def rows(self, table: str) -> int:
        """How many rows a table has."""
        async with self.db.read() as read:
            return int(await read.connection.fetchval(f"SELECT count(*) FROM {table}"))


def token_of(pass_id: str) -> str:
    """The authentication token of a pass that `AppleSide.issue` made."""
    return pass_token(KEYRING, pass_id, 1)


@asynccontextmanager
async def apple_side(db: Database) -> AsyncIterator[AppleSide]:
    """The real parts, and twins around them, on loopback sockets."""
    reports: list[str] = []
    push_server = PushServer(authority())
    await push_server.start()
    phones = IphoneFleet(push_server, authority().root.read_bytes())
    await phones.start()
    socket = create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{socket.getsockname()[1]}/apple"
    service = PassesService(db, Press(identity(), KEYRING, base), DeviceLog(reports.append))
    runner = web.AppRunner(_app(service))
    await runner.setup()
    await web.SockSite(runner, socket).start()
    client = PushClient(identity(), push_server.host, push_server.port, ca_file=authority().root, timeout_s=5.0)
    push = ApplePush(db, client, server_wait_s=0.1)
    try:
        async with aiohttp.ClientSession() as http:
            yield AppleSide(db, base, service, client, push, push_server, phones, reports, http)
    finally:
        await client.close()
        await phones.close()
        await runner.cleanup()
        await push_server.stop()


def _app(service: PassesService) -> web.Application:
    app = web.Application()
    app[SERVICE] = service
    registration = "/apple/v1/devices/{device}/registrations/{type}/{serial}"
    paper = "/apple/v1/passes/{type}/{serial}"
    app.router.add_post(registration, _register)
    app.router.add_delete(registration, _unregister)
    app.router.add_get("/apple/v1/devices/{device}/registrations/{type}", _updated)
    app.router.add_route("GET", paper, _fetch)
    app.router.add_route("HEAD", paper, _fetch)
    app.router.add_post("/apple/v1/log", _log)
    return app


def _service(request: web.Request) -> PassesService:
    return request.app[SERVICE]


def _web(response: Response) -> web.Response:
    return web.Response(status=response.status, headers=dict(response.headers), body=response.body)


async def _register(request: web.Request) -> web.Response:
    at = request.match_info
    body = await request.read()
    authorization = request.headers.get("authorization")
    return _web(await _service(request).register(at["device"], at["type"], at["serial"], authorization, body))


async def _unregister(request: web.Request) -> web.Response:
    at = request.match_info
    authorization = request.headers.get("authorization")
    return _web(await _service(request).unregister(at["device"], at["type"], at["serial"], authorization))


async def _updated(request: web.Request) -> web.Response:
    at = request.match_info
    return _web(await _service(request).updated(at["device"], at["type"], request.query.get("passesUpdatedSince")))


async def _fetch(request: web.Request) -> web.Response:
    at, sent = request.match_info, request.headers
    authorization, since = sent.get("authorization"), sent.get("if-modified-since")
    head = request.method == "HEAD"
    return _web(await _service(request).fetch(at["type"], at["serial"], authorization, since, head=head))


async def _log(request: web.Request) -> web.Response:
    return _web(await _service(request).log(await request.read()))
