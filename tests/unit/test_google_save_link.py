"""The link behind the button."""

import base64
import json
from pathlib import Path

import pytest

from passes.google.identity import GoogleIdentity
from passes.google.seal import MAX_JWT_LENGTH, SAVE_URL, Named, SaveLinks, SaveLinkTooLong
from passes.sandbox.google_account import BadJwt, ServiceAccount, make_service_account, verified_claims

ISSUER = "3388000000022000000"
OBJECT, CLASS = f"{ISSUER}.pass_01jd0000000000000000000000", f"{ISSUER}.ptn_01jd0000000000000000000000"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> ServiceAccount:
    return make_service_account(tmp_path_factory.mktemp("google"), "http://127.0.0.1:1/token")


@pytest.fixture(scope="module")
def identity(account: ServiceAccount) -> GoogleIdentity:
    return GoogleIdentity.from_file(account.path, ISSUER)


def test_a_link_names_the_object_and_is_signed_by_the_service_account(
    identity: GoogleIdentity, account: ServiceAccount
) -> None:
    link = SaveLinks(identity, ["https://points.example"]).link(OBJECT, CLASS)
    assert link.startswith(SAVE_URL)
    claims = verified_claims(link.removeprefix(SAVE_URL), {account.email: account.public_key})
    assert claims["aud"] == "google"
    assert claims["typ"] == "savetowallet"
    assert claims["origins"] == ["https://points.example"]
    assert claims["payload"] == {"loyaltyObjects": [{"id": OBJECT, "classId": CLASS}]}


def test_a_link_is_short_enough_for_every_browser(identity: GoogleIdentity) -> None:
    assert len(SaveLinks(identity, ["https://points.example"]).link(OBJECT, CLASS)) < MAX_JWT_LENGTH


def test_a_link_that_browsers_would_cut_is_not_handed_out(identity: GoogleIdentity) -> None:
    with pytest.raises(SaveLinkTooLong):
        SaveLinks(identity, [f"https://shop-{number}.example" for number in range(50)]).link(OBJECT, CLASS)


def test_a_changed_link_is_not_accepted(identity: GoogleIdentity, account: ServiceAccount) -> None:
    keys = {account.email: account.public_key}
    head, body, signature = identity.sign_jwt({"iss": account.email, "aud": "google"}).split(".")
    other = identity.sign_jwt({"iss": account.email, "aud": "other"}).split(".")[1]
    assert verified_claims(f"{head}.{body}.{signature}", keys)
    with pytest.raises(BadJwt):
        verified_claims(f"{head}.{other}.{signature}", keys)
    with pytest.raises(BadJwt):
        verified_claims("nonsense", keys)


def test_a_service_account_made_again_keeps_its_key_and_may_move(tmp_path: Path) -> None:
    first = make_service_account(tmp_path, "http://127.0.0.1:1/token")
    again = make_service_account(tmp_path, "http://127.0.0.1:2/token")
    assert again.public_key.public_numbers() == first.public_key.public_numbers()
    assert GoogleIdentity.from_file(again.path, ISSUER).token_uri == "http://127.0.0.1:2/token"
    assert first.path.stat().st_mode & 0o077 == 0


def test_an_issuer_id_is_a_number(account: ServiceAccount) -> None:
    with pytest.raises(ValueError, match="digits"):
        GoogleIdentity.from_file(account.path, "my-shop")


def test_one_link_names_cards_and_coupons_each_in_their_list(identity: GoogleIdentity, account: ServiceAccount) -> None:
    links = SaveLinks(identity, ["https://points.example"])
    offer = Named("offerObject", f"{ISSUER}.pass_2", f"{CLASS}.0123456789ab")
    jwt = links.signed([Named("loyaltyObject", OBJECT, CLASS), offer])
    claims = verified_claims(jwt, {account.email: account.public_key})
    assert claims["iss"] == account.email
    assert isinstance(claims["iat"], int)
    assert claims["payload"] == {
        "loyaltyObjects": [{"id": OBJECT, "classId": CLASS}],
        "offerObjects": [{"id": offer.object_id, "classId": offer.class_id}],
    }


def test_a_signed_token_names_its_key_so_that_google_finds_it(
    identity: GoogleIdentity, account: ServiceAccount
) -> None:
    head = identity.sign_jwt({"iss": account.email}).split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    info = json.loads(account.path.read_bytes())
    assert header == {"alg": "RS256", "kid": info["private_key_id"], "typ": "JWT"}


@pytest.mark.parametrize("wrong", ['1.a"}', "", "no-issuer", "1.ä", "1.a b"])
def test_nothing_but_an_id_gets_into_a_link(identity: GoogleIdentity, wrong: str) -> None:
    with pytest.raises(ValueError, match="no id"):
        SaveLinks(identity, []).link(OBJECT, wrong)
