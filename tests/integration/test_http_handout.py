"""Coupons and bundles over HTTP: for partners with a key, and on the member's own page."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, cast

import httpx
import pytest

from api.auth import PARTS_STATE
from api.http.passes_of_member import handout_router
from api.http.vouchers import vouchers_router
from api.pages.card import pages_router
from kernel.database import Database
from network.programmes import Programmes
from network.rulebook import Rulebook
from passes.links import page_token
from tests.support.handing_out import KEYRING, PassShop, members_of, paper_of, pass_shop, serial_of
from tests.support.http_ground import GroundParts, as_caller, ground_app, key_of

BUNDLE = "application/vnd.apple.pkpasses"
PASS = "application/vnd.apple.pkpass"


class _Parts(GroundParts):
    """What these routes use, of the shop's own parts."""

    passes: PassShop

    @cached_property
    def programmes(self) -> Programmes:
        return self.passes.shop.programmes

    @cached_property
    def rulebook(self) -> Rulebook:
        return Rulebook(self.db)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.passes, name)


@dataclass
class Scene:
    passes: PassShop
    client: httpx.AsyncClient
    key: str
    gym_key: str

    async def ask(self, path: str, key: str | None = None) -> httpx.Response:
        return await self.client.get(f"/v1{path}", headers=as_caller(key or self.key))

    async def page(self, member: str, path: str = "") -> httpx.Response:
        return await self.client.get(f"/c/{page_token(KEYRING, member)}{path}")


@pytest.fixture
async def scene(db: Database) -> AsyncIterator[Scene]:
    async with pass_shop(db) as passes:
        parts = _Parts(db, passes.shop.clock, KEYRING)
        parts.passes = passes
        keys = [await key_of(parts, partner, "passes:read", "claim") for partner in (passes.shop.cafe, passes.shop.gym)]
        app = ground_app(parts, [handout_router, vouchers_router, pages_router])
        app.state[PARTS_STATE] = parts
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://commonpoint.test") as client:
            yield Scene(passes, client, keys[0], keys[1])


async def test_a_partner_fetches_a_coupon_and_a_bundle(scene: Scene) -> None:
    member = await scene.passes.shop.member()
    voucher = await scene.passes.shop.voucher(member)
    coupon = await scene.ask(f"/vouchers/{voucher.code}/passes/apple")
    assert (coupon.status_code, coupon.headers["content-type"]) == (200, PASS)
    assert coupon.headers["cache-control"] == "private, no-store"
    assert coupon.headers["last-modified"].endswith("GMT")
    same = await scene.ask(f"/vouchers/{voucher.code.lower()}/passes/apple?member_id={member}", scene.gym_key)
    assert serial_of(same.content) == serial_of(coupon.content)
    bundle = await scene.ask(f"/members/{member}/passes/apple.pkpasses")
    assert (bundle.status_code, bundle.headers["content-type"]) == (200, BUNDLE)
    assert bundle.headers["content-disposition"] == 'attachment; filename="passes.pkpasses"'
    assert set(members_of(bundle.content)) == {"card.pkpass", "coupon-1.pkpass"}


async def test_what_cannot_be_handed_out_is_refused_by_its_name(scene: Scene) -> None:
    member, stranger = await scene.passes.shop.member(), await scene.passes.shop.member("Bo")
    voucher = await scene.passes.shop.voucher(member)
    used = await scene.passes.shop.voucher(member)
    await scene.passes.shop.use(used.code)
    for path, status, code in (
        ("/vouchers/NOTHING/passes/apple", 404, "unknown_voucher"),
        ("/vouchers/%00/passes/apple", 404, "unknown_voucher"),
        (f"/vouchers/{voucher.code}/passes/apple?member_id={stranger}", 403, "voucher_of_another_member"),
        (f"/vouchers/{voucher.code}/passes/apple?member_id=%00", 404, "unknown_member"),
        (f"/vouchers/{used.code}/passes/apple", 409, "voucher_used"),
        ("/members/mbr_nobody/passes/apple.pkpasses", 404, "unknown_member"),
        ("/members/%00/passes/apple.pkpasses", 400, "text_not_storable"),
    ):
        refused = await scene.ask(path)
        assert (refused.status_code, refused.json()["code"]) == (status, code), (path, refused.text)
    till = await key_of(_parts_of(scene), scene.passes.shop.cafe, "claim")
    for path in (f"/vouchers/{voucher.code}/passes/apple", f"/members/{member}/passes/apple.pkpasses"):
        refused = await scene.ask(path, till)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_use_at_the_till_reaches_the_coupon(scene: Scene) -> None:
    voucher = await scene.passes.shop.voucher(await scene.passes.shop.member())
    path = f"/vouchers/{voucher.code}/passes/apple"
    serial = serial_of((await scene.ask(path)).content)
    await scene.passes.follow()
    headers = as_caller(scene.key) | {"idempotency-key": "use-1"}
    used = await scene.client.post(f"/v1/vouchers/{voucher.code}/use", json={}, headers=headers)
    assert used.status_code == 200, used.text
    await scene.passes.follow()
    assert paper_of((await scene.passes.service.file(serial)).body)["voided"] is True


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Your coupons", "Free coffee", "10.00 EUR", "5 uses", "until 31 March<", "Add card and coupons"]),
        ("fi", ["Etukuponkisi", "Ilmainen kahvi", "10,00 EUR", "5 käyttökertaa", "31.3. asti"]),
        ("hu", ["Kuponjaid", "Ingyen kávé", "10,00 EUR", "5 alkalom", "érvényes: március 31.<"]),
    ],
)
async def test_the_page_lists_the_coupons_in_the_members_language(
    scene: Scene, language: str, words: list[str]
) -> None:
    member = await scene.passes.shop.member("Ödön", language)
    last = scene.passes.shop.clock.now().replace(month=3, day=31, hour=21, minute=0)  # midnight in Helsinki
    await scene.passes.shop.voucher(member, "card", value_minor=1000, uses_left=5, valid_until=last)
    free = await scene.passes.shop.voucher(member)
    page = await scene.page(member)
    assert page.status_code == 200, page.text
    for shown in (*words, free.code, "Kulma Café", "Ödön"):
        assert shown in page.text, shown
    assert f'<html lang="{language}">' in page.text
    assert page.text.count("<script") == 1


