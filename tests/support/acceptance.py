"""A high street to try programmes in: the whole service on a real database, shops, members, and a clock that is moved.

Everything goes through the HTTP API. Amounts are minor units. One service serves a whole file of tests, so every test
opens shops of its own, with programmes under ids of their own (what is shared by id, such as budgets and stock, is then
not shared between tests), and begins at the same moment: noon (UTC) of Monday, 2 March 2026.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import yaml
from httpx import Response

from kernel.embedded import with_database
from kernel.ids import new_code
from points.programme.shelf import template
from tests.support.service import Door, Till, door

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HELSINKI = ZoneInfo("Europe/Helsinki")
_MIGRATED = "commonpoint_template"  # made by the fixture `database_server`
_PATIENCE_S = 10.0
_numbers = count(1)


@asynccontextmanager
async def service(server_url: str, folder: Path) -> AsyncIterator[Door]:
    """The service on a fresh database of the server, with a clock that can be moved."""
    name = f"t_{new_code().lower()}"
    admin = await asyncpg.connect(server_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_MIGRATED}"')
        async with door(with_database(server_url, name), folder, test_clock=True) as opened:
            yield opened
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def helsinki(text: str) -> datetime:
    """A moment by the wall clock of Helsinki: `2026-03-06 15:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


def days(n: float) -> timedelta:
    """So many days of 24 hours."""
    return timedelta(days=n)


def minutes(n: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=n)


def line(category: str, amount: int, **more: object) -> dict[str, object]:
    """A line of a basket; `quantity` is in thousandths."""
    return {"category": category, "amount": amount, **more}


def file_of(name: str, **parts: Any) -> dict[str, Any]:
    """A template as a mapping, with some top-level parts replaced (None: left out)."""
    read: dict[str, Any] = yaml.safe_load(template(name)) | parts
    return {key: value for key, value in read.items() if value is not None}


def named(name: str) -> dict[str, str]:
    """Names of something that a test adds to a programme."""
    return {"en": name, "fi": name, "hu": name}


async def eventually(ask: Callable[[], Awaitable[object]], expected: object) -> None:
    """What is done in the background comes to be as expected, soon."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while (got := await ask()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{got!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Street:
    """The service and its clock."""

    door: Door

    async def at(self, moment: datetime) -> None:
        """Move the time to `moment`, and let what is due by then be done, as the timekeeper does every second."""
        moved = await self.door.ask("PUT", "/v1/test-clock", self.door.operator_key, {"now": moment.isoformat()})
        assert moved.status_code == 200, moved.text
        await self.door.parts.timekeeper.sweep()

    async def later(self, step: timedelta) -> None:
        """Move the time on by `step`."""
        await self.at(self.now() + step)

    def now(self) -> datetime:
        """The business time."""
        return self.door.parts.clock.now()

    async def shop(self, programme: str, *, currency: str = "EUR", **parts: Any) -> "Shop":
        """A partner that has published a template, with some top-level parts of it replaced."""
        opened = Shop(self, await self.door.partner(programme, currency=currency), currency, next(_numbers))
        await opened.publishes(programme, **parts)
        return opened

    async def town(
        self,
        programme: str,
        *,
        currency: str = "EUR",
        terms: Mapping[str, Mapping[str, object]] | None = None,
        **parts: Any,
    ) -> dict[str, "Shop"]:
        """A partner for every one that the template names, under one programme of the coalition; `terms` of some.

        Takes so many seconds that no two coalitions begin at the same moment.
        """
        names = file_of(programme, **parts)["partners"]
        serial = next(_numbers)
        await self.later(timedelta(seconds=serial))
        chosen = terms or {}
        tills = {name: await self.door.partner(name, currency=currency, **chosen.get(name, {})) for name in names}
        ids = {name: till.partner_id for name, till in tills.items()}
        shops = {name: Shop(self, till, currency, serial, ids, coalition=True) for name, till in tills.items()}
        await next(iter(shops.values())).publishes(programme, **parts)
        return shops


@dataclass(frozen=True)
class Shop:
    """A partner, its key, the serial number of its programme (or the coalition's); `ids` are what the file's
    names stand for."""

    street: Street
    till: Till
    currency: str
    serial: int
    ids: Mapping[str, str] = field(default_factory=dict)
    coalition: bool = False

    async def publishes(
        self, programme: str, *, effective_from: datetime | None = None, **parts: Any
    ) -> dict[str, Any]:
        """Put a template in force here."""
        answer = await self.tries_to_publish(programme, effective_from=effective_from, **parts)
        assert answer.status_code == 201, answer.text
        published: dict[str, Any] = answer.json()
        return published

    async def tries_to_publish(
        self, programme: str, *, effective_from: datetime | None = None, **parts: Any
    ) -> Response:
        """The answer to putting a template in force here."""
        content = file_of(programme, **parts)
        content["programme"] = f"{content['programme']}_{self.serial}"
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        body: dict[str, object] = {"text": text, "ids": dict(self.ids)}
        if not self.coalition:
            body["partner_id"] = self.till.partner_id
        if effective_from is not None:
            body["effective_from"] = effective_from.isoformat()
        return await self.street.door.move("/v1/programmes", self.street.door.operator_key, body)

    async def member(self, name: str = "Alex", language: str = "en") -> "Guest":
        """Somebody joins here."""
        return Guest(self, (await self.street.door.member(self.till, name, language))["id"])

    async def asks(self, path: str, body: object, key: str | None = None) -> Response:
        """A POST of this shop, and whatever it is answered."""
        return await self.street.door.move(path, self.till.key, body, key)

    async def does(self, path: str, body: object) -> dict[str, Any]:
        """A POST of this shop that must succeed."""
        return await self.street.door.made(path, self.till.key, body)

    async def reads(self, path: str, language: str = "en") -> dict[str, Any]:
        """A GET of this shop that must succeed."""
        answer = await self.street.door.ask("GET", path, self.till.key, headers={"accept-language": language})
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def is_refused(self, path: str, body: object) -> tuple[int, str]:
        """Status and code of a POST that must fail."""
        answer = await self.asks(path, body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    async def takes_back(self, entry: Mapping[str, Any], **part: object) -> dict[str, Any]:
        """A refund: `amount`, `lines` or `points`, or all of it."""
        return await self.does("/v1/reversals", {"entry_id": entry["id"], **part})

    async def uses(self, code: str, **more: object) -> Response:
        """The answer to using a voucher here."""
        return await self.asks(f"/v1/vouchers/{code}/use", dict(more))


@dataclass(frozen=True)
class Guest:
    """A member of a shop; `here` in the methods is where something happens, their own shop unless it is named."""

    home: Shop
    id: str

    def purchase(self, *lines: Mapping[str, object], amount: int | None = None, **more: object) -> dict[str, object]:
        """The body of a purchase: lines, or an amount alone."""
        total = amount if amount is not None else sum(int(str(one["amount"])) for one in lines)
        body: dict[str, object] = {"member_id": self.id, "amount": total, "currency": self.home.currency, **more}
        return body | ({"lines": [dict(one) for one in lines]} if lines else {})

    async def buys(
        self, *lines: Mapping[str, object], amount: int | None = None, here: Shop | None = None, **more: object
    ) -> dict[str, Any]:
        """A purchase."""
        return await (here or self.home).does("/v1/earnings", self.purchase(*lines, amount=amount, **more))

    async def does(self, event: str, *, here: Shop | None = None, **more: object) -> dict[str, Any]:
        """An event by name."""
        return await (here or self.home).does("/v1/events", {"member_id": self.id, "name": event, **more})

    async def claims(self, reward: str, *, here: Shop | None = None, **more: object) -> dict[str, Any]:
        """A reward that must be had: the claim, and `entry_id`."""
        made = await (here or self.home).does("/v1/claims", {"member_id": self.id, "reward": reward, **more})
        claim: dict[str, Any] = made["claim"]
        return claim | {"entry_id": made["entry_id"]}

    async def is_refused(self, reward: str, *, here: Shop | None = None, **more: object) -> tuple[int, str]:
        """Status and code of a claim that must be refused."""
        return await (here or self.home).is_refused("/v1/claims", {"member_id": self.id, "reward": reward, **more})

    async def gets(self, reward: str, *, here: Shop | None = None, **more: object) -> dict[str, Any]:
        """A reward claimed and handed over."""
        claim = await self.claims(reward, here=here, **more)
        captured = await (here or self.home).asks(f"/v1/claims/{claim['id']}/capture", None)
        assert captured.status_code == 200, captured.text
        done: dict[str, Any] = captured.json()
        return done

    async def was_born(self, year: int, month: int, day: int) -> None:
        """The member says when."""
        path, born = f"/v1/members/{self.id}/birthday", {"year": year, "month": month, "day": day}
        answer = await self.home.street.door.ask("PUT", path, self.home.till.key, born)
        assert answer.status_code == 200, answer.text

    async def points(self) -> dict[str, Any]:
        """Balance, what is owed, pending, held."""
        read: dict[str, Any] = (await self.home.reads(f"/v1/members/{self.id}"))["points"]
        return read

    async def balance(self) -> int:
        """Points that can be spent."""
        n: int = (await self.points())["balance"]
        return n

    async def standing(self) -> dict[str, Any]:
        """Tier, progress, entitlements."""
        return await self.home.reads(f"/v1/members/{self.id}/standing")

    async def tier(self) -> str | None:
        """The tier that the member has."""
        tier = (await self.standing())["tier"]
        return None if tier is None else str(tier["level"])

    async def rewards(self) -> dict[str, Any]:
        """The catalogue as the member meets it."""
        return await self.home.reads(f"/v1/members/{self.id}/rewards")

    async def vouchers(self) -> list[dict[str, Any]]:
        """The codes that the member holds."""
        listed: list[dict[str, Any]] = (await self.rewards())["vouchers"]
        return listed
