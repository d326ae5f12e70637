"""Simulated iPhones: they take a pass file, check it, register, and do what a phone does when it is woken.

Behaviour follows https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes : after
a push the phone asks which passes of the type changed since its last tag, fetches each with the date it has, and
reports what it finds odd. What they share is the fleet's (`iphone_surroundings.py`).
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
import structlog

from passes.sandbox.apple_verify import Refused
from passes.sandbox.iphone_checks import Opened
from passes.sandbox.iphone_surroundings import Home, ServiceError, Surroundings
from passes.sandbox.iphone_surroundings import Update as Update
from passes.sandbox.pass_paper import Shown, Telling, notice, shown, tellings
from passes.sandbox.wire import Reply

log = structlog.get_logger(__name__)

_FIXED: Final = ("passTypeIdentifier", "serialNumber", "authenticationToken")


@dataclass(slots=True)
class _Held:
    home: Home
    token: str
    shown: Shown
    tellings: Mapping[str, Telling]
    contents: int  # a hash of the manifest: equal for equal packages
    file: bytes | None

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"ApplePass {self.token}"}


class Iphone:
    """One phone with its passes. `language` chooses among the texts of a pass."""

    __slots__ = (
        "_busy", "_fleet", "_held", "_tags", "_waiting", "_woken", "language", "library_id", "push_token",
    )  # fmt: skip

    def __init__(self, fleet: Surroundings, library_id: str, push_token: str, language: str = "en") -> None:
        self.library_id = library_id
        self.push_token = push_token
        self.language = language
        self._fleet = fleet
        self._held: dict[str, _Held] = {}
        self._tags: dict[Home, str] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._woken = False
        self._busy = False

    async def add(self, file: bytes, last_modified: str = "") -> Shown:
        """Take a pass (the user tapped "Add") and register for its changes. Raises Refused, ServiceError."""
        held = self._keep(await self._opened(file), last_modified)
        await self._register(held)
        return held.shown

    def shown(self, serial: str | None = None) -> Shown:
        """What the pass on this phone shows; without a serial the phone must hold exactly one. Raises KeyError."""
        if serial is None:
            (held,) = self._held.values()
            return held.shown
        return self._held[serial].shown

    def reread(self, serial: str | None = None) -> Shown:
        """What the phone's own copy of the file says when it is opened and verified anew. Raises Refused, KeyError.

        Only phones of a fleet that keeps the files have one.
        """
        held = self._held[serial or self.shown().serial]
        if held.file is None:
            raise KeyError("this fleet keeps no files")
        opened = self._fleet.checks.verified(held.file, self.language)
        return shown(opened.document, opened.texts, held.shown.last_modified)

    def tag(self, serial: str) -> str | None:
        """The tag that the phone has for the passes of this one's type."""
        return self._tags.get(self._held[serial].home)

    async def until(self, holds: Callable[[Shown], bool], timeout_s: float = 10.0) -> Shown:
        """Wait until one of the passes shows what `holds` asks for. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                for held in self._held.values():
                    if holds(held.shown):
                        return held.shown
                future = asyncio.get_running_loop().create_future()
                self._waiting.append(future)
                await future

    async def renew_push_token(self) -> None:
        """The system gave this phone a new push token: the old one dies, passes register again."""
        self._fleet.push_server.withdraw(self.push_token, int(time.time() * 1000))
        self.push_token = secrets.token_hex(32)
        await self.register_again()

    async def come_back_anew(self) -> None:
        """The phone takes itself for another one: a new id, no tags, the same passes and push token."""
        self.library_id = secrets.token_hex(16)
        self._tags.clear()
        await self.register_again()

    async def register_again(self) -> None:
        """Say once more which passes the phone holds, as after an update of the system."""
        for held in list(self._held.values()):
            await self._register(held)

    async def delete(self, serial: str) -> None:
        """The user removes the pass; the phone tells the service and keeps the tag of the type."""
        held = self._held.pop(serial)
        path = self._registration_path(held)
        reply = await self._fleet.call("unregister", "DELETE", held.home.base, path, headers=held.authorization)
        if reply.status != 200:
            await self._complain_of_failure(held.home, f"Unregister {self._task(held)}", reply)

    def switch_off(self) -> None:
        """Unreachable for ever, without a word to anyone."""
        self._fleet.push_server.withdraw(self.push_token, int(time.time() * 1000))

    def wake(self) -> None:
        """A push came in. Pushes during an update cause one more look after it."""
        self._woken = True
        if not self._busy:
            self._busy = True
            self._fleet.spawn(self._update())

    async def refresh(self) -> int:
        """Look for changes now, as after a reboot or an hour without network; returns how many passes were listed."""
        return sum([await self._look(home) for home in self._homes()])

    async def pull(self, serial: str) -> None:
        """The user pulls the pass down: it is fetched without a list."""
        await self._fetch(self._held[serial], asked=False)

    def _homes(self) -> list[Home]:
        return list(dict.fromkeys(held.home for held in self._held.values()))

    async def _update(self) -> None:
        try:
            while self._woken:
                self._woken = False
                if not await self.refresh():
                    self._fleet.counts["spurious push"] += 1
        except (ServiceError, Refused) as error:
            self._fleet.counts["gave up"] += 1
            log.warning("sandbox.iphone.gave_up", error=str(error))
        finally:
            self._busy = False

    async def _look(self, home: Home) -> int:
        path = f"/v1/devices/{self.library_id}/registrations/{home.quoted}"
        tag = self._tags.get(home)
        if tag is not None:
            path += f"?passesUpdatedSince={quote(tag, safe='')}"
        reply = await self._fleet.call("list", "GET", home.base, path)
        if reply.status == 204:
            return 0
        if reply.status != 200:
            task = f"Get serial #s task (for device {self.library_id}, pass type {home.pass_type}, last updated {tag}"
            await self._complain_of_failure(home, f"{task}; with web service url {home.base})", reply)
        listed = _listed(reply.body)
        for serial in listed.serialNumbers:
            held = self._held.get(serial)
            if held is None:
                await self.complain(home, f"Update requested for unregistered serial number {serial}")
            else:
                await self._fetch(held)
        if listed.lastUpdated == tag:
            count = len(listed.serialNumbers)
            said = f"Response to 'What changed?' request included {count} serial numbers but the lastUpdated tag"
            await self.complain(home, f"{said} ({tag}) remained the same.")
        # Kept only now: had a fetch failed, the same list would be asked for again.
        self._tags[home] = listed.lastUpdated
        return len(listed.serialNumbers)

    async def _fetch(self, held: _Held, asked: bool = True) -> None:
        home, serial = held.home, held.shown.serial
        headers = held.authorization
        if held.shown.last_modified:
            headers["if-modified-since"] = held.shown.last_modified
        path = f"/v1/passes/{home.quoted}/{quote(serial, safe='')}"
        reply = await self._fleet.call("fetch", "GET", home.base, path, headers=headers)
        if reply.status == 304:
            if asked:
                await self._complain_of_nothing_new(home, serial)
        elif reply.status != 200:
            task = f"Get pass task (pass type {home.pass_type}, serial number {serial}"
            since = headers.get("if-modified-since", "(null)")
            await self._complain_of_failure(
                home, f"{task}, if-modified-since {since}; with web service url {home.base})", reply
            )
        else:
            await self._take_update(held, await self._opened(reply.body), reply, asked)

    async def _take_update(self, held: _Held, opened: Opened, reply: Reply, asked: bool) -> None:
        home, serial = held.home, held.shown.serial
        if any(opened.document[key] != fixed for key, fixed in zip(_FIXED, _fixed_of(held), strict=True)):
            self._fleet.counts["refused"] += 1
            raise Refused("an update may change neither the type, the serial number nor the token")
        changed = reply.headers.get("last-modified", "")
        if not changed:
            said = f"Server returned the pass data for serial number '{serial}' but did not provide a 'last-modified'"
            await self.complain(home, f"{said} header.")
        if opened.contents == held.contents and held.shown.last_modified and asked:
            said = f"Server ignored the 'if-modified-since' header ({held.shown.last_modified}) and returned the full"
            await self.complain(home, f"{said} unchanged pass data for serial number '{serial}'.")
        self._keep(opened, changed, held)

    async def _opened(self, file: bytes) -> Opened:
        try:
            return await self._fleet.checks.opened(file, self.language)
        except Refused:
            self._fleet.counts["refused"] += 1
            raise

    def _keep(self, opened: Opened, last_modified: str, before: _Held | None = None) -> _Held:
        document = opened.document
        new = self._fleet.shared(shown(document, opened.texts, last_modified))
        home = self._fleet.home(document["webServiceURL"].rstrip("/"), document["passTypeIdentifier"])
        tells = tellings(document, opened.texts)
        file = opened.file if self._fleet.keeps_files else None
        held = _Held(home, document["authenticationToken"], new, tells, opened.contents, file)
        self._held[new.serial] = held
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        if self._fleet.on_update is not None:
            said = notice(before.tellings, tells) if before else None
            self._fleet.on_update(Update(self.library_id, new, said, time.perf_counter()))
        return held

    async def _register(self, held: _Held) -> None:
        self._fleet.push_server.enrol(self.push_token, lambda _: self.wake())
        payload = {"pushToken": self.push_token}
        path = self._registration_path(held)
        reply = await self._fleet.call(
            "register", "POST", held.home.base, path, payload=payload, headers=held.authorization
        )
        if reply.status not in (200, 201):
            await self._complain_of_failure(held.home, f"Register {self._task(held)}", reply)

    async def complain(self, home: Home, line: str) -> None:
        """Write a line to the service's log, as phones do."""
        self._fleet.counts["complaints"] += 1
        said = f"[{time.strftime('%Y-%m-%d %H:%M:%S +0000', time.gmtime())}] "
        said += line if " task (" in line else f"Web service error for {home.pass_type} ({home.base}): {line}"
        self._fleet.complaints.append(said)
        await self._fleet.call("log", "POST", home.base, "/v1/log", payload={"logs": [said]})

    async def _complain_of_nothing_new(self, home: Home, serial: str) -> None:
        await self.complain(home, f"Server requested update to serial number '{serial}', but the pass was unchanged.")

    async def _complain_of_failure(self, home: Home, task: str, reply: Reply) -> None:
        said = "Authentication failure" if reply.status == 401 else f"Unexpected response code {reply.status}"
        await self.complain(home, f"{task} encountered error: {said}")
        raise ServiceError(f"{task}: {said}")

    def _task(self, held: _Held) -> str:
        said = f"task (for device {self.library_id}, pass type {held.home.pass_type}, serial number "
        return f"{said}{held.shown.serial}; with web service url {held.home.base})"

    def _registration_path(self, held: _Held) -> str:
        serial = quote(held.shown.serial, safe="")
        return f"/v1/devices/{self.library_id}/registrations/{held.home.quoted}/{serial}"


def _fixed_of(held: _Held) -> tuple[str, str, str]:
    return held.home.pass_type, held.shown.serial, held.token


class IphoneFleet(Surroundings):
    """Phones that share their surroundings."""

    async def start(self) -> None:
        """Switch the phones on; connections are opened when they are needed."""

    def phone(self, language: str = "en") -> Iphone:
        """A new phone with its own ids, reachable by push."""
        return Iphone(self, secrets.token_hex(16), secrets.token_hex(32), language)


class _Listed(msgspec.Struct):
    serialNumbers: list[str]
    lastUpdated: str


def _listed(body: bytes) -> _Listed:
    try:
        listed = msgspec.json.decode(body, type=_Listed)
    except msgspec.DecodeError as error:
        raise ServiceError(f"list: {error}") from error
    if not listed.serialNumbers:
        raise ServiceError("list: 200 with nothing in it")
    return listed
