"""Phones are held to readers: who is known by it, how surely, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import pytest

from kernel.database import Database
from passes.apple.taps import AFTER, BEFORE, KEPT_OFFLINE, REMEMBERED
from passes.sandbox.apple_tap import LOCKED, NO_PASS, PhoneOfTaps, garbled
from passes.sandbox.apple_tap_terminal import NoTap, TapTerminal
from points.programme.publishing import publish
from points.programme.text import read_programme
from tests.support.taps import OTHER_PASS_TYPE, TapShop, on_a_socket, tap_shop

PROGRAMME = """
programme: tap_shop
names: {en: Tap shop}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
tiers:
  measure: points
  window: {kind: lifetime}
  levels: [{id: green, names: {en: Green}, from: 0}, {id: gold, names: {en: Gold}, from: 500}]
rewards:
  - {id: drink, names: {en: Drink, fi: Juoma}, kind: product, cost: 100}
  - {id: meal, names: {en: Meal}, kind: product, cost: 200}
  - {id: golden, names: {en: Golden}, kind: product, cost: 60, eligible: {tiers: [gold]}}
  - {id: code, names: {en: Code}, kind: product, cost: 20, voucher: true, valid: P60D}
"""


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[TapShop]:
    async with tap_shop(db) as opened:
        yield opened


async def test_a_tap_tells_the_till_whose_card_it_is_and_what_they_can_have(shop: TapShop) -> None:
    ids = {"cafe": shop.cafe.partner_id}
    async with shop.parts.db.unit() as unit:
        await publish(unit, shop.parts.clock, read_programme(PROGRAMME), ids, None)
    shop.parts.programmes.forget()
    member = await shop.made("/v1/members", shop.cafe.key, {"name": "Aino"})
    purchase = {"member_id": member["id"], "amount": 13_000, "currency": "EUR"}
    await shop.made("/v1/earnings", shop.cafe.key, purchase)
    claimed = await shop.made("/v1/claims", shop.cafe.key, {"member_id": member["id"], "reward": "code"})
    terminal = await shop.terminal(location_id=shop.cafe.location_id)
    answer = await shop.tap(terminal, await shop.phone(member["id"]))
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert (seen["member_id"], seen["name"], seen["code"]) == (member["id"], "Aino", member["code"])
    assert (seen["balance"], seen["tier"], seen["tier_name"]) == (110, "green", "Green")
    assert (seen["assurance"], seen["reasons"], seen["may_spend"]) == ("proved_present", [], True)
    assert seen["location_id"] == shop.cafe.location_id
    rewards = {offer["reward"]: offer["points"] for offer in seen["claimable"]}
    assert rewards["drink"] == 100
    assert "meal" not in rewards  # 200 points
    assert "golden" not in rewards  # another tier's
    assert [voucher["code"] for voucher in seen["vouchers"]] == [claimed["vouchers"][0]["code"]]


@pytest.mark.parametrize("variant", [1, 2])
async def test_phones_of_both_kinds_are_understood(shop: TapShop, variant: int) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    answer = await shop.tap(terminal, await shop.phone(member_id, variant=variant))
    assert answer.json()["member_id"] == member_id


async def test_a_second_delivery_is_answered_as_the_first(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone = await shop.phone(member_id)
    body = terminal.read(phone, shop.now)
    first = await shop.send(terminal, body)
    await shop.tap(terminal, phone)  # the terminal went on meanwhile
    shop.later(minutes=5)
    again = await shop.send(terminal, body)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await shop.number("SELECT count(*) FROM apple_tap") == 2


async def _refused(shop: TapShop, terminal: TapTerminal, body: dict[str, Any]) -> tuple[object, ...]:
    """Everything that the sender of an unusable tap sees, but for the request's own number."""
    answer = await shop.send(terminal, body)
    shown = answer.json()
    assert shown.pop("instance") == answer.headers["x-request-id"]
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    return answer.status_code, shown, headers


