"""A coalition with phones: the service and the tills in processes of their own, phones and push server in this one."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from api.demo.client import ApiClient
from api.demo.coalition import Partner, found
from api.demo.service import Service, service
from api.twins import Twins, twins
from bench.world.tills import Tills, tills
from passes.sandbox.iphone import IphoneFleet, Update

_AT_ONCE = 24
_LANGUAGES = ("en", "fi", "hu")


@dataclass
class Street:
    """Members with an iPhone each. `seen` are the balances that each member's phone has shown, and when."""

    running: Service
    api: ApiClient
    operator_key: str
    partner: Partner
    twins: Twins
    fleet: IphoneFleet
    tills: Tills
    members: list[str] = field(default_factory=list)
    seen: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    _member_of: dict[str, str] = field(default_factory=dict)

    async def join(self, phones: int) -> None:
        """So many members join, each with a phone that takes the card."""
        numbers = iter(range(len(self.members), len(self.members) + phones))

        async def one_after_another() -> None:
            for number in numbers:
                await self._join(number)

        await asyncio.gather(*(one_after_another() for _ in range(_AT_ONCE)))
        await self.fleet.idle()

    async def _join(self, number: int) -> None:
        language = _LANGUAGES[number % len(_LANGUAGES)]
        body = {"name": f"Member {number}", "language": language}
        member_id = (await self.api.ask("POST", "/v1/members", self.partner.key, body, f"join-{number}")).body["id"]
        file = await self.api.ask("GET", f"/v1/members/{member_id}/passes/apple", self.partner.key)
        phone = self.fleet.phone(language)
        self._member_of[phone.library_id] = member_id
        await phone.add(file.body)  # a download has no date that a phone would keep
        self.members.append(member_id)

    def shows(self, update: Update) -> None:
        """A phone has a new version of its pass."""
        self.seen[self._member_of[update.library_id]].append((update.at, update.shown.balance))

    def cpu_s(self) -> Mapping[str, float]:
        """CPU seconds so far of the service, of PostgreSQL, and of the phones with the push server."""
        server = psutil.Process(self.running.process.pid)
        folder = Path(self.running.environment["COMMONPOINT_DATA_DIR"])
        postmaster = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        return {
            "service": sum(map(_used_s, (server, *server.children(recursive=True)))),
            "PostgreSQL": sum(map(_used_s, (postmaster, *postmaster.children(recursive=True)))),
            "phones and push server": time.process_time(),
        }


@asynccontextmanager
async def street(folder: Path, *, verify_every: int = 1, **settings: object) -> AsyncIterator[Street]:
    """The service with these settings, founded, nobody has joined yet. One file in `verify_every` is verified."""
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(
            twins(folder / "twins", "pass.org.commonpoint.test", "TESTTEAM01", "3388000000000000001")
        )
        # The chain is off: this measures phones, not a chain that shares the process.
        chosen = {**outside.settings, "chain_url": "off", **settings}
        running = await stack.enter_async_context(service(folder, chosen))
        connector = aiohttp.TCPConnector(limit=_AT_ONCE)
        api = ApiClient(running.url, await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
        operator_key = (await running.command("key", "create", "--operator")).strip()
        partner, *_ = await found(api, operator_key)
        root = outside.authority.root.read_bytes()
        fleet = IphoneFleet(outside.push_server, root, verify_every=verify_every, keeps_files=False)
        await fleet.start()
        stack.push_async_callback(fleet.close)
        selling = stack.enter_context(tills(running.url, partner.key))
        made = Street(running, api, operator_key, partner, outside, fleet, selling)
        fleet.on_update = made.shows
        yield made


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
