"""Replays the plan at the tills: customers join, buy, return and redeem, day by day with the clock moved along."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from api.demo.client import ApiClient, Unexpected
from api.demo.coalition import Partner
from api.demo.phones import Phones
from api.demo.plan import Buy, Event, Plan, Refund
from api.demo.purchases import CURRENCY, noon
from api.demo.recount import Recount

REWARDS = (900, 250, 100, 25)
REDEEM_CHANCE = 0.35
LANGUAGES = ("en", "fi", "hu")
TILLS = 16


@dataclass(slots=True)
class Sums:
    """What the tills saw."""

    purchases: int = 0
    earned: int = 0
    redeemed: int = 0
    taken_back: int = 0
    refunds: int = 0
    redemptions: int = 0


@dataclass(slots=True)
class Replay:
    """One run of a plan against a service. `sums.purchases` moves as it goes; `rate_per_s` paces the tills."""

    api: ApiClient
    operator_key: str
    partners: list[Partner]
    phones: Phones
    plan: Plan
    recount: Recount
    seed: int
    rate_per_s: float
    sums: Sums = field(default_factory=Sums)
    members: dict[str, str] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    _entries: dict[str, str] = field(default_factory=dict)
    _balances: dict[str, int] = field(default_factory=dict)
    _next_turn_s: float = 0.0

    async def run(self) -> None:
        """All days. Raises Unexpected when the service and the recount disagree."""
        tills = asyncio.Semaphore(TILLS)
        for day, customers in self.plan.in_order():
            await self.api.ask("PUT", "/v1/test-clock", self.operator_key, {"now": noon(day).isoformat()})
            async with asyncio.TaskGroup() as group:
                for customer, events in customers.items():
                    group.create_task(self._customer(tills, day, customer, events))

    async def _customer(self, tills: asyncio.Semaphore, day: date, customer: str, events: list[Event]) -> None:
        async with tills:
            for event in events:
                await self._turn()
                if isinstance(event, Buy):
                    await self._buy(event)
                    await self._perhaps_redeem(day, event)
                else:
                    await self._refund(event)

    async def _turn(self) -> None:
        """Keep to `rate_per_s` events a second."""
        now = time.perf_counter()
        self._next_turn_s = max(now, self._next_turn_s) + 1 / self.rate_per_s
        await asyncio.sleep(max(0.0, self._next_turn_s - 1 / self.rate_per_s - now))

    async def _buy(self, event: Buy) -> None:
        partner = self.partners[event.partner]
        member_id = self.members.get(event.customer) or await self._join(event.customer, partner)
        body = {
            "member_id": member_id,
            "amount": event.amount_minor,
            "currency": CURRENCY,
            "location_id": partner.location_id,
        }
        entry = await self._move(partner, "/v1/earnings", body, event.key)
        self.recount.bought(event.customer, partner.id, event.amount_minor)
        self._entries[event.key] = entry["id"]
        self.sums.purchases += 1
        self.sums.earned += entry["points"]
        self._agree(event.customer, entry)

    async def _join(self, customer: str, partner: Partner) -> str:
        body = {"name": f"Customer {int(customer)}", "language": LANGUAGES[int(customer) % len(LANGUAGES)]}
        member = (await self.api.move_value("/v1/members", partner.key, body, f"join-{customer}")).body
        member_id: str = member["id"]
        if self.plan.phones[customer] == "iphone":
            answer = await self.api.ask("GET", f"/v1/members/{member_id}/passes/apple", partner.key)
            last_modified = answer.headers.get("last-modified", "")
            await self.phones.add_iphone(member_id, answer.body, last_modified, member["language"])
        else:
            answer = await self.api.ask("GET", f"/v1/members/{member_id}/passes/google", partner.key)
            await self.phones.add_android(member_id, answer.body["save_url"])
        self.members[customer] = member_id
        self.pages.append(member["card_url"])
        return member_id

    async def _perhaps_redeem(self, day: date, event: Buy) -> None:
        """Spend on the dearest reward within reach, at a partner other than the one that has just issued."""
        rng = random.Random(f"redeem {self.seed} {event.key} {day}")
        balance = self.recount.balance(event.customer)
        cost = next((cost for cost in REWARDS if cost <= balance), None)
        if cost is None or rng.random() >= REDEEM_CHANCE:
            return
        partner = rng.choice([other for number, other in enumerate(self.partners) if number != event.partner])
        body = {"member_id": self.members[event.customer], "points": cost, "location_id": partner.location_id}
        entry = await self._move(partner, "/v1/redemptions", body, f"redeem-{event.key}")
        self.recount.redeemed(event.customer, cost)
        self.sums.redemptions += 1
        self.sums.redeemed += cost
        self._agree(event.customer, entry)

    async def _refund(self, event: Refund) -> None:
        partner = self.partners[event.partner]
        body: dict[str, object] = {"entry_id": self._entries[event.of]}
        if event.amount_minor is not None:
            body["amount"] = event.amount_minor
        entry = await self._move(partner, "/v1/reversals", body, event.key)
        self.recount.refunded(event.customer, partner.id, entry["amount"])
        self.sums.refunds += 1
        self.sums.taken_back -= entry["points"]
        self._agree(event.customer, entry)

    async def _move(self, partner: Partner, path: str, body: object, key: str) -> dict[str, Any]:
        asked_at_s = time.perf_counter()
        entry: dict[str, Any] = (await self.api.move_value(path, partner.key, body, key)).body
        member_id = entry["member_id"]
        if entry["balance"] != self._balances.get(member_id, 0):
            self.phones.stopwatch.answered(member_id, entry["balance"], asked_at_s)
        self._balances[member_id] = entry["balance"]
        return entry

    def _agree(self, customer: str, entry: dict[str, Any]) -> None:
        """The service's running balance is the recount's, after every single step."""
        expected = self.recount.balance(customer), self.recount.owed(customer)
        if (entry["balance"], entry["owed"]) != expected:
            raise Unexpected(f"{entry['kind']} {entry['id']}: balance and owed {entry}, the recount has {expected}")
