"""Simulated iPhones: they take a pass file, check it, register, and do what a phone does when it is woken.

Behaviour follows https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes : after
a push the phone asks which passes of the type changed since its last tag, fetches each with the date it has, reports
a listed pass that turns out unchanged. Hundreds share one process and one HTTP session.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec
import structlog
from yarl import URL

from passes.sandbox.apns import PushServer
from passes.sandbox.apple_verify import Refused, Verifier

log = structlog.get_logger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_FIXED: Final = ("passTypeIdentifier", "serialNumber", "authenticationToken")
_RETRY_WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees on the front of a pass, and how to know its version."""

    serial: str
    balance: int
    holder: str
    tier: str
    next_reward: str
    organisation: str
    code: str
    voided: bool
    last_modified: str


@dataclass(frozen=True, slots=True)
class Update:
    """A phone shows something new since `at` (seconds of time.perf_counter)."""

    library_id: str
    shown: Shown
    notice: str | None
    at: float


@dataclass(slots=True)
class _Held:
    paper: dict[str, Any]
    shown: Shown
    file: bytes


class ServiceError(Exception):
    """The passes web service gave an answer that the protocol does not know, or none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the web service. Header names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class IphoneFleet:
    """What phones share: the HTTP session, the trusted root, the push server. `on_update` hears of each new version."""

    def __init__(
        self,
        push_server: PushServer,
        root: bytes,
        *,
        on_update: Callable[[Update], None] | None = None,
        connections: int = 32,
    ) -> None:
        self.push_server = push_server
        self.verifier = Verifier(root)
        self.on_update = on_update
        self.counts: Counter[str] = Counter()  # "list 200", "fetch 304", "refused", ...
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the HTTP session."""
        connector = aiohttp.TCPConnector(limit=self._connections)
        headers = {"user-agent": "passd/1 CFNetwork (simulated)"}
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, headers=headers)

    async def close(self) -> None:
        """Stop what the phones are doing and close the session."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def phone(self) -> "Iphone":
        """A new phone with its own ids, reachable by push."""
        return Iphone(self, secrets.token_hex(16), secrets.token_hex(32))

    async def call(
        self, what: str, method: str, url: str, *, payload: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request to a web service, tried again a few times on faults, as phones do. Raises ServiceError."""
        assert self._session is not None, "the fleet was not started"
        target = URL(url, encoded=True)  # as it is: the tag must come back exactly as it was given
        for wait_s in (*_RETRY_WAITS_S, None):
            try:
                async with self._session.request(method, target, json=payload, headers=headers) as response:
                    body = await response.read()
                    self.counts[f"{what} {response.status}"] += 1
                    if response.status < 500:
                        return Reply(response.status, response.headers, body)
            except (aiohttp.ClientError, TimeoutError):
                self.counts[f"{what} failed"] += 1
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        raise ServiceError(f"{what}: the service does not answer")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until done or the fleet ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Iphone:
    """One phone with its passes."""

    def __init__(self, fleet: IphoneFleet, library_id: str, push_token: str) -> None:
        self.library_id = library_id
        self.push_token = push_token
        self._fleet = fleet
        self._held: dict[str, _Held] = {}
        self._tags: dict[tuple[str, str], str] = {}
        self._changed = asyncio.Condition()
        self._woken = False
        self._busy = False

    async def add(self, file: bytes, last_modified: str = "") -> Shown:
        """Take a pass (the user tapped "Add") and register for its changes. Raises Refused, ServiceError."""
        shown = await self._keep(file, last_modified)
        await self._register(shown.serial)
        return shown

    def shown(self, serial: str | None = None) -> Shown:
        """What the pass on this phone shows; without a serial the phone must hold exactly one. Raises KeyError."""
        if serial is None:
            (held,) = self._held.values()
            return held.shown
        return self._held[serial].shown

    def reread(self, serial: str | None = None) -> Shown:
        """What the phone's own copy of the file says when it is opened and verified anew. Raises Refused, KeyError."""
        held = self._held[serial or self.shown().serial]
        return _shown(self._fleet.verifier.open(held.file), held.shown.last_modified)

    async def until(self, holds: Callable[[Shown], bool], timeout_s: float = 10.0) -> Shown:
        """Wait until one of the passes shows what `holds` asks for. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            while True:
                for held in self._held.values():
                    if holds(held.shown):
                        return held.shown
                await self._changed.wait()

    async def renew_push_token(self) -> None:
        """The system gave this phone a new push token: the old one dies, passes register again."""
        self._fleet.push_server.withdraw(self.push_token, int(time.time() * 1000))
        self.push_token = secrets.token_hex(32)
        for serial in list(self._held):
            await self._register(serial)

    async def delete(self, serial: str) -> None:
        """The user removes the pass; the phone tells the service."""
        held = self._held.pop(serial)
        url = self._registration_url(held)
        reply = await self._fleet.call("unregister", "DELETE", url, headers=_authorization(held))
        if reply.status != 200:
            raise ServiceError(f"unregister: {reply.status}")

    def switch_off(self) -> None:
        """Unreachable for ever, without a word to anyone."""
        self._fleet.push_server.withdraw(self.push_token, int(time.time() * 1000))

    def wake(self) -> None:
        """A push came in. Pushes during an update cause one more look after it."""
        self._woken = True
        if not self._busy:
            self._busy = True
            self._fleet.spawn(self._update())

    async def refresh(self) -> None:
        """Look for changes now, as pulling the pass down does."""
        for base, pass_type in sorted({_home(held) for held in self._held.values()}):
            await self._look(base, pass_type)

    async def _update(self) -> None:
        try:
            while self._woken:
                self._woken = False
                await self.refresh()
        except (ServiceError, Refused) as error:
            log.warning("sandbox.iphone.gave_up", error=str(error))
        finally:
            self._busy = False

    async def _look(self, base: str, pass_type: str) -> None:
        url = f"{base}/v1/devices/{self.library_id}/registrations/{quote(pass_type, safe='')}"
        tag = self._tags.get((base, pass_type))
        if tag is not None:
            url += f"?passesUpdatedSince={quote(tag, safe='')}"
        reply = await self._fleet.call("list", "GET", url)
        if reply.status == 204:
            return
        if reply.status != 200:
            raise ServiceError(f"list: {reply.status}")
        listed = _listed(reply.body)
        for serial in listed.serialNumbers:
            if serial in self._held:
                await self._fetch(serial)
        # Kept only now: had a fetch failed, the same list would be asked for again.
        self._tags[base, pass_type] = listed.lastUpdated

    async def _fetch(self, serial: str) -> None:
        held = self._held[serial]
        base, pass_type = _home(held)
        headers = _authorization(held)
        if held.shown.last_modified:
            headers["if-modified-since"] = held.shown.last_modified
        url = f"{base}/v1/passes/{quote(pass_type, safe='')}/{quote(serial, safe='')}"
        reply = await self._fleet.call("fetch", "GET", url, headers=headers)
        if reply.status == 200:
            await self._keep(reply.body, reply.headers.get("Last-Modified", ""), held)
        elif reply.status == 304:
            await self._complain(
                base, f"Server requested update to serial number {serial}, but the pass was unchanged."
            )
        else:
            raise ServiceError(f"fetch: {reply.status}")

    async def _keep(self, file: bytes, last_modified: str, before: _Held | None = None) -> Shown:
        try:
            paper = self._fleet.verifier.open(file)
            if before is not None and any(before.paper[key] != paper[key] for key in _FIXED):
                raise Refused("an update may change neither the serial number nor the token")
        except Refused:
            self._fleet.counts["refused"] += 1
            raise
        shown = _shown(paper, last_modified)
        self._held[shown.serial] = _Held(paper, shown, file)
        async with self._changed:
            self._changed.notify_all()
        if self._fleet.on_update is not None:
            notice = _notice(before.paper, paper) if before else None
            self._fleet.on_update(Update(self.library_id, shown, notice, time.perf_counter()))
        return shown

    async def _register(self, serial: str) -> None:
        held = self._held[serial]
        self._fleet.push_server.enrol(self.push_token, lambda _: self.wake())
        reply = await self._fleet.call(
            "register",
            "POST",
            self._registration_url(held),
            payload={"pushToken": self.push_token},
            headers=_authorization(held),
        )
        if reply.status not in (200, 201):
            raise ServiceError(f"register: {reply.status}")

    async def _complain(self, base: str, line: str) -> None:
        await self._fleet.call("log", "POST", f"{base}/v1/log", payload={"logs": [line]})

    def _registration_url(self, held: _Held) -> str:
        base, pass_type = _home(held)
        serial = quote(held.shown.serial, safe="")
        return f"{base}/v1/devices/{self.library_id}/registrations/{quote(pass_type, safe='')}/{serial}"


def _home(held: _Held) -> tuple[str, str]:
    return held.paper["webServiceURL"].rstrip("/"), held.paper["passTypeIdentifier"]


def _authorization(held: _Held) -> dict[str, str]:
    return {"authorization": f"ApplePass {held.paper['authenticationToken']}"}


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


def _fields(paper: dict[str, Any]) -> dict[str, dict[str, Any]]:
    groups = (group for group in paper["storeCard"].values() if isinstance(group, list))
    return {field["key"]: field for group in groups for field in group}


def _shown(paper: dict[str, Any], last_modified: str) -> Shown:
    fields = _fields(paper)
    text = {key: str(field["value"]) for key, field in fields.items()}
    return Shown(
        serial=paper["serialNumber"],
        balance=int(text["balance"]),
        holder=text.get("holder", ""),
        tier=text.get("tier", ""),
        next_reward=text.get("next_reward", ""),
        organisation=paper["organizationName"],
        code=paper["barcodes"][0]["message"],
        voided=paper.get("voided", False),
        last_modified=last_modified,
    )


def _notice(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """The text on the lock screen: of the one changed field that has a message, else a general one."""
    old = _fields(before)
    messages = [
        field["changeMessage"].replace("%@", str(field["value"]))
        for key, field in _fields(after).items()
        if "changeMessage" in field and (key not in old or old[key]["value"] != field["value"])
    ]
    if len(messages) > 1:
        return "Pass updated"
    return messages[0] if messages else None
