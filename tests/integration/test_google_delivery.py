"""From a card in the database to the phone that shows it, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from kernel import outbox
from kernel.database import Database
from kernel.errors import Unavailable
from passes.google.document import ClassPictures, class_body
from passes.google.push import GooglePassUnknown
from passes.google.seal import SaveLinks
from passes.look import Look
from passes.sandbox.android import SaveRefused
from passes.sandbox.wallet_api import WalletApiSandbox
from tests.support.google import (
    CLASS,
    ORIGIN,
    PASS,
    GoogleSide,
    a_card,
    a_look,
    balance_at,
    follow_all,
    google_side,
    keep_card,
    waiting,
)


@pytest.fixture
async def google(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GoogleSide]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    async with google_side(db, folder) as side:
        yield side


async def test_a_saved_card_shows_the_balance_and_follows_it(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=120))
    phone = google.phones.phone()
    card = await phone.save(await google.service.save_link(PASS))
    assert (card.balance, card.holder, card.tier, card.code) == (120, "Aino", "Silver", "7KXM2P9QWERT")
    assert (card.brand, card.title, card.background) == ("Café Aurora", "Aurora points", "#204060")
    assert card.logo_url == f"{ORIGIN}/designs/dsn_1/logo.png"

    await keep_card(db, PASS, a_card(balance=170, tier="Gold", next_reward=""))
    await follow_all(db, google)
    card = await phone.until(lambda card: card.balance == 170)
    assert (card.tier, card.next_reward) == ("Gold", "")


async def test_a_phone_hears_each_update_with_its_time(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    phone = google.phones.phone()
    heard: list[tuple[int, float]] = []
    phone.on_update = lambda _, card, at_s: heard.append((card.balance, at_s))
    await phone.save(await google.service.save_link(PASS))
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    await phone.until(lambda card: card.balance == 2)
    assert [balance for balance, _ in heard] == [1, 2]
    assert heard[0][1] <= heard[1][1]


async def test_an_object_exists_before_its_link_is_handed_out(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    await google.service.save_link(PASS)
    assert google.sandbox.resources.get("loyaltyObject", google.object_id(PASS))["state"] == "ACTIVE"
    before = google.sandbox.requests.total()
    await google.service.save_link(PASS)
    assert google.sandbox.requests.total() == before


async def test_no_link_is_handed_out_while_google_is_away(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    await google.sandbox.stop()
    with pytest.raises(Unavailable):
        await google.service.save_link(PASS)


async def test_an_unknown_card_has_no_link(google: GoogleSide) -> None:
    with pytest.raises(GooglePassUnknown):
        await google.service.save_link("pass_nobody")


async def test_a_link_belongs_to_the_first_account_that_saves_it(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    link = await google.service.save_link(PASS)
    await google.phones.phone("aino@example").save(link)
    tablet = await google.phones.phone("aino@example").save(link)
    assert tablet.holder == "Aino"
    with pytest.raises(SaveRefused):
        await google.phones.phone("thief@example").save(link)


async def test_a_link_signed_by_a_stranger_is_refused(
    db: Database, google: GoogleSide, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await keep_card(db, PASS, a_card())
    link = await google.service.save_link(PASS)
    with pytest.raises(SaveRefused):
        await google.phones.phone().save(link[:-8] + "AAAAAAAA")


async def test_the_note_inserts_class_and_object_then_patches(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2
    assert google.sandbox.requests == {
        "POST token": 1,
        "POST loyaltyClass": 1,
        "POST loyaltyObject": 1,
        "PATCH loyaltyObject": 1,
    }
    assert await waiting(db) == []


async def test_an_unchanged_card_is_not_sent_again(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    await follow_all(db, google)
    before = google.sandbox.requests.total()
    await keep_card(db, PASS, a_card())
    await follow_all(db, google)
    assert google.sandbox.requests.total() == before
    assert await waiting(db) == []


async def test_many_cards_of_a_brand_share_one_class(db: Database, google: GoogleSide) -> None:
    for number in range(30):
        await keep_card(db, f"pass_{number}", a_card(balance=number, code=f"C{number}"))
    await follow_all(db, google)
    assert google.sandbox.requests["POST loyaltyClass"] == 1
    assert len(google.sandbox.resources.kept["loyaltyObject"]) == 30


async def test_a_new_look_reaches_the_phone_through_the_class_once(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    google.looks.now = a_look(background="#aa0000")
    await keep_card(db, PASS, a_card(design="dsn_2"))
    await keep_card(db, "pass_other", a_card(design="dsn_2", code="OTHER"))
    await follow_all(db, google)
    assert (await phone.until(lambda card: card.background == "#aa0000")).balance == 120
    assert google.sandbox.requests["PATCH loyaltyClass"] == 1


async def test_a_card_in_the_old_design_does_not_bring_back_the_old_look(db: Database, google: GoogleSide) -> None:
    await keep_card(db, "pass_late", a_card(code="LATE", design="dsn_1"))
    google.looks.now = a_look(background="#aa0000")
    await keep_card(db, PASS, a_card(design="dsn_2"))
    await google.push.follow([PASS])
    await google.push.follow(["pass_late"])
    assert google.sandbox.resources.get("loyaltyClass", CLASS)["hexBackgroundColor"] == "#aa0000"


async def test_a_look_published_while_the_older_one_is_being_sent_wins(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    first, later = google.looks.now, a_look(background="#00aa00")
    asked = iter([first])

    async def whole(partner_id: str) -> Look:
        return next(asked, later)

    google.looks.whole = whole  # type: ignore[method-assign]
    await google.push.follow([PASS])
    assert google.sandbox.resources.get("loyaltyClass", CLASS)["hexBackgroundColor"] == "#00aa00"


async def test_a_voided_card_becomes_inactive_on_the_phone(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    await keep_card(db, PASS, a_card(), voided=True)
    await follow_all(db, google)
    assert not (await phone.until(lambda card: not card.active)).active


async def test_a_balance_may_grow_beyond_32_bits_and_shrink_again(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=5))
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    for points in (3_000_000_000, 6):
        await keep_card(db, PASS, a_card(balance=points))
        await follow_all(db, google)
        assert (await phone.until(lambda card, points=points: card.balance == points)).balance_text == str(points)  # type: ignore[misc]


async def test_cards_that_are_gone_or_of_another_wallet_are_done(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET wallet = 'apple'")
        await outbox.touch(unit.connection, "google.push", ["pass_gone"])
    await follow_all(db, google)
    assert await waiting(db) == []
    assert google.sandbox.requests.total() == 0


async def test_a_fleet_that_lost_its_connection_hears_what_it_missed(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    await google.sandbox.phones.close()
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert (await asyncio.wait_for(phone.until(lambda card: card.balance == 2), 20)).balance == 2


async def test_a_link_of_an_object_that_is_not_there_saves_nothing(google: GoogleSide) -> None:
    links = SaveLinks(google.identity, [ORIGIN], google.sandbox.save_url)
    with pytest.raises(SaveRefused):
        await google.phones.phone().save(links.link(google.object_id("pass_none"), CLASS))


async def test_a_browser_that_opens_a_sandbox_link_learns_what_it_is(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    link = await google.service.save_link(PASS)
    async with aiohttp.ClientSession() as http, http.get(link) as response:
        assert "sandbox" in await response.text()


async def test_a_card_that_moves_to_another_brand_gets_its_look(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    google.looks.others["ptn_books"] = a_look(partner_id="ptn_books", brand_name="Kirja", background="#003300")
    await keep_card(db, PASS, a_card(brand_id="ptn_books"))
    await follow_all(db, google)
    card = await phone.until(lambda card: card.brand == "Kirja")
    assert (card.background, card.balance) == ("#003300", 120)


async def test_a_sandbox_with_a_state_file_forgets_nothing(tmp_path: Path) -> None:
    first = WalletApiSandbox(state=tmp_path / "google.sqlite")
    body = class_body(a_look(), CLASS, ClassPictures(f"{ORIGIN}/logo.png"))
    first.resources.insert("loyaltyClass", body)
    again = WalletApiSandbox(state=tmp_path / "google.sqlite")
    assert again.resources.get("loyaltyClass", CLASS) == body | {"reviewStatus": "APPROVED"}
