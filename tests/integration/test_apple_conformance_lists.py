"""Lists and their tags, driven by phones over sockets: nobody misses a change, nobody is told of one in vain.

https://developer.apple.com/documentation/walletpasses/get-the-list-of-updatable-passes
"""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from kernel.database import Database
from passes.apple.registry import LISTED_AT_ONCE
from passes.sandbox.authority import PASS_TYPE
from passes.sandbox.iphone import Iphone
from tests.support.apple import AppleSide, apple_side
from tests.support.apple_cards import OTHER_PASS_TYPE


async def listed(side: AppleSide, phone: Iphone, tag: str | None, pass_type: str = PASS_TYPE) -> tuple[int, Any]:
    """The raw answer to a list call, with the tag as it is."""
    query = "" if tag is None else f"?passesUpdatedSince={tag}"
    status, headers, body = await side.call("GET", f"/devices/{phone.library_id}/registrations/{pass_type}{query}")
    if status == 200:
        assert headers["content-type"] == "application/json"
        return status, json.loads(body)
    assert body == b""
    return status, None


async def test_two_changes_in_one_second_both_reach_the_phone(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        for balance in (2, 3, 4, 5):
            await side.change(pass_id, balance=balance)
            await side.deliver()
            assert phone.shown().balance == balance
        assert len({update.shown.last_modified for update in side.updates[-4:]}) == 4
        assert side.phones.counts["complaints"] == 0


async def test_a_change_that_comes_between_list_and_fetch_is_not_lost(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        _, first = await listed(side, phone, None)
        await side.change(pass_id, balance=2)
        assert (await listed(side, phone, first["lastUpdated"]))[1]["serialNumbers"] == [pass_id]


async def test_only_what_changed_is_listed_and_all_that_changed(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue(balance=n) for n in range(6)]
        phone = await side.phone_with(*ids)
        await phone.refresh()
        for pass_id in (ids[4], ids[1], ids[3]):
            await side.change(pass_id, balance=90)
        before = side.phones.counts["fetch 200"]
        assert await phone.refresh() == 3
        assert side.phones.counts["fetch 200"] == before + 3
        assert [phone.shown(pass_id).balance for pass_id in ids] == [0, 90, 2, 90, 90, 5]
        assert await phone.refresh() == 0


async def test_phones_with_tags_never_find_that_a_listed_pass_is_unchanged(db: Database) -> None:
    """Fifty phones with three passes each, two hundred changes in disorder, and no complaint."""
    async with apple_side(db) as side:
        ids = [await side.issue(balance=0) for _ in range(30)]
        phones = [await side.phone_with(*(ids[(n + step) % 30] for step in (0, 7, 13))) for n in range(50)]
        await asyncio.gather(*(phone.refresh() for phone in phones))
        heard = len(side.phones.complaints)  # the first list has no tag: it names every pass
        for number in range(200):
            await side.change(ids[number * number % 30], balance=number + 1)
            if number % 20 == 0:
                await asyncio.gather(*(phone.refresh() for phone in phones[number % 3 :: 3]))
        await side.deliver()
        newest = {pass_id: (await _stored_balance(side, pass_id)) for pass_id in ids}
        for number, phone in enumerate(phones):
            for step in (0, 7, 13):
                pass_id = ids[(number + step) % 30]
                assert phone.shown(pass_id).balance == newest[pass_id]
        assert len(side.phones.complaints) == heard


async def _stored_balance(side: AppleSide, pass_id: str) -> int:
    async with side.db.read() as read:
        return int(
            await read.connection.fetchval(
                "SELECT (card #>> '{values,balance,number}')::int FROM wallet_pass WHERE id = $1", pass_id
            )
        )


async def test_a_tag_is_never_given_twice_and_rises(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        tags = []
        for balance in range(5):
            await side.change(pass_id, balance=balance)
            await phone.refresh()
            tags.append(phone.tag(pass_id) or "")
        numbers = [int(tag.removeprefix("1.")) for tag in tags]
        assert numbers == sorted(set(numbers))
        assert all(quote(tag, safe="") == tag for tag in tags), "a careless stack would change a tag"


@pytest.mark.parametrize(
    "tag",
    [
        "", "junk", "1.x", "1.", "1.-1", "1.+7", "1. 7", "1.7 ", "0x1.7", "1.99999999999999999999999",
        "1.999999999999999999", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00 00:00", "%00", "\u0661.\u0667",
        "7", "0.7", "2.7", "1767225600", "1767225600123", "null", "1.7&1.8",
    ],
)  # fmt: skip
async def test_a_tag_of_another_kind_or_time_brings_the_full_list_and_a_good_tag(db: Database, tag: str) -> None:
    """What an older version of the service gave out, what another vendor did, what was mangled: it heals the phone."""
    async with apple_side(db) as side:
        ids = [await side.issue(), await side.issue()]
        phone = await side.phone_with(*ids)
        for sent in {quote(tag, safe=""), quote(tag, safe="+:%")}:
            status, answer = await listed(side, phone, sent)
            assert status == 200
            assert sorted(answer["serialNumbers"]) == sorted(ids)
            assert (await listed(side, phone, answer["lastUpdated"]))[0] == 204


async def test_the_number_of_a_good_tag_under_another_version_says_nothing(db: Database) -> None:
    async with apple_side(db) as side:
        phone = await side.phone_with(await side.issue())
        _, answer = await listed(side, phone, None)
        number = answer["lastUpdated"].removeprefix("1.")
        assert (await listed(side, phone, f"1.{number}"))[0] == 204
        for tag in (number, f"0.{number}", f"2.{number}", f"11.{number}", f"v1.{number}", f"1.{number}.0"):
            assert (await listed(side, phone, tag))[0] == 200


async def test_a_plus_sign_in_a_tag_stays_one(db: Database) -> None:
    """1.+5 and "1. 5" must not become 1.5 in anyone's hands, nor a percent-encoded tag stay encoded."""
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        _, answer = await listed(side, phone, None)
        tag: str = answer["lastUpdated"]
        encoded = "".join(f"%{ord(letter):02x}" for letter in tag)
        assert (await listed(side, phone, encoded))[0] == 204
        for mangled in (tag.replace(".", "+"), tag + "+", "+" + tag, tag.replace(".", ".+"), quote(encoded)):
            assert (await listed(side, phone, mangled))[0] == 200


async def test_of_a_repeated_or_unknown_parameter_the_first_known_one_counts(db: Database) -> None:
    async with apple_side(db) as side:
        phone = await side.phone_with(await side.issue())
        _, answer = await listed(side, phone, None)
        tag = answer["lastUpdated"]
        assert (await listed(side, phone, f"{tag}&passesUpdatedSince=0"))[0] == 204
        assert (await listed(side, phone, f"0&passesUpdatedSince={tag}"))[0] == 200
        path = f"/devices/{phone.library_id}/registrations/{PASS_TYPE}?a=1&&=&passesUpdatedSince={tag}&b"
        assert (await side.call("GET", path))[0] == 204


async def test_a_database_that_was_restored_heals_phones_which_are_ahead_of_it(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        await side.change(pass_id, balance=2)
        await phone.refresh()
        async with db.unit() as unit:
            await unit.connection.execute("SELECT setval('pass_change', 1)")
            await unit.connection.execute("UPDATE wallet_pass SET change_seq = 1")
        assert await phone.refresh() == 1


async def test_passes_of_another_type_are_asked_for_by_themselves(db: Database) -> None:
    async with apple_side(db) as side:
        one, other = await side.issue(balance=1), await side.issue(balance=2, pass_type=OTHER_PASS_TYPE)
        phone = await side.phone_with(one, other)
        await phone.refresh()
        await side.change(other, balance=3)
        assert (await listed(side, phone, phone.tag(one)))[0] == 204
        assert (await listed(side, phone, None))[1]["serialNumbers"] == [one]
        assert (await listed(side, phone, phone.tag(other), OTHER_PASS_TYPE))[1]["serialNumbers"] == [other]
        await phone.refresh()
        assert (phone.shown(one).balance, phone.shown(other).balance) == (1, 3)


@pytest.mark.parametrize("pass_type", ["pass.unknown", "%00", "%ff", "pass%2Ftest", "x" * 4000, "."])
async def test_a_type_that_nobody_has_changed_nothing(db: Database, pass_type: str) -> None:
    async with apple_side(db) as side:
        phone = await side.phone_with(await side.issue())
        assert (await listed(side, phone, None, pass_type))[0] == 204


async def test_a_list_is_bounded_and_the_next_one_goes_on(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        surplus = 25
        async with db.unit() as unit:
            await unit.connection.execute(
                """
                WITH more AS (
                    INSERT INTO wallet_pass (id, member_id, brand_id, wallet, pass_type, card, change_seq,
                        last_modified, tap_code)
                    SELECT 'pass_' || n, 'mbr_' || n, 'ptn_1', 'apple', pass_type, card, nextval('pass_change'),
                        now(), 'tap_' || n
                    FROM wallet_pass, generate_series(1, $1) AS n RETURNING id
                )
                INSERT INTO apple_registration (library_id, pass_id) SELECT $2, id FROM more
                """,
                LISTED_AT_ONCE + surplus - 1,
                phone.library_id,
            )
        _, first = await listed(side, phone, None)
        _, second = await listed(side, phone, first["lastUpdated"])
        assert (len(first["serialNumbers"]), len(second["serialNumbers"])) == (LISTED_AT_ONCE, surplus)
        assert not set(first["serialNumbers"]) & set(second["serialNumbers"])
        assert (await listed(side, phone, second["lastUpdated"]))[0] == 204


async def test_lists_of_one_device_are_rationed_and_others_are_not_touched(db: Database) -> None:
    async with apple_side(db, lists_per_minute=5) as side:
        busy, calm = await side.phone_with(await side.issue()), await side.phone_with(await side.issue())
        statuses = [(await listed(side, busy, None))[0] for _ in range(20)]
        assert statuses[:5] == [200] * 5
        assert statuses.count(429) >= 10  # a minute may turn while this runs
        assert (await listed(side, calm, None))[0] == 200


async def test_a_herd_after_a_reboot_is_answered_in_full(db: Database) -> None:
    """Every phone asks at once, with its tag or without; those that were asleep get what they missed."""
    async with apple_side(db) as side:
        ids = [await side.issue(balance=1) for _ in range(40)]
        phones = [await side.phone_with(pass_id) for pass_id in ids for _ in range(5)]
        await asyncio.gather(*(phone.refresh() for phone in phones))
        for pass_id in ids[::2]:
            await side.change(pass_id, balance=2)
        heard = len(side.phones.complaints)
        told = await asyncio.gather(*(phone.refresh() for phone in phones))
        assert told == ([1] * 5 + [0] * 5) * 20
        assert {phone.shown().balance for phone in phones[:5]} == {2}
        assert await asyncio.gather(*(phone.refresh() for phone in phones)) == [0] * 200
        assert len(side.phones.complaints) == heard
