"""How the sandbox's Google reaches phones: by itself, over one WebSocket per fleet of phones.

What waits for a fleet is the set of things that changed, not a queue of changes: a slow fleet gets the newest state and
nothing grows without bound.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from passes.google.schema.check import Resource
from passes.sandbox.google_resources import Refusal

Body = dict[str, Any]
_MOST_PER_MESSAGE = 100


class _Fleet:
    """The phones behind one WebSocket: which of them hold which object, and what they have not heard of yet."""

    def __init__(self) -> None:
        self.holders: dict[str, list[str]] = {}
        self.class_ids: set[str] = set()
        self.changed: dict[tuple[Resource, str], None] = {}
        self.wake = asyncio.Event()
        self.socket: web.WebSocketResponse | None = None
        self.sender: asyncio.Task[None] | None = None

    def note(self, resource: Resource, resource_id: str) -> None:
        """Something that these phones hold has changed."""
        self.changed[resource, resource_id] = None
        self.wake.set()


class Phones:
    """All phones that ever saved something, and what each account owns."""

    def __init__(self, read: Callable[[Resource, str], Body]) -> None:
        self._read = read
        self._fleets: dict[str, _Fleet] = {}
        self._owners: dict[str, str] = {}

    def save(self, object_id: str, class_id: str, account: str, fleet_id: str, phone_id: str) -> None:
        """Put an object on a phone. Raises Refusal 403 when another account owns it (ONE_USER_ALL_DEVICES)."""
        shared = self._read("loyaltyClass", class_id).get("multipleDevicesAndHoldersAllowedStatus")
        if shared != "MULTIPLE_HOLDERS" and self._owners.setdefault(object_id, account) != account:
            raise Refusal(403, "alreadySaved", "This card belongs to another account")
        fleet = self._fleets.setdefault(fleet_id, _Fleet())
        holders = fleet.holders.setdefault(object_id, [])
        if phone_id not in holders:
            holders.append(phone_id)
        self._note_object(fleet, object_id)

    def has_users(self, object_id: str) -> bool:
        """Whether anybody holds the object."""
        return object_id in self._owners

    def changed(self, resource: Resource, resource_id: str) -> None:
        """A class or object was changed: tell the fleets that hold it."""
        for fleet in self._fleets.values():
            if resource == "loyaltyClass" and resource_id in fleet.class_ids:
                fleet.note(resource, resource_id)
            elif resource == "loyaltyObject" and resource_id in fleet.holders:
                self._note_object(fleet, resource_id)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket of the fleet named in the query; after a reconnection everything it holds is sent again."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        fleet = self._fleets.setdefault(request.query["fleet"], _Fleet())
        if fleet.sender is not None:  # what the old connection's sender would take, nobody would hear
            fleet.sender.cancel()
        for class_id in fleet.class_ids:
            fleet.note("loyaltyClass", class_id)
        for object_id in fleet.holders:
            fleet.note("loyaltyObject", object_id)
        fleet.socket = socket
        fleet.sender = sender = asyncio.create_task(self._send(fleet, socket))
        try:
            async for _ in socket:  # phones say nothing; this ends when the socket does
                pass
        finally:
            sender.cancel()
        return socket

    async def close(self) -> None:
        """Hang up on all fleets."""
        sockets = [fleet.socket for fleet in self._fleets.values() if fleet.socket is not None]
        for socket in sockets:
            await socket.close()

    def _note_object(self, fleet: _Fleet, object_id: str) -> None:
        class_id: str = self._read("loyaltyObject", object_id)["classId"]
        if class_id not in fleet.class_ids:
            fleet.class_ids.add(class_id)
            fleet.note("loyaltyClass", class_id)
        fleet.note("loyaltyObject", object_id)

    async def _send(self, fleet: _Fleet, socket: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):  # the fleet hung up; it hears everything again when it comes back
            while not socket.closed:
                await fleet.wake.wait()
                fleet.wake.clear()
                while fleet.changed:
                    # Classes first: a phone needs the look before it can show the card.
                    waiting = sorted(fleet.changed)[:_MOST_PER_MESSAGE]
                    for key in waiting:
                        del fleet.changed[key]
                    await socket.send_str(msgspec.json.encode(self._message(fleet, waiting)).decode())

    def _message(self, fleet: _Fleet, keys: list[tuple[Resource, str]]) -> Body:
        classes = [self._read(resource, key) for resource, key in keys if resource == "loyaltyClass"]
        objects = [
            {"object": self._read(resource, key), "phones": fleet.holders[key]}
            for resource, key in keys
            if resource == "loyaltyObject"
        ]
        return {"classes": classes, "objects": objects}
