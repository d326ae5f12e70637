"""The press makes the file of a stored pass, once per version, with whoever may sign now."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from passes.apple.document import BadServiceUrl
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.apple.press import STORED_COLUMNS, Press, SigningAway, StoredPass, pass_token
from passes.apple.tap_keys import TapPublicKey
from passes.card import Card, card_json
from passes.look import Layout, Look, SignUp
from passes.sandbox.apple_verify import Package, Verifier
from tests.support.apple_cards import OTHER_PASS_TYPE, a_card, authority, icons, identity, other_identity
from tests.support.apple_papers import TAP_KEY, a_look, value, words
from tests.support.certificates import KEYRING, signing

URL = "https://points.example/apple"


class Shelf:
    """Looks by their id, which counts how often pictures are drawn."""

    def __init__(self, looks: Sequence[Look], **more: bytes) -> None:
        self.looks = {look.id: look for look in looks}
        self.drawn = 0
        self.more = {f"{name}.png": data for name, data in more.items()}

    async def look(self, design_id: str) -> Look:
        return self.looks[design_id]

    async def pictures(self, look: Look) -> dict[str, bytes]:
        self.drawn += 1
        await asyncio.sleep(0)
        return {**icons(), **self.more}


class Keys:
    """One key for taps."""

    async def public(self, key_id: str) -> TapPublicKey | None:
        return TapPublicKey(key_id, TAP_KEY) if key_id == "2dfed7b3" else None


def a_press(*identities: Identity, shelf: Shelf | None = None, **options: Any) -> Press:
    known = Identities.fixed(*(identities or (identity(),)))
    return Press(known, shelf or Shelf([a_look()]), Keys(), KEYRING, URL, **options)


def stored(card: Card | None = None, **row: Any) -> StoredPass:
    plain: dict[str, Any] = {
        "id": "pass_1",
        "card": card_json(card or a_card()).decode(),
        "kind": "card",
        "pass_type": identity().pass_type,
        "change_seq": 1,
        "last_modified": datetime(2026, 5, 4, tzinfo=UTC),
        "token_version": 1,
        "voided": False,
        "tap_code": "7k3m9qxa",
        "sign_up": "",
    }
    return StoredPass(**(plain | row))


def opened(file: bytes) -> Package:
    return Verifier(authority().root.read_bytes()).unpack(file)


async def test_a_stored_pass_becomes_a_file_that_a_phone_takes() -> None:
    package = opened(await a_press().file(stored(a_card(balance=77))))
    assert package.document["storeCard"]["headerFields"][0]["value"] == "77"
    assert package.document["authenticationToken"] == pass_token(KEYRING, "pass_1", 1)
    assert package.texts("fi")["Points"] == "Pisteet"


async def test_a_version_is_signed_once_and_the_next_one_anew() -> None:
    press = a_press()
    first = await press.file(stored())
    assert await press.file(stored()) is first
    assert await press.file(stored(change_seq=2)) is not first
    assert await press.file(stored(voided=True)) != first
    assert (press.sealed, press.reused) == (3, 1)


async def test_a_new_token_makes_a_new_file() -> None:
    press = a_press()
    tokens = [opened(await press.file(stored(token_version=at))).document["authenticationToken"] for at in (1, 2)]
    assert tokens == [pass_token(KEYRING, "pass_1", 1), pass_token(KEYRING, "pass_1", 2)]
    assert tokens[0] != tokens[1]


async def test_a_herd_that_asks_for_one_version_has_it_signed_once() -> None:
    shelf = Shelf([a_look()])
    press = a_press(shelf=shelf)
    files = await asyncio.gather(*(press.file(stored()) for _ in range(50)))
    assert len(set(files)) == 1
    assert (press.sealed, shelf.drawn) == (1, 1)


async def test_between_two_files_of_a_herd_others_have_their_turn() -> None:
    press = a_press()
    await press.file(stored())
    sealed: list[int] = []

    async def another() -> None:
        while press.sealed < 21:
            sealed.append(press.sealed)
            await asyncio.sleep(0)

    herd = [press.file(stored(change_seq=number)) for number in range(2, 22)]
    await asyncio.gather(another(), *herd)
    assert max(after - before for before, after in pairwise(sealed)) <= 1


async def test_no_more_is_kept_than_there_is_room_for() -> None:
    size = len(await a_press().file(stored()))
    press = a_press(cache_bytes=2 * size + size // 2)
    files = [await press.file(stored(change_seq=number)) for number in range(4)]
    assert await press.file(stored(change_seq=3)) is files[3]
    assert await press.file(stored(change_seq=2)) is files[2]
    assert press.reused == 2
    assert await press.file(stored(change_seq=0)) is not files[0]


async def test_each_pass_type_is_signed_by_its_own_identity() -> None:
    press = a_press(identity(), other_identity())
    said = opened(await press.file(stored(pass_type=OTHER_PASS_TYPE))).document
    assert said["passTypeIdentifier"] == OTHER_PASS_TYPE


@pytest.mark.parametrize("pass_type", ["", "pass.nobody"])
async def test_a_pass_type_without_a_certificate_cannot_be_signed(pass_type: str) -> None:
    with pytest.raises(SigningAway):
        await a_press().file(stored(pass_type=pass_type))
    with pytest.raises(SigningAway):
        await a_press().sign(pass_type, b"token")


@pytest.mark.parametrize("kind", [{"days": -1.0, "begins_in_days": -30.0}, {"begins_in_days": 2.0}])
async def test_a_certificate_that_is_not_in_date_does_not_sign(kind: dict[str, float]) -> None:
    press = a_press(signing(identity().pass_type, team=identity().team, **kind))
    with pytest.raises(SigningAway):
        await press.file(stored())


async def test_a_new_certificate_signs_what_was_kept_anew() -> None:
    renewed = signing(identity().pass_type, team=identity().team, nfc=True)
    kept = [Identities.fixed(identity()), Identities.fixed(renewed)]

    class Changing:
        def of(self, pass_type: str) -> Identity | None:
            return kept[0].of(pass_type)

    press = Press(Changing(), Shelf([a_look()]), Keys(), KEYRING, URL)
    before = await press.file(stored())
    kept.pop(0)
    after = await press.file(stored())
    assert before != after
    assert opened(after).document == opened(before).document


def tapped(**row: Any) -> StoredPass:
    return stored(a_card(tap_key="2dfed7b3"), **row)


async def test_a_card_with_a_tap_key_can_be_tapped() -> None:
    press = a_press(shelf=Shelf([a_look(taps=True)]))
    said = opened(await press.file(tapped())).document
    assert said["nfc"] == {"message": "7k3m9qxa", "encryptionPublicKey": TAP_KEY}


@pytest.mark.parametrize("row", [stored(), stored(a_card(tap_key="00000000")), tapped(tap_code="")])
async def test_without_a_key_or_a_code_there_are_no_taps(row: StoredPass) -> None:
    press = a_press(shelf=Shelf([a_look(taps=True)]))
    assert "nfc" not in opened(await press.file(row)).document


async def test_a_certificate_without_taps_signs_passes_without_taps() -> None:
    plain = signing(identity().pass_type, team=identity().team, nfc=False)
    press = a_press(plain, shelf=Shelf([a_look(taps=True, sign_up=ASKING)], personalizationLogo=b"png"))
    package = opened(await press.file(tapped(sign_up="open")))
    assert "nfc" not in package.document
    assert not [name for name in package.files if name.startswith("personalization")]


ASKING = SignUp(("email",), words("Join"))


@pytest.mark.parametrize(("sign_up", "asked"), [("open", True), ("done", False), ("", False)])
async def test_a_member_is_asked_until_the_sign_up_is_done(sign_up: str, asked: bool) -> None:
    press = a_press(shelf=Shelf([a_look(taps=True, sign_up=ASKING)], personalizationLogo=b"png"))
    files = opened(await press.file(tapped(sign_up=sign_up))).files
    assert ("personalization.json" in files, "personalizationLogo.png" in files) == (asked, asked)


async def test_nobody_is_asked_without_the_picture_that_phones_want() -> None:
    press = a_press(shelf=Shelf([a_look(taps=True, sign_up=ASKING)]))
    assert "personalization.json" not in opened(await press.file(tapped(sign_up="open"))).files


async def test_a_token_is_signed_by_the_identity_of_its_pass_type() -> None:
    press = a_press(identity(), other_identity())
    signature = await press.sign(OTHER_PASS_TYPE, b"token")
    assert Verifier(authority().root.read_bytes()).check_signature(signature, b"token").pass_type == OTHER_PASS_TYPE


async def test_a_sample_of_documents_is_looked_at_and_faults_are_counted() -> None:
    press = a_press()
    for number in range(101):
        await press.file(stored(change_seq=number))
    assert (press.sampled, press.faulty) == (2, 0)
    layout = Layout(secondary=("holder", "tier", "next_reward"), auxiliary=("joined", "expiring"))
    press = a_press(shelf=Shelf([a_look(layout=layout)]))
    card = a_card()
    card.values.update(joined=value("2024"), expiring=value("soon"))
    await press.file(stored(card))
    assert (press.sampled, press.faulty) == (1, 1)


def test_the_columns_are_those_of_the_struct() -> None:
    names = [column.split(" AS ")[-1].split("::")[0] for column in STORED_COLUMNS.split(", ")]
    assert names == list(StoredPass.__struct_fields__)


def test_an_address_that_phones_would_misuse_is_refused_before_the_first_pass() -> None:
    with pytest.raises(BadServiceUrl):
        Press(Identities.fixed(identity()), Shelf([]), Keys(), KEYRING, "https://points.example/apple/v1")
