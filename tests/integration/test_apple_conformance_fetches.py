"""Fetching a pass, driven by phones over sockets: versions, dates, HEAD, languages, types.

https://developer.apple.com/documentation/walletpasses/send-an-updated-pass
"""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from kernel.database import Database
from passes.apple.http_date import http_date
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import AppleSide, apple_side, token_of
from tests.support.apple_cards import OTHER_PASS_TYPE


async def fetch(
    side: AppleSide, pass_id: str, since: str | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    headers = {} if since is None else {"if-modified-since": since}
    path = f"/passes/{PASS_TYPE}/{pass_id}"
    status, told, body = await side.call(method, path, token=token_of(pass_id), headers=headers)
    return status, dict(told), body


async def test_a_phone_shows_a_change_in_its_own_language(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=120)
        phones = [await side.phone_with(pass_id, language=language) for language in ("en", "fi", "de")]
        news = {"en": "You earned 12 points, now 132", "fi": "Sait 12 pistettä, nyt 132", "hu": "12 pontot kaptál"}
        await side.change(pass_id, balance=132, news=news)
        await side.deliver()
        english, finnish, german = (phone.shown() for phone in phones)
        assert {one.balance for one in (english, finnish, german)} == {132}
        assert (english.labels["balance"], finnish.labels["balance"]) == ("Points", "Pisteet")
        assert (english.news, finnish.news, german.news) == (news["en"], news["fi"], news["en"])
        notices = {update.library_id: update.notice for update in side.updates}
        assert [notices[phone.library_id] for phone in phones] == [news["en"], news["fi"], news["en"]]


async def test_a_change_without_news_is_silent(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=120, news="Welcome")
        phone = await side.phone_with(pass_id)
        await side.change(pass_id, balance=120, tier="Platinum", news="Welcome")
        await side.deliver()
        assert phone.shown().tier == "Platinum"
        assert side.updates[-1].notice is None


async def test_the_same_version_is_the_same_file_and_then_304(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        status, headers, body = await fetch(side, pass_id)
        assert (status, headers["content-type"]) == (200, "application/vnd.apple.pkpass")
        assert (await fetch(side, pass_id))[2] == body
        status, again, nothing = await fetch(side, pass_id, headers["last-modified"])
        assert (status, nothing, again["last-modified"]) == (304, b"", headers["last-modified"])


async def test_last_modified_is_a_date_of_http_and_rises_with_each_change(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=0)
        dates = []
        for balance in range(1, 5):
            dates.append((await fetch(side, pass_id))[1]["last-modified"])
            await side.change(pass_id, balance=balance)
            assert (await fetch(side, pass_id, dates[-1]))[0] == 200
        moments = [parsedate_to_datetime(date) for date in dates]
        assert moments == sorted(set(moments))
        assert [http_date(moment) for moment in moments] == dates


async def test_a_date_covers_the_version_it_was_given_with_and_no_later_one(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        held = parsedate_to_datetime((await fetch(side, pass_id))[1]["last-modified"])
        second = timedelta(seconds=1)
        for moment, status in ((held - second, 200), (held, 304), (held + second, 304)):
            assert (await fetch(side, pass_id, http_date(moment)))[0] == status
        await side.change(pass_id, balance=1)
        assert (await fetch(side, pass_id, http_date(held)))[0] == 200


async def test_fractions_of_a_second_in_the_store_do_not_bring_a_pass_again(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET last_modified = last_modified + interval '0.7 s'")
        date = (await fetch(side, pass_id))[1]["last-modified"]
        assert (await fetch(side, pass_id, date))[0] == 304
        obsolete = parsedate_to_datetime(date).strftime("%A, %d-%b-%y %H:%M:%S GMT")
        assert (await fetch(side, pass_id, obsolete))[0] == 304


@pytest.mark.parametrize(
    "date",
    [
        "junk", "0", "9999999999", "Mon, 99 Foo 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "'; --", "null",
        "2099-01-01 00:00:00", "2099-01-01T00:00:00Z", "Thu, 01 Jan 2099 00:00:00 +0000", "Thu, 01 Jan 2099 00:00:00",
        "Thu, 01 Jan 2099 00:00:00 PST", "\xff\xfe", "x" * 4000,
    ],
)  # fmt: skip
async def test_a_date_that_is_none_or_old_brings_the_pass(db: Database, date: str) -> None:
    async with apple_side(db) as side:
        assert (await fetch(side, await side.issue(), date))[0] == 200


async def test_two_dates_say_nothing_and_bring_the_pass(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        date = (await fetch(side, pass_id))[1]["last-modified"]
        twice = f"{date}\r\nif-modified-since: {date}"
        assert (await fetch(side, pass_id, twice))[0] == 200


async def test_head_says_what_get_would_without_the_body(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        status, headers, body = await fetch(side, pass_id)
        status_head, headers_head, nothing = await fetch(side, pass_id, method="HEAD")
        assert (status_head, nothing) == (status, b"")
        assert headers_head["content-length"] == str(len(body))
        for name in ("content-type", "last-modified", "cache-control"):
            assert headers_head[name] == headers[name]
        assert (await fetch(side, pass_id, headers["last-modified"], "HEAD"))[0] == 304
        assert (await side.call("HEAD", f"/passes/{PASS_TYPE}/{pass_id}", token="0" * 40))[0] == 401


async def test_a_voided_pass_is_still_served(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET voided = true")
        await side.change(pass_id)
        await side.deliver()
        assert phone.shown().voided


async def test_each_type_is_signed_by_its_own_certificate(db: Database) -> None:
    async with apple_side(db) as side:
        one, other = await side.issue(), await side.issue(pass_type=OTHER_PASS_TYPE)
        phone = await side.phone_with(one, other)  # it refuses a file that another certificate signed
        assert phone.reread(one).serial == one
        assert phone.reread(other).serial == other
        await side.change(other, balance=9)
        await side.deliver()
        assert phone.shown(other).balance == 9


async def test_a_pulled_pass_is_fetched_at_once_and_without_a_complaint(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        await phone.pull(pass_id)
        await phone.pull(pass_id)
        await side.change(pass_id, balance=2)
        await phone.pull(pass_id)
        assert phone.shown().balance == 2
        assert (side.phones.counts["fetch 200"], side.phones.counts["fetch 304"]) == (2, 1)
        assert side.phones.counts["complaints"] == 0


async def test_what_was_pushed_in_bulk_counts_as_fetched_when_the_phone_came(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue() for _ in range(4)]
        async with db.unit() as unit:
            await unit.connection.execute("INSERT INTO apple_wave (pass_id) SELECT id FROM wallet_pass")
        date = (await fetch(side, ids[0]))[1]["last-modified"]
        assert (await fetch(side, ids[1], date))[0] in (200, 304)
        assert (await fetch(side, ids[2], method="HEAD"))[0] == 200
        await side.call("GET", f"/passes/{PASS_TYPE}/{ids[3]}", token="0" * 40)
        await side.service.close()  # writes what waits
        async with db.read() as read:
            left = await read.connection.fetch("SELECT pass_id FROM apple_wave ORDER BY pass_id")
        assert [row["pass_id"] for row in left] == sorted(ids[2:])
