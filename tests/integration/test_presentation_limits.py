"""Who guesses codes, numbers and PINs at a till gets nowhere, and nobody else notices."""

from collections.abc import AsyncIterator

import httpx
import pytest
from eth_utils.address import to_checksum_address

from api.body import fingerprint
from api.http.presentations import PresentationBody, ScanBody
from kernel.database import Database
from passes.presentation_limits import LOOKUPS, NOT_FOUND, WINDOW, WRONG_CODES
from tests.support.presenting import Counter, counter, refusal, told

PIN_ONLY = """
programme: counter
names: {en: Counter}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
redemptions: {proof: {above: 0, ways: [pin]}}
"""


@pytest.fixture
async def till(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


def _wrong(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 1) % 10)


async def _scan(till: Counter, content: str) -> httpx.Response:
    return await till.present({"kind": "scan", "content": content})


def _without_instance(answer: httpx.Response) -> dict[str, object]:
    body: dict[str, object] = answer.json()
    body.pop("instance")
    return body


async def test_wrong_digits_are_refused_like_a_card_that_never_was(till: Counter) -> None:
    aino = await till.customer()
    wrong, unknown = await _scan(till, _wrong(till.shows(aino.pass_id))), await _scan(till, till.shows("pass_nobody"))
    assert refusal(wrong) == (404, "card_unknown")
    assert _without_instance(wrong) == _without_instance(unknown)
    assert await till.shop.number("SELECT count(*) FROM attempt") == 1  # strangers cannot fill the table


async def test_after_many_wrong_codes_the_right_one_only_identifies_until_the_window_is_over(till: Counter) -> None:
    aino, olli = await till.customer("Aino"), await till.customer("Olli")
    for _ in range(WRONG_CODES):
        assert (await _scan(till, _wrong(till.shows(aino.pass_id)))).status_code == 404
    guessed = await till.scanned(till.shows(aino.pass_id))
    assert (guessed["assurance"], guessed["reasons"]) == ("identified", ["too_many_tries"])
    assert (await till.scanned(till.shows(olli.pass_id)))["assurance"] == "proved_present"
    till.shop.later(seconds=WINDOW.total_seconds())
    assert (await till.scanned(till.shows(aino.pass_id)))["assurance"] == "proved_present"


async def test_right_codes_are_not_counted(till: Counter) -> None:
    aino = await till.customer()
    for _ in range(WRONG_CODES + 3):
        assert (await till.scanned(till.shows(aino.pass_id)))["assurance"] == "proved_present"
        till.shop.later(seconds=30)
    assert await till.shop.number("SELECT tries FROM attempt WHERE id = $1", f"live/{aino.pass_id}") == 0


async def test_a_clock_that_is_set_back_blocks_nobody_for_long(till: Counter) -> None:
    aino = await till.customer()
    till.shop.later(days=3)
    for _ in range(WRONG_CODES):
        await _scan(till, _wrong(till.shows(aino.pass_id)))
    till.shop.later(days=-3)
    assert (await till.scanned(till.shows(aino.pass_id)))["assurance"] == "proved_present"


async def test_a_telephone_number_says_who_it_is(till: Counter) -> None:
    aino = await till.customer()
    await till.phone_number(aino.id, "+358 40 123 4567")
    for number in ("+358401234567", "040 123 4567", "00358 40 1234567"):
        seen = told(await till.present({"kind": "phone", "number": number}))
        assert (seen["member"]["id"], seen["way"], seen["reasons"]) == (aino.id, "phone_number", ["phone_number"])
    assert refusal(await till.present({"kind": "phone", "number": "+358409999999"})) == (404, "card_unknown")
    assert refusal(await till.present({"kind": "phone", "number": "hello"})) == (400, "bad_contact")


async def test_a_number_of_several_members_names_nobody(till: Counter) -> None:
    aino, olli = await till.customer("Aino"), await till.customer("Olli")
    for customer in (aino, olli):
        await till.phone_number(customer.id, "+358401234567")
    answer = await till.present({"kind": "phone", "number": "+358401234567"})
    assert refusal(answer) == (409, "several_members")
    for secret in ("Aino", "Olli", aino.id, olli.id, aino.code, olli.code):
        assert secret not in answer.text
    # Once their cards are one, the number is one member's.
    await till.pool(aino.id, olli.id)
    assert told(await till.present({"kind": "phone", "number": "+358401234567"}))["member"]["id"] == olli.id


