"""Screenshots, copies, second deliveries and crowds: a code and a tap prove at most once, a request has one answer."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from passes.live_code import live_code
from passes.live_uses import REMEMBERED
from passes.presentation import Shown
from passes.presentation_records import REMEMBERED as ANSWERS_REMEMBERED
from passes.presentation_shown import Scan, Typed
from tests.support.presenting import Counter, counter, refusal, told

REPLAYS = 1_000
HONEST = 1_000


@pytest.fixture
async def till(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def test_the_same_request_again_gets_the_same_answer_and_the_same_proof(till: Counter) -> None:
    aino = await till.customer()
    shown = {"kind": "scan", "content": till.shows(aino.pass_id)}
    first = await till.present(shown, key="one")
    till.shop.later(hours=1)
    again = await till.present(shown, key="one")
    assert told(again) == told(first)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await till.proofs() == 1


async def test_a_key_stands_for_one_request(till: Counter) -> None:
    aino = await till.customer()
    await till.scanned(aino.code, key="one")
    other = await till.present({"kind": "scan", "content": till.shows(aino.code)}, key="one")
    assert refusal(other) == (422, "idempotency_key_reused")
    with_pin = await till.present({"kind": "scan", "content": aino.code}, key="one", pin="1234")
    assert refusal(with_pin) == (422, "idempotency_key_reused")
    kiosk = await till.shop.partner("Kiosk")
    assert (await till.scanned(aino.code, key="one", till=kiosk))["member"]["id"] == aino.id


async def test_a_code_that_was_shown_before_identifies_only_here_and_elsewhere(till: Counter) -> None:
    aino, kiosk = await till.customer(), await till.shop.partner("Kiosk")
    code = till.shows(aino.pass_id)
    assert (await till.scanned(code))["assurance"] == "proved_present"
    for place in (till.shop.cafe, kiosk):
        again = await till.scanned(code, till=place)
        assert (again["member"]["id"], again["assurance"]) == (aino.id, "identified")
        assert again["reasons"] == ["shown_before", "show_again"]
    till.shop.later(seconds=30)
    assert (await till.scanned(till.shows(aino.pass_id)))["assurance"] == "proved_present"


@pytest.mark.parametrize(
    ("off_s", "reasons"),
    [
        (0, []), (20, []), (-20, []), (30, []), (-30, []), (60, ["clocks_differ", "show_again"]),
        (-60, ["clocks_differ", "show_again"]), (90, ["clocks_differ"]), (-90, ["clocks_differ"]),
        (-86_400, ["clocks_differ"]), (86_400, ["clocks_differ"]),
    ],
)  # fmt: skip
async def test_a_phone_whose_clock_is_far_off_identifies_only(till: Counter, off_s: int, reasons: list[str]) -> None:
    aino = await till.customer()
    seen = await till.scanned(till.shows(aino.pass_id, off_s))
    assert seen["member"]["id"] == aino.id
    assert seen["reasons"] == reasons
    assert (seen["proof_id"] is None) == bool(reasons)


async def test_a_code_of_the_future_that_was_shown_is_not_live_when_its_time_comes(till: Counter) -> None:
    aino, ahead = await till.customer(), REMEMBERED.total_seconds() * 2
    code = till.shows(aino.pass_id, ahead)
    assert (await till.scanned(code))["reasons"] == ["clocks_differ"]
    till.shop.later(seconds=ahead - 60)
    for _ in range(20):  # what is old is forgotten meanwhile
        await till.scanned(till.shows(aino.code))
    till.shop.later(seconds=60)
    assert (await till.scanned(code))["reasons"] == ["shown_before", "show_again"]


async def test_a_clock_that_is_set_back_lets_no_code_prove_twice(till: Counter) -> None:
    aino = await till.customer()
    code = till.shows(aino.pass_id)
    await till.scanned(code)
    till.shop.later(hours=20)
    for _ in range(9):  # what is old is forgotten meanwhile
        await till.scanned(till.shows(aino.pass_id))
    till.shop.later(hours=-20)
    assert (await till.scanned(code))["assurance"] == "identified"


async def test_of_many_at_once_with_one_code_one_gets_a_proof(till: Counter) -> None:
    aino = await till.customer()
    code = till.shows(aino.pass_id)
    answers = await asyncio.gather(*(till.scanned(code) for _ in range(12)))
    assert sorted(seen["assurance"] for seen in answers) == ["identified"] * 11 + ["proved_present"]
    assert await till.proofs() == 1


async def test_of_many_at_once_with_one_key_all_get_the_same_proof(till: Counter) -> None:
    aino = await till.customer()
    shown = {"kind": "scan", "content": till.shows(aino.pass_id)}
    answers = await asyncio.gather(*(till.present(shown, key="one") for _ in range(12)))
    seen = [told(answer) for answer in answers]
    assert {(one["id"], one["proof_id"], one["assurance"]) for one in seen} == {
        (seen[0]["id"], seen[0]["proof_id"], "proved_present")
    }
    assert await till.proofs() == 1


async def test_of_a_thousand_replays_of_screenshots_none_makes_a_proof(till: Counter) -> None:
    chance, parts = random.Random(20261122), till.shop.parts
    customers = [await till.customer() for _ in range(4)]
    partners = [till.shop.cafe.partner_id, (await till.shop.partner("Kiosk")).partner_id]
    proofs = replays = 0
    while replays < REPLAYS:
        customer = chance.choice(customers)
        text = till.shows(chance.choice([customer.pass_id, customer.code]), chance.uniform(-30, 30))
        one = await parts.presentations.take(_shown(partners[0], f"honest{replays}", text))
        proofs += one.proof_id is not None
        for start in range(0, 40, 8):
            till.shop.later(seconds=chance.choice([0, 0, 1, 29, 30]))
            copies = [_shown(chance.choice(partners), f"copy{replays + start + n}", text, chance) for n in range(8)]
            outcomes = await asyncio.gather(*map(parts.presentations.take, copies))
            assert {one.proof_id for one in outcomes} == {None}
        replays += 40
        till.shop.later(seconds=90)
    assert await till.proofs() == proofs == REPLAYS // 40


def _shown(partner_id: str, key: str, text: str, chance: random.Random | None = None) -> Shown:
    typed = chance is not None and chance.random() < 0.5
    return Shown(partner_id=partner_id, key=key, fingerprint=b"", what=Typed(text) if typed else Scan(text))


async def test_honest_codes_of_phones_twenty_seconds_off_prove(till: Counter) -> None:
    chance, parts = random.Random(6238), till.shop.parts
    customers = [await till.customer() for _ in range(10)]
    proved = 0
    for number in range(HONEST):
        drawn = till.shop.now + timedelta(seconds=chance.uniform(-20, 20))
        text = live_code(parts.keyring, customers[number % 10].pass_id, int(drawn.timestamp()))
        till.shop.later(seconds=chance.uniform(0, 8))  # until the till has scanned and sent it
        one = await parts.presentations.take(_shown(till.shop.cafe.partner_id, f"k{number}", text))
        proved += one.proof_id is not None
        till.shop.later(seconds=chance.uniform(5, 15))  # the next customer
    assert proved >= 0.999 * HONEST


async def test_what_is_over_is_forgotten(till: Counter) -> None:
    aino, parts = await till.customer(), till.shop.parts
    for _ in range(5):
        await till.scanned(till.shows(aino.pass_id))
        till.shop.later(seconds=30)
    till.shop.later(seconds=REMEMBERED.total_seconds())
    parts.clock.advance(ANSWERS_REMEMBERED + timedelta(seconds=1))
    for _ in range(8):
        await till.scanned(till.shows(aino.pass_id))
    assert await till.shop.number("SELECT count(*) FROM live_code_use") == 1
    assert await till.shop.number("SELECT count(*) FROM presentation") == 8