async def test_every_unusable_tap_gets_the_same_answer(shop: TapShop) -> None:
    member_id, terminal, other = await shop.member(), await shop.terminal(), await shop.terminal()
    phone = await shop.phone(member_id)

    def fresh(**how: object) -> dict[str, Any]:
        return {**terminal.read(phone, shop.now), **how}

    good = fresh()
    assert (await shop.send(terminal, good)).status_code == 200
    blob = bytes.fromhex(good["blob"])
    old, far = shop.now - BEFORE - timedelta(seconds=1), shop.now + AFTER + timedelta(seconds=1)
    voided, gone = await shop.phone(await shop.member()), await shop.phone(await shop.member())
    wrong_type = PhoneOfTaps()
    paper = await shop.paper(await shop.member())
    wrong_type.add({**paper, "passTypeIdentifier": OTHER_PASS_TYPE})
    foreign = TapTerminal(terminal.terminal_id, terminal.terminal_key, terminal.api_key, OTHER_PASS_TYPE)
    cases = {
        "not hex, not base64": fresh(blob="?" * 112),
        "not even ASCII": fresh(blob="é" * 112),
        "empty of content": fresh(blob="00"),
        "a key that never was": fresh(blob="00000000" + good["blob"][8:]),
        "noise": fresh(blob=blob[:4].hex() + "ab" * 60),
        "garbled": fresh(blob=(blob[:4] + garbled(bytes.fromhex(fresh()["blob"])[4:])).hex()),
        "shown again under a higher number": fresh(blob=good["blob"]),
        "shown again by another terminal": {**other.read(phone, shop.now), "blob": good["blob"]},
        "under a number that is used": fresh(sequence=1),
        "made long ago": {**fresh(), "blob": terminal.read(phone, old)["blob"]},
        "made in the future": {**fresh(), "blob": terminal.read(phone, far)["blob"]},
        "of a voided pass": {**terminal.read(voided, shop.now)},
        "of a pass that is gone": {**terminal.read(gone, shop.now)},
        "of a pass of another type": {**foreign.read(wrong_type, shop.now), "sequence": 10_000},
        "read for a pass type that is not ours": fresh(pass_type="pass.com.example.other"),
        "read for another pass type of ours": fresh(pass_type=OTHER_PASS_TYPE),
        "kept offline for too long": fresh(offline=True, read_at=(shop.now - KEPT_OFFLINE * 2).isoformat()),
        "read offline in the future": fresh(offline=True, read_at=(shop.now + AFTER * 2).isoformat()),
    }
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET voided = true WHERE tap_code = $1", _message_of(voided))
        await unit.connection.execute("DELETE FROM wallet_pass WHERE tap_code = $1", _message_of(gone))
    answers = {
        what: await _refused(shop, other if "another terminal" in what else terminal, body)
        for what, body in cases.items()
    }
    expected = answers["noise"]
    assert expected[0] == 400
    assert {what: answer for what, answer in answers.items() if answer != expected} == {}
    # Each was refused for its own reason, which only we see.
    assert set(shop.parts.taps.counts) >= {
        "length", "key", "cryptogram", "replay", "sequence", "window", "message", "pass",
    }  # fmt: skip
    assert await shop.number("SELECT count(*) FROM apple_tap") == 1
    assert (await shop.send(terminal, fresh())).status_code == 200  # a refusal uses up no number


def _message_of(phone: PhoneOfTaps) -> str:
    (paper,) = phone.papers
    message: str = paper["nfc"]["message"]
    return message


async def test_only_an_enrolled_terminal_of_the_partner_with_its_own_key_is_heard(shop: TapShop) -> None:
    member_id, terminal, gym = await shop.member(), await shop.terminal(), await shop.partner("Gym")
    revoked = await shop.terminal()
    path = f"/v1/terminals/{revoked.terminal_id}/revoke"
    for _ in range(2):
        assert (await shop.ask("POST", path, shop.operator)).status_code == 200
    phone, theirs = await shop.phone(member_id), await shop.terminal(gym)
    senders = [
        revoked,
        TapTerminal(terminal.terminal_id, theirs.terminal_key, shop.cafe.key, terminal.pass_type),
        TapTerminal(terminal.terminal_id, terminal.terminal_key[:-1], shop.cafe.key, terminal.pass_type),
        TapTerminal(terminal.terminal_id, "", shop.cafe.key, terminal.pass_type),
        TapTerminal(theirs.terminal_id, theirs.terminal_key, shop.cafe.key, terminal.pass_type),
        TapTerminal("ter_00000000000000000000000000", terminal.terminal_key, shop.cafe.key, terminal.pass_type),
        TapTerminal("'; DROP TABLE terminal", "ctk_", shop.cafe.key, terminal.pass_type),
    ]
    answers = [await shop.tap(sender, phone) for sender in senders]
    assert [answer.status_code for answer in answers] == [403] * len(senders)
    assert len({(answer.json()["code"], answer.json()["detail"]) for answer in answers}) == 1
    body = terminal.read(phone, shop.now)
    headers = {name: value for name, value in terminal.headers().items() if name != "terminal-key"}
    assert (await shop.client.post("/v1/taps", json=body, headers=headers)).status_code == 403
    assert (await shop.send(theirs, theirs.read(phone, shop.now))).status_code == 200  # a coalition's card, at a gym


