"""A café that hands out passes: the real renderer, looks, press and service around `tests.support.voucher_shop`."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kernel.database import Database
from kernel.ids import new_id
from kernel.outbox import follow_once
from kernel.secrets import Keyring
from passes.apple.handout import Handout
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.apple.personalise import Personalisation
from passes.apple.press import Press
from passes.apple.reports import Reports
from passes.apple.service import PassesService
from passes.apple.tap_key_changes import TapKeyChanges
from passes.apple.tap_keys import TapKeys
from passes.design.designs import PREFIX
from passes.design.looks import Looks
from passes.design.release import DesignRelease, publish, sweep_brand
from passes.look import Look, SignUp
from passes.refresh import PassRefresh, PassSweep
from passes.rendering import Renderer
from points.contact_changes import Contacts
from points.ledger import Ledger
from points.teller import Teller
from tests.support.apple_cards import identity
from tests.support.voucher_shop import VoucherShop, voucher_shop

KEYRING = Keyring(b"only for tests, at least 32 bytes")
URL = "https://points.example"
_DESIGN = """
INSERT INTO card_design (id, partner_id, number, look, actor, created_at)
VALUES ($1, $2, (SELECT 1 + count(*) FROM card_design), $3::jsonb, 'operator', now())
"""
ASKS = SignUp(("name", "email"), {"en": "Join and earn points"})


@dataclass
class PassShop:
    """The shop and everything between a voucher and the file on a phone."""

    shop: VoucherShop
    looks: Looks
    tap_keys: TapKeys
    renderer: Renderer
    identities: Identities
    press: Press
    service: PassesService
    contacts: Contacts
    personalisation: Personalisation
    handout: Handout

    @property
    def db(self) -> Database:
        return self.shop.db

    async def ask_for(self, sign_up: SignUp | None) -> None:
        """The café's cards get taps, and ask new members for their details."""
        if await self.tap_keys.current(self.shop.cafe) is None:
            await TapKeyChanges(self.db, KEYRING, self.tap_keys, sweep_brand).generate(None)
        design_id = new_id(PREFIX)
        look = Look(
            id=design_id, partner_id=self.shop.cafe, brand_name="Kulma Café", logo_text="Kulma", taps=True,
            sign_up=sign_up,
        )  # fmt: skip
        async with self.db.unit() as unit:
            await unit.connection.execute(_DESIGN, design_id, self.shop.cafe, msgspec.json.encode(look).decode())
            await publish(unit, self.shop.clock, self.shop.cafe, design_id, 100)
        await self.follow()

    async def follow(self) -> None:
        """What the followers do, until nothing is left of it. Pushes stay noted."""
        followers = (
            PassRefresh(self.db, self.renderer), PassSweep(self.db, self.renderer), DesignRelease(self.db, self.looks),
        )  # fmt: skip
        while any([await follow_once(self.db, follower) for follower in followers]):
            continue

    async def stored(self, pass_id: str) -> Mapping[str, Any]:
        """The pass as it is stored."""
        async with self.db.read() as read:
            row = await read.connection.fetchrow("SELECT * FROM wallet_pass WHERE id = $1", pass_id)
        assert row is not None
        return dict(row)

    async def count(self, sql: str, *arguments: object) -> int:
        """A number from the database."""
        async with self.db.read() as read:
            return int(await read.connection.fetchval(sql, *arguments))


def members_of(file: bytes) -> dict[str, bytes]:
    """What is in an archive."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def paper_of(file: bytes) -> dict[str, Any]:
    """The document of a pass file."""
    paper: dict[str, Any] = json.loads(members_of(file)["pass.json"])
    return paper


def serial_of(file: bytes) -> str:
    """The pass's id."""
    return str(paper_of(file)["serialNumber"])


def said_on_back(paper: Mapping[str, Any], key: str) -> Any:
    """The value of a field on the back."""
    (style,) = (paper[name] for name in ("storeCard", "coupon", "generic", "eventTicket") if name in paper)
    return next(field["value"] for field in style["backFields"] if field["key"] == key)


def without_taps(known: Identity) -> Identity:
    """The same certificate without Apple's permission for taps."""
    assert isinstance(known.key, RSAPrivateKey)
    return Identity(known.pass_type, known.team, known.certificate, known.intermediate, known.key, nfc=False)


@asynccontextmanager
async def pass_shop(db: Database, signer: Identity | None = None) -> AsyncIterator[PassShop]:
    """Everything, with the test authority's certificate unless another identity is given."""
    async with voucher_shop(db) as shop:
        looks, tap_keys = Looks(db), TapKeys(db, KEYRING)
        renderer = Renderer(shop.programmes, shop.clock, KEYRING, URL, looks, tap_keys)
        identities = Identities.fixed(signer or identity())
        press = Press(identities, looks, tap_keys, KEYRING, f"{URL}/apple")
        teller = Teller(db, Ledger(shop.clock, [], versions=shop.programmes.versions))
        await teller.start()
        contacts = Contacts(db, teller, shop.clock, KEYRING, "+358")
        personalisation = Personalisation(db, contacts, looks, renderer, press)
        reports = Reports(db)
        service = PassesService(db, press, reports, personalisation)
        handout = Handout(db, shop.clock, renderer, identities, service)
        try:
            yield PassShop(
                shop, looks, tap_keys, renderer, identities, press, service, contacts, personalisation, handout
            )
        finally:
            await service.close()
            await reports.close()
            await teller.stop()