async def test_the_pages_buttons_hand_out_what_they_say(scene: Scene) -> None:
    member = await scene.passes.shop.member()
    voucher = await scene.passes.shop.voucher(member)
    links = re.findall(r'class="button" href="([^"]+)"', (await scene.page(member)).text)
    assert [link.rpartition("/c/")[2].partition("/")[2] for link in links] == [
        "apple", "google", f"coupons/{voucher.code}/apple", f"coupons/{voucher.code}/google", "apple.pkpasses",
        "google/all",
    ]  # fmt: skip
    coupon, bundle = [await scene.client.get(links[place]) for place in (2, 4)]
    assert (coupon.headers["content-type"], bundle.headers["content-type"]) == (PASS, BUNDLE)
    assert coupon.headers["cache-control"] == bundle.headers["cache-control"] == "private, no-store"


async def test_a_page_gives_no_coupon_of_anybody_else(scene: Scene) -> None:
    member, stranger = await scene.passes.shop.member(), await scene.passes.shop.member("Bo")
    voucher = await scene.passes.shop.voucher(member)
    path = f"/coupons/{voucher.code}/apple"
    assert (await scene.page(stranger, path)).status_code == 403
    assert voucher.code not in (await scene.page(stranger)).text
    for wrong in ("mbr_x.y", page_token(KEYRING, member)[:-1]):
        for part in (path, "/apple.pkpasses"):
            assert (await scene.client.get(f"/c/{wrong}{part}")).status_code == 404


async def test_without_coupons_the_page_speaks_of_none(scene: Scene) -> None:
    member = await scene.passes.shop.member()
    await scene.passes.shop.voucher(member, valid_until=scene.passes.shop.clock.now() - timedelta(seconds=1))
    page = await scene.page(member)
    assert "Your coupons" not in page.text
    assert "pkpasses" not in page.text


async def test_a_reward_is_text_and_never_markup(scene: Scene) -> None:
    """Also whatever happened has a word on the page, not only purchases."""
    member = await scene.passes.shop.member("<b>", "fi")
    journal = (
        "INSERT INTO journal (id, kind, member_id, partner_id, points, occurred_at, facts)"
        " VALUES ($1, $2, $3, $4, 1, now(), '{}')"
    )
    entry = "INSERT INTO entry (journal_id, account_id, member_id, amount) VALUES ($1, $2 || '/spendable', $2, 1)"
    for number, kind in enumerate(("claim", "grant", "transfer_in", "expire", "convert", "unheard_of")):
        await scene.passes.shop.run(journal, f"jrn_{number}", kind, member, scene.passes.shop.cafe)
        await scene.passes.shop.run(entry, f"jrn_{number}", member)
    page = await scene.page(member)
    assert page.status_code == 200, page.text
    for word in ("Etu", "Bonus", "Sait", "Vanheni", "Muutettu kupongiksi", "Muutos", "&lt;b&gt;"):
        assert word in page.text
    assert "<b>" not in page.text


def _parts_of(scene: Scene) -> GroundParts:
    return GroundParts(scene.passes.db, scene.passes.shop.clock, KEYRING)
