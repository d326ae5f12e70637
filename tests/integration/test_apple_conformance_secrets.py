"""Tokens: who may register and fetch, and that a guess teaches nothing."""

import pytest

from kernel.database import Database
from kernel.ids import new_id
from passes.sandbox.authority import PASS_TYPE
from passes.sandbox.iphone_surroundings import ServiceError
from tests.support.apple import DEVICE, PUSH_TOKEN, AppleSide, apple_side, token_of
from tests.support.apple_cards import OTHER_PASS_TYPE

PUSH = b'{"pushToken": "%b"}' % PUSH_TOKEN.encode()


async def ask_all(
    side: AppleSide, serial: str, *, token: str | None = None, pass_type: str = PASS_TYPE, authorization: str = ""
) -> set[tuple[int, tuple[tuple[str, str], ...], bytes]]:
    """The answers of all calls that need the token, without what differs by nature."""
    answers = set()
    headers = {"authorization": authorization} if authorization else {}
    for method, path in (
        ("GET", f"/passes/{pass_type}/{serial}"),
        ("HEAD", f"/passes/{pass_type}/{serial}"),
        ("POST", f"/devices/{DEVICE}/registrations/{pass_type}/{serial}"),
        ("DELETE", f"/devices/{DEVICE}/registrations/{pass_type}/{serial}"),
    ):
        status, told, body = await side.call(
            method, path, token=token, headers=headers, data=PUSH if method == "POST" else None
        )
        headers_told = sorted((name, value) for name, value in told.items() if name not in ("date", "server"))
        answers.add((status, tuple(headers_told), body))
    return answers


REFUSED = {(401, (("content-length", "0"), ("www-authenticate", "ApplePass")), b"")}


async def test_whatever_is_wrong_the_answer_is_the_same(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, other_type = await side.issue(), await side.issue(pass_type=OTHER_PASS_TYPE)
        stranger, right = new_id("pass"), token_of(pass_id)
        for serial in (pass_id, stranger, "%00", "x" * 3000, "%F0%9F%98%80", "..", "%2e%2e", "pass_", "null"):
            assert await ask_all(side, serial, token="0" * 40) == REFUSED
            assert await ask_all(side, serial) == REFUSED
        assert await ask_all(side, stranger, token=token_of(stranger)) == REFUSED
        assert await ask_all(side, pass_id, token=right, pass_type=OTHER_PASS_TYPE) == REFUSED
        assert await ask_all(side, pass_id, token=right, pass_type="pass.unknown") == REFUSED
        assert await ask_all(side, other_type, token=token_of(other_type)) == REFUSED
        assert await ask_all(side, pass_id.upper(), token=right) == REFUSED
        assert await ask_all(side, pass_id, token=token_of(other_type)) == REFUSED
        assert await side.rows("apple_device") == 0


@pytest.mark.parametrize(
    "authorization",
    ["Bearer {token}", "ApplePass: {token}", "ApplePassx {token}", "{token}", "ApplePass", "ApplePass {token} x",
     "ApplePass {token}0", "ApplePass {half}", "ApplePass\u00a0{token}", "Basic {token}", "ApplePass {upper}",
     "ApplePass \u00e9\u00ff", "ApplePass {token},ApplePass {token}"],
)  # fmt: skip
async def test_another_scheme_or_token_is_not_let_in(db: Database, authorization: str) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        token = token_of(pass_id)
        said = authorization.format(token=token, half=token[:20], upper=token.upper() + "A")
        assert await ask_all(side, pass_id, authorization=said) == REFUSED


@pytest.mark.parametrize("scheme", ["ApplePass", "applepass", "APPLEPASS", "ApplePass "])
async def test_the_scheme_is_known_in_any_case(db: Database, scheme: str) -> None:
    """RFC 9110 section 11.1."""
    async with apple_side(db) as side:
        pass_id = await side.issue()
        statuses = {one[0] for one in await ask_all(side, pass_id, authorization=f"{scheme} {token_of(pass_id)}")}
        assert statuses == {200, 201}


async def test_two_authorizations_are_none(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        said = f"ApplePass {token_of(pass_id)}\r\nauthorization: ApplePass {token_of(pass_id)}"
        assert await ask_all(side, pass_id, authorization=said) == REFUSED


async def test_every_pass_has_its_own_token(db: Database) -> None:
    async with apple_side(db) as side:
        first, second = await side.issue(), await side.issue()
        assert token_of(first) != token_of(second)
        assert await ask_all(side, first, token=token_of(second)) == REFUSED


async def test_a_renewed_token_ends_the_old_one_and_opens_the_pass(db: Database) -> None:
    """For a pass that passes on to a new holder: the old holder's phone is refused, and says so."""
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET token_version = 2")
        await side.change(pass_id, balance=2)
        assert await ask_all(side, pass_id, token=token_of(pass_id, 1)) == REFUSED
        assert {one[0] for one in await ask_all(side, pass_id, token=token_of(pass_id, 2))} == {200, 201}
        with pytest.raises(ServiceError):
            await phone.refresh()
        assert ("refused", "get") in await side.reported()
        new_holder = await side.phone_with(pass_id)
        assert new_holder.shown().balance == 2


@pytest.mark.parametrize("version", [1, 2, 7])
async def test_passes_of_every_token_version_are_served_side_by_side(db: Database, version: int) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1, token_version=version)
        phone = await side.phone_with(pass_id)
        await side.change(pass_id, balance=2)
        await side.deliver()
        assert phone.shown().balance == 2
        for wrong in {1, 2, 7} - {version}:
            assert await ask_all(side, pass_id, token=token_of(pass_id, wrong)) == REFUSED


async def test_the_lists_secret_is_the_id_of_the_device(db: Database) -> None:
    async with apple_side(db) as side:
        phone = await side.phone_with(await side.issue())
        for guess in ("ffff", "%00", "%25", "*", phone.library_id.upper() + "A", phone.library_id[:-1], "x" * 4000):
            assert (await side.call("GET", f"/devices/{guess}/registrations/{PASS_TYPE}"))[0] == 204


async def test_a_google_pass_is_not_served_to_phones_that_ask_here(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET wallet = 'google'")
        assert await ask_all(side, pass_id, token=token_of(pass_id)) == REFUSED
        assert await phone.refresh() == 0


async def test_an_unknown_and_a_wrongly_asked_pass_take_the_same_steps(db: Database) -> None:
    """One question to the database each. That they take equal time as well is measured, not tested."""
    async with apple_side(db) as side:
        known, stranger = await side.issue(), new_id("pass")
        for serial, token in ((known, "0" * 40), (stranger, "0" * 40), ("junk", token_of(known)), (known, "")):
            before = side.service.passes.asked
            assert (await side.call("GET", f"/passes/{PASS_TYPE}/{serial}", token=token))[0] == 401
            assert side.service.passes.asked == before + 1