async def test_look_ups_of_nobody_run_out_and_of_customers_hardly(till: Counter) -> None:
    aino, kiosk = await till.customer(), await till.shop.partner("Kiosk")
    await till.phone_number(aino.id, "+358401234567")
    known = {"kind": "phone", "number": "+358401234567"}
    for _ in range(5):
        told(await till.present(known))
    told(await till.present(known, key="one"))
    assert await till.shop.number("SELECT tries FROM attempt") == 6
    await till.present(known, key="one")  # an answer given before is no look-up
    assert await till.shop.number("SELECT tries FROM attempt") == 6
    for number in range(LOOKUPS // NOT_FOUND - 1):
        assert (await till.present({"kind": "phone", "number": f"+35850{number:07}"})).status_code == 404
    over = await till.present(known)
    assert refusal(over) == (429, "too_many_lookups")
    assert 0 < int(over.headers["retry-after"]) <= WINDOW.total_seconds()
    told(await till.present(known, till=kiosk))
    assert (await till.scanned(aino.code))["member"]["id"] == aino.id
    till.shop.later(seconds=WINDOW.total_seconds())
    told(await till.present(known))


async def test_the_address_of_the_points_on_the_chain_says_who_it_is(till: Counter) -> None:
    aino, address = await till.customer(), "0x" + "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
    async with till.shop.parts.db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO mirror_balance (member_id, address, mirrored) VALUES ($1, $2, 0)", aino.id, address
        )
    checked = to_checksum_address(address)
    for text in (address, checked, f" {checked} ", f"ethereum:{checked}@8453"):
        seen = told(await till.present({"kind": "wallet", "address": text}))
        assert (seen["member"]["id"], seen["way"], seen["reasons"]) == (aino.id, "wallet_address", ["wallet_address"])
    assert (await till.scanned(f"ethereum:{address}"))["way"] == "wallet_address"
    slip = checked[:-1] + checked[-1].swapcase()
    for text in (slip, "0x" + "00" * 20, "0x12", "aino"):
        assert refusal(await till.present({"kind": "wallet", "address": text})) == (404, "card_unknown"), text


async def test_a_pin_proves_what_a_static_code_does_not(till: Counter) -> None:
    aino = await till.customer()
    await till.shop.parts.pins.set(aino.id, "8264")
    seen = await till.scanned(aino.code, pin="8264")
    assert (seen["way"], seen["assurance"], seen["reasons"]) == ("pin", "proved_present", [])
    assert (await till.row("SELECT way, member_id FROM proof")) == {"way": "pin", "member_id": aino.id}
    wrong = await till.scanned(aino.code, pin="8265")
    assert (wrong["way"], wrong["assurance"]) == ("static_code", "identified")
    assert wrong["reasons"] == ["static_code", "pin_wrong"]


async def test_a_wrong_pin_spoils_a_live_code_and_does_not_say_that_there_is_none(till: Counter) -> None:
    aino = await till.customer()
    seen = await till.scanned(till.shows(aino.pass_id), pin="1358")
    assert (seen["assurance"], seen["reasons"]) == ("identified", ["pin_wrong"])
    assert await till.proofs() == 0


async def test_where_code_and_pin_both_prove_it_the_programme_says_which_counts(till: Counter) -> None:
    aino = await till.customer()
    await till.shop.parts.pins.set(aino.id, "8264")
    assert (await till.scanned(till.shows(aino.pass_id), pin="8264"))["way"] == "rotating_code"
    await till.programme(PIN_ONLY)
    till.shop.later(seconds=60)
    assert (await till.scanned(till.shows(aino.pass_id), pin="8264"))["way"] == "pin"


async def test_guesses_of_a_pin_run_out_however_the_card_is_shown(till: Counter) -> None:
    aino = await till.customer()
    await till.shop.parts.pins.set(aino.id, "8264")
    answers = [await till.present({"kind": "scan", "content": aino.code}, pin=f"{n:04}") for n in range(1, 6)]
    assert [told(answer)["assurance"] for answer in answers] == ["identified"] * 5
    assert refusal(await till.present({"kind": "typed", "code": aino.code}, pin="8264")) == (403, "pin_blocked")
    assert (await till.scanned(aino.code))["assurance"] == "identified"


async def test_an_answer_given_before_looks_at_no_pin(till: Counter) -> None:
    aino = await till.customer()
    await till.shop.parts.pins.set(aino.id, "8264")
    shown = {"kind": "scan", "content": aino.code}
    first = [told(await till.present(shown, key="one", pin="1111")) for _ in range(8)]
    assert {seen["id"] for seen in first} == {first[0]["id"]}
    assert (await till.scanned(aino.code, pin="8264"))["assurance"] == "proved_present"


async def test_what_is_kept_of_a_request_is_no_help_in_guessing_its_pin(till: Counter) -> None:
    aino = await till.customer()
    await till.shop.parts.pins.set(aino.id, "8264")
    await till.scanned(aino.code, pin="8264", key="one")
    guess = PresentationBody(ScanBody(aino.code), pin="8264")
    kept = await till.row("SELECT fingerprint FROM presentation")
    assert kept["fingerprint"] != fingerprint("present", guess)