async def test_the_same_message_twice_at_once_is_taken_once(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone = await shop.phone(member_id)
    async with on_a_socket(shop.client) as url, aiohttp.ClientSession() as one, aiohttp.ClientSession() as other:
        for _ in range(15):
            body = terminal.read(phone, shop.now)
            answers = await asyncio.gather(*(terminal.send(session, url, body) for session in (one, other)))
            assert [status for status, _ in answers] == [200, 200]
            assert answers[0] == answers[1]
    assert await shop.number("SELECT count(*) FROM apple_tap") == 15
    assert (shop.parts.taps.counts["proved_present"], shop.parts.taps.counts["again"]) == (15, 15)


async def test_of_two_terminals_with_the_same_tap_at_once_one_is_heard(shop: TapShop) -> None:
    member_id, terminals = await shop.member(), [await shop.terminal(), await shop.terminal()]
    phone = await shop.phone(member_id)
    for _ in range(15):
        blob = terminals[0].read(phone, shop.now)["blob"]
        bodies = [{**terminal.read(phone, shop.now), "blob": blob} for terminal in terminals]
        answers = await asyncio.gather(*map(shop.send, terminals, bodies))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert await shop.number("SELECT count(*) FROM apple_tap") == 15


async def test_what_does_not_come_at_once_only_identifies(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone, wrong_clock = await shop.phone(member_id), await shop.phone(member_id, clock_off_s=-300)
    phone = await shop.phone(member_id)
    late = terminal.read(phone, shop.now)
    shop.later(seconds=61)
    wrong_clock.add(next(iter(phone.papers)))
    for answer, reasons in (
        (await shop.send(terminal, late), ["delivered_late", "clocks_differ"]),
        (await shop.tap(terminal, wrong_clock), ["clocks_differ"]),
        (await shop.send(terminal, {**terminal.read(phone, shop.now), "read_at": late["read_at"]}), ["delivered_late"]),
    ):
        seen = answer.json()
        assert (seen["assurance"], seen["reasons"], seen["may_spend"]) == ("identified", reasons, False)
        assert seen["member_id"] == member_id


async def test_taps_kept_offline_say_whose_card_it_was_and_spend_nothing(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone = await shop.phone(member_id)
    for _ in range(3):
        terminal.read(phone, shop.now, offline=True)
        shop.later(days=2)
    kept = list(terminal.kept)
    async with on_a_socket(shop.client) as url, aiohttp.ClientSession() as session:
        answers = await terminal.upload(session, url)
        again = await terminal.send(session, url, {**kept[2], "offline": False, "read_at": shop.now.isoformat()})
    assert [(status, seen["assurance"], seen["reasons"], seen["may_spend"]) for status, seen in answers] == [
        (200, "identified", ["offline"], False)
    ] * 3
    assert again[0] == 400  # what was offline does not become present by asking again


async def test_a_tap_taken_as_offline_stays_so_however_it_is_sent_again(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    body = terminal.read(await shop.phone(member_id), shop.now, offline=True)
    first = await shop.send(terminal, body)
    again = await shop.send(terminal, {**body, "offline": False})
    assert again.json() == first.json()
    assert again.json()["may_spend"] is False


async def test_taps_are_remembered_for_as_long_as_they_could_be_shown_again(shop: TapShop) -> None:
    member_id, terminal, other = await shop.member(), await shop.terminal(), await shop.terminal()
    phone = await shop.phone(member_id)
    body = terminal.read(phone, shop.now, offline=True)
    assert (await shop.send(terminal, body)).status_code == 200
    shop.parts.phones_clock.advance(KEPT_OFFLINE)
    for _ in range(3):
        assert (await shop.tap(terminal, phone)).status_code == 200
    shown_again = {**other.read(phone, shop.now, offline=True), "blob": body["blob"], "read_at": body["read_at"]}
    assert (await shop.send(other, shown_again)).status_code == 400
    assert shop.parts.taps.counts["replay"] == 1  # still in its window: it was remembered
    shop.parts.phones_clock.advance(REMEMBERED - KEPT_OFFLINE)
    assert (await shop.tap(terminal, phone)).status_code == 200
    assert await shop.number("SELECT count(*) FROM apple_tap") == 5  # not a second too early
    shop.later(seconds=1)
    assert (await shop.tap(terminal, phone)).status_code == 200
    assert await shop.number("SELECT count(*) FROM apple_tap") == 5  # one came, one went
    assert (await shop.send(other, {**shown_again, "sequence": 99})).status_code == 400


async def test_what_is_over_goes_faster_than_it_comes(shop: TapShop) -> None:
    member_id, terminal = await shop.member(), await shop.terminal()
    phone = await shop.phone(member_id)
    for _ in range(20):
        await shop.tap(terminal, phone)
    shop.parts.phones_clock.advance(REMEMBERED + timedelta(seconds=1))
    for _ in range(3):
        await shop.tap(terminal, phone)
    assert await shop.number("SELECT count(*) FROM apple_tap") == 3


async def test_the_callers_rights_are_asked_for(shop: TapShop) -> None:
    terminal = await shop.terminal()
    body = terminal.read(await shop.phone(await shop.member()), shop.now)
    operator = TapTerminal(terminal.terminal_id, terminal.terminal_key, shop.operator, terminal.pass_type)
    assert (await shop.send(operator, body)).json()["code"] == "partner_only"
    stranger = await shop.client.post("/v1/taps", json=body)
    assert stranger.status_code == 401
    made = await shop.ask("POST", "/v1/terminals", shop.cafe.key, {"partner_id": shop.cafe.partner_id, "name": "x"})
    assert made.json()["code"] in ("scope_missing", "operator_only")


async def test_terminals_are_listed_to_their_partner_and_the_operator(shop: TapShop) -> None:
    gym = await shop.partner("Gym")
    mine, theirs = [await shop.terminal() for _ in range(3)], await shop.terminal(gym)
    await shop.tap(mine[1], await shop.phone(await shop.member()))

    async def listed(key: str, query: str = "") -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = (await shop.ask("GET", f"/v1/terminals{query}", key)).json()["data"]
        return data

    assert [one["id"] for one in await listed(shop.cafe.key)] == [one.terminal_id for one in mine]
    assert [one["sequence"] for one in await listed(shop.cafe.key)] == [0, 1, 0]
    assert len(await listed(shop.operator)) == 4
    assert len(await listed(shop.cafe.key, "?limit=2")) == 2
    assert "key" not in (await listed(shop.cafe.key))[0]
    assert (await _terminal(shop, theirs.terminal_id, gym.key)).status_code == 200
    for unseen in (theirs.terminal_id, "ter_x", "%00"):
        assert (await _terminal(shop, unseen, shop.cafe.key)).status_code == 404


async def _terminal(shop: TapShop, terminal_id: str, key: str) -> httpx.Response:
    return await shop.ask("GET", f"/v1/terminals/{terminal_id}", key)


async def test_a_terminal_stands_at_a_place_of_its_own_partner(shop: TapShop) -> None:
    gym = await shop.partner("Gym")
    for body in (
        {"partner_id": shop.cafe.partner_id, "name": "x", "location_id": gym.location_id},
        {"partner_id": "ptn_00000000000000000000000000", "name": "x"},
    ):
        assert (await shop.ask("POST", "/v1/terminals", shop.operator, body)).status_code == 404


async def test_a_phone_says_nothing_it_should_not(shop: TapShop) -> None:
    terminal, paper = await shop.terminal(), await shop.paper(await shop.member())
    guarded = {**paper, "nfc": {**paper["nfc"], "requiresAuthentication": True}}
    for phone, added, status in (
        (PhoneOfTaps(), None, NO_PASS),
        (PhoneOfTaps(), {**paper, "passTypeIdentifier": OTHER_PASS_TYPE}, NO_PASS),
        (PhoneOfTaps(), {**paper, "voided": True}, NO_PASS),
        (PhoneOfTaps(), {name: value for name, value in paper.items() if name != "nfc"}, NO_PASS),
        (PhoneOfTaps(unlocked=False), guarded, LOCKED),
    ):
        if added:
            phone.add(added)
        with pytest.raises(NoTap) as nothing:
            terminal.read(phone, shop.now)
        assert nothing.value.status == status
    unlocked = PhoneOfTaps()
    unlocked.add(guarded)
    assert (await shop.tap(terminal, unlocked)).status_code == 200
