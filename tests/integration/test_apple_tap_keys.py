"""Keys of taps: made, rotated with an overlap, retired; sealed where they are stored."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from httpx import Response

from kernel.database import Database
from kernel.errors import Unavailable
from passes.apple.tap import key_id_of
from passes.apple.tap_key_changes import TapKeyChanges
from passes.apple.tap_keys import PURPOSE, TapKeyClosed, TapKeys
from tests.support.taps import TapShop, TapShopParts, sweep, tap_shop


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[TapShop]:
    async with tap_shop(db) as opened:
        yield opened


async def _change(shop: TapShop, key_id: str, what: str, body: object = None) -> Response:
    return await shop.ask("POST", f"/v1/tap-keys/{key_id}/{what}", shop.operator, body)


async def _states(shop: TapShop) -> dict[str, str]:
    listed = (await shop.ask("GET", "/v1/tap-keys", shop.operator)).json()
    return {one["key_id"]: one["state"] for one in listed}


async def _current(shop: TapShop, partner_id: str) -> str | None:
    key = await shop.parts.keys.current(partner_id)
    return key.key_id if key else None


async def _swept(shop: TapShop) -> set[str]:
    async with shop.parts.db.read() as read:
        return {row["subject"] for row in await read.connection.fetch("SELECT subject FROM outbox WHERE lane = 1")}


async def test_a_key_is_shown_as_cards_carry_it_and_its_private_half_never(shop: TapShop) -> None:
    (made,) = (await shop.ask("GET", "/v1/tap-keys", shop.operator)).json()
    public = load_der_public_key(base64.b64decode(made["public_key"]))
    assert isinstance(public, EllipticCurvePublicKey)
    assert (made["state"], made["partner_id"], made["key_id"]) == ("current", None, key_id_of(public))
    assert not [name for name in made if "private" in name or "sealed" in name]
    async with shop.parts.db.read() as read:
        sealed = await read.connection.fetchval("SELECT sealed_key FROM apple_tap_key")
    plain = shop.parts.keyring.open(PURPOSE, made["key_id"], sealed)
    assert plain not in sealed
    assert bytes.fromhex("06082a8648ce3d030107") in plain  # the curve's name, as every PKCS #8 file of it has
    assert bytes.fromhex("06082a8648ce3d030107") not in sealed


async def test_a_partners_own_key_stands_before_the_coalitions(shop: TapShop) -> None:
    gym, (coalitions,) = await shop.partner("Gym"), await _states(shop)
    own = await shop.key(gym.partner_id)
    assert await _swept(shop) == {"all", gym.partner_id}
    assert (await _current(shop, gym.partner_id), await _current(shop, shop.cafe.partner_id)) == (own, coalitions)
    async with shop.parts.db.read() as read:
        exact = await shop.parts.keys.currents(read.connection, [gym.partner_id, shop.cafe.partner_id])
    assert {partner_id: key.key_id for partner_id, key in exact.items()} == {
        gym.partner_id: own,
        shop.cafe.partner_id: coalitions,
    }


async def test_without_a_key_cards_carry_none(db: Database) -> None:
    keys = TapShopParts(db).keys
    async with db.read() as read:
        assert await keys.currents(read.connection, ["ptn_1"]) == {}
    assert await keys.current("ptn_1") is None
    assert await keys.public("00000000") is None
    assert await keys.private("00000000") is None


async def test_a_second_first_key_is_refused(shop: TapShop) -> None:
    again = await shop.ask("POST", "/v1/tap-keys", shop.operator, {})
    assert (again.status_code, again.json()["code"]) == (409, "tap_key_exists")
    nobodys = await shop.ask("POST", "/v1/tap-keys", shop.operator, {"partner_id": "ptn_x"})
    assert nobodys.status_code == 404


async def test_after_a_rotation_old_and_new_cards_work_until_the_old_key_is_retired(shop: TapShop) -> None:
    terminal, (old,) = await shop.terminal(), await _states(shop)
    old_phone = await shop.phone(await shop.member())
    made = (await _change(shop, old, "rotate")).json()
    new_phone = await shop.phone(await shop.member())
    assert (made["state"], await _states(shop)) == ("current", {old: "retiring", made["key_id"]: "current"})
    assert await _current(shop, shop.cafe.partner_id) == made["key_id"]
    for phone, key_id in ((old_phone, old), (new_phone, made["key_id"])):
        body = terminal.read(phone, shop.now)
        assert body["blob"].startswith(key_id)
        assert (await shop.send(terminal, body)).status_code == 200
    assert (await _change(shop, old, "retire", {"force": True})).json()["state"] == "retired"
    assert (await shop.tap(terminal, old_phone)).status_code == 400
    assert (await shop.tap(terminal, new_phone)).status_code == 200
    assert await shop.number("SELECT length(sealed_key) FROM apple_tap_key WHERE key_id = $1", old) == 0
    late = await shop.parts.keys.public(old)
    assert late is not None  # a pass that is fetched late still says what it was made with


async def test_a_rotation_asked_for_twice_makes_one_key(shop: TapShop) -> None:
    (old,) = await _states(shop)
    first, second = (await _change(shop, old, "rotate")).json(), (await _change(shop, old, "rotate")).json()
    assert first == second
    assert len(await _states(shop)) == 2


async def test_rotations_that_race_make_one_key(shop: TapShop) -> None:
    for _ in range(5):
        old = await _current(shop, shop.cafe.partner_id)
        answers = await asyncio.gather(*(_change(shop, str(old), "rotate") for _ in range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert len({answer.json()["key_id"] for answer in answers}) == 1
    gym = await shop.partner("Gym")
    body = {"partner_id": gym.partner_id}
    made = await asyncio.gather(*(shop.ask("POST", "/v1/tap-keys", shop.operator, body) for _ in range(4)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409]


async def test_a_key_is_not_retired_while_cards_or_phones_may_carry_it(shop: TapShop) -> None:
    (key_id,) = await _states(shop)
    member_id = await shop.member()
    await shop.phone(member_id)
    assert (await _change(shop, key_id, "retire", {"force": True})).json()["code"] == "tap_key_needed"  # is current
    await _change(shop, key_id, "rotate")
    away = await _change(shop, key_id, "retire", {})
    assert (away.status_code, away.json()["code"]) == (409, "tap_key_needed")
    assert "until" in away.json()["facts"]
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE apple_tap_key SET retiring_at = now() - interval '31 days'")
    carried = await _change(shop, key_id, "retire", {})
    assert "pass_id" in carried.json()["facts"]
    await shop.phone(member_id)  # the card is made anew
    for _ in range(2):
        assert (await _change(shop, key_id, "retire", {})).json()["state"] == "retired"
    assert (await _change(shop, key_id, "rotate")).json()["code"] == "tap_key_retired"


async def test_keys_that_are_not_there_are_not_found(shop: TapShop) -> None:
    for key_id in ("00000000", "x", "%00%00%00%00%00%00%00%00", "é" * 8):
        for what, body in (("rotate", None), ("retire", {})):
            assert (await _change(shop, key_id, what, body)).status_code == 404, (key_id, what)


async def test_a_partners_key_opens_no_other_brands_cards(shop: TapShop) -> None:
    gym = await shop.partner("Gym")
    await shop.key(gym.partner_id)
    terminal, member_id = await shop.terminal(), await shop.member()
    theirs = await shop.phone(member_id, brand=gym)
    assert (await shop.tap(terminal, theirs)).status_code == 200
    async with shop.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET brand_id = $1", shop.cafe.partner_id)
    assert (await shop.tap(terminal, theirs)).status_code == 400


async def test_another_process_sees_a_change_within_a_second(shop: TapShop) -> None:
    elsewhere, (old,) = TapKeys(shop.parts.db, shop.parts.keyring), await _states(shop)
    assert await elsewhere.private(old) is not None
    await _change(shop, old, "rotate")
    await _change(shop, old, "retire", {"force": True})
    await asyncio.sleep(TapKeys.MAX_AGE_S + 0.05)
    assert await elsewhere.private(old) is None
    known = await elsewhere.current(shop.cafe.partner_id)
    assert known is not None
    assert known.key_id == await _current(shop, shop.cafe.partner_id)


async def test_a_process_with_another_master_secret_says_that_it_cannot_help_now(shop: TapShop) -> None:
    stranger = TapShopParts(shop.parts.db, b"another master secret, of 32 bytes and more")
    (key_id,) = await _states(shop)
    with pytest.raises(TapKeyClosed) as closed:
        await stranger.keys.private(key_id)
    assert isinstance(closed.value, Unavailable)


async def test_cards_are_swept_in_the_transaction_that_changes_the_key(shop: TapShop) -> None:
    async def broken(connection: object, partner_id: str | None) -> None:
        raise RuntimeError("the power went out")

    parts, (old,) = shop.parts, await _states(shop)
    changes = TapKeyChanges(parts.db, parts.keyring, parts.keys, broken)
    with pytest.raises(RuntimeError):
        await changes.rotate(old)
    assert await _states(shop) == {old: "current"}
    assert (await TapKeyChanges(parts.db, parts.keyring, parts.keys, sweep).rotate(old)).state == "current"


async def test_only_the_operator_touches_keys(shop: TapShop) -> None:
    (key_id,) = await _states(shop)
    for method, path in (("GET", ""), ("POST", ""), ("POST", f"/{key_id}/rotate"), ("POST", f"/{key_id}/retire")):
        answer = await shop.ask(method, f"/v1/tap-keys{path}", shop.cafe.key, {})
        assert answer.status_code == 403
