"""Phones of both wallets are held to a reader: a tap proves once that they are here, whichever way it is sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from kernel.database import Database
from passes.google.taps import Answered
from passes.sandbox.apple_tap_terminal import TapTerminal
from tests.support.presenting import refusal, told
from tests.support.smart_taps import SmartTapShop, smart_tap_shop

_KEYS = count(1)


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[SmartTapShop]:
    async with smart_tap_shop(db) as opened:
        yield opened


async def _present(
    shop: SmartTapShop, terminal: TapTerminal, shown: dict[str, Any], key: str | None = None, **more: Any
) -> httpx.Response:
    headers = {**terminal.headers(), "idempotency-key": key or f"tap{next(_KEYS)}"}
    body = {"shown": shown, "terminal_id": terminal.terminal_id, **more}
    return await shop.client.post("/v1/presentations", json=body, headers=headers)


def _apple(body: dict[str, Any]) -> dict[str, Any]:
    """A body for /v1/taps as it is presented."""
    return {"kind": "apple_tap", **{name: value for name, value in body.items() if name != "terminal_id"}}


def _session(read: Answered) -> dict[str, Any]:
    known = asdict(read)
    return {
        "kind": "smart_tap_session",
        "session_id": known["session_id"],
        "negotiated": known["negotiated"].hex(),
        "answer": known["answer"].hex(),
    }


def _value(shop: SmartTapShop, terminal: TapTerminal, value: str, **more: Any) -> dict[str, Any]:
    terminal.sequence += 1
    read_at = shop.now.isoformat()
    return {"kind": "smart_tap", "value": value, "sequence": terminal.sequence, "read_at": read_at, **more}


async def _shown_by(shop: SmartTapShop, kind: str, member_id: str, terminal: TapTerminal) -> dict[str, Any]:
    """A phone of this kind is held to the reader."""
    if kind == "apple_tap":
        return _apple(terminal.read(await shop.phone(member_id), shop.now))
    phone = await shop.android(member_id)
    if kind == "smart_tap_session":
        return _session(await shop.session(terminal, phone))
    return _value(shop, terminal, await shop.put(phone, member_id))


KINDS = pytest.mark.parametrize("kind", ["apple_tap", "smart_tap_session", "smart_tap"])


@KINDS
async def test_a_tap_proves_that_the_member_is_there(shop: SmartTapShop, kind: str) -> None:
    member_id, terminal = await shop.member(), await shop.terminal(location_id=shop.cafe.location_id)
    seen = told(await _present(shop, terminal, await _shown_by(shop, kind, member_id, terminal)))
    assert seen["member"]["id"] == member_id
    assert (seen["way"], seen["assurance"], seen["reasons"]) == ("tap", "proved_present", [])
    assert seen["location_id"] == shop.cafe.location_id
    assert await shop.number("SELECT count(*) FROM proof WHERE id = $1 AND way = 'tap'", seen["proof_id"]) == 1


@KINDS
async def test_the_same_tap_again_has_the_same_proof_under_any_key(shop: SmartTapShop, kind: str) -> None:
    terminal = await shop.terminal()
    shown = await _shown_by(shop, kind, await shop.member(), terminal)
    first = told(await _present(shop, terminal, shown, "one"))
    shop.later(minutes=3)
    assert told(await _present(shop, terminal, shown, "one")) == first
    shop.parts.clock.advance(timedelta(minutes=2))
    other = told(await _present(shop, terminal, shown, "two"))
    assert (other["assurance"], other["proof_id"]) == ("proved_present", first["proof_id"])
    assert other["proof_until"] == first["proof_until"]
    assert told(await _present(shop, terminal, shown, "two")) == other
    assert await shop.number("SELECT count(*) FROM proof") == 1


@KINDS
async def test_a_tap_that_came_to_nothing_proves_only_while_it_is_fresh(shop: SmartTapShop, kind: str) -> None:
    """The service fell over between taking the tap and the proof."""
    for late_s, assurance in ((30, "proved_present"), (61, "identified")):
        terminal = await shop.terminal()
        shown = await _shown_by(shop, kind, await shop.member(), terminal)
        assert (await _present(shop, terminal, shown)).status_code == 201
        async with shop.parts.db.unit() as unit:
            await unit.connection.execute("DELETE FROM presentation")
            await unit.connection.execute("DELETE FROM proof")
        shop.later(seconds=late_s)
        seen = told(await _present(shop, terminal, shown))
        assert (seen["assurance"], seen["reasons"]) == (
            assurance, [] if assurance == "proved_present" else ["delivered_late"],
        )  # fmt: skip


async def test_a_tap_sent_to_both_addresses_has_one_proof(shop: SmartTapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone = await shop.phone(member_id)
    for first_to in ("taps", "presentations"):
        body = terminal.read(phone, shop.now)
        answers: dict[str, Any] = {}
        for address in sorted(("taps", "presentations"), key=lambda one: one != first_to):
            answer = shop.send(terminal, body) if address == "taps" else _present(shop, terminal, _apple(body))
            answers[address] = (await answer).json()
        assert answers["taps"]["proof_id"] == answers["presentations"]["proof_id"] is not None
        assert answers["taps"]["proof_until"] == answers["presentations"]["proof_until"]
        assert answers["taps"]["unproved_left"] is None
    assert await shop.number("SELECT count(*) FROM proof") == 2


async def test_a_crowd_with_one_tap_gets_one_proof(shop: SmartTapShop) -> None:
    terminal = await shop.terminal()
    body = terminal.read(await shop.phone(await shop.member()), shop.now)
    answers = await asyncio.gather(
        *(_present(shop, terminal, _apple(body), f"crowd{n % 4}") for n in range(12)),
        *(shop.send(terminal, body) for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["proof_id"] for answer in answers}) == 1
    assert await shop.number("SELECT count(*) FROM proof") == 1


async def test_an_offline_tap_identifies_and_with_the_pin_it_proves(shop: SmartTapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    await shop.parts.pins.set(member_id, "8264")
    body = terminal.read(await shop.phone(member_id), shop.now, offline=True)
    shop.later(minutes=20)
    seen = told(await _present(shop, terminal, _apple(body)))
    assert (seen["assurance"], seen["reasons"], seen["proof_id"]) == ("identified", ["offline"], None)
    again = told(await _present(shop, terminal, _apple(body), pin="8264"))
    assert (again["way"], again["assurance"]) == ("pin", "proved_present")
    assert (await shop.send(terminal, body)).json()["assurance"] == "identified"


async def test_a_tap_that_a_wrong_pin_spoilt_proves_nothing_without_it_either(shop: SmartTapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    await shop.parts.pins.set(member_id, "8264")
    body = terminal.read(await shop.phone(member_id), shop.now)
    spoilt = told(await _present(shop, terminal, _apple(body), pin="8265"))
    assert (spoilt["assurance"], spoilt["reasons"]) == ("identified", ["pin_wrong"])
    again = told(await _present(shop, terminal, _apple(body)))
    assert (again["assurance"], again["reasons"]) == ("identified", ["pin_wrong"])
    assert told(await _present(shop, terminal, _apple(body), pin="8264"))["way"] == "pin"


async def test_a_tap_needs_its_terminal(shop: SmartTapShop) -> None:
    terminal, other = await shop.terminal(), await shop.terminal()
    shown = _apple(terminal.read(await shop.phone(await shop.member()), shop.now))
    headers = {"authorization": f"Bearer {shop.cafe.key}", "idempotency-key": "one"}
    answer = await shop.client.post("/v1/presentations", json={"shown": shown}, headers=headers)
    assert refusal(answer) == (403, "terminal_refused")
    assert (await _present(shop, terminal, shown)).status_code == 201
    assert refusal(await _present(shop, other, shown)) == (400, "tap_refused")


@KINDS
async def test_a_tap_that_is_no_good_is_one_refusal(shop: SmartTapShop, kind: str) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    shown = await _shown_by(shop, kind, member_id, terminal)
    field = {"apple_tap": "blob", "smart_tap_session": "answer", "smart_tap": "value"}[kind]
    for spoilt in ("00", "zz", shown[field][:-2] + ("00" if shown[field][-2:] != "00" else "11")):
        assert refusal(await _present(shop, terminal, {**shown, field: spoilt})) == (400, "tap_refused")
    assert await shop.number("SELECT count(*) FROM presentation") == 0


async def test_a_tap_of_a_merged_card_is_the_other_members(shop: SmartTapShop) -> None:
    aino, olli, terminal = await shop.member("Aino"), await shop.member("Olli"), await shop.terminal()
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE account SET pool_id = $2 WHERE member_id = $1", aino, olli)
    body = terminal.read(await shop.phone(aino), shop.now)
    seen = (await shop.send(terminal, body)).json()
    assert (seen["member_id"], seen["name"]) == (olli, "Olli")
    assert await shop.number("SELECT count(*) FROM proof WHERE member_id = $1", olli) == 1


async def test_a_proof_of_a_tap_lives_in_business_time(shop: SmartTapShop) -> None:
    terminal = await shop.terminal()
    shop.parts.clock.advance(timedelta(days=400))
    body = terminal.read(await shop.phone(await shop.member()), shop.now)
    await shop.send(terminal, body)
    now = shop.parts.clock.now()
    assert await shop.number("SELECT count(*) FROM proof WHERE made_at = $1", now) == 1
