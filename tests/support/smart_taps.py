"""A café whose readers meet Android phones: the tap shop with keys of Smart Tap, Google's side of them, and phones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import httpx

from api.auth import PARTS_STATE
from api.http.smart_taps import smart_tap_keys_router, smart_taps_router
from kernel.database import Database
from kernel.ids import new_code, new_id
from passes.google.smart_tap_key_changes import SmartTapKeyChanges
from passes.google.smart_tap_keys import SmartTapKeys
from passes.google.taps import Answered, Beginning, Begun, SmartTaps, ValueRead
from passes.sandbox.apple_tap import APPLICATION, tags
from passes.sandbox.apple_tap_terminal import TapTerminal
from passes.sandbox.nfc_terminal import command, content, select
from passes.sandbox.smart_tap_device import Merchants, SmartTapPhone
from tests.support.http_ground import ground_app, operator_key
from tests.support.taps import ROUTERS, TapShop, TapShopParts, Till

ISSUER = "3388000000000000001"
COLLECTOR = 20180608


class SmartTapShopParts(TapShopParts):
    """What the routes take, with Smart Tap."""

    def __init__(self, db: Database, master: bytes = b"a test master secret of 32 bytes") -> None:
        super().__init__(db, master)
        self.smart_taps = SmartTaps(db, self.keyring, SmartTapKeys(self.keyring), self.phones_clock)
        self.smart_tap_key_changes = SmartTapKeyChanges(db, self.keyring, self.phones_clock)


class SmartTapShop(TapShop):
    """The service with one café, and a key of the coalition that Google knows."""

    parts: SmartTapShopParts

    def __init__(self, client: httpx.AsyncClient, parts: SmartTapShopParts, operator: str) -> None:
        super().__init__(client, parts, operator)
        self.merchants = Merchants()

    async def smart_key(
        self, collector_id: int = COLLECTOR, publish: str | None = ISSUER, **more: Any
    ) -> dict[str, Any]:
        """A first key, by the operator's wish; told to Google as this issuer's."""
        made = await self.made("/v1/smart-tap-keys", self.operator, {"collector_id": collector_id, **more})
        if publish is not None:
            self.merchants.publish(publish, collector_id, made["version"], made["public_key"])
        return made

    async def android(self, member_id: str, brand: Till | None = None, **how: Any) -> SmartTapPhone:
        """A phone with a card of the member."""
        phone = SmartTapPhone(self.merchants, **how)
        await self.put(phone, member_id, brand)
        return phone

    async def put(
        self, phone: SmartTapPhone, member_id: str, brand: Till | None = None, *, code: str | None = None,
        service: Literal["ly", "of"] = "ly", issuers: tuple[str, ...] = (ISSUER,), wallet: str = "google",
    ) -> str:  # fmt: skip
        """A new card of the member on the phone, in place of the one that the member had; returns its tap code."""
        pass_id, tap_code = new_id("pass"), code or new_code(20)
        async with self.parts.db.unit() as unit:
            await unit.connection.execute("DELETE FROM wallet_pass WHERE member_id = $1", member_id)
            await unit.connection.execute(
                "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code)"
                " VALUES ($1, $2, $3, $4, '{}', 1, now(), $5)",
                pass_id, member_id, (brand or self.cafe).partner_id, wallet, tap_code,
            )  # fmt: skip
        body = {"id": f"{ISSUER}.{pass_id}", "state": "ACTIVE", "smartTapRedemptionValue": tap_code}
        phone.add(body, {"enableSmartTap": True, "redemptionIssuers": list(issuers)}, service)
        return tap_code

    async def begin(self, terminal: TapTerminal, nonce: bytes, **changed: Any) -> Begun:
        """A reader has met a phone that gave this nonce; it uses its next number."""
        terminal.sequence += 1
        return await self.parts.smart_taps.begin(self.beginning(terminal, nonce, **changed))

    def beginning(self, terminal: TapTerminal, nonce: bytes, **changed: Any) -> Beginning:
        """What the route makes of a body, with changes."""
        return Beginning(**{**self._who(terminal), "sequence": terminal.sequence, "device_nonce": nonce, **changed})

    async def session(self, terminal: TapTerminal, phone: SmartTapPhone) -> Answered:
        """A phone is held to a reader; what the reader passes on."""
        begun = await self.begin(terminal, nonce_of(phone))
        negotiated = content(phone.answer(command("90530000", begun.negotiate)))
        said = phone.answer(command("90500000", begun.request))
        answer = said[:-2]
        while said[-2:] in (b"\x91\x00", b"\x90\x91"):
            said = phone.answer(bytes.fromhex("90c0000000"))
            answer += said[:-2]
        content(said)
        return self.answered(terminal, begun.session_id, negotiated, answer)

    def answered(self, terminal: TapTerminal, session_id: str, negotiated: bytes, answer: bytes) -> Answered:
        """What the route makes of a body."""
        who = self._who(terminal)
        return Answered(**who, session_id=session_id, negotiated=negotiated, answer=answer)

    def value_read(self, terminal: TapTerminal, value: str, **changed: Any) -> ValueRead:
        """A reader with keys of its own has read a value; it uses its next number."""
        terminal.sequence += 1
        known = {"sequence": terminal.sequence, "value": value, "read_at": self.now, "offline": False}
        return ValueRead(**{**self._who(terminal), **known, **changed})

    def _who(self, terminal: TapTerminal) -> dict[str, Any]:
        return {
            "partner_id": self.cafe.partner_id,
            "terminal_id": terminal.terminal_id,
            "terminal_key": terminal.terminal_key,
        }


def nonce_of(phone: SmartTapPhone) -> bytes:
    """The phone comes into the field and gives its nonce."""
    return tags(tags(content(phone.answer(select(APPLICATION))))[b"\x6f"])[b"\xc2"]


@asynccontextmanager
async def smart_tap_shop(db: Database) -> AsyncIterator[SmartTapShop]:
    """The shop, with keys of the coalition made for both wallets."""
    parts = SmartTapShopParts(db)
    await parts.teller.start()
    try:
        app = ground_app(cast(Any, parts), [*ROUTERS, smart_taps_router, smart_tap_keys_router])
        app.state[PARTS_STATE] = parts
        transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://points.test") as client:
            shop = SmartTapShop(client, parts, await operator_key(cast(Any, parts)))
            shop.cafe = await shop.partner()
            await shop.key()
            await shop.smart_key()
            yield shop
    finally:
        await parts.teller.stop()
