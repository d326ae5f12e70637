"""What a phone would drop, cut, ignore or refuse is said before it is sealed, with the place where it stands."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from passes.apple.validation import faults
from passes.card import Card, Place, Value
from passes.look import Action, Layout, SignUp
from tests.support.apple_cards import a_card, icons
from tests.support.apple_papers import TAP_KEY, a_look, a_paper, tapping, value, words, written

Said = dict[str, Any]
KEYS: Any = ("holder", "tier", "next_reward", "joined", "expiring", "member_code")


def crowded(style: Any = "store_card", barcode: Any = "qr", **areas: Any) -> Said:
    """A pass with so many fields in each area."""
    card = a_card()
    card.values.update({key: value(key) for key in ("joined", "expiring", "member_code")})
    names = iter(KEYS)
    layout: dict[str, Any] = {"header": (), "secondary": (), "auxiliary": ()}
    layout |= {area: tuple(next(names) for _ in range(count)) for area, count in areas.items()}
    return written(card, a_look(style=style, barcode=barcode, layout=Layout(**layout)))


def told(said: Said, files: Any = None) -> dict[str, str]:
    return {fault.path: fault.says for fault in faults(said, files)}


def test_a_good_pass_has_no_faults() -> None:
    paper = a_paper()
    assert faults(written(), {**icons(), **paper.strings}) == []


@pytest.mark.parametrize(
    ("said", "path", "says"),
    [
        (crowded(secondary=3, auxiliary=2), "storeCard.auxiliaryFields[1]", "iOS would drop the fifth field: there is"),
        (crowded(secondary=5), "storeCard.secondaryFields[4]", "iOS would drop the fifth field"),
        (crowded(secondary=1, auxiliary=5), "storeCard.auxiliaryFields[3]", "drop the fifth and later fields"),
        (crowded("coupon", auxiliary=5), "coupon.auxiliaryFields[4]", "iOS would drop the fifth field"),
        (crowded("generic", secondary=3, auxiliary=2), "generic.auxiliaryFields[1]", "iOS would drop the fifth field"),
        (crowded(primary=2), "storeCard.primaryFields[1]", "drop the second field: there is room for 1 primary"),
        (crowded(header=4), "storeCard.headerFields[3]", "drop the fourth field: there is room for 3 header"),
    ],
)
def test_a_field_without_room_is_dropped(said: Said, path: str, says: str) -> None:
    assert says in told(said)[path]
    assert len(told(said)) == 1


@pytest.mark.parametrize(
    "said",
    [
        crowded(secondary=2, auxiliary=2, header=1),
        crowded(secondary=4),
        crowded("generic", "pdf417", secondary=4, auxiliary=2),
        crowded("event_ticket", secondary=0, auxiliary=6),
        crowded("event_ticket", secondary=3, auxiliary=3),
    ],
)
def test_fields_that_have_room_are_shown(said: Said) -> None:
    assert told(said) == {}


def changed(change: Callable[[Said], object]) -> Said:
    said = written(look=a_look(actions=(Action("shop", "https://x.example"),)))
    change(said)
    return said


def in_field(**changes: Any) -> Callable[[Said], object]:
    return lambda said: said["storeCard"]["secondaryFields"][0].update(changes)


FIELD = "storeCard.secondaryFields[0]"
MOMENT = "2026-06-30T12:00:00+03:00"


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        (lambda said: said.update(formatVersion="1"), "formatVersion", "refuse"),
        (lambda said: said.pop("organizationName"), "organizationName", "required"),
        (lambda said: said.update(description=""), "description", "required"),
        (lambda said: said.update(teamIdentifier="SHORT"), "teamIdentifier", "ten characters"),
        (lambda said: said.update(generic={}), "", "exactly one style"),
        (lambda said: said.pop("storeCard"), "", "exactly one style"),
        (lambda said: said.update(storeCard=[]), "storeCard", "must be an object"),
        (lambda said: said.update(logoText=5), "logoText", "must be text"),
        (lambda said: said.update(voided="yes"), "voided", "true or false"),
        (lambda said: said.update(groupingIdentifier="x"), "groupingIdentifier", "ignore"),
        (lambda said: said.update(labelColor="#ffffff"), "labelColor", "rgb(31, 58, 95)"),
        (lambda said: said.update(labelColor="rgb(256, 0, 0)"), "labelColor", "rgb(31, 58, 95)"),
        (lambda said: said.pop("authenticationToken"), "webServiceURL", "go together"),
        (lambda said: said.update(authenticationToken="short"), "authenticationToken", "16"),
        (lambda said: said.update(webServiceURL="http://x.example"), "webServiceURL", "https"),
        (lambda said: said.update(webServiceURL="https://x.example/v1"), "webServiceURL", "/v1/v1"),
        (lambda said: said.update(userInfo=[]), "userInfo", "object"),
        (lambda said: said.update(userInfo={"a": [1, None]}), "userInfo.a[1]", "null"),
        (lambda said: said.update(associatedStoreIdentifiers=["1"]), "associatedStoreIdentifiers", "numbers"),
        (lambda said: said.update(appLaunchURL="x://"), "appLaunchURL", "nothing to open"),
        (lambda said: said["featuredActions"].extend([{}, {}]), "featuredActions[2]", "no such action"),
        (lambda said: said["featuredActions"][0].pop("url"), "featuredActions[0].url", "do nothing"),
        (
            lambda said: said["featuredActions"].append(said["featuredActions"][0]),
            "featuredActions[1].identifier",
            "own",
        ),
        (lambda said: said.update(featuredActions={}), "featuredActions", "list"),
        (lambda said: said.update(semantics={"balance": {"amount": 12.5}}), "semantics.balance", "amount as text"),
        (lambda said: said.update(semantics=[]), "semantics", "object"),
        (lambda said: said.update(expirationDate="2026-06-30"), "expirationDate", "zone"),
        (lambda said: said.update(expirationDate="2026-06-30T12:00:00"), "expirationDate", "zone"),
        (lambda said: said.update(expirationDate="2026-06-30T12:00:00.5Z"), "expirationDate", "zone"),
        (lambda said: said.update(maxDistance="5"), "maxDistance", "metres"),
        (lambda said: said.update(locations=[{"latitude": 1, "longitude": 2}] * 12), "locations[10]", "other 2"),
        (lambda said: said.update(locations=[{"latitude": 91, "longitude": 2}]), "locations[0].latitude", "-90 to 90"),
        (lambda said: said.update(locations=[{"latitude": 1}]), "locations[0].longitude", "-180 to 180"),
        (
            lambda said: said.update(locations=[{"latitude": 1, "longitude": 2, "distance": 5}]),
            "locations[0].distance",
            "no such key",
        ),
        (lambda said: said.update(locations=["here"]), "locations[0]", "object"),
        (lambda said: said.update(locations={}), "locations", "list"),
        (lambda said: said.update(beacons=[{"proximityUUID": "x"}]), "beacons[0].proximityUUID", "UUID"),
        (
            lambda said: said.update(
                beacons=[{"proximityUUID": "e2c56db5-dffb-48d2-b060-d0f5a71096e0", "major": 65536}]
            ),
            "beacons[0].major",
            "65535",
        ),
        (lambda said: said.update(relevantDates=[{}]), "relevantDates[0]", "neither"),
        (lambda said: said.update(relevantDates=[{"startDate": MOMENT}]), "relevantDates[0]", "an end"),
        (
            lambda said: said.update(relevantDates=[{"startDate": MOMENT, "endDate": "2026-07-02T12:00:00+03:00"}]),
            "relevantDates[0]",
            "within a day",
        ),
        (
            lambda said: said["barcodes"][0].update(format="PKBarcodeFormatMaxi"),
            "barcodes[0].format",
            "no such barcode",
        ),
        (lambda said: said["barcodes"][0].update(message=""), "barcodes[0].message", "nothing to show"),
        (lambda said: said["barcodes"][0].update(message="Körüt€"), "barcodes[0].messageEncoding", "cannot be written"),
        (lambda said: said["barcodes"][0].update(messageEncoding=None), "barcodes[0].messageEncoding", "cannot"),
        (lambda said: said["barcodes"][0].update(format="PKBarcodeFormatCode128"), "barcodes", "Watches"),
        (lambda said: said.update(barcodes="x"), "barcodes", "list"),
        (lambda said: said.update(barcode=said.pop("barcodes")[0]), "barcode", "iOS 9"),
        (lambda said: said.update(nfc="x"), "nfc", "object"),
        (lambda said: said.update(nfc={"message": "x"}), "nfc.encryptionPublicKey", "P-256"),
        (
            lambda said: said.update(nfc={"message": "é" * 33, "encryptionPublicKey": TAP_KEY}),
            "nfc.message",
            "64 bytes",
        ),
        (lambda said: said.update(nfc={"message": "", "encryptionPublicKey": TAP_KEY}), "nfc.message", "say nothing"),
        (
            lambda said: said.update(
                sharingProhibited=False,
                nfc={"message": "x", "encryptionPublicKey": TAP_KEY, "requiresAuthentication": True},
            ),
            "nfc.requiresAuthentication",
            "forbid sharing",
        ),
        (lambda said: said["storeCard"].update(footerFields=[]), "storeCard.footerFields", "drop all"),
        (lambda said: said["storeCard"].update(headerFields={}), "storeCard.headerFields", "list"),
        (lambda said: said["storeCard"]["headerFields"].append(1), "storeCard.headerFields[1]", "object"),
        (in_field(key="balance"), f"{FIELD}.key", "storeCard.headerFields[0] has this key too"),
        (in_field(key=""), f"{FIELD}.key", "needs a key"),
        (in_field(value=True), f"{FIELD}.value", "text or a number"),
        (in_field(value=""), f"{FIELD}.value", "nothing below"),
        (in_field(label=7), f"{FIELD}.label", "text"),
        (in_field(changeMessage="changed"), f"{FIELD}.changeMessage", "what changed"),
        (in_field(changeMessage=""), f"{FIELD}.changeMessage", "what changed"),
        (in_field(textAlignment="PKTextAlignmentJustified"), f"{FIELD}.textAlignment", "no such alignment"),
        (in_field(currencyCode="EUR"), f"{FIELD}.currencyCode", "Only a number"),
        (in_field(value=5, currencyCode="euro"), f"{FIELD}.currencyCode", "no currency"),
        (
            in_field(value=5, currencyCode="EUR", numberStyle="PKNumberStyleDecimal"),
            f"{FIELD}.numberStyle",
            "one of them",
        ),
        (in_field(value=5, numberStyle="decimal"), f"{FIELD}.numberStyle", "no such style"),
        (in_field(dateStyle="PKDateStyleShort"), f"{FIELD}.value", "not a moment"),
        (in_field(value=MOMENT, dateStyle="short"), f"{FIELD}.dateStyle", "no such style"),
        (in_field(isRelative=True), FIELD, "no moment"),
        (in_field(dataDetectorTypes=["PKDataDetectorTypeFax"]), f"{FIELD}.dataDetectorTypes", "no such thing"),
        (in_field(attributedValue="<b>x</b>"), f"{FIELD}.attributedValue", "<a href>"),
        (in_field(row=1), f"{FIELD}.row", "tickets"),
        (
            in_field(semantics={"balance": {"amount": "1", "currencyCode": "eur"}}),
            f"{FIELD}.semantics.balance",
            "currency",
        ),
    ],
)
def test_what_a_phone_would_make_of_a_fault_is_said(change: Callable[[Said], object], path: str, says: str) -> None:
    assert says in told(changed(change))[path]


@pytest.mark.parametrize(
    "change",
    [
        in_field(value=5, numberStyle="PKNumberStyleSpellOut", textAlignment="PKTextAlignmentRight"),
        in_field(value=MOMENT, dateStyle="PKDateStyleNone", timeStyle="PKDateStyleFull", isRelative=True),
        in_field(attributedValue='<a href="https://x.example">here</a>', dataDetectorTypes=[]),
        lambda said: said.update(locations=[{"latitude": -90, "longitude": 180, "altitude": 5.5}]),
        lambda said: said.update(expirationDate="2026-06-30T12:00Z"),
        lambda said: said.update(relevantDates=[{"date": MOMENT}, {"relevantDate": MOMENT}]),
    ],
)
def test_what_a_phone_takes_is_no_fault(change: Callable[[Said], object]) -> None:
    assert told(changed(change)) == {}


def test_an_alignment_is_for_the_front() -> None:
    said = changed(lambda said: said["storeCard"]["backFields"][0].update(textAlignment="PKTextAlignmentRight"))
    assert "ignore" in told(said)["storeCard.backFields[0].textAlignment"]


def test_two_fields_that_announce_their_changes_would_announce_neither() -> None:
    says = told(changed(in_field(changeMessage="Now %@")))
    assert "only that the pass changed" in says["storeCard.backFields[0].changeMessage"]


def test_whatever_is_thrown_at_it_is_answered_with_faults_and_nothing_else() -> None:
    odd: Any
    for odd in (None, 5, "x", [], {}, [[]], [None], {"a": 1}, True):
        for key in written():
            assert isinstance(faults({**written(), key: odd}), list)
        for key in (
            "key",
            "value",
            "semantics",
            "dataDetectorTypes",
            "row",
            "numberStyle",
            "dateStyle",
            "changeMessage",
        ):
            assert isinstance(faults(changed(in_field(**{key: odd}))), list)
        for key in ("nfc", "locations", "beacons", "relevantDates", "semantics", "maxDistance", "relevantDate"):
            assert isinstance(faults({**written(), key: odd}), list)
            assert isinstance(faults({**written(), key: [odd]}), list)


def png(width: int, height: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


ROOT = {"icon.png": png(29, 29)}


@pytest.mark.parametrize(
    ("files", "name", "says"),
    [
        ({}, "icon.png", "without an icon"),
        (ROOT | {".DS_Store": b""}, ".DS_Store", "does not belong"),
        (ROOT | {"logo@4x.png": b""}, "logo@4x.png", "does not belong"),
        (ROOT | {"a/logo.png": b""}, "a/logo.png", "does not belong"),
        (ROOT | {"thumbnail.png": png(90, 90)}, "thumbnail.png", "does not show"),
        (ROOT | {"logo.png": b"GIF89a"}, "logo.png", "no PNG"),
        (ROOT | {"logo@2x.png": png(321, 100)}, "logo@2x.png", "321x100 pixels are more than the 320x100"),
        (ROOT | {"strip.png": png(375, 145)}, "strip.png", "375x145 pixels are more than the 375x144"),
        ({"icon.png": png(29, 28)}, "icon.png", "square"),
        (ROOT | {"icon@3x.png": png(29, 29)}, "icon@3x.png", "at least 87"),
        (
            ROOT | {"fi.lproj/strip.png": png(375, 144), "en.lproj/pass.strings": b""},
            "en.lproj/strip.png",
            "not in “en”",
        ),
        (ROOT | {"personalization.json": b"{}"}, "personalizationLogo.png", "not ask"),
        (ROOT | {"personalizationLogo.png": png(150, 40)}, "personalization.json", "not ask"),
    ],
)
def test_files_have_faults_too(files: dict[str, bytes], name: str, says: str) -> None:
    assert says in told(written(), files)[name]


def test_a_ticket_has_lower_strips_and_either_a_strip_or_a_background() -> None:
    said = written(look=a_look(style="event_ticket"))
    files = ROOT | {"strip.png": png(375, 98), "background.png": png(180, 220)}
    assert "375x98" in told(said, {"icon.png": ROOT["icon.png"], "strip.png": png(375, 123)})["strip.png"]
    assert "strip or a background" in told(said, files)["strip.png"]


@pytest.mark.parametrize(("size", "good"), [((90, 90), True), ((90, 60), True), ((60, 90), True), ((90, 50), False)])
def test_a_thumbnail_is_neither_too_wide_nor_too_narrow(size: tuple[int, int], good: bool) -> None:
    found = told(written(look=a_look(style="generic")), ROOT | {"thumbnail.png": png(*size)})
    assert ("thumbnail.png" not in found) is good


def test_only_a_pass_with_taps_may_ask_a_member_for_details() -> None:
    look = a_look(taps=True, sign_up=SignUp(("email",), words("Join")))
    paper = a_paper(look=look, ticket=tapping(sign_up=True))
    files = {**icons(), **paper.strings, "personalizationLogo.png": png(150, 40)}
    assert told(written(look=look, ticket=tapping()), files) == {}
    assert "Only passes with taps" in told(written(), files)["personalization.json"]


def test_names_alone_are_enough_to_see_what_is_missing() -> None:
    assert told(written(), {"icon.png", "logo.png"}) == {}
    assert "icon.png" in told(written(), {"logo.png"})


def test_a_card_of_everything_has_no_faults() -> None:
    card = Card(
        brand_id="ptn_1",
        design="dsn_1",
        language="hu",
        description=words("Card", "Kortti", "Kártya"),
        code="7K3M9QXA2BCD",
        values={"balance": Value(label=words("Points"), number=1), "news": value("News")},
        places=(Place(text=words("Here"), latitude=60.1, longitude=24.9),),
    )
    assert told(written(card)) == {}
