"""The passes web service as phones meet it, over a real socket: what is prescribed, and what went wrong elsewhere."""

import asyncio
import json
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest

from kernel.database import Database
from kernel.ids import new_id
from passes.apple.registry import REGISTRATIONS_PER_PASS
from passes.apple.service import UnknownPass
from passes.sandbox.apple_verify import Verifier
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import AppleSide, apple_side, authority, token_of

DEVICE = "a1b2c3d4"
PUSH = json.dumps({"pushToken": "ab" * 32}).encode()


def registration(pass_id: str, device: str = DEVICE) -> str:
    return f"/devices/{device}/registrations/{PASS_TYPE}/{pass_id}"


async def register(side: AppleSide, pass_id: str, device: str = DEVICE, body: bytes = PUSH) -> int:
    status, _, _ = await side.call("POST", registration(pass_id, device), token=token_of(pass_id), data=body)
    return status


async def updated(side: AppleSide, since: str | None = None, device: str = DEVICE) -> tuple[int, Any]:
    query = "" if since is None else f"?passesUpdatedSince={since}"
    status, _, body = await side.call("GET", f"/devices/{device}/registrations/{PASS_TYPE}{query}")
    return status, json.loads(body) if body else None


async def fetch(
    side: AppleSide, pass_id: str, since: str | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    headers = {"if-modified-since": since} if since else {}
    return await side.call(method, f"/passes/{PASS_TYPE}/{pass_id}", token=token_of(pass_id), headers=headers)


async def test_registering_is_201_the_first_time_and_200_with_the_new_push_token_after_it(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        assert await register(side, pass_id) == 201
        assert await register(side, pass_id, body=b'{"pushToken": "%b"}' % (b"cd" * 32)) == 200
        async with db.read() as read:
            assert await read.connection.fetchval("SELECT push_token FROM apple_device") == "cd" * 32


async def test_a_wrong_token_an_unknown_pass_and_another_type_get_the_same_answer(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, stranger = await side.issue(), new_id("pass")
        right = token_of(pass_id)
        tries = [
            (pass_id, PASS_TYPE, "0" * 40),
            (pass_id, PASS_TYPE, None),
            (pass_id, "pass.other", right),
            (stranger, PASS_TYPE, token_of(stranger)),
            ("%00", PASS_TYPE, right),
            ("x" * 3000, PASS_TYPE, right),
        ]
        answers = set()
        for serial, pass_type, token in tries:
            for method, path in (
                ("GET", f"/passes/{pass_type}/{serial}"),
                ("POST", f"/devices/{DEVICE}/registrations/{pass_type}/{serial}"),
                ("DELETE", f"/devices/{DEVICE}/registrations/{pass_type}/{serial}"),
            ):
                status, headers, body = await side.call(method, path, token=token, data=PUSH)
                answers.add((status, headers["www-authenticate"], headers["content-length"], body))
        assert answers == {(401, "ApplePass", "0", b"")}


@pytest.mark.parametrize("scheme", ["Bearer", "ApplePass:", "", "ApplePassx"])
async def test_another_scheme_is_not_let_in(db: Database, scheme: str) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        headers = {"authorization": f"{scheme} {token_of(pass_id)}"}
        status, _, _ = await side.call("GET", f"/passes/{PASS_TYPE}/{pass_id}", headers=headers)
        assert status == 401


async def test_a_phone_hears_of_all_that_changed_since_its_tag_and_nothing_else(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue(balance=n) for n in range(3)]
        for pass_id in ids:
            await register(side, pass_id)
        status, first = await updated(side)
        assert status == 200
        assert sorted(first["serialNumbers"]) == sorted(ids)
        assert (await updated(side, quote(first["lastUpdated"])))[0] == 204
        await side.change(ids[0], balance=7)
        await side.change(ids[2], balance=8)
        _, second = await updated(side, quote(first["lastUpdated"]))
        assert second["serialNumbers"] == [ids[0], ids[2]]
        assert (await updated(side, quote(second["lastUpdated"])))[0] == 204


@pytest.mark.parametrize(
    "tag", ["", "junk", "1.x", "2.1", "1.-1", "1.99999999999999999999999", "2026-01-01T00:00:00+00:00", "%00"]
)
async def test_a_tag_that_we_never_gave_out_brings_the_full_list(db: Database, tag: str) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        await register(side, pass_id)
        for sent in (tag, quote(tag, safe="%")):
            status, answer = await updated(side, sent)
            assert status == 200
            assert answer["serialNumbers"] == [pass_id]


async def test_a_tag_has_no_character_that_a_careless_stack_would_change(db: Database) -> None:
    async with apple_side(db) as side:
        await register(side, await side.issue())
        _, answer = await updated(side)
        assert quote(answer["lastUpdated"], safe="") == answer["lastUpdated"]


async def test_an_unknown_device_or_type_has_nothing_to_fetch(db: Database) -> None:
    async with apple_side(db) as side:
        await register(side, await side.issue())
        assert (await updated(side, device="ffff"))[0] == 204
        assert (await updated(side, device="%00"))[0] == 204
        assert (await side.call("GET", f"/devices/{DEVICE}/registrations/pass.other"))[0] == 204


async def test_a_pass_is_sent_once_per_version(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=5)
        status, headers, body = await fetch(side, pass_id)
        assert status == 200
        assert headers["content-type"] == "application/vnd.apple.pkpass"
        assert Verifier(authority().root.read_bytes()).open(body)["serialNumber"] == pass_id
        status, again, nothing = await fetch(side, pass_id, headers["last-modified"])
        assert (status, nothing) == (304, b"")
        assert again["last-modified"] == headers["last-modified"]
        assert (await fetch(side, pass_id))[2] == body


async def test_two_changes_in_one_second_are_two_versions(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        held = (await fetch(side, pass_id))[1]["last-modified"]
        for balance in (2, 3, 4):
            await side.change(pass_id, balance=balance)
            status, headers, body = await fetch(side, pass_id, held)
            assert status == 200
            shown = Verifier(authority().root.read_bytes()).open(body)["storeCard"]["headerFields"][0]["value"]
            assert shown == str(balance)
            assert parsedate_to_datetime(headers["last-modified"]) > parsedate_to_datetime(held)
            held = headers["last-modified"]
            assert (await fetch(side, pass_id, held))[0] == 304


@pytest.mark.parametrize(
    "date", ["junk", "0", "Mon, 99 Foo 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "'; --"]
)
async def test_a_date_that_cannot_be_read_or_is_old_brings_the_pass(db: Database, date: str) -> None:
    async with apple_side(db) as side:
        assert (await fetch(side, await side.issue(), date))[0] == 200


async def test_head_answers_like_get_without_the_body(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        status, headers, body = await fetch(side, pass_id)
        status_head, headers_head, nothing = await fetch(side, pass_id, method="HEAD")
        assert (status_head, nothing) == (status, b"")
        assert headers_head["content-length"] == str(len(body))
        for name in ("content-type", "last-modified"):
            assert headers_head[name] == headers[name]


async def test_a_deleted_pass_is_forgotten_and_the_device_with_its_last_one(db: Database) -> None:
    async with apple_side(db) as side:
        first, second = await side.issue(), await side.issue()
        await register(side, first)
        await register(side, second)
        for pass_id, devices in ((first, 1), (first, 1), (second, 0), (second, 0)):
            status, _, _ = await side.call("DELETE", registration(pass_id), token=token_of(pass_id))
            assert status == 200
            assert await side.rows("apple_device") == devices
        assert await side.rows("apple_registration") == 0


async def test_ever_new_device_ids_do_not_grow_without_end_and_the_newest_is_kept(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        for number in range(REGISTRATIONS_PER_PASS + 10):
            assert await register(side, pass_id, f"device{number}") == 201
        assert await side.rows("apple_registration") == REGISTRATIONS_PER_PASS
        assert await side.rows("apple_device") == REGISTRATIONS_PER_PASS
        assert (await updated(side, device=f"device{REGISTRATIONS_PER_PASS + 9}"))[0] == 200
        assert (await updated(side, device="device0"))[0] == 204


async def test_phones_that_register_and_delete_at_once_do_not_lock_each_other_up(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue() for _ in range(3)]

        async def restless(pass_id: str) -> None:
            for _ in range(8):
                assert await register(side, pass_id) in (200, 201)
                status, _, _ = await side.call("DELETE", registration(pass_id), token=token_of(pass_id))
                assert status == 200

        await asyncio.gather(*(restless(pass_id) for pass_id in ids for _ in range(2)))
        assert await side.rows("apple_device") == 0


JUNK = [
    b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'{"pushToken": 5}', b'{"pushToken": ""}', b'{"pushToken": "a b"}',
    b'{"pushToken": "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}', b'{"pushToken": "\\ud800"}',
    b'{"pushToken": "' + b"a" * 1000 + b'"}', b'{"x":' + b"[" * 40_000, b"[" * 40_000, b'{"logs": 5}',
    b'{"logs": [5]}', b'{"logs": ["\\ud800"]}',
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
async def test_junk_is_refused_and_never_breaks_anything(db: Database, junk: bytes) -> None:
    async with apple_side(db) as side:
        assert await register(side, await side.issue(), body=junk) == 400
        assert (await side.call("POST", "/log", data=junk))[0] == 400
        assert await side.rows("apple_device") == 0


async def test_a_body_that_is_too_large_is_refused(db: Database) -> None:
    async with apple_side(db) as side:
        large = b'{"pushToken": "%b"}' % (b"a" * 70_000)
        assert await register(side, await side.issue(), body=large) == 413
        assert (await side.call("POST", "/log", data=large))[0] == 413


@pytest.mark.parametrize("device", ["%00", "x" * 500, "a%20b", "%F0%9F%98%80"])
async def test_a_device_id_of_another_form_is_refused(db: Database, device: str) -> None:
    async with apple_side(db) as side:
        assert await register(side, await side.issue(), device) == 400


async def test_the_log_takes_lines_but_not_too_many_and_not_raw(db: Database) -> None:
    async with apple_side(db) as side:
        body = json.dumps({"logs": ["first\n\x1b[31mline", *["x" * 500] * 100]}).encode()
        assert (await side.call("POST", "/log", data=body))[0] == 200
        assert side.reports[0] == "first  [31mline"
        assert len(side.reports) <= 20
        assert max(map(len, side.reports)) <= 300
        for _ in range(30):
            assert (await side.call("POST", "/log", data=body))[0] == 200
        assert len(side.reports) <= 600  # a minute may turn while this runs


async def test_the_file_for_the_first_download_is_the_one_phones_fetch(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        file = await side.service.file(pass_id)
        _, headers, body = await fetch(side, pass_id)
        assert file.body == body
        assert parsedate_to_datetime(headers["last-modified"]) == file.last_modified
        for unknown in (new_id("pass"), "junk", "\x00"):
            with pytest.raises(UnknownPass):
                await side.service.file(unknown)


async def test_a_google_pass_is_not_served_to_phones_that_ask_here(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET wallet = 'google'")
        assert (await fetch(side, pass_id))[0] == 401
