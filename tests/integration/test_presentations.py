"""Something is shown at a till: who it is, how surely, and what the till is told of the card."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from kernel.database import Database
from kernel.ids import new_id
from points.proofs import GOOD_FOR
from tests.support.presenting import Counter, counter, moment, refusal, told

PROGRAMME = """
programme: counter
names: {en: Counter}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
redemptions: {proof: {above: 30}}
rewards:
  - {id: drink, names: {en: Drink, fi: Juoma}, kind: product, cost: 100}
  - {id: meal, names: {en: Meal}, kind: product, cost: 200}
  - {id: code, names: {en: Code}, kind: product, cost: 20, voucher: true, valid: P60D}
"""


@pytest.fixture
async def till(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def test_the_code_on_a_card_says_who_it_is_and_proves_nothing(till: Counter) -> None:
    aino = await till.customer()
    seen = await till.scanned(aino.code)
    assert seen["member"] == {"id": aino.id, "name": "Aino", "code": aino.code}
    assert (seen["way"], seen["assurance"], seen["reasons"]) == ("static_code", "identified", ["static_code"])
    assert (seen["proof_id"], seen["proof_until"], seen["unproved_left"]) == (None, None, None)
    assert await till.proofs() == 0


async def test_the_till_is_told_what_the_card_can_do_now(till: Counter) -> None:
    aino, shop = await till.customer(), till.shop
    await till.programme(PROGRAMME)
    await shop.made("/v1/earnings", shop.cafe.key, {"member_id": aino.id, "amount": 13_000, "currency": "EUR"})
    first = await till.scanned(aino.code)
    assert first["unproved_left"] == 30
    claimed = await shop.made("/v1/claims", shop.cafe.key, {"member_id": aino.id, "reward": "code"})
    seen = await till.scanned(aino.code)
    card = seen["card"]
    assert (card["balance"], card["frozen"]) == (110, False)
    assert [offer["reward"] for offer in card["claimable"]] == ["code", "drink"]
    assert [voucher["code"] for voucher in card["vouchers"]] == [claimed["vouchers"][0]["code"]]
    assert seen["unproved_left"] == 10


@pytest.mark.parametrize("shown_on", ["pass", "page"])
async def test_a_rotating_code_proves_that_the_member_is_there(till: Counter, shown_on: str) -> None:
    aino = await till.customer()
    seen = await till.scanned(till.shows(aino.pass_id if shown_on == "pass" else aino.code))
    assert seen["member"]["id"] == aino.id
    assert (seen["way"], seen["assurance"], seen["reasons"]) == ("rotating_code", "proved_present", [])
    proof = await till.row("SELECT * FROM proof")
    now = till.shop.parts.clock.now()
    assert proof == {
        "id": seen["proof_id"], "member_id": aino.id, "partner_id": till.shop.cafe.partner_id, "way": "rotating_code",
        "made_at": now, "good_until": now + GOOD_FOR, "used_by": None,
    }  # fmt: skip
    assert moment(seen["proof_until"]) == now + GOOD_FOR


async def test_a_pass_that_was_taken_back_says_nothing(till: Counter) -> None:
    aino = await till.customer()
    async with till.shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET voided = true WHERE id = $1", aino.pass_id)
    assert refusal(await till.present({"kind": "scan", "content": till.shows(aino.pass_id)})) == (404, "card_unknown")
    assert (await till.scanned(till.shows(aino.code)))["assurance"] == "proved_present"


async def test_a_code_read_out_is_known_however_it_is_typed(till: Counter) -> None:
    aino = await till.customer()
    typed = f" {aino.code[:4]}-{aino.code[4:8]} {aino.code[8:]}\n".lower().replace("0", "o").replace("1", "l")
    seen = told(await till.present({"kind": "typed", "code": typed}))
    assert (seen["member"]["id"], seen["way"], seen["reasons"]) == (aino.id, "typed_code", ["typed_code"])


async def test_a_scanner_that_pretends_to_be_a_keyboard_types_rotating_codes_too(till: Counter) -> None:
    aino = await till.customer()
    seen = told(await till.present({"kind": "typed", "code": till.shows(aino.pass_id) + "\n"}))
    assert (seen["way"], seen["assurance"]) == ("rotating_code", "proved_present")


async def test_what_is_no_card_is_named_if_it_is_something_else(till: Counter) -> None:
    aino, shop = await till.customer(), till.shop
    await till.programme(PROGRAMME)
    await shop.made("/v1/earnings", shop.cafe.key, {"member_id": aino.id, "amount": 13_000, "currency": "EUR"})
    claimed = await shop.made("/v1/claims", shop.cafe.key, {"member_id": aino.id, "reward": "code"})
    voucher = claimed["vouchers"][0]["code"]
    answer = await till.present({"kind": "scan", "content": voucher.lower()})
    assert refusal(answer) == (400, "voucher_shown")
    assert answer.json()["facts"] == {"code": voucher}
    for content in ("CPR1.0123456789ABCDEFGHJKMNPQRS", "https://points.test/r/0123456789ABCDEFGHJKMNPQRS"):
        assert refusal(await till.present({"kind": "scan", "content": content})) == (400, "receipt_shown")
    for content in ("7K3M9QXA2BCD", "https://example.org/", "CPL1.x", "\N{SNOWMAN}", "{totp_value_0}"):
        assert refusal(await till.present({"kind": "scan", "content": content})) == (404, "card_unknown")


async def test_a_card_that_was_merged_is_the_other_members(till: Counter) -> None:
    aino, olli = await till.customer("Aino"), await till.customer("Olli")
    await till.pool(aino.id, olli.id)
    await till.phone_number(aino.id, "+358401234567")
    ways: list[dict[str, Any]] = [
        {"kind": "scan", "content": aino.code},
        {"kind": "scan", "content": till.shows(aino.pass_id)},
        {"kind": "scan", "content": till.shows(aino.code)},
        {"kind": "phone", "number": "0401234567"},
        {"kind": "smart_tap", "value": aino.tap_code, "sequence": 1, "read_at": till.shop.now.isoformat()},
    ]
    for shown in ways:
        seen = told(await till.present(shown))
        assert (seen["member"]["id"], seen["member"]["name"]) == (olli.id, "Olli"), shown
    assert await till.shop.number("SELECT count(*) FROM proof WHERE member_id = $1", olli.id) == 2


async def test_a_housemate_stays_who_they_are(till: Counter) -> None:
    aino = await till.customer()
    household = new_id("hsh")
    async with till.shop.parts.db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO account (id, member_id) VALUES ($1 || '/spendable', $1), ($1 || '/arrears', $1)", household
        )
    await till.pool(aino.id, household)
    assert (await till.scanned(till.shows(aino.pass_id)))["member"]["id"] == aino.id


async def test_a_value_that_no_enrolled_reader_read_identifies_only(till: Counter) -> None:
    aino = await till.customer()
    shown = {"kind": "smart_tap", "value": aino.tap_code, "sequence": 1, "read_at": till.shop.now.isoformat()}
    seen = told(await till.present(shown))
    assert (seen["member"]["id"], seen["way"], seen["reasons"]) == (aino.id, "tapped_value", ["unknown_reader"])
    # And the barcode does not say what a tap says.
    assert refusal(await till.present({"kind": "scan", "content": aino.tap_code})) == (404, "card_unknown")


async def test_an_enrolled_terminal_tells_where_it_stands_and_shows_its_own_key(till: Counter) -> None:
    aino, shop = await till.customer(), till.shop
    terminal = await shop.terminal(location_id=shop.cafe.location_id)
    scan = {"kind": "scan", "content": aino.code}
    assert told(await till.present(scan, terminal=terminal))["location_id"] == shop.cafe.location_id
    kiosk = await shop.partner("Kiosk")
    assert refusal(await till.present(scan, terminal=terminal, till=kiosk)) == (403, "terminal_refused")
    other = await shop.terminal()
    other.terminal_key = terminal.terminal_key
    assert refusal(await till.present(scan, terminal=other)) == (403, "terminal_refused")
    assert refusal(await till.present(scan, terminal_id=terminal.terminal_id)) == (403, "terminal_refused")
    await shop.ask("POST", f"/v1/terminals/{terminal.terminal_id}/revoke", shop.operator)
    assert refusal(await till.present(scan, terminal=terminal)) == (403, "terminal_refused")


async def test_a_proof_lives_in_business_time_and_a_code_in_system_time(till: Counter) -> None:
    aino, parts = await till.customer(), till.shop.parts
    parts.clock.advance(timedelta(days=40))
    seen = await till.scanned(till.shows(aino.pass_id))
    assert moment(seen["shown_at"]) == parts.clock.now() != parts.phones_clock.now()
    assert seen["assurance"] == "proved_present"


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ({"kind": "glance"}, "body_invalid"),
        ({"content": "x"}, "body_invalid"),
        ({"kind": "scan"}, "body_invalid"),
        ({"kind": "scan", "content": ""}, "body_invalid"),
        ({"kind": "scan", "content": "x" * 513}, "body_invalid"),
        ({"kind": "scan", "content": "x", "code": "x"}, "body_invalid"),
        ({"kind": "apple_tap", "blob": "00", "sequence": 0, "read_at": "2026-01-01T00:00:00Z"}, "body_invalid"),
        ({"kind": "smart_tap", "value": "x", "sequence": 1, "read_at": "2026-01-01T00:00:00"}, "body_invalid"),
        ([], "body_invalid"),
    ],
)
async def test_bad_bodies_get_clear_answers(till: Counter, shown: Any, code: str) -> None:
    assert refusal(await till.present(shown)) == (400, code)


async def test_who_may_ask_and_with_what(till: Counter) -> None:
    shop, shown = till.shop, {"shown": {"kind": "scan", "content": "x"}}
    bearer = {"authorization": f"Bearer {shop.cafe.key}"}
    no_key = await shop.client.post("/v1/presentations", json=shown, headers=bearer)
    assert refusal(no_key) == (400, "idempotency_key_missing")
    assert refusal(await shop.ask("POST", "/v1/presentations", shop.operator, shown)) == (403, "partner_only")
    path = f"/v1/partners/{shop.cafe.partner_id}/keys"
    weak = (await shop.made(path, shop.operator, {"scopes": ["taps"]}))["key"]
    assert refusal(await shop.ask("POST", "/v1/presentations", weak, shown)) == (403, "scope_missing")
