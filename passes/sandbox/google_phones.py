"""How the sandbox's Google reaches phones: by itself, over one WebSocket per fleet of phones.

What waits for a fleet is the set of things that changed, not a queue of changes: a slow fleet gets the newest state and
nothing grows without bound.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import msgspec
from aiohttp import web

from passes.google.schema.check import Resource, class_of, is_class
from passes.sandbox.google_resources import Refusal
from passes.sandbox.google_shelf import Shelf

Body = dict[str, Any]
_MOST_PER_MESSAGE = 100
OBJECTS: tuple[Resource, ...] = tuple(kind for kind in get_args(Resource) if not is_class(kind))


class _Fleet:
    """The phones behind one WebSocket: which of them hold which object, and what they have not heard of yet."""

    def __init__(self) -> None:
        self.holders: dict[str, list[str]] = {}
        self.class_ids: set[tuple[Resource, str]] = set()
        self.changed: dict[tuple[Resource, str], None] = {}
        self.dropped: dict[str, set[str]] = defaultdict(set)
        self.untold: dict[str, set[str]] = defaultdict(set)
        self.wake = asyncio.Event()
        self.socket: web.WebSocketResponse | None = None
        self.sender: asyncio.Task[None] | None = None

    def note(self, resource: Resource, resource_id: str) -> None:
        """Something that these phones hold has changed."""
        self.changed[resource, resource_id] = None
        self.wake.set()

    def hold(self, object_id: str, phone_id: str) -> None:
        """A phone has it now."""
        phones = self.holders.setdefault(object_id, [])
        if phone_id not in phones:
            phones.append(phone_id)
        self.dropped[object_id].discard(phone_id)
        self.untold[object_id].discard(phone_id)

    def drop(self, object_id: str, phone_id: str) -> None:
        """A phone has it no longer."""
        if phone_id in self.holders.get(object_id, ()):
            self.holders[object_id].remove(phone_id)
            self.dropped[object_id].add(phone_id)
            self.untold[object_id].add(phone_id)
            self.wake.set()


class Phones:
    """All phones that ever saved something, and which accounts hold what.

    `read` gives what is kept of a class or object; `told(kind, object_id, event)` hears of saves and deletions, as an
    issuer with callbacks does. Objects that are linked to a card come along with it, and nobody is told of those.
    """

    def __init__(
        self,
        read: Callable[[Resource, str], Body],
        told: Callable[[Resource, str, str], None],
        shelf: Shelf | None = None,
    ) -> None:
        self._read = read
        self._told = told
        self._shelf = shelf
        self._fleets: dict[str, _Fleet] = {}
        self._accounts_of: dict[tuple[str, str], str] = {}
        self._holders: dict[str, set[str]] = dict(shelf.all_holders()) if shelf is not None else {}
        # What `has_users` answered before it last changed, for those who read it stale.
        self.had_users: dict[str, bool] = {}

    def save(self, kind: Resource, object_id: str, account: str, fleet_id: str, phone_id: str) -> None:
        """Put an object on a phone. Raises Refusal 403 when another account owns it (ONE_USER_ALL_DEVICES)."""
        class_id: str = self._read(kind, object_id)["classId"]
        shared = self._read(class_of(kind), class_id).get("multipleDevicesAndHoldersAllowedStatus")
        holders = self._holders.get(object_id, set())
        if shared != "MULTIPLE_HOLDERS" and holders - {account}:
            raise Refusal(403, "alreadySaved", "This card belongs to another account")
        self._accounts_of[fleet_id, phone_id] = account
        fleet = self._fleets.setdefault(fleet_id, _Fleet())
        fleet.hold(object_id, phone_id)
        self._note_object(fleet, object_id)
        if account not in holders:
            self._keep(object_id, {*holders, account})
            self._told(kind, object_id, "save")

    def delete(self, object_id: str, account: str) -> None:
        """An account deletes a card: it goes from all of the account's phones, and stays at Google."""
        holders = self._holders.get(object_id, set())
        for (fleet_id, phone_id), owner in self._accounts_of.items():
            if owner == account:
                self._fleets[fleet_id].drop(object_id, phone_id)
        if account in holders:
            self._keep(object_id, holders - {account})
            self._told(self._kind(object_id), object_id, "del")

    def has_users(self, object_id: str) -> bool:
        """Whether anybody holds the object."""
        return bool(self._holders.get(object_id))

    def changed(self, resource: Resource, resource_id: str) -> None:
        """A class or object was changed: tell the fleets that hold it."""
        for fleet in self._fleets.values():
            if (resource, resource_id) in fleet.class_ids:
                fleet.note(resource, resource_id)
            elif resource in OBJECTS and resource_id in fleet.holders:
                self._note_object(fleet, resource_id)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket of the fleet named in the query; after a reconnection everything it holds is sent again."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        fleet = self._fleets.setdefault(request.query["fleet"], _Fleet())
        if fleet.sender is not None:  # what the old connection's sender would take, nobody would hear
            fleet.sender.cancel()
        for kind, class_id in fleet.class_ids:
            fleet.note(kind, class_id)
        for object_id in fleet.holders:
            fleet.note(self._kind(object_id), object_id)
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

    def _keep(self, object_id: str, accounts: set[str]) -> None:
        self.had_users[object_id] = self.has_users(object_id)
        self._holders[object_id] = accounts
        if self._shelf is not None:
            self._shelf.put_holders(object_id, accounts)

    def _kind(self, object_id: str) -> Resource:
        for kind in OBJECTS:
            with suppress(Refusal):
                self._read(kind, object_id)
                return kind
        raise Refusal(404, "resourceNotFound", f"resource {object_id} not found")

    def _note_object(self, fleet: _Fleet, object_id: str) -> None:
        kind = self._kind(object_id)
        body = self._read(kind, object_id)
        its_class = class_of(kind), str(body["classId"])
        if its_class not in fleet.class_ids:
            fleet.class_ids.add(its_class)
            fleet.note(*its_class)
        fleet.note(kind, object_id)
        for linked in body.get("linkedObjectIds", []):
            self._bring_along(fleet, object_id, linked)

    def _bring_along(self, fleet: _Fleet, card_id: str, linked: str) -> None:
        """A linked object goes to the phones of the card that it is linked to, unless they have it or dropped it."""
        known = {*fleet.holders.get(linked, ()), *fleet.dropped.get(linked, ())}
        new = [phone_id for phone_id in fleet.holders[card_id] if phone_id not in known]
        for phone_id in new:
            fleet.hold(linked, phone_id)
        if new:
            self._keep(linked, self._holders.get(linked, set()) | self._holders.get(card_id, set()))
            self._note_object(fleet, linked)

    async def _send(self, fleet: _Fleet, socket: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):  # the fleet hung up; it hears everything again when it comes back
            while not socket.closed:
                await fleet.wake.wait()
                fleet.wake.clear()
                while fleet.changed or any(fleet.untold.values()):
                    # Classes first: a phone needs the look before it can show the card.
                    waiting = sorted(fleet.changed)[:_MOST_PER_MESSAGE]
                    for key in waiting:
                        del fleet.changed[key]
                    gone = {object_id: sorted(phones) for object_id, phones in fleet.untold.items() if phones}
                    fleet.untold.clear()
                    await socket.send_str(msgspec.json.encode({**self._message(fleet, waiting), "gone": gone}).decode())

    def _message(self, fleet: _Fleet, keys: list[tuple[Resource, str]]) -> Body:
        classes = [self._read(kind, key) for kind, key in keys if kind not in OBJECTS]
        objects = [
            {"kind": kind, "object": self._read(kind, key), "phones": fleet.holders[key]}
            for kind, key in keys
            if kind in OBJECTS
        ]
        return {"classes": classes, "objects": objects}
