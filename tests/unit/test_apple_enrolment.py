"""Sign-ups from a pass: what is read of them, what is kept, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.enrolment import DetailMissing, EnrolmentMalformed, Told, details, enrolment, shown_name
from passes.look import SignUp
from points.contacts import BadContact, Contact
from points.members import BadName, check_name

ALL = SignUp(("name", "email", "phone", "postal_code"), {"en": "Join"})
WHO = {
    "fullName": "Aino Mäkinen", "givenName": "Aino", "familyName": "Mäkinen", "emailAddress": "aino@example.org",
    "phoneNumber": "+358 40 1234567", "postalCode": "00100", "ISOCountryCode": "FI",
}  # fmt: skip
TOKEN = "ZGV2aWNlIHRva2Vu+/=.-_~!#:,[]()"


def a_body(token: object = TOKEN, **who: object) -> bytes:
    return json.dumps({"personalizationToken": token, "requiredPersonalizationInfo": WHO | who}).encode()


def test_what_the_pass_asked_for_is_kept_in_our_form() -> None:
    read = enrolment(a_body())
    assert read.personalizationToken == TOKEN
    told = details(read.requiredPersonalizationInfo, ALL)
    assert told.name == "Aino Mäkinen"
    assert told.contact == Contact(
        email="aino@example.org", phone="+358401234567", postal_code="00100", country="FI"
    )  # fmt: skip


def test_the_country_is_read_in_both_spellings_and_left_out_when_it_is_none() -> None:
    for spelling in ("ISOCountryCode", "isoCountryCode"):
        told = Told(phoneNumber="0401234567", **{spelling: " fi "})
        assert details(told, SignUp(("phone",), {})).contact.country == "FI"
    told = Told(phoneNumber="0401234567", ISOCountryCode="Suomi")
    assert details(told, SignUp(("phone",), {})).contact == Contact(phone="0401234567")


def test_what_the_pass_did_not_ask_for_is_not_kept() -> None:
    read = enrolment(a_body()).requiredPersonalizationInfo
    told = details(read, SignUp(("email",), {}))
    assert (told.name, told.contact) == (None, Contact(email="aino@example.org"))
    assert details(read, SignUp(("name",), {})).contact == Contact()


@pytest.mark.parametrize(
    ("field", "said", "missing"),
    [("email", "emailAddress", None), ("phone", "phoneNumber", ""), ("postal_code", "postalCode", "  ")],
)
def test_what_the_pass_asks_for_must_be_there(field: str, said: str, missing: str | None) -> None:
    with pytest.raises(DetailMissing) as refused:
        details(enrolment(a_body(**{said: missing})).requiredPersonalizationInfo, ALL)
    assert refused.value.facts == {"field": field}


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ({"fullName": "  Aino \n  Mäkinen "}, "Aino Mäkinen"),
        ({"fullName": "A\u0308iti"}, "Äiti"),
        ({"fullName": "\u202eonia\u202c"}, "onia"),
        ({"fullName": "x" * 61, "givenName": "Aino", "familyName": "Mäkinen"}, "Aino Mäkinen"),
        ({"fullName": "x" * 61, "givenName": "Aino", "familyName": "y" * 60}, "Aino"),
        ({"givenName": "Aino"}, "Aino"),
        ({"familyName": "Mäkinen"}, "Mäkinen"),
        ({"fullName": "Bad\0", "givenName": "Good"}, "Good"),
        ({"fullName": "李小龍"}, "李小龍"),
    ],
    ids=ascii,
)
def test_a_name_is_shown_as_well_as_a_card_can(who: dict[str, str], shown: str) -> None:
    assert shown_name(Told(**who)) == shown


@pytest.mark.parametrize(
    "who",
    [{"fullName": "x" * 61}, {"fullName": "a\0b"}, {"fullName": "\ue000"}, {"fullName": "x" * 61, "givenName": "\x07"}],
)
def test_a_name_that_no_card_can_show_is_refused(who: dict[str, str]) -> None:
    with pytest.raises(BadName):
        shown_name(Told(**who))


@pytest.mark.parametrize("who", [{}, {"fullName": ""}, {"fullName": " \t", "givenName": "\u200b"}], ids=ascii)
def test_a_sign_up_without_the_name_that_was_asked_for_is_refused(who: dict[str, str]) -> None:
    with pytest.raises(DetailMissing):
        shown_name(Told(**who))


def test_a_token_that_could_be_a_manifest_is_never_signed() -> None:
    """Our signature over it would make any file a pass of ours."""
    manifest = json.dumps({"pass.json": "0" * 40, "icon.png": "1" * 40})
    disguised = [manifest, manifest.replace(" ", ""), "{}", '{"a":1}', "[{}]", " {}", "\ufeff{}", "{\0}\0", "\u007b"]
    for token in [*disguised, *(text.encode("utf-16-le").decode("latin-1") for text in disguised[:4])]:
        with pytest.raises(EnrolmentMalformed):
            enrolment(a_body(token))


@given(st.text(max_size=40))
def test_no_token_that_is_taken_is_a_json_object_in_any_encoding(token: str) -> None:
    try:
        taken = enrolment(a_body(token)).personalizationToken.encode()
    except EnrolmentMalformed:
        return
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        assert "{" not in taken.decode(encoding, "ignore")


HOSTILE = [
    b"", b"{}", b"[]", b"null", b'"x"', b"\xff\xfe", b"{" * 50_000, b"[" * 50_000,
    b'{"personalizationToken":' + b"[" * 10_000, b'{"personalizationToken":"x","new":' + b"[" * 16_000,
    b'{"personalizationToken":"x","new":' + b'{"a":' * 3_000,
    a_body(""), a_body(1), a_body(None), a_body(["x"]), a_body("a b"),
    a_body("a\n"), a_body("é"), a_body("x" * 4097), a_body(fullName=1), a_body(fullName={"a": 1}),
    a_body(fullName="x" * 401), b'{"personalizationToken":"x","requiredPersonalizationInfo":[]}',
    b'{"personalizationToken":"x","requiredPersonalizationInfo":{"fullName":"\\ud800"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body[:50]))
def test_a_body_that_wallet_does_not_send_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(EnrolmentMalformed):
        enrolment(body)


def test_more_than_we_know_is_passed_over() -> None:
    body = json.loads(a_body()) | {"newInSomeSystem": {"a": [1]}}
    body["requiredPersonalizationInfo"] |= {"shoeSize": 43}
    assert details(enrolment(json.dumps(body).encode()).requiredPersonalizationInfo, ALL).name == "Aino Mäkinen"


_TEXTS: Any = st.none() | st.text(max_size=80) | st.sampled_from(["a@b.c", "+358401234567", "FI", "00100"])


@given(st.builds(Told, **dict.fromkeys(Told.__struct_fields__, _TEXTS)))
def test_whatever_is_kept_can_be_shown_and_stored(told: Told) -> None:
    try:
        kept = details(told, ALL)
    except (BadName, BadContact, DetailMissing):
        return
    assert kept.name is not None
    check_name(kept.name)
    for text in (kept.contact.email, kept.contact.phone, kept.contact.postal_code, kept.contact.country):
        assert text.isprintable()
        assert "\0" not in text


def test_what_somebody_told_stands_in_no_representation() -> None:
    assert "aino" not in repr(enrolment(a_body())).lower()
