"""Signing up from a pass: an anonymous card becomes its owner's, once, whatever is sent however often."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.database import Database
from passes.apple.answer import Response
from passes.apple.identities import Identities
from passes.apple.personalise import Personalisation
from passes.apple.press import Press
from passes.look import SignUp
from passes.refresh import PUSH_KIND
from points.contacts import Contact, kept
from points.members import find
from points.programme.reward_eligibility import CONTACT_CHANGED
from points.statement import member_states
from tests.support.apple_cards import authority, identity
from tests.support.handing_out import (
    ASKS,
    KEYRING,
    PassShop,
    members_of,
    paper_of,
    pass_shop,
    said_on_back,
    serial_of,
)

PASS_TYPE = identity().pass_type
TOKEN = "dG9rZW4gb2YgdGhpcyBkZXZpY2U="
AINO = {"fullName": "Aino Mäkinen", "emailAddress": "aino@example.org"}
FORM = "personalization.json"


@pytest.fixture
async def passes(db: Database) -> AsyncIterator[PassShop]:
    async with pass_shop(db) as opened:
        await opened.ask_for(ASKS)
        yield opened


async def a_card(passes: PassShop, name: str = "", language: str = "fi") -> tuple[str, str]:
    """A member with their card: their ids."""
    member = await passes.shop.member(name, language)
    return member, serial_of((await passes.handout.card(member)).body)


async def take(passes: PassShop, serial: str, who: object = AINO, token: object = TOKEN) -> Response:
    body = json.dumps({"personalizationToken": token, "requiredPersonalizationInfo": who}).encode()
    return await passes.personalisation.take(PASS_TYPE, serial, body)


async def named(passes: PassShop, member: str) -> tuple[str, Contact]:
    async with passes.db.read() as read:
        found = await find(read.connection, member)
        assert found is not None
        return found.name, await kept(read.connection, KEYRING, member)


def verified(signature: bytes, token: str, folder: Path) -> bool:
    """What openssl thinks of a signature over a token, as of one over a manifest."""
    (folder / "signature").write_bytes(signature)
    (folder / "token").write_bytes(token.encode())
    checked = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "signature", "-content",
         folder / "token", "-CAfile", authority().root, "-purpose", "any", "-out", "/dev/null"],
        capture_output=True, check=False,
    )  # fmt: skip
    return checked.returncode == 0


async def test_a_pass_of_nobody_asks_and_one_with_a_name_does_not(passes: PassShop) -> None:
    for name, asks in (("", True), ("Aino", False)):
        member = await passes.shop.member(name)
        held = members_of((await passes.handout.card(member)).body)
        assert (FORM in held) == asks


async def test_who_signs_up_gets_the_token_signed_and_the_pass_with_their_name(
    passes: PassShop, tmp_path: Path
) -> None:
    member, serial = await a_card(passes)
    # As if the pass had changed more than once within this second: a phone has the file of a later one already.
    await passes.shop.run("UPDATE wallet_pass SET last_modified = last_modified + interval '1 hour'")
    before = await passes.stored(serial)
    answer = await take(passes, serial)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert verified(answer.body, TOKEN, tmp_path)
    assert not verified(answer.body, TOKEN + "x", tmp_path)
    now = await passes.stored(serial)
    assert (now["sign_up"], now["change_seq"] > before["change_seq"]) == ("done", True)
    assert now["last_modified"] == before["last_modified"] + timedelta(seconds=1)
    assert await named(passes, member) == ("Aino Mäkinen", Contact(email="aino@example.org"))
    file = (await passes.service.file(serial)).body
    assert FORM not in members_of(file)
    paper = paper_of(file)
    assert "Aino Mäkinen" in [field["value"] for field in paper["storeCard"]["secondaryFields"]]
    assert said_on_back(paper, "news") == "Tervetuloa, Aino Mäkinen"
    old = paper_of((await passes.handout.card(member)).body)
    assert (old["serialNumber"], old["authenticationToken"]) == (serial, paper["authenticationToken"])


async def test_other_devices_and_passes_of_the_member_follow(passes: PassShop) -> None:
    member, serial = await a_card(passes)
    await passes.shop.notes()
    await take(passes, serial)
    assert await passes.shop.notes(PUSH_KIND["apple"]) == {serial}
    stored = await passes.stored(serial)
    assert await passes.shop.notes() == {member}
    await passes.shop.run("INSERT INTO outbox (kind, subject) VALUES ('pass', $1)", member)
    await passes.follow()
    assert (await passes.stored(serial))["change_seq"] == stored["change_seq"]


async def test_a_sign_up_that_is_delivered_again_is_answered_again_and_changes_nothing(
    passes: PassShop, tmp_path: Path
) -> None:
    member, serial = await a_card(passes)
    await take(passes, serial)
    after = await passes.stored(serial)
    for who, token in ((AINO, TOKEN), (AINO, "another/token="), ({"fullName": "Mallory"}, TOKEN), ({}, TOKEN)):
        again = await take(passes, serial, who, token)
        assert again.status == 200
        assert verified(again.body, token, tmp_path)
    assert await passes.stored(serial) == after
    assert (await named(passes, member))[0] == "Aino Mäkinen"


async def test_of_many_sign_ups_at_once_one_is_kept_whole(passes: PassShop) -> None:
    for _ in range(5):
        member, serial = await a_card(passes)
        before = await passes.stored(serial)
        people = [{"fullName": f"Guest {n}", "emailAddress": f"guest{n}@example.org"} for n in range(6)]
        answers = await asyncio.gather(*(take(passes, serial, who) for who in people))
        assert [answer.status for answer in answers] == [200] * 6
        name, contact = await named(passes, member)
        assert contact.email == f"{name.replace(' ', '').lower()}@example.org"
        changes = (await passes.stored(serial))["change_seq"] - before["change_seq"]
        assert changes == 1


async def test_a_sign_up_while_points_move_loses_neither(passes: PassShop) -> None:
    member, serial = await a_card(passes)
    balance = "UPDATE account SET balance = balance + 7, version = version + 1 WHERE id = $1 || '/spendable'"

    async def earns() -> None:
        async with passes.db.unit() as unit:
            await unit.connection.execute(balance, member)
            await unit.connection.execute(
                "INSERT INTO outbox (kind, subject) VALUES ('pass', $1) ON CONFLICT (kind, subject) DO UPDATE"
                " SET version = excluded.version",
                member,
            )
        await passes.follow()

    await asyncio.gather(take(passes, serial), *(earns() for _ in range(4)))
    await passes.follow()
    card = (await passes.stored(serial))["card"]
    assert card["values"]["balance"]["number"] == 28
    assert list(card["values"]["holder"]["text"].values()) == ["Aino Mäkinen"]


@pytest.mark.parametrize(
    "who",
    [
        {"fullName": "x" * 61, "emailAddress": "a@b.c"}, {"fullName": "\x07", "emailAddress": "a@b.c"},
        {"fullName": "Aino"}, {"fullName": "Aino", "emailAddress": "nonsense"}, {"emailAddress": "a@b.c"}, {},
    ],
    ids=ascii,
)  # fmt: skip
async def test_details_that_cannot_be_used_are_refused_and_may_be_corrected(
    passes: PassShop, who: dict[str, str]
) -> None:
    member, serial = await a_card(passes)
    before = await passes.stored(serial)
    assert (await take(passes, serial, who)) == Response(400)
    assert await passes.stored(serial) == before
    assert await named(passes, member) == ("", Contact())
    assert (await take(passes, serial)).status == 200


async def test_only_passes_that_ask_can_be_signed_up_for_and_all_others_answer_alike(passes: PassShop) -> None:
    _, named_serial = await a_card(passes, "Bo")
    member, serial = await a_card(passes)
    coupon = serial_of((await passes.handout.coupon((await passes.shop.voucher(member)).code)).body)
    await passes.shop.run("UPDATE wallet_pass SET sign_up = 'done' WHERE id = $1", coupon)
    for wrong in (named_serial, coupon, "pass_00000000000000000000000000", "", "x", "\0", "é", "a" * 9999, member):
        assert await take(passes, wrong) == Response(404), wrong
    body = json.dumps({"personalizationToken": TOKEN, "requiredPersonalizationInfo": AINO}).encode()
    for pass_type in ("pass.of.another", "", "\0", "\ud800", "x" * 999):
        assert await passes.personalisation.take(pass_type, serial, body) == Response(404)
    assert (await passes.stored(serial))["sign_up"] == "open"


async def test_a_design_that_stopped_asking_takes_nothing(passes: PassShop) -> None:
    member, serial = await a_card(passes)
    await passes.ask_for(None)
    assert FORM not in members_of((await passes.service.file(serial)).body)
    assert await take(passes, serial) == Response(404)
    await passes.ask_for(SignUp(("email",), {"en": "Our letter"}))
    assert (await take(passes, serial)).status == 200
    assert await named(passes, member) == ("", Contact(email="aino@example.org"))
    card = (await passes.stored(serial))["card"]
    assert card["values"]["news"]["text"]["fi"] == "Kiitos liittymisestä"


async def test_signing_up_over_an_address_that_was_told_before_is_marked_in_the_ledger(passes: PassShop) -> None:
    """Whoever finds a pass that still asks must not take the account over unseen; a first telling is no change."""
    fresh, serial = await a_card(passes)
    assert (await take(passes, serial)).status == 200
    known, other = await a_card(passes)
    await passes.contacts.change(known, Contact(email="owner@example.org"))
    assert (await take(passes, other)).status == 200
    async with passes.db.read() as read:
        states = await member_states(read.connection, [fresh, known])
    assert [len(states[one].standing.moments.get(CONTACT_CHANGED, [])) for one in (fresh, known)] == [0, 1]
    assert (await named(passes, known))[1].email == "aino@example.org"


async def test_without_a_certificate_that_signs_the_phone_comes_again_and_nothing_has_changed(
    passes: PassShop,
) -> None:
    member, serial = await a_card(passes)
    press = Press(Identities.fixed(), passes.looks, passes.tap_keys, KEYRING, "https://points.example/apple")
    away = Personalisation(passes.db, passes.contacts, passes.looks, passes.renderer, press)
    body = json.dumps({"personalizationToken": TOKEN, "requiredPersonalizationInfo": AINO}).encode()
    answer = await away.take(PASS_TYPE, serial, body)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert await named(passes, member) == ("", Contact())
    assert (await take(passes, serial)).status == 200


async def test_what_could_be_a_manifest_is_not_signed_for_anybody(passes: PassShop) -> None:
    _, serial = await a_card(passes)
    manifest = json.dumps({"pass.json": "0" * 40})
    assert await take(passes, serial, token=manifest) == Response(400)
    await take(passes, serial)
    assert await take(passes, serial, token=manifest) == Response(400)


async def test_a_body_larger_than_any_form_is_refused_unread(passes: PassShop) -> None:
    _, serial = await a_card(passes)
    assert await passes.personalisation.take(PASS_TYPE, serial, b" " * 17_000) == Response(413)


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_BODIES = st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()) | st.builds(
    lambda token, who: json.dumps({"personalizationToken": token, "requiredPersonalizationInfo": who}).encode(),
    st.just(TOKEN) | _JSON,
    st.dictionaries(st.sampled_from([*AINO, "givenName", "ISOCountryCode"]), st.text(max_size=70) | _JSON, max_size=4)
    | _JSON,
)  # fmt: skip


async def test_whatever_a_stranger_sends_gets_an_answer_of_the_protocol(passes: PassShop) -> None:
    _, serial = await a_card(passes)
    bodies: list[bytes] = []

    @settings(max_examples=300, database=None)
    @given(_BODIES)
    def gather(body: bytes) -> None:
        bodies.append(body)

    gather()
    assert len(bodies) > 100
    for body in bodies:
        answer = await passes.personalisation.take(PASS_TYPE, serial, body)
        assert answer.status in (200, 400, 404)
