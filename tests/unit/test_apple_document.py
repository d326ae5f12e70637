"""The pass document says what the card says in its look, in the form phones expect."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.document import BadServiceUrl, Origin, Ticket
from passes.apple.document_fields import BadCard, anchor
from passes.apple.document_frame import rgb
from passes.apple.validation import faults
from passes.card import Card, Link, Place, Value
from passes.look import Action, BackText, Layout, Look, LookLink, SignUp, Span, ValueKey
from passes.pictures import initials
from tests.support.apple_cards import a_card
from tests.support.apple_papers import BACK, TAP_KEY, a_look, a_paper, a_ticket, field, tapping, value, words, written

HELSINKI = timezone(timedelta(hours=3))


def with_values(**values: Value) -> Card:
    return Card(
        brand_id="ptn_1",
        design="dsn_1",
        language="en",
        description=words("Card"),
        code="7K3M9QXA2BCD",
        values=dict(values),
    )


def areas(said: dict[str, Any]) -> dict[str, list[str]]:
    return {area: [one["key"] for one in fields] for area, fields in said["storeCard"].items()}


def test_the_balance_is_in_the_header_as_text() -> None:
    assert written(a_card(balance=12500))["storeCard"]["headerFields"] == [
        {"key": "balance", "value": "12500", "label": "Points"}
    ]


def test_a_balance_of_nothing_is_still_shown() -> None:
    assert field(written(a_card(balance=0)), "balance")["value"] == "0"


def test_values_stand_where_the_look_puts_them() -> None:
    layout = Layout(header=("tier",), primary=("balance",), secondary=("next_reward",), auxiliary=(), back=("holder",))
    assert areas(written(look=a_look(layout=layout))) == {
        "headerFields": ["tier"],
        "primaryFields": ["balance"],
        "secondaryFields": ["next_reward"],
        "backFields": ["news", "holder", "link_1"],
    }


def test_a_value_that_the_look_names_twice_is_shown_once() -> None:
    layout = Layout(header=("balance",), primary=("balance",), back=("balance", "tier"), secondary=("tier",))
    keys = [key for keys in areas(written(look=a_look(layout=layout))).values() for key in keys]
    assert len(keys) == len(set(keys))


def test_what_the_card_does_not_say_leaves_no_empty_field() -> None:
    assert areas(written(a_card(tier="", next_reward={}))) == {
        "headerFields": ["balance"],
        "secondaryFields": ["holder"],
        "backFields": ["news", "link_1"],
    }


def test_the_news_alone_announces_itself_in_its_own_words() -> None:
    said = written(a_card(news={"en": "You earned 12 points, now 132"}))
    fields = [one for fields in said["storeCard"].values() for one in fields]
    assert [one["key"] for one in fields if "changeMessage" in one] == ["news"]
    assert field(said, "news")["value"] == "You earned 12 points, now 132"
    assert field(said, "news")["changeMessage"] == "%@"


def test_a_card_without_news_has_the_field_all_the_same_so_that_the_first_news_is_a_change() -> None:
    news = field(written(with_values(balance=Value(label=words("Points"), number=1))), "news")
    assert news["value"] == "Card"
    assert news["changeMessage"] == "%@"


@pytest.mark.parametrize(
    ("style", "key"),
    [("store_card", "storeCard"), ("generic", "generic"), ("coupon", "coupon"), ("event_ticket", "eventTicket")],
)
def test_a_look_chooses_the_style(style: Any, key: str) -> None:
    said = written(look=a_look(style=style))
    assert {"storeCard", "generic", "coupon", "eventTicket"} & said.keys() == {key}
    assert not faults(said)


def test_money_is_a_number_that_the_phone_formats_and_a_balance_that_the_system_understands() -> None:
    card = with_values(balance=Value(label=words("Credit"), minor=1250, currency="EUR"))
    assert field(written(card), "balance") == {
        "key": "balance",
        "value": 12.5,
        "label": "Credit",
        "currencyCode": "EUR",
        "semantics": {"balance": {"amount": "12.50", "currencyCode": "EUR"}},
    }


def test_points_that_are_worth_money_show_points_and_tell_the_system_the_money() -> None:
    card = with_values(balance=Value(label=words("Points"), number=300, minor=300, currency="HUF"))
    said = field(written(card), "balance")
    assert said["value"] == "300"
    assert said["semantics"] == {"balance": {"amount": "3.00", "currencyCode": "HUF"}}
    assert not faults(written(card))


@pytest.mark.parametrize(("minor", "currency", "amount"), [(500, "JPY", 500), (1200, "EUR", 12), (-5, "EUR", -0.05)])
def test_an_amount_has_the_decimals_of_its_currency(minor: int, currency: str, amount: float) -> None:
    card = with_values(worth=Value(label=words("Worth"), minor=minor, currency=currency))
    assert field(written(card, a_look(layout=BACK)), "worth")["value"] == amount


def test_a_day_of_the_programme_is_the_same_day_on_a_phone_far_away() -> None:
    card = with_values(joined=Value(label=words("Since"), moment=datetime(2026, 6, 30, 23, 59, 59, 999_999, HELSINKI)))
    said = field(written(card, a_look(layout=BACK)), "joined")
    assert said["value"] == "2026-06-30T23:59:59+03:00"
    assert (said["dateStyle"], said["ignoresTimeZone"]) == ("PKDateStyleMedium", True)


def test_a_moment_without_a_zone_of_its_own_is_shown_in_the_phones() -> None:
    card = with_values(joined=Value(label=words("Since"), moment=datetime(2026, 6, 30, 12, tzinfo=UTC)))
    assert "ignoresTimeZone" not in field(written(card, a_look(layout=BACK)), "joined")


def test_a_number_on_the_back_is_no_telephone_number() -> None:
    said = written(with_values(member_code=value("7003 9012")), a_look(layout=BACK))
    assert field(said, "member_code")["dataDetectorTypes"] == []


def test_texts_and_links_of_the_look_follow_those_of_the_card() -> None:
    look = a_look(
        texts=(BackText("terms", words("Terms"), words("Call +358 9 123456")), BackText("empty", words("x"), {})),
        links=(LookLink(words("Hours"), "https://kavezo.example/hours"), LookLink(words("Call"), "tel:+3589123456")),
    )
    said = written(look=look)
    assert areas(said)["backFields"] == ["news", "text_terms", "link_1", "link_2", "link_3"]
    assert "dataDetectorTypes" not in field(said, "text_terms")
    assert field(said, "link_1")["label"] == "Your account"
    assert field(said, "link_2")["label"] == "Hours"
    assert field(said, "link_3")["attributedValue"] == '<a href="tel:+3589123456">+3589123456</a>'


def test_a_link_is_the_host_that_it_leads_to() -> None:
    link = field(written(), "link_1")
    assert link["value"] == "https://example.org/me?a=1&b=2"
    assert link["attributedValue"] == '<a href="https://example.org/me?a=1&amp;b=2">example.org</a>'


@pytest.mark.parametrize("url", ['https://example.org/"><script>', "https://<b>x</b>/", "https://x.org/'onclick='"])
def test_a_link_cannot_break_out_of_its_attribute(url: str) -> None:
    assert anchor(url).count("<") == 2
    assert anchor(url).count('"') == 2


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "", "//x.org"])
def test_a_link_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(BadCard):
        written(a_card(links=(Link(words("x"), url),)))


@pytest.mark.parametrize(
    ("barcode", "code", "formats", "encoding"),
    [
        ("qr", "7K3M", ["QR"], "iso-8859-1"),
        ("aztec", "7K3M", ["Aztec"], "iso-8859-1"),
        ("pdf417", "7K3M", ["PDF417"], "iso-8859-1"),
        ("code128", "7K3M", ["Code128", "QR"], "iso-8859-1"),
        ("code128", "Körút", ["QR"], "utf-8"),
        ("qr", "Körút", ["QR"], "utf-8"),
    ],
)
def test_a_device_that_cannot_show_the_barcode_shows_the_next(
    barcode: Any, code: str, formats: list[str], encoding: str
) -> None:
    said = written(a_card(code=code), a_look(barcode=barcode))
    assert [one["format"] for one in said["barcodes"]] == [f"PKBarcodeFormat{form}" for form in formats]
    assert {(one["message"], one["altText"], one["messageEncoding"]) for one in said["barcodes"]} == {
        (code, code, encoding)
    }
    assert "barcode" not in said
    assert not faults(said)


def test_the_pass_says_where_it_comes_from_and_how_to_ask_for_changes() -> None:
    said = written()
    assert said["formatVersion"] == 1
    assert (said["passTypeIdentifier"], said["teamIdentifier"]) == ("pass.test.commonpoint.sandbox", "TESTTEAM01")
    assert (said["serialNumber"], said["authenticationToken"]) == ("pass_1", "0123456789abcdef0123")
    assert said["webServiceURL"] == "https://points.example/apple"
    assert said["organizationName"] == said["logoText"] == "Kávézó Körút"
    assert said["backgroundColor"] == "rgb(31, 58, 95)"


def test_a_closed_account_voids_the_pass() -> None:
    assert written(ticket=a_ticket(voided=True))["voided"] is True
    assert "voided" not in written()


def test_a_card_that_ends_says_when() -> None:
    ends = datetime(2026, 6, 30, 23, 59, 59, 500, tzinfo=HELSINKI)
    assert written(a_card(valid_until=ends))["expirationDate"] == "2026-06-30T23:59:59+03:00"


def test_places_and_beacons_come_with_their_text_and_no_more_than_ten_of_each() -> None:
    text = words("Show your card", "Näytä korttisi")
    places = [Place(text=text, latitude=60 + at / 100, longitude=24.9) for at in range(12)]
    beacons = [Place(text=text, uuid="e2c56db5-dffb-48d2-b060-d0f5a71096e0", major=0, minor=at) for at in range(3)]
    said = written(a_card(places=(*places, *beacons)))
    assert len(said["locations"]) == 10
    assert said["locations"][0] == {"latitude": 60.0, "longitude": 24.9, "relevantText": "Show your card"}
    assert said["beacons"][0] == {
        "proximityUUID": "e2c56db5-dffb-48d2-b060-d0f5a71096e0",
        "major": 0,
        "minor": 0,
        "relevantText": "Show your card",
    }
    assert not faults(said)


def test_a_card_has_its_own_places_whatever_the_one_before_had() -> None:
    def at(latitude: float, text: str) -> Card:
        ends = (
            Place(text=words(text), latitude=60.0, longitude=24.0),
            Place(text=words(text), latitude=61, longitude=25),
        )
        return a_card(places=(ends[0], Place(text=words(text), latitude=latitude, longitude=24.5), ends[1]))

    for latitude, text in ((60.5, "Show it"), (60.6, "Show it"), (60.6, "Points"), (60.5, "Show it")):
        said = written(at(latitude, text))
        assert [one["latitude"] for one in said["locations"]] == [60.0, latitude, 61]
        assert {one["relevantText"].rstrip("\u200b") for one in said["locations"]} == {text}


def test_moments_of_a_ticket_are_written_for_old_and_new_systems() -> None:
    start = datetime(2026, 6, 30, 18, tzinfo=HELSINKI)
    look = a_look(style="event_ticket", relevant=(Span(start), Span(start, start + timedelta(hours=4))))
    said = written(look=look)
    told = "2026-06-30T18:00:00+03:00"
    assert said["relevantDates"] == [
        {"relevantDate": told, "date": told},
        {"startDate": told, "endDate": "2026-06-30T22:00:00+03:00"},
    ]
    assert said["relevantDate"] == told
    assert not faults(said)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(hours=-1), timedelta(days=1, seconds=1)])
def test_a_span_that_phones_ignore_is_refused(length: timedelta) -> None:
    start = datetime(2026, 6, 30, 18, tzinfo=UTC)
    with pytest.raises(BadCard):
        written(look=a_look(relevant=(Span(start, start + length),)))


def test_tickets_of_one_brand_are_grouped_and_have_a_second_row() -> None:
    keys: tuple[ValueKey, ...] = ("holder", "tier", "next_reward", "joined", "member_code", "expiring")
    card = with_values(**{key: value(key) for key in keys})
    said = written(card, a_look(style="event_ticket", layout=Layout(header=(), secondary=(), auxiliary=keys)))
    assert said["groupingIdentifier"] == "ptn_1"
    assert [one.get("row") for one in said["eventTicket"]["auxiliaryFields"]] == [None, None, None, None, 1, 1]
    assert not faults(said)
    assert "groupingIdentifier" not in written()


def test_tiles_under_the_pass_and_a_companion_app() -> None:
    look = a_look(
        actions=(Action("view_offers_rewards", "https://x.example/r"), Action("call", "tel:+3589")),
        store_ids=(123456789,),
        app_url="cafe://card",
        user_info={"theme": "dark", "nothing": None, "list": [1, None, {"deep": None}]},
    )
    said = written(look=look)
    assert said["featuredActions"] == [
        {"identifier": "action_1", "type": "viewOffersRewards", "url": "https://x.example/r"},
        {"identifier": "action_2", "type": "call", "url": "tel:+3589"},
    ]
    assert (said["associatedStoreIdentifiers"], said["appLaunchURL"]) == ([123456789], "cafe://card")
    assert said["userInfo"] == {"theme": "dark", "list": [1, {}]}
    assert not faults(said)


def test_an_address_to_start_an_app_needs_the_app() -> None:
    assert "appLaunchURL" not in written(look=a_look(app_url="cafe://card"))


def test_a_pass_is_shared_only_if_the_look_allows_it_and_never_when_it_asks_to_unlock() -> None:
    assert written()["sharingProhibited"] is True
    assert "sharingProhibited" not in written(look=a_look(sharing=True))
    assert written(look=a_look(sharing=True, taps=True, unlock_to_tap=True))["sharingProhibited"] is True


def test_a_pass_with_taps_says_its_code_encrypted_for_the_key() -> None:
    plain = {"message": "7k3m9qxa", "encryptionPublicKey": TAP_KEY}
    assert written(look=a_look(taps=True), ticket=tapping())["nfc"] == plain
    strict = written(look=a_look(taps=True, unlock_to_tap=True), ticket=tapping())
    assert strict["nfc"] == plain | {"requiresAuthentication": True}
    assert not faults(strict)


@pytest.mark.parametrize(
    ("look", "ticket"),
    [
        (a_look(), tapping()),
        (a_look(taps=True), a_ticket()),
        (a_look(taps=True), a_ticket(tap_code="x")),
        (a_look(taps=True), a_ticket(tap_public_key=TAP_KEY)),
    ],
)
def test_without_a_wish_a_code_or_a_key_there_are_no_taps(look: Look, ticket: Ticket) -> None:
    assert "nfc" not in written(look=look, ticket=ticket)


ASKING = SignUp(("email", "name", "email"), words("Join", "Liity"), {})


def test_a_new_member_is_asked_for_their_details() -> None:
    paper = a_paper(look=a_look(taps=True, sign_up=ASKING), ticket=tapping(sign_up=True))
    assert paper.strings["personalization.json"] == (
        b'{"requiredPersonalizationFields":["PKPassPersonalizationFieldEmailAddress","PKPassPersonalizationFieldName"],'
        b'"description":"Join"}'
    )


@pytest.mark.parametrize(
    ("look", "ticket"),
    [
        (a_look(sign_up=ASKING), tapping(sign_up=True)),
        (a_look(taps=True, sign_up=ASKING), tapping()),
        (a_look(taps=True, sign_up=ASKING), a_ticket(sign_up=True)),
        (a_look(taps=True), tapping(sign_up=True)),
        (a_look(taps=True, sign_up=SignUp((), words("Join"))), tapping(sign_up=True)),
    ],
)
def test_nobody_is_asked_who_may_not_be(look: Look, ticket: Ticket) -> None:
    assert "personalization.json" not in a_paper(look=look, ticket=ticket).strings


def test_a_changed_look_of_the_same_name_is_not_mistaken_for_the_one_before() -> None:
    assert written(look=a_look(background="#000000"))["backgroundColor"] == "rgb(0, 0, 0)"
    assert written(look=a_look(background="#ffffff"))["backgroundColor"] == "rgb(255, 255, 255)"


def nulls(said: Any) -> Iterator[Any]:
    """Every null and every empty text in a value, however deep."""
    if isinstance(said, dict | list):
        for part in said.values() if isinstance(said, dict) else said:
            yield from nulls(part)
    elif said is None or said == "":
        yield said


@given(text=st.text(min_size=1, max_size=40), balance=st.integers(0, 10**15))
def test_any_name_gives_a_document_without_nulls_and_with_unique_keys(text: str, balance: int) -> None:
    said = written(a_card(holder=text, balance=balance), a_look(brand_name=text, logo_text=text))
    assert not list(nulls(said))
    keys = [one["key"] for fields in said["storeCard"].values() for one in fields]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("colour", ["", "#fff", "red", "#12345g", "rgb(1,2,3)", "#1f3a5f00"])
def test_a_colour_of_another_form_is_refused(colour: str) -> None:
    with pytest.raises(BadCard):
        rgb(colour)


@pytest.mark.parametrize("url", ["https://x.example/apple/v1", "https://x.example/", "points.example", "ftp://x", ""])
def test_a_service_address_that_phones_would_misuse_is_refused(url: str) -> None:
    with pytest.raises(BadServiceUrl):
        Origin("pass.test.x", "TEAM012345", url)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Kávézó Körút", "KK"), ("Bistro", "B"), ("The Old Mill Bakery", "TB"), ("Бар", ""), ("", ""), ("3 Öljyä", "3O")],
)
def test_a_brand_has_a_monogram(name: str, letters: str) -> None:
    assert initials(name) == letters
