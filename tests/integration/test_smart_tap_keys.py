"""Keys of Smart Tap: made, rotated in steps that lose no tap, retired; sealed where they are stored."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from httpx import Response

from kernel.database import Database
from passes.google.smart_tap_key_changes import LARGEST_COLLECTOR
from passes.google.smart_tap_keys import PURPOSE
from passes.sandbox.apple_tap_terminal import NoTap
from passes.sandbox.smart_tap_device import SmartTapPhone
from tests.support.smart_taps import COLLECTOR, ISSUER, SmartTapShop, nonce_of, smart_tap_shop


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[SmartTapShop]:
    async with smart_tap_shop(db) as opened:
        yield opened


async def change(shop: SmartTapShop, key_id: str, what: str, body: object = None) -> Response:
    return await shop.ask("POST", f"/v1/smart-tap-keys/{key_id}/{what}", shop.operator, body)


async def keys(shop: SmartTapShop) -> list[dict[str, Any]]:
    """All keys, the newest first."""
    listed: list[dict[str, Any]] = (await shop.ask("GET", "/v1/smart-tap-keys", shop.operator)).json()
    return listed


async def only_key(shop: SmartTapShop) -> dict[str, Any]:
    (known,) = await keys(shop)
    return known


async def version_used(shop: SmartTapShop) -> tuple[int, int]:
    """The collector and version that a reader of the café names to phones."""
    begun = await shop.begin(await shop.terminal(), bytes(32))
    return begun.collector_id, begun.key_version


async def believed(shop: SmartTapShop) -> bool:
    """Whether a phone hands its card to a reader of the café."""
    phone = await shop.android(await shop.member())
    answered = await shop.session(await shop.terminal(), phone)
    try:
        return (await shop.parts.smart_taps.open(answered)).assurance == "proved_present"
    except NoTap:
        return False


async def test_a_key_is_shown_as_google_wants_it_and_its_private_half_never(shop: SmartTapShop) -> None:
    made = await only_key(shop)
    public = load_pem_public_key(made["public_key"].encode())
    assert isinstance(public, EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    assert (made["collector_id"], made["version"], made["state"], made["signs"]) == (COLLECTOR, 1, "current", True)
    assert not [name for name in made if "private" in name or "sealed" in name]
    async with shop.parts.db.read() as read:
        sealed = await read.connection.fetchval("SELECT sealed FROM smart_tap_key")
    plain = shop.parts.keyring.open(PURPOSE, made["id"], sealed)
    curve = bytes.fromhex("06082a8648ce3d030107")  # the curve's name, as every PKCS #8 file of it has
    assert curve in plain
    assert curve not in sealed


async def test_a_rotation_loses_no_tap_however_long_google_is_not_told(shop: SmartTapShop) -> None:
    old = await only_key(shop)
    new = (await change(shop, old["id"], "rotate")).json()
    assert (new["version"], new["state"], new["signs"]) == (2, "current", False)
    assert await believed(shop)  # Google knows version 1 alone
    shop.merchants.publish(ISSUER, COLLECTOR, new["version"], new["public_key"])
    assert await version_used(shop) == (COLLECTOR, 1)
    retired = (await change(shop, old["id"], "retire", {})).json()
    assert (retired["state"], retired["signs"]) == ("retired", False)
    shop.merchants.withdraw(COLLECTOR, 1)
    assert await version_used(shop) == (COLLECTOR, 2)
    assert await believed(shop)
    assert [(one["version"], one["signs"]) for one in await keys(shop)] == [(2, True), (1, False)]
    assert await shop.number("SELECT length(sealed) FROM smart_tap_key WHERE id = $1", old["id"]) == 0


async def test_a_phone_does_not_believe_a_key_that_google_does_not_know(shop: SmartTapShop) -> None:
    shop.merchants.withdraw(COLLECTOR, 1)
    phone = await shop.android(await shop.member())
    with pytest.raises(NoTap):
        await shop.session(await shop.terminal(), phone)


async def test_asked_for_twice_or_by_many_a_rotation_makes_one_key(shop: SmartTapShop) -> None:
    old = await only_key(shop)
    made = await asyncio.gather(*(change(shop, old["id"], "rotate") for _ in range(6)))
    assert len({answer.json()["id"] for answer in made}) == 1
    assert [one["version"] for one in await keys(shop)] == [2, 1]


async def test_the_only_key_is_retired_by_force_alone(shop: SmartTapShop) -> None:
    known = await only_key(shop)
    refused = await change(shop, known["id"], "retire", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "smart_tap_key_needed")
    assert (await change(shop, known["id"], "retire", {"force": True})).json()["state"] == "retired"
    assert (await change(shop, known["id"], "retire", {})).status_code == 200  # twice is no error
    assert (await change(shop, known["id"], "rotate")).json()["code"] == "smart_tap_key_retired"
    terminal = await shop.terminal()
    body = {"terminal_id": terminal.terminal_id, "sequence": 1, "device_nonce": "00" * 32}
    answer = await shop.client.post("/v1/smart-taps", json=body, headers=terminal.headers())
    assert (answer.status_code, answer.json()["code"]) == (409, "smart_tap_key_missing")
    assert (await shop.smart_key())["version"] == 2  # a number of a collector is never used again


async def test_after_a_leak_the_key_is_out_of_use_everywhere_at_once(shop: SmartTapShop) -> None:
    old = await only_key(shop)
    assert await version_used(shop) == (COLLECTOR, 1)
    await change(shop, old["id"], "rotate")
    await change(shop, old["id"], "retire", {"force": True})
    assert await version_used(shop) == (COLLECTOR, 2)


async def test_a_partners_own_key_stands_before_the_coalitions(shop: SmartTapShop) -> None:
    made = await shop.smart_key(77, "3388000000000000077", partner_id=shop.cafe.partner_id)
    assert await version_used(shop) == (77, 1)
    assert {one["collector_id"]: one["signs"] for one in await keys(shop)} == {77: True, COLLECTOR: True}
    await change(shop, made["id"], "retire", {"force": True})
    assert await version_used(shop) == (COLLECTOR, 1)


async def test_a_phone_hands_a_card_to_the_merchants_that_its_class_names(shop: SmartTapShop) -> None:
    await shop.smart_key(77, "3388000000000000077", partner_id=shop.cafe.partner_id)
    terminal, phone, member_id = await shop.terminal(), SmartTapPhone(shop.merchants), await shop.member()
    await shop.put(phone, member_id)  # for the coalition's readers alone
    with pytest.raises(NoTap):
        await shop.session(terminal, phone)
    await shop.put(phone := SmartTapPhone(shop.merchants), member_id, issuers=(ISSUER, "3388000000000000077"))
    assert (await shop.parts.smart_taps.open(await shop.session(terminal, phone))).member_id == member_id


async def test_each_owner_has_one_current_key(shop: SmartTapShop) -> None:
    refused = await shop.ask("POST", "/v1/smart-tap-keys", shop.operator, {"collector_id": 5})
    assert (refused.status_code, refused.json()["code"]) == (409, "smart_tap_key_exists")
    body = {"collector_id": 5, "partner_id": shop.cafe.partner_id}
    both = await asyncio.gather(*(shop.ask("POST", "/v1/smart-tap-keys", shop.operator, body) for _ in range(4)))
    assert sorted(answer.status_code for answer in both) == [201, 409, 409, 409]
    unknown = await shop.ask("POST", "/v1/smart-tap-keys", shop.operator, {"collector_id": 5, "partner_id": "ptn_x"})
    assert unknown.status_code == 404


async def test_versions_go_on_where_google_knows_others(shop: SmartTapShop) -> None:
    made = await shop.smart_key(9, partner_id=shop.cafe.partner_id, version=12)
    assert (made["version"], (await change(shop, made["id"], "rotate")).json()["version"]) == (12, 13)
    gym = await shop.partner("Gym")
    body = {"collector_id": 9, "partner_id": gym.partner_id}
    refused = await shop.ask("POST", "/v1/smart-tap-keys", shop.operator, {**body, "version": 13})
    assert (refused.status_code, refused.json()["code"]) == (409, "smart_tap_version_taken")
    shared = (await shop.ask("POST", "/v1/smart-tap-keys", shop.operator, body)).json()
    assert shared["version"] == 14


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"collector_id": 0},
        {"collector_id": LARGEST_COLLECTOR + 1},
        {"collector_id": "5"},
        {"collector_id": 5, "version": 0},
        {"collector_id": 5, "version": 2**31},
        {"collector_id": 5, "private_key": "mine"},
    ],
)
async def test_what_is_no_key_is_refused(shop: SmartTapShop, body: dict[str, Any]) -> None:
    assert (await shop.ask("POST", "/v1/smart-tap-keys", shop.operator, body)).status_code == 400


async def test_the_largest_collector_of_four_bytes_works(shop: SmartTapShop) -> None:
    await shop.smart_key(LARGEST_COLLECTOR, partner_id=shop.cafe.partner_id)
    assert await believed(shop)


async def test_keys_are_the_operators(shop: SmartTapShop) -> None:
    known = await only_key(shop)
    for method, path, body in (
        ("GET", "/v1/smart-tap-keys", None),
        ("POST", "/v1/smart-tap-keys", {"collector_id": 5}),
        ("POST", f"/v1/smart-tap-keys/{known['id']}/rotate", None),
        ("POST", f"/v1/smart-tap-keys/{known['id']}/retire", {"force": True}),
    ):
        assert (await shop.ask(method, path, shop.cafe.key, body)).status_code == 403
    for unknown in ("stk_x", "stk_01jd0000000000000000000000", "%00"):
        assert (await change(shop, unknown, "rotate")).status_code == 404


async def test_over_http_a_reader_gets_its_words_once_and_again(shop: SmartTapShop) -> None:
    terminal, phone = await shop.terminal(), await shop.android(await shop.member())
    body = {"terminal_id": terminal.terminal_id, "sequence": 1, "device_nonce": nonce_of(phone).hex()}
    first = await shop.client.post("/v1/smart-taps", json=body, headers=terminal.headers())
    again = await shop.client.post("/v1/smart-taps", json=body, headers=terminal.headers())
    assert (first.status_code, first.headers["cache-control"]) == (201, "no-store")
    assert first.json() == again.json()
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    for wrong in ({"device_nonce": "00"}, {"sequence": 1, "device_nonce": "00" * 32}, {"device_nonce": "zz" * 32}):
        answer = await shop.client.post("/v1/smart-taps", json={**body, **wrong}, headers=terminal.headers())
        assert (answer.status_code, answer.json()["code"]) == (400, "tap_refused")
    stranger = {**terminal.headers(), "terminal-key": "ctk_" + "0" * 64}
    answer = await shop.client.post("/v1/smart-taps", json=body, headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (403, "terminal_refused")
