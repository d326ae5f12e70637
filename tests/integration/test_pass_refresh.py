"""Passes show what the ledger and the designs say, tell each change once, and go on by the right lane."""

from datetime import timedelta

import pytest

from kernel.database import Database
from kernel.outbox import BULK, LIVE, touch
from network.locations import change_location
from passes.audit import PASSES
from passes.card import said
from passes.issue import issue
from passes.look import Layout
from passes.refresh import SWEEP_KIND
from points.answers import UnknownMember
from points.auditing.check import run
from points.commands import Capture
from points.voucher_records import UnknownVoucher
from tests.support.cards import BISTRO, Town, town

VOUCHERS = f"""{BISTRO}
  - {{id: cake, kind: product, cost: 10, voucher: true, valid: P30D, names: {{en: Cake, fi: Kakku, hu: Torta}}}}
"""
HOUSEHOLDS = f"""{BISTRO}
lots:
  expiry: {{kind: rolling, length: P1M}}
  notices: [P7D]
households: {{max_members: 4}}
"""


async def in_order(the: Town) -> None:
    async with the.db.read() as read:
        assert await run(read.connection, PASSES, 5) == []


async def test_a_purchase_is_on_the_card_and_told_in_one_sentence(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    assert await the.news(pass_id) == "You have 0 points"
    before = await the.row(pass_id)
    await the.buys(aino, 12)
    await the.looks_again()
    card, after = await the.card(pass_id), await the.row(pass_id)
    assert card.balance == 12
    assert said(card.values["next_reward"].text, "en") == "13 points to Free coffee"
    assert said(card.values["news"].text, "en") == "You earned 12 points, now 12"
    assert said(card.values["news"].text, "fi") == "Sinulle kertyi 12 pistettä, nyt 12"
    assert said(card.values["news"].text, "hu") == "12 pont jóváírva, most 12"
    assert after["change_seq"] > before["change_seq"]
    assert after["last_modified"] > before["last_modified"]
    assert len(after["told"]) == 1
    assert await the.notes() == [("apple.push", pass_id, LIVE)]
    await in_order(the)


async def test_the_card_says_what_it_is_made_of(db: Database) -> None:
    the = await town(db)
    aino = await the.member(language="fi")
    pass_id = await the.wallet(aino)
    card, row = await the.card(pass_id), await the.row(pass_id)
    assert (card.language, card.brand_id) == ("fi", the.partner_id)
    assert said(card.description, "fi") == "Bistro kanta-asiakaskortti"
    assert set(card.values) == {"balance", "holder", "next_reward", "news"}
    assert len(card.links) == 1, "the wallets add the links of the look"
    assert card.links[0].url.startswith("https://points.example.org/c/mbr_")
    assert said(card.links[0].label, "fi") == "Pisteesi"
    assert (row["brand_id"], row["kind"], row["subject_id"]) == (the.partner_id, "card", "")
    assert len(row["tap_code"]) == 20
    async with db.read() as read:
        assert card.code == await read.connection.fetchval("SELECT code FROM member")
        shown, look = await the.renderer.preview(read.connection, aino)
    assert (shown, look.id) == (card, card.design)


async def test_each_wallet_has_its_own_push_and_its_own_budget(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    apple, google = await the.wallet(aino), await the.wallet(aino, "google")
    for _ in range(4):
        await the.buys(aino, 1)
        await the.looks_again()
    assert await the.notes() == [("apple.push", apple, LIVE), ("google.push", google, LIVE)]
    assert await the.news(apple) == "You earned 1 point, now 4"
    # Google shows three a day, of which one is kept for what matters.
    assert await the.news(google) == "You earned 1 point, now 2"
    assert (await the.card(google)).balance == 4
    await the.spends(aino, 3)
    await the.looks_again()
    assert await the.news(google) == "You used 3 points, now 1"
    await the.spends(aino, 1)
    await the.looks_again()
    assert await the.news(google) == "You used 3 points, now 1"
    assert (await the.card(google)).balance == 0
    assert await the.news(apple) == "You used 1 point, now 0"


async def test_several_changes_before_a_look_are_told_together(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 7)
    await the.buys(aino, 8)
    await the.looks_again()
    assert await the.news(pass_id) == "You earned 15 points, now 15"
    entry = await the.buys(aino, 5)
    await the.returns(entry)
    await the.forget_push_notes()
    await the.looks_again()
    assert await the.news(pass_id) == "You earned 15 points, now 15"
    assert await the.notes() == []


async def test_what_showed_nowhere_is_not_told_with_the_next_change(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.returns(await the.buys(aino, 5))
    await the.looks_again()
    seen = await the.row(pass_id)
    assert seen["ledger_version"] > 0
    await the.buys(aino, 9)
    await the.looks_again()
    assert await the.news(pass_id) == "You earned 9 points, now 9"


async def test_a_note_without_a_change_changes_nothing(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 12)
    await the.looks_again()
    before = await the.row(pass_id)
    for _ in range(2):
        assert await the.refresh.follow([aino]) == {}
        assert await the.sweep.follow([pass_id]) == {}
    assert await the.row(pass_id) == before
    assert await the.refresh.follow(["mbr_unknown"]) == {}
    assert await the.sweep.follow(["pass_unknown"]) == {}


async def test_a_reward_that_the_points_suffice_for_is_told(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 30)
    await the.looks_again()
    assert await the.news(pass_id) == "Your reward is ready: Free coffee"
    claim = await the.claims(aino, "coffee")
    await the.looks_again()
    assert await the.news(pass_id) == "25 points set aside, now 5"
    await the.do(Capture, claim_id=claim.id)
    await the.looks_again()
    assert await the.news(pass_id) == "25 points set aside, now 5"


async def test_points_that_will_end_are_told_before(db: Database) -> None:
    the = await town(db, HOUSEHOLDS)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.shows(layout=Layout(back=("expiring",)))
    await the.buys(aino, 12)
    await the.looks_again()
    assert said((await the.card(pass_id)).values["expiring"].text, "en") == "12 points on 1 July"
    the.clock.advance(timedelta(days=24))
    await the.matures(aino)
    await the.looks_again()
    assert await the.news(pass_id) == "12 points expire on 1 July"
    assert await the.news(pass_id, "hu") == "12 pont július 1-jén lejár"
    the.clock.advance(timedelta(days=10))
    await the.matures(aino)
    await the.looks_again()
    assert await the.news(pass_id) == "12 points expired, now 0"
    assert "expiring" not in (await the.card(pass_id)).values


async def test_a_design_changes_cards_silently_and_by_the_slow_lane(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    first, second = await the.wallet(aino), await the.wallet(eino, "google")
    await the.buys(aino, 12)
    await the.looks_again()
    await the.forget_push_notes()
    layout = Layout(header=("balance",), secondary=(), auxiliary=(), back=("member_code",))
    await the.shows(layout=layout, labels={"balance": {"en": "Beans"}})
    await the.looks_again()
    card = await the.card(first)
    assert set(card.values) == {"balance", "member_code", "news"}
    assert card.values["balance"].label == {"en": "Beans"}
    assert await the.news(first) == "You earned 12 points, now 12"
    assert len((await the.row(first))["told"]) == 1
    assert await the.notes() == [("apple.push", first, BULK), ("google.push", second, BULK)]
    await in_order(the)


async def test_points_that_moved_meanwhile_are_told_by_the_fast_lane(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    first, second = await the.wallet(aino), await the.wallet(eino)
    await the.shows(layout=Layout(header=("balance",)))
    await the.buys(aino, 12)
    await the.sweep.follow([first, second])
    assert await the.news(first) == "You earned 12 points, now 12"
    assert await the.notes("apple.push") == [("apple.push", first, LIVE), ("apple.push", second, BULK)]


async def test_a_card_of_before_there_were_news_gets_its_sentence_at_the_first_look(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 12)
    await the.looks_again()
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET card = card #- '{values,news}', ledger_version = 0")
        await touch(unit.connection, SWEEP_KIND, [pass_id], BULK)
    await the.looks_again()
    assert await the.news(pass_id) == "You have 12 points"
    assert len((await the.row(pass_id))["told"]) == 1


async def test_another_account_is_told_by_its_balance_and_then_by_what_happens_there(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    pass_id = await the.wallet(aino)
    for _ in range(6):
        await the.buys(aino, 1)
    await the.buys(eino, 20)
    await the.looks_again()
    before = await the.row(pass_id)
    await the.merges(aino, eino)
    await the.looks_again()
    assert (await the.card(pass_id)).balance == 26
    after = await the.row(pass_id)
    assert after["ledger_version"] > before["ledger_version"]
    await the.buys(aino, 3)
    await the.looks_again()
    assert await the.news(pass_id) == "You earned 3 points, now 29"


async def test_a_pass_needs_a_member_and_a_coupon_a_voucher(db: Database) -> None:
    the = await town(db)
    with pytest.raises(UnknownMember):
        await the.wallet("mbr_unknown")
    with pytest.raises(UnknownVoucher):
        await issue(db, the.renderer, await the.member(), "apple", kind="coupon", subject_id="vch_unknown")


async def test_a_voucher_is_a_coupon_that_is_void_when_it_is_used(db: Database) -> None:
    the = await town(db, VOUCHERS)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.shows(layout=Layout(back=("vouchers", "rewards_ready")))
    await the.buys(aino, 20)
    await the.looks_again()
    assert await the.news(pass_id) == "Your reward is ready: Cake"
    await the.claims(aino, "cake")
    await the.looks_again()
    # The same words would not be shown again.
    assert await the.news(pass_id) == "Your reward is ready: Cake (10 points)"
    assert (await the.card(pass_id)).values["vouchers"].number == 1
    async with db.read() as read:
        voucher = await read.connection.fetchval("SELECT id FROM voucher")
        code = await read.connection.fetchval("SELECT code FROM voucher")
    coupon = await the.wallet(aino, kind="coupon", subject_id=voucher)
    assert await the.wallet(aino, kind="coupon", subject_id=voucher) == coupon
    card = await the.card(coupon)
    assert (card.code, (await the.row(coupon))["voided"]) == (code, False)
    assert await the.refresh.follow([aino]) == {}
    assert await the.card(coupon) == card
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE voucher SET state = 'used', uses_left = 0, used = true")
        await touch(unit.connection, "pass", [aino])
    await the.looks_again()
    assert (await the.row(coupon))["voided"]
    assert await the.news(coupon) == "Cake: used"
    assert (await the.card(pass_id)).values["vouchers"].number == 0
    await in_order(the)


async def test_a_coupon_is_void_for_whom_the_account_is_another_s(db: Database) -> None:
    the = await town(db, VOUCHERS)
    aino, eino = await the.member(), await the.member("Eino")
    await the.buys(aino, 20)
    await the.claims(aino, "cake")
    async with db.read() as read:
        voucher = await read.connection.fetchval("SELECT id FROM voucher")
    assert (await the.row(await the.wallet(eino, kind="coupon", subject_id=voucher)))["voided"]


async def test_a_card_comes_to_the_lock_screen_where_the_member_was(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    far = await the.partner("Kahvila")
    home = await the.place("Bistro Harbour", 60.16, 24.95)
    await the.place("North", 66.5, 25.7, partner_id=far)
    for number in range(10):
        await the.place(f"South {number}", 60.0 + number / 100, 24.9, partner_id=far)
    pass_id = await the.wallet(aino)
    assert [place.text["en"] for place in (await the.card(pass_id)).places] == ["Bistro Harbour: show your card"]
    await the.buys(aino, 3, location_id=home)
    await the.looks_again()
    places = (await the.card(pass_id)).places
    assert len(places) == 10
    assert "Kahvila, North: show your card" not in {place.text["en"] for place in places}
    assert places[0].text["fi"] == "Bistro Harbour: näytä korttisi"
    assert places[0].text["hu"] == "Bistro Harbour: mutasd a kártyád"
    async with db.unit() as unit:
        await change_location(unit, the.partner_id, home, "Bistro Harbour", "Europe/Helsinki")
    await the.looks_again()
    assert len((await the.card(pass_id)).places) == 10


async def test_a_card_stays_as_it_is_when_the_member_goes_from_one_of_ten_shops_to_another(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    shops = [await the.place(f"Shop {number}", 60.0 + number, 24.9) for number in range(10)]
    pass_id = await the.wallet(aino)
    seen = []
    for shop in (shops[0], shops[9], shops[4]):
        await the.buys(aino, 1, location_id=shop)
        await the.looks_again()
        seen.append((await the.card(pass_id)).places)
    assert len(seen[0]) == 10
    assert seen[0] == seen[1] == seen[2]


async def test_the_state_that_a_pass_shows_never_goes_back(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    far = 10**12  # as after a time with an account in which more was written
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET ledger_version = $1", far)
    await the.buys(aino, 5)
    await the.looks_again()
    assert (await the.row(pass_id))["ledger_version"] == far
    assert (await the.card(pass_id)).balance == 5
    assert await the.news(pass_id) == "Your balance is now 5 points"


async def test_who_brings_no_points_to_another_account_is_shown_what_is_there(db: Database) -> None:
    the = await town(db)
    aino, eino = await the.member(), await the.member("Eino")
    pass_id = await the.wallet(aino)
    await the.buys(eino, 20)
    await the.looks_again()
    await the.merges(aino, eino)
    await the.looks_again()
    assert (await the.card(pass_id)).balance == 20
    assert await the.news(pass_id) == "Your balance is now 20 points"
    await in_order(the)
