"""The Google side with its twin: a sandbox, a service account, the real client, and a fleet of phones."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from kernel import outbox
from kernel.database import Database
from kernel.secrets import Keyring
from passes.card import Card, Link, Value, Words, card_json
from passes.google.identity import GoogleIdentity
from passes.google.pace import Pace
from passes.google.push import GooglePush
from passes.google.push_paper import Allowed, Looks, Papers
from passes.google.rest import WalletApi
from passes.google.seal import SaveLinks
from passes.google.service import GoogleService
from passes.look import Look
from passes.sandbox.android import AndroidFleet
from passes.sandbox.wallet_api import SANDBOX_ISSUER_ID, WalletApiSandbox, make_service_account

KEYRING = Keyring(b"only for tests, at least 32 bytes")
ORIGIN = "https://points.example"
PASS = "pass_01jd0000000000000000000001"
CLASS = f"{SANDBOX_ISSUER_ID}.ptn_cafe"


def a_look(**changes: Any) -> Look:
    """The look of that card's brand."""
    said: dict[str, Any] = {
        "id": "dsn_1", "partner_id": "ptn_cafe", "brand_name": "Café Aurora", "logo_text": "Aurora points",
        "background": "#204060", "foreground": "#ffffff", "label_colour": "#c0d0e0",
    }  # fmt: skip
    return Look(**(said | changes))


class OneLook:
    """A brand whose look may be changed, as publishing a design does; `others` are looks of other brands."""

    def __init__(self) -> None:
        self.now = a_look()
        self.others: dict[str, Look] = {}

    async def whole(self, partner_id: str) -> Look:
        """The look of a brand."""
        return self.others.get(partner_id, self.now)

    async def look(self, design_id: str) -> Look:
        """The look of a card: that of its brand."""
        return next((look for look in self.others.values() if look.id == design_id), self.now)

    async def google_hero(self, look: Look) -> bytes | None:
        """No banner."""
        return None

    async def google_image(self, look: Look) -> bytes | None:
        """No picture."""
        return None


@dataclass
class GoogleSide:
    """Everything between the wallet_pass table and the phones."""

    sandbox: WalletApiSandbox
    identity: GoogleIdentity
    http: aiohttp.ClientSession
    api: WalletApi
    push: GooglePush
    service: GoogleService
    phones: AndroidFleet
    looks: OneLook

    def object_id(self, pass_id: str) -> str:
        """The object of a pass."""
        return f"{self.sandbox.issuer_id}.{pass_id}"


@asynccontextmanager
async def google_side(
    db: Database, folder: Path, pace: Pace | None = None, designs: Looks | None = None
) -> AsyncIterator[GoogleSide]:
    """A sandbox with an invited service account from `folder`, and the real parts pointed at it. Without `designs`
    there is one look."""
    sandbox = WalletApiSandbox()
    await sandbox.start()
    account = make_service_account(folder, sandbox.token_uri)
    sandbox.invite(account)
    identity = GoogleIdentity.from_file(account.path, sandbox.issuer_id)
    phones = AndroidFleet(sandbox.phones_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.stop)
        await phones.start()
        stack.push_async_callback(phones.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        api = WalletApi(identity, http, sandbox.base_url, pace=pace or Pace(10_000, 1000), timeout_s=2.0)
        looks = OneLook()
        papers = Papers(Allowed(issuer_id=sandbox.issuer_id, public_url=ORIGIN), KEYRING, designs or looks)
        push = GooglePush(db, api, papers)
        service = GoogleService(push, SaveLinks(identity, [ORIGIN], sandbox.save_url), api)
        yield GoogleSide(sandbox, identity, http, api, push, service, phones, looks)


def a_card(
    *, balance: int = 120, holder: str = "Aino", tier: str = "Silver", next_reward: str = "Coffee at 150",
    news: str = "", code: str = "7KXM2P9QWERT", language: str = "en", design: str = "dsn_1",
    links: tuple[Link, ...] = (Link({"en": "My points"}, "https://points.example/me"),), brand_id: str = "ptn_cafe",
) -> Card:  # fmt: skip
    """A card with everything on it, except for what the arguments say."""
    said = {"holder": ("Member", holder), "tier": ("Level", tier), "next_reward": ("Next", next_reward)}
    values = {key: Value(label=_words(label), text=_words(text)) for key, (label, text) in said.items() if text}
    values["balance"] = Value(label=_words("Points"), number=balance)
    if news:
        values["news"] = Value(label=_words("Latest"), text=_words(news))
    return Card(
        brand_id=brand_id, design=design, language=language, description=_words("Points card of Café Aurora"),
        code=code, values=values, links=links,
    )  # fmt: skip


def _words(text: str) -> Words:
    return {"en": text}


_KEEP = """
INSERT INTO wallet_pass AS p (id, member_id, brand_id, tap_code, wallet, card, change_seq, last_modified, voided, told)
VALUES ($1::text, $1::text || '-member', 'ptn_cafe', $1::text, 'google', $2::jsonb, nextval('pass_change'),
        date_trunc('second', now()), $3, CASE WHEN $4 THEN ARRAY[clock_timestamp()] ELSE '{}' END)
ON CONFLICT (id) DO UPDATE SET card = EXCLUDED.card, change_seq = EXCLUDED.change_seq, voided = EXCLUDED.voided,
    told = p.told || EXCLUDED.told,
    last_modified = greatest(EXCLUDED.last_modified, p.last_modified + interval '1 second')
"""


async def keep_card(db: Database, pass_id: str, card: Card, *, voided: bool = False, tells: bool = False) -> None:
    """Write what a pass says now and touch its note, as the refresh does; `tells`: its news are to be heard of."""
    async with db.unit() as unit:
        await unit.connection.execute(_KEEP, pass_id, card_json(card).decode(), voided, tells)
        await outbox.touch(unit.connection, "google.push", [pass_id])


async def follow_all(db: Database, side: GoogleSide) -> None:
    """Let the followers take what is due, until nothing is."""
    while await outbox.follow_once(db, side.push) + await outbox.follow_once(db, side.push.classes):
        pass


async def waiting(db: Database) -> list[outbox.Waiting]:
    """The notes that wait."""
    async with db.read() as read:
        return await outbox.waiting(read.connection)


async def make_due(db: Database) -> None:
    """Let the wait of every note that failed be over."""
    async with db.unit() as unit:
        await outbox.retry_now(unit.connection)


def balance_at(side: GoogleSide) -> int:
    """The balance that the sandbox holds for PASS."""
    body = side.sandbox.resources.get("loyaltyObject", side.object_id(PASS))
    balance: int = body["loyaltyPoints"]["balance"]["int"]
    return balance
