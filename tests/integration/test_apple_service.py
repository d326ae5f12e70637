"""The passes web service and input that no phone sends: the prescribed answers, and nothing breaks."""

import json
from email.utils import parsedate_to_datetime

import pytest

from kernel.database import Database
from kernel.ids import new_id
from passes.apple.answer import Response
from passes.apple.service import UnknownPass
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import DEVICE, AppleSide, apple_side, token_of

PUSH = json.dumps({"pushToken": "ab" * 32}).encode()


async def register(side: AppleSide, pass_id: str, device: str = DEVICE, body: bytes = PUSH) -> int:
    path = f"/devices/{device}/registrations/{PASS_TYPE}/{pass_id}"
    return (await side.call("POST", path, token=token_of(pass_id), data=body))[0]


JUNK = [
    b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'{"pushToken": 5}', b'{"pushToken": ""}', b'{"pushToken": "a b"}',
    b'{"pushToken": "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}', b'{"pushToken": "\\ud800"}',
    b'{"pushToken": "' + b"a" * 1000 + b'"}', b'{"x":' + b"[" * 40_000, b"[" * 40_000, b'{"logs": 5}',
    b'{"logs": [5]}', b'{"logs": ["\\ud800"]}', b'{"pushToken": null}', b'{"pushToken": ["abababab"]}',
    "{\"pushToken\": \"\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\"}".encode(), b"\x00", b"NaN", b"1e999999",
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
async def test_junk_is_refused_and_never_breaks_anything(db: Database, junk: bytes) -> None:
    async with apple_side(db) as side:
        assert await register(side, await side.issue(), body=junk) == 400
        assert (await side.call("POST", "/log", data=junk))[0] == 400
        assert await side.rows("apple_device") == 0


@pytest.mark.parametrize("device", ["%00", "x" * 500, "a%20b", "%F0%9F%98%80", "%ff", "a%2Fb", "%25", "é"])
async def test_a_device_id_of_another_form_is_refused(db: Database, device: str) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        sent = device.encode().decode("latin-1")
        if device == "é":  # not even a path: the server itself refuses it
            assert await register(side, pass_id, sent) == 400
        else:
            assert await register(side, pass_id, device) == 400
            path = f"/devices/{device}/registrations/{PASS_TYPE}/{pass_id}"
            assert (await side.call("DELETE", path, token=token_of(pass_id)))[0] == 200
            assert (await side.call("GET", f"/devices/{device}/registrations/{PASS_TYPE}"))[0] == 204
        assert await side.rows("apple_device") == 0


async def test_the_file_for_the_first_download_is_the_one_phones_fetch(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        file = await side.service.file(pass_id)
        _, headers, body = await side.call("GET", f"/passes/{PASS_TYPE}/{pass_id}", token=token_of(pass_id))
        assert file.body == body
        assert parsedate_to_datetime(headers["last-modified"]) == file.last_modified
        for unknown in (new_id("pass"), "junk", "\x00", "", "\ud800"):
            with pytest.raises(UnknownPass):
                await side.service.file(unknown)


class Desk:
    """Takes sign-ups and remembers them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []

    async def take(self, pass_type: str, serial: str, body: bytes) -> Response:
        self.taken.append((pass_type, serial, body))
        return Response(200, {"content-type": "application/octet-stream"}, b"signed")


async def test_a_sign_up_goes_to_whoever_takes_them_and_is_answered_as_they_say(db: Database) -> None:
    desk = Desk()
    async with apple_side(db, personalisation=desk) as side:
        pass_id = await side.issue()
        status, headers, body = await side.call("POST", f"/passes/{PASS_TYPE}/{pass_id}/personalize", data=b'{"x": 1}')
        assert (status, headers["content-type"], body) == (200, "application/octet-stream", b"signed")
        assert desk.taken == [(PASS_TYPE, pass_id, b'{"x": 1}')]


async def test_without_sign_ups_nobody_can_sign_up(db: Database) -> None:
    async with apple_side(db) as side:
        path = f"/passes/{PASS_TYPE}/{await side.issue()}/personalize"
        assert (await side.call("POST", path, data=b"{}"))[0] == 401
