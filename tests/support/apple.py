"""The Apple side with its twins: a push server, phones, and the phones' ASGI application on a real socket."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from api.http.phones import PREFIX, Phones
from kernel import outbox
from kernel.database import Database
from kernel.ids import new_code, new_id
from kernel.secrets import Keyring
from passes.apple.identities import Identities
from passes.apple.press import Press, pass_token
from passes.apple.push import ApplePush
from passes.apple.push_clients import PushClients
from passes.apple.reports import Reported, Reports, reported
from passes.apple.service import PassesService, Personalising
from passes.apple.tap_keys import TapKeys
from passes.card import card_json
from passes.issue import change_numbers
from passes.sandbox.apns import PushServer
from passes.sandbox.authority import PASS_TYPE
from passes.sandbox.iphone import Iphone, IphoneFleet, Update
from passes.sandbox.wire import Reply
from tests.support.apple_cards import OneLook as OneLook
from tests.support.apple_cards import a_card as a_card
from tests.support.apple_cards import authority as authority
from tests.support.apple_cards import identity as identity
from tests.support.apple_cards import openssl_verify as openssl_verify
from tests.support.apple_cards import other_identity
from tests.support.web import free_port, listening

KEYRING = Keyring(b"only for tests, at least 32 bytes")
DEVICE = "a1b2c3d4"
PUSH_TOKEN = "ab" * 32

_INSERT = """
INSERT INTO wallet_pass (id, member_id, brand_id, wallet, kind, subject_id, pass_type, card, change_seq,
    last_modified, created_at, tap_code, token_version)
VALUES ($1, $2, 'ptn_1', 'apple', 'card', '', $3, $4::jsonb, $5, date_trunc('second', now()), now(), $6, $7)
"""
_CHANGE = """
UPDATE wallet_pass SET card = $2::jsonb, change_seq = $3,
    last_modified = greatest(date_trunc('second', now()), last_modified + interval '1 second')
WHERE id = $1
"""


@dataclass
class AppleSide:
    """Everything between the wallet_pass table and the phones."""

    db: Database
    port: int
    base: str
    service: PassesService
    reports: Reports
    press: Press
    clients: PushClients
    push: ApplePush
    push_server: PushServer
    phones: IphoneFleet
    updates: list[Update]

    async def issue(self, *, pass_type: str = PASS_TYPE, token_version: int = 1, **said: Any) -> str:
        """A stored Apple pass; returns its id."""
        pass_id = new_id("pass")
        card = card_json(a_card(**said)).decode()
        async with self.db.unit() as unit:
            (number,) = await change_numbers(unit.connection, 1)
            row = (pass_id, new_id("mbr"), pass_type, card, number, new_code(20), token_version)
            await unit.connection.execute(_INSERT, *row)
        return pass_id

    async def change(self, pass_id: str, **said: Any) -> None:
        """The pass says something new, and a note waits for the push."""
        async with self.db.unit() as unit:
            # The pass is locked before a number is drawn, as everybody does who changes a pass.
            await unit.connection.execute("SELECT FROM wallet_pass WHERE id = $1 FOR UPDATE", pass_id)
            (number,) = await change_numbers(unit.connection, 1)
            await unit.connection.execute(_CHANGE, pass_id, card_json(a_card(**said)).decode(), number)
            await outbox.touch(unit.connection, "apple.push", [pass_id])

    async def deliver(self) -> None:
        """Push what waits, and let the phones finish what they do about it."""
        while await outbox.follow_once(self.db, self.push):
            await self.phones.idle()

    async def download(self, phone: Iphone, pass_id: str) -> None:
        """The member taps "Add to Apple Wallet"; a download has no date that the phone would keep."""
        file = await self.service.file(pass_id)
        await phone.add(file.body)

    async def phone_with(self, *pass_ids: str, language: str = "en") -> Iphone:
        """A phone that has taken these passes."""
        phone = self.phones.phone(language)
        for pass_id in pass_ids:
            await self.download(phone, pass_id)
        return phone

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """A request to the service, below `/v1`, with the path as it is."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"ApplePass {token}"
        reply: Reply = await self.phones.wire.request(method, f"{self.base}/v1", path, sent, data)
        return reply.status, reply.headers, reply.body

    async def reported(self) -> dict[tuple[str, str], Reported]:
        """What phones complained of, as the operator sees it."""
        await self.reports.close()
        async with self.db.read() as read:
            return {(one.kind, one.subject): one for one in await reported(read.connection)}

    async def rows(self, table: str) -> int:
        """How many rows a table has."""
        async with self.db.read() as read:
            return int(await read.connection.fetchval(f"SELECT count(*) FROM {table}"))


def token_of(pass_id: str, version: int = 1) -> str:
    """The authentication token of a pass that `AppleSide.issue` made."""
    return pass_token(KEYRING, pass_id, version)


@asynccontextmanager
async def apple_side(
    db: Database, *, personalisation: Personalising | None = None, lists_per_minute: int = 100_000
) -> AsyncIterator[AppleSide]:
    """The real parts, and twins around them, on loopback sockets."""
    updates: list[Update] = []
    port = free_port()
    base = f"http://127.0.0.1:{port}{PREFIX.removesuffix('/v1')}"
    identities = Identities.fixed(identity(), other_identity())
    press = Press(identities, OneLook(), TapKeys(db, KEYRING), KEYRING, base)
    reports = Reports(db, written_every_s=0.05)
    service = PassesService(db, press, reports, personalisation, lists_per_minute=lists_per_minute)
    push_server = PushServer(authority())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(reports.close)
        stack.push_async_callback(service.close)
        await push_server.start()
        stack.push_async_callback(push_server.stop)
        await stack.enter_async_context(listening(Phones(lambda: service), port))
        phones = IphoneFleet(push_server, authority().root.read_bytes(), on_update=updates.append)
        await phones.start()
        stack.push_async_callback(phones.close)
        clients = PushClients(
            identities, push_server.host, push_server.port, authority().root, timeout_s=5.0, server_wait_s=0.1
        )
        stack.push_async_callback(clients.close)
        push = ApplePush(db, clients)
        yield AppleSide(db, port, base, service, reports, press, clients, push, push_server, phones, updates)
