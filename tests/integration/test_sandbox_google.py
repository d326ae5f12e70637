"""The sandbox's Google is as strict, as forgetful and as unreliable as the real one can be, on demand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from passes.google.identity import GoogleIdentity
from passes.sandbox.android import AndroidFleet, SaveRefused
from passes.sandbox.google_account import make_service_account
from passes.sandbox.google_faults import STORM, Fault, Faults
from passes.sandbox.wallet_api import SANDBOX_ISSUER_ID, WalletApiSandbox

CLASS = f"{SANDBOX_ISSUER_ID}.ptn_cafe"
OFFERS = f"{CLASS}.0a1b2c"
CARD = f"{SANDBOX_ISSUER_ID}.pass_1"
COUPON = f"{SANDBOX_ISSUER_ID}.pass_2"
IMAGE = {"sourceUri": {"uri": "https://points.example/logo.png"}}
LOYALTY_CLASS = {
    "id": CLASS, "issuerName": "Café", "programName": "Points", "programLogo": IMAGE, "reviewStatus": "UNDER_REVIEW",
    "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
}  # fmt: skip
OFFER_CLASS = {
    "id": OFFERS, "issuerName": "Café", "provider": "Café", "title": "A coffee", "redemptionChannel": "INSTORE",
    "reviewStatus": "UNDER_REVIEW",
}  # fmt: skip
LOYALTY_OBJECT = {"id": CARD, "classId": CLASS, "state": "ACTIVE", "loyaltyPoints": {"balance": {"int": 7}}}
OFFER_OBJECT = {"id": COUPON, "classId": OFFERS, "state": "ACTIVE", "barcode": {"type": "QR_CODE", "value": "V1"}}


class Side:
    """A Google, an invited account, and phones."""

    def __init__(self, sandbox: WalletApiSandbox, identity: GoogleIdentity, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.identity = identity
        self.http = http
        self.fleet = AndroidFleet(sandbox.phones_url)

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {await self.identity.access_token(self.http)}"}
        url = f"{self.sandbox.base_url}/walletobjects/v1/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def made(self) -> None:
        """A class of cards and one of coupons, with one of each."""
        for resource, body in (
            ("loyaltyClass", LOYALTY_CLASS), ("offerClass", OFFER_CLASS), ("loyaltyObject", LOYALTY_OBJECT),
            ("offerObject", OFFER_OBJECT),
        ):  # fmt: skip
            status, answer = await self.ask("POST", resource, body)
            assert status == 200, answer

    def link(self, **payload: list[str]) -> str:
        """The JWT of a save link."""
        classes = {CARD: CLASS, COUPON: OFFERS}
        named = {kind: [{"id": one, "classId": classes[one]} for one in ids] for kind, ids in payload.items()}
        claims = {"iss": self.identity.email, "aud": "google", "typ": "savetowallet", "iat": 1, "origins": []}
        return self.identity.sign_jwt({**claims, "payload": named})


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    sandbox = WalletApiSandbox()
    await sandbox.start()
    account = make_service_account(tmp_path, sandbox.token_uri)
    sandbox.invite(account)
    async with aiohttp.ClientSession() as http:
        side = Side(sandbox, GoogleIdentity.from_file(account.path, sandbox.issuer_id), http)
        await side.fleet.start()
        yield side
        await side.fleet.close()
    await sandbox.stop()


async def test_a_message_added_twice_is_there_twice_and_three_may_notify(side: Side) -> None:
    await side.made()
    message = {"message": {"id": "m1", "header": "New", "body": "Coffee", "messageType": "TEXT_AND_NOTIFY"}}
    for count in (1, 2, 3):
        status, answer = await side.ask("POST", f"loyaltyObject/{CARD}/addMessage", message)
        assert (status, len(answer["resource"]["messages"])) == (200, count)
    status, answer = await side.ask("POST", f"loyaltyObject/{CARD}/addMessage", message)
    assert status == 403
    assert "QuotaExceededException" in answer["error"]["message"]
    quiet = {"message": {"id": "m2", "header": "New", "body": "Tea", "messageType": "TEXT"}}
    for _ in range(7):
        assert (await side.ask("POST", f"loyaltyObject/{CARD}/addMessage", quiet))[0] == 200
    assert (await side.ask("POST", f"loyaltyObject/{CARD}/addMessage", quiet))[0] == 400
    assert (await side.ask("POST", f"loyaltyObject/{CARD}/addMessage", {}))[0] == 400
    assert (await side.ask("POST", f"loyaltyObject/{SANDBOX_ISSUER_ID}.x/addMessage", quiet))[0] == 404


async def test_lists_come_in_pages(side: Side) -> None:
    await side.made()
    for number in range(5):
        await side.ask("POST", "loyaltyObject", {**LOYALTY_OBJECT, "id": f"{CARD}{number}"})
    seen, token = [], ""
    while True:
        _, page = await side.ask("GET", f"loyaltyObject?classId={CLASS}&maxResults=4&token={token}")
        seen += [one["id"] for one in page["resources"]]
        token = page["pagination"].get("nextPageToken", "")
        if not token:
            break
    assert seen == [CARD, *(f"{CARD}{number}" for number in range(5))]
    assert (await side.ask("GET", f"loyaltyClass?issuerId={SANDBOX_ISSUER_ID}"))[1]["resources"][0]["id"] == CLASS
    assert (await side.ask("GET", "loyaltyClass?issuerId=1"))[0] == 403


async def test_the_issuer_is_its_own_alone(side: Side) -> None:
    assert (await side.ask("GET", f"issuer/{SANDBOX_ISSUER_ID}"))[1]["name"] == "Sandbox"
    assert (await side.ask("GET", "issuer/1"))[0] == 403
    keys = {"smartTapMerchantData": {"authenticationKeys": [{"id": 1, "publicKeyPem": "…"}]}}
    status, answer = await side.ask("PATCH", f"issuer/{SANDBOX_ISSUER_ID}", keys)
    assert (status, answer["smartTapMerchantData"]["smartTapMerchantId"]) == (200, "20180608")


async def test_a_long_link_is_exchanged_for_a_short_one_that_phones_can_open(side: Side) -> None:
    await side.made()
    status, answer = await side.ask("POST", "jwt", {"jwt": side.link(loyaltyObjects=[CARD], offerObjects=[COUPON])})
    assert status == 200
    assert len(answer["saveUri"]) < 100
    phone = side.fleet.phone()
    assert (await phone.save(answer["saveUri"])).balance == 7
    assert [coupon.code for coupon in phone.coupons()] in ([], ["V1"])
    assert (await side.ask("POST", "jwt/validate", {"jwtResource": {"jwt": side.link(loyaltyObjects=[CARD])}}))[
        0
    ] == 200
    for jwt in (side.link(), side.link(loyaltyObjects=[COUPON]), "x.y.z"):
        assert (await side.ask("POST", "jwt", {"jwt": jwt}))[0] in (400, 404)


async def test_a_stale_copy_answers_what_was_there_before(side: Side) -> None:
    await side.made()
    side.sandbox.faults.add(Fault("stale", times=1, call="GET loyaltyObject"))
    assert (await side.ask("GET", f"loyaltyObject/{CARD}"))[0] == 404
    await side.ask("PATCH", f"loyaltyObject/{CARD}", {"loyaltyPoints": {"balance": {"int": 8}}})
    side.sandbox.faults.add(Fault("stale", times=1, call="GET loyaltyObject"))
    balances = [
        (await side.ask("GET", f"loyaltyObject/{CARD}"))[1]["loyaltyPoints"]["balance"]["int"] for _ in range(2)
    ]  # fmt: skip
    assert balances == [7, 8]
    side.sandbox.phones.save("loyaltyObject", CARD, "somebody", "fleet", "phone")
    side.sandbox.faults.add(Fault("stale", times=1, call="GET loyaltyObject"))
    held = [(await side.ask("GET", f"loyaltyObject/{CARD}"))[1]["hasUsers"] for _ in range(2)]
    assert held == [False, True]


async def test_a_slow_answer_comes_after_the_deed(side: Side) -> None:
    await side.made()
    side.sandbox.faults.add(Fault("slow", times=1, call="PATCH loyaltyObject", pause_s=30.0))
    patch = asyncio.create_task(side.ask("PATCH", f"loyaltyObject/{CARD}", {"loyaltyPoints": {"balance": {"int": 8}}}))
    async with asyncio.timeout(20):
        while (await side.ask("GET", f"loyaltyObject/{CARD}"))[1]["loyaltyPoints"]["balance"]["int"] != 8:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not patch.done()
    patch.cancel()


async def test_what_is_linked_to_a_card_appears_beside_it_and_stays_away_when_deleted(side: Side) -> None:
    await side.made()
    phone, second = side.fleet.phone("one"), side.fleet.phone("one")
    link = f"{side.sandbox.save_url}{side.link(loyaltyObjects=[CARD])}"
    await phone.save(link)
    await second.save(link)
    await side.ask("PATCH", f"loyaltyObject/{CARD}", {"linkedObjectIds": [COUPON]})
    await side.ask("PATCH", f"loyaltyObject/{CARD}", {"loyaltyPoints": {"balance": {"int": 9}}})
    await phone.until(lambda card: card.balance == 9)
    await second.until(lambda card: card.balance == 9)
    await _patched(side, second, 10)
    assert [coupon.title for coupon in second.coupons()] == ["A coffee"]
    await phone.delete(COUPON)
    await _patched(side, second, 11)
    await _patched(side, second, 12)
    assert second.coupons() == []
    assert (await side.ask("GET", f"offerObject/{COUPON}"))[1]["hasUsers"] is False


async def test_a_deleted_card_can_be_saved_again_by_anybody_who_has_the_link(side: Side) -> None:
    await side.made()
    link = f"{side.sandbox.save_url}{side.link(loyaltyObjects=[CARD])}"
    phone, other = side.fleet.phone(), side.fleet.phone()
    await phone.save(link)
    with pytest.raises(SaveRefused):
        await other.save(link)
    await phone.delete(CARD)
    assert phone.shown(CARD) is None
    assert phone.body(CARD) is None
    await other.save(link)
    assert other.body(CARD) is not None


async def test_who_holds_what_is_kept_across_restarts(tmp_path: Path) -> None:
    first = WalletApiSandbox(state=tmp_path / "state.sqlite")
    first.resources.insert("loyaltyClass", LOYALTY_CLASS)
    first.resources.insert("loyaltyObject", LOYALTY_OBJECT)
    first.phones.save("loyaltyObject", CARD, "somebody", "fleet", "phone")
    second = WalletApiSandbox(state=tmp_path / "state.sqlite")
    assert second.phones.has_users(CARD)
    second.phones.delete(CARD, "somebody")
    assert not WalletApiSandbox(state=tmp_path / "state.sqlite").phones.has_users(CARD)


async def test_more_calls_than_allowed_are_told_to_wait(side: Side) -> None:
    await side.made()
    side.sandbox.limit(3)
    statuses = [(await side.ask("GET", f"loyaltyObject/{CARD}"))[0] for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    side.sandbox.limit(None)
    assert (await side.ask("GET", f"loyaltyObject/{CARD}"))[0] == 200


def test_weather_comes_alike_for_the_same_seed_and_goes_when_it_is_mended() -> None:
    def course(seed: int) -> list[str]:
        faults = Faults()
        faults.weather(seed, 0.3)
        taken = [faults.take("PATCH loyaltyObject") for _ in range(1000)]
        faults.mend()
        assert faults.take("PATCH loyaltyObject") is None
        return [fault.kind + str(fault.status) if fault else "" for fault in taken]

    assert course(1) == course(1)
    assert course(1) != course(2)
    assert 200 < sum(map(bool, course(3))) < 400
    assert {kind for kind in course(3) if kind} == {fault.kind + str(fault.status) for fault in STORM}


async def _patched(side: Side, phone: Any, points: int) -> None:
    """Everything that Google sent before has arrived once this has."""
    await side.ask("PATCH", f"loyaltyObject/{CARD}", {"loyaltyPoints": {"balance": {"int": points}}})
    await phone.until(lambda card: card.balance == points)
