"""What must be true at the end, each looked at from outside and independently of what the tills were told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from api.demo.client import ApiClient
from api.demo.phones import Phones
from api.demo.replay import Replay
from kernel.i18n import translate
from passes import texts as texts  # registers the words that the cards use
from passes.card import said
from passes.speech import grouped
from points.programme.face import nouns_of, tier_name
from points.programme.shelf import default_version

CAUGHT_UP_WITHIN_S = 60.0
AT_ONCE = 16

# The demonstration's partners publish none of their own.
PROGRAMME = default_version()


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about the outcome, whether it holds, and what was seen."""

    name: str
    holds: bool
    seen: str


async def wait_until_followed(api: ApiClient, key: str) -> list[dict[str, Any]]:
    """Wait until no note waits for a follower; returns what still waits when the time is over."""
    waiting: list[dict[str, Any]] = []
    for _ in range(int(CAUGHT_UP_WITHIN_S / 0.25)):
        waiting = (await api.ask("GET", "/v1/notes", key)).body
        if not waiting:
            return []
        await asyncio.sleep(0.25)
    return waiting


async def check_all(replay: Replay, doctor: Callable[[], Awaitable[list[dict[str, str]]]]) -> list[Check]:
    """Every check; closes a clearing cycle on the way."""
    api, key = replay.api, replay.operator_key
    waiting = await wait_until_followed(api, key)
    await _phones_settled(replay.phones)
    states = await states_of(replay)
    audit = {line["name"]: line for line in await doctor()}
    return [
        Check("every follower has caught up", not waiting, _late(waiting)),
        phones_show(replay, states),
        recount_agrees(replay, states),
        Check("the ledger's own rules hold", audit["ledger"]["verdict"] == "ok", audit["ledger"]["says"]),
        await tokens_agree(api, key, states),
        await clearing_sums_to_zero(api, key),
    ]


def _late(waiting: list[dict[str, Any]]) -> str:
    return "; ".join(f"{note['kind']}: {note['error']}" for note in waiting) or "no note waits"


async def _phones_settled(phones: Phones) -> None:
    """Give a push that is on its way a moment to arrive; whoever is late is found by the check of the phones."""
    for _ in range(40):
        if phones.stopwatch.waiting == 0:
            return
        await asyncio.sleep(0.05)


async def states_of(replay: Replay) -> dict[str, dict[str, Any]]:
    """Each customer's member as the API says."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(member_id: str) -> dict[str, Any]:
        async with gate:
            body: dict[str, Any] = (
                await replay.api.ask("GET", f"/v1/members/{member_id}?limit=1", replay.operator_key)
            ).body
            return body

    found = await asyncio.gather(*(one(member_id) for member_id in replay.members.values()))
    return dict(zip(replay.members, found, strict=True))


def phones_show(replay: Replay, states: dict[str, dict[str, Any]]) -> Check:
    """Each phone's own copy says what the API says of the member."""
    wrong = []
    for customer, state in states.items():
        face = replay.phones.face(replay.members[customer])
        member, points = state["member"], state["points"]
        expected = (
            points["balance"],
            member["name"],
            tier_name(PROGRAMME, points["tier"], member["language"]),
            _next_reward(points, member["language"]),
            member["code"],
        )
        if (face.balance, face.holder, face.tier, face.next_reward, face.code) != expected:
            wrong.append(f"{member['id']} shows {face}, expected {expected}")
    detail = wrong[0] if wrong else f"{len(states)} phones re-read, {replay.phones.iphone_count} signed files verified"
    return Check("every phone shows exactly what the ledger says", not wrong, detail)


def _next_reward(points: dict[str, Any], language: str) -> str:
    if points["next_reward"] is None:
        return translate("card.all_reached", language)
    nouns, missing = nouns_of(PROGRAMME), points["points_to_next_reward"]
    one, many = nouns.unit[language]
    reward = nouns.rewards[points["next_reward"]]
    units = one if missing == 1 else many
    return translate(
        "card.to_go", language, missing=grouped(missing, language), units=units, reward=said(reward, language)
    )


def recount_agrees(replay: Replay, states: dict[str, dict[str, Any]]) -> Check:
    """The ledger has what the purchase file, the refunds and the redemptions make."""
    recount = replay.recount
    wrong = [
        f"customer {customer}: ledger {points['balance']}, {points['owed']} owed, {points['earned_in_all']} earned"
        for customer, points in ((customer, state["points"]) for customer, state in states.items())
        if (points["balance"], points["owed"], points["earned_in_all"])
        != (recount.balance(customer), recount.owed(customer), recount.earned(customer))
    ]
    total = sum(recount.balance(customer) for customer in states)
    detail = wrong[0] if wrong else f"{len(states)} members, {total} points from the purchase file"
    return Check("no point was lost or doubled", not wrong and len(states) == len(recount.counts), detail)


async def tokens_agree(api: ApiClient, key: str, states: dict[str, dict[str, Any]]) -> Check:
    """Ledger, mirror and chain have the same points, and the members' balances are their sum."""
    mirror = (await api.ask("GET", "/v1/mirror", key)).body
    expected = sum(state["points"]["balance"] for state in states.values())
    sums = (mirror["ledger_points"], mirror["mirrored_points"], mirror["chain_supply"])
    holds = not mirror["differences"] and mirror["waiting"] == 0 and set(sums) == {expected}
    first = "; ".join(mirror["differences"][:1])
    return Check("tokens reconcile to the point", holds, first or f"ledger, mirror, chain: {sums}, members {expected}")


async def clearing_sums_to_zero(api: ApiClient, key: str) -> Check:
    """Closes a clearing cycle; something was cleared and nobody's money came from nowhere."""
    cycle = (await api.ask("POST", "/v1/clearing-cycles", key)).body
    net = sum(position["net_minor"] for position in cycle["positions"])
    carried = sum(position["carry_micros"] for position in cycle["positions"])
    holds = net == 0 and carried == 0 and any(position["net_minor"] for position in cycle["positions"])
    return Check("clearing sums to zero", holds, f"{cycle['obligations']} obligations, net {net}, carried {carried}")
