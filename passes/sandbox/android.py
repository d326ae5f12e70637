"""Android phones that hold loyalty cards in the sandbox's Google Wallet.

A fleet shares one WebSocket over which Google pushes; a phone is little more than a dictionary, so hundreds of them in
one process cost nearly nothing.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

Body = dict[str, Any]
_RECONNECT_S = 0.2
_SAVE_TIMEOUT_S = 20.0


class SaveRefused(Exception):
    """Google did not put the card on the phone; the text says why."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """What the phone shows. `balance` is in points; `balance_text` is as sent."""

    object_id: str
    class_id: str
    active: bool
    brand: str
    title: str
    background: str
    logo_url: str
    holder: str
    balance: int
    balance_text: str
    balance_label: str
    tier: str
    tier_label: str
    next_reward: str
    code: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownCoupon:
    """A coupon on the phone; `code` is in its barcode."""

    object_id: str
    class_id: str
    active: bool
    title: str
    provider: str
    code: str


class AndroidPhone:
    """One phone; made by `AndroidFleet.phone`. `on_update(phone, card, received_at_s)` hears every push, with the
    monotonic time in seconds at which it arrived."""

    def __init__(self, fleet: "AndroidFleet", phone_id: str, account: str) -> None:
        self.id = phone_id
        self.account = account
        self.on_update: Callable[[AndroidPhone, ShownCard, float], None] | None = None
        self.updates = 0
        self._fleet = fleet
        self._objects: dict[str, Body] = {}
        self._coupons: dict[str, Body] = {}
        self._waiting: list[tuple[Callable[[ShownCard], bool], asyncio.Future[ShownCard]]] = []

    async def save(self, link: str) -> ShownCard:
        """Open a save link and return the card once it is on the phone. Raises SaveRefused."""
        object_id = await self._fleet.open_link(link, self)
        return await asyncio.wait_for(self.until(lambda card: card.object_id == object_id), _SAVE_TIMEOUT_S)

    def shown(self, object_id: str | None = None) -> ShownCard | None:
        """The card that the phone shows: the one named, or the one saved last; None without one."""
        body = self._objects.get(object_id or next(reversed(self._objects), ""))
        return None if body is None else _shown(body, self._fleet.classes[body["classId"]])

    async def until(self, condition: Callable[[ShownCard], bool]) -> ShownCard:
        """The first card shown, now or later, that meets the condition."""
        for object_id in self._objects:
            card = self.shown(object_id)
            if card is not None and condition(card):
                return card
        future: asyncio.Future[ShownCard] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        return await future

    async def delete(self, object_id: str) -> None:
        """The user deletes a card: it goes from all phones of the account, and stays at Google."""
        await self._fleet.delete(object_id, self)
        self.gone(object_id)

    def body(self, object_id: str) -> Body | None:
        """An object on the phone as Google pushed it last; None if the phone does not have it."""
        return self._objects.get(object_id) or self._coupons.get(object_id)

    def coupons(self) -> list[ShownCoupon]:
        """The coupons on the phone, in the order in which they came."""
        return [_coupon(body, self._fleet.classes[body["classId"]]) for body in self._coupons.values()]

    def receive(self, kind: str, body: Body, received_at_s: float) -> None:
        """Called by the fleet when Google pushes an object."""
        if kind == "offerObject":
            self.updates += 1
            self._coupons[body["id"]] = body
            return
        self._objects[body["id"]] = body
        self._heard(body, received_at_s)

    def gone(self, object_id: str) -> None:
        """Called by the fleet when the account deleted an object."""
        self._objects.pop(object_id, None)
        self._coupons.pop(object_id, None)

    def look_changed(self, class_id: str, received_at_s: float) -> None:
        """Called by the fleet when Google pushes a class."""
        for body in self._objects.values():
            if body["classId"] == class_id:
                self._heard(body, received_at_s)

    def _heard(self, body: Body, received_at_s: float) -> None:
        self.updates += 1
        if self.on_update is None and not self._waiting:
            return
        card = _shown(body, self._fleet.classes[body["classId"]])
        for waiting in list(self._waiting):
            condition, future = waiting
            if future.done():
                self._waiting.remove(waiting)
            elif condition(card):
                self._waiting.remove(waiting)
                future.set_result(card)
        if self.on_update is not None:
            self.on_update(self, card, received_at_s)


class AndroidFleet:
    """Phones of one process. `phones_url` is the sandbox's; a lost connection is made again until `close`."""

    def __init__(self, phones_url: str) -> None:
        self.id = uuid4().hex
        self.classes: dict[str, Body] = {}
        self._phones_url = phones_url
        self._phones: dict[str, AndroidPhone] = {}
        self._numbers = count(1)
        self._http: aiohttp.ClientSession | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._http = aiohttp.ClientSession()
        self._listening = asyncio.create_task(self._listen(self._http))

    async def close(self) -> None:
        """Hang up."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        if self._http is not None:
            await self._http.close()

    def phone(self, account: str | None = None) -> AndroidPhone:
        """A new phone, signed in to a Google account of its own or to the one given."""
        phone_id = f"phone-{next(self._numbers)}"
        phone = self._phones[phone_id] = AndroidPhone(self, phone_id, account or f"{self.id}-{phone_id}")
        return phone

    async def open_link(self, link: str, phone: AndroidPhone) -> str:
        """Open a save link on a phone and return the object's id. Raises SaveRefused."""
        headers = {"X-Sandbox-Account": phone.account, "X-Sandbox-Fleet": self.id, "X-Sandbox-Phone": phone.id}
        async with self._started().get(link, headers=headers) as response:
            answer = msgspec.json.decode(await response.read())
        if response.status != 200:
            raise SaveRefused(answer["error"]["message"])
        object_id: str = answer["objectId"]
        return object_id

    async def delete(self, object_id: str, phone: AndroidPhone) -> None:
        """Delete a card as the user of a phone."""
        url = f"{self._phones_url.removesuffix('/phones')}/gp/v/object/{object_id}"
        async with self._started().delete(url, headers={"X-Sandbox-Account": phone.account}) as response:
            await response.read()

    def _started(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("start the fleet first")
        return self._http

    async def _listen(self, http: aiohttp.ClientSession) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with http.ws_connect(self._phones_url, params={"fleet": self.id}) as socket:
                    async for message in socket:
                        if message.type is aiohttp.WSMsgType.TEXT:
                            self._receive(msgspec.json.decode(message.data))
            await asyncio.sleep(_RECONNECT_S)

    def _receive(self, message: Body) -> None:
        received_at_s = time.monotonic()
        for body in message["classes"]:
            self.classes[body["id"]] = body
            for phone in self._phones.values():
                phone.look_changed(body["id"], received_at_s)
        for update in message["objects"]:
            for phone_id in update["phones"]:
                holder = self._phones.get(phone_id)
                if holder is not None:
                    holder.receive(update["kind"], update["object"], received_at_s)
        for object_id, phone_ids in message["gone"].items():
            for phone_id in phone_ids:
                if phone_id in self._phones:
                    self._phones[phone_id].gone(object_id)


def _coupon(body: Body, look: Body) -> ShownCoupon:
    return ShownCoupon(
        object_id=body["id"],
        class_id=body["classId"],
        active=body["state"] == "ACTIVE",
        title=look["title"],
        provider=look["provider"],
        code=body.get("barcode", {}).get("value", ""),
    )


def _shown(body: Body, look: Body) -> ShownCard:
    points = body.get("loyaltyPoints", {"balance": {"int": 0}})
    second = body.get("secondaryLoyaltyPoints", {"balance": {}})
    text = str(next(iter(points["balance"].values())))
    modules = {module["id"]: module for module in body.get("textModulesData", [])}
    # A tier whose name differs by language is a module: a balance cannot be translated.
    tier = modules.get("tier", {})
    return ShownCard(
        object_id=body["id"],
        class_id=body["classId"],
        active=body["state"] == "ACTIVE",
        brand=look["issuerName"],
        title=look["programName"],
        background=look.get("hexBackgroundColor", ""),
        logo_url=look["programLogo"]["sourceUri"]["uri"],
        holder=body.get("accountName", ""),
        balance=int(text),
        balance_text=text,
        balance_label=points.get("label", ""),
        tier=second["balance"].get("string") or tier.get("body", ""),
        tier_label=second.get("label") or tier.get("header", ""),
        next_reward=modules.get("next_reward", {}).get("body", ""),
        code=body.get("barcode", {}).get("value", ""),
        links=tuple(
            (uri.get("description", ""), uri["uri"]) for uri in body.get("linksModuleData", {}).get("uris", [])
        ),
    )
