"""The pass document (pass.json) of a card in its look, and its words in the other languages.

What is the same for all cards of a look is described with py-pkpass and written once (`document_frame.py`). The rest
is written for each card, and joined to it.

Keys: https://developer.apple.com/documentation/walletpasses/pass
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from kernel.errors import Invalid
from passes.apple.document_fields import NOTHING, Field, fields_of, link_field, moment_text, news_field
from passes.apple.document_frame import LINKS_OF_CARDS, Frame, Labelled, frame_of, labelled
from passes.apple.document_places import spots_of
from passes.apple.strings import Speech
from passes.card import Card
from passes.look import Look

_encode = msgspec.json.Encoder().encode

_FORMATS: Final = {
    "qr": "PKBarcodeFormatQR",
    "aztec": "PKBarcodeFormatAztec",
    "pdf417": "PKBarcodeFormatPDF417",
    "code128": "PKBarcodeFormatCode128",
}


class BadServiceUrl(Invalid):
    """The address phones should call is not one they can use."""

    code = "apple_service_url_invalid"
    title = "The address of the passes web service is wrong"


class Origin(msgspec.Struct, frozen=True):
    """What every pass of one identity says about where it comes from. `service_url` is the base without `/v1`."""

    pass_type: str
    team: str
    service_url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.service_url)
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
            raise BadServiceUrl(f"“{self.service_url}” is not an absolute http(s) address.")
        if parts.path.endswith(("/", "/v1")):
            raise BadServiceUrl("Phones add /v1/… themselves: the address ends neither in “/” nor in “/v1”.")


class Ticket(msgspec.Struct, frozen=True):
    """What one pass says of itself. `serial` and `token` may never change for an installed pass.

    With `tap_code` (at most 64 bytes) and `tap_public_key` (as in `nfc.encryptionPublicKey`) it can be tapped, if its
    look wants that. `sign_up` lets Wallet ask the member for their details; only passes with taps may do so.
    """

    serial: str
    token: str
    voided: bool = False
    tap_code: str = ""
    tap_public_key: str = ""
    sign_up: bool = False


class Paper(msgspec.Struct, frozen=True):
    """`body` is pass.json (UTF-8); `strings` are the other files that say something: path in the package -> bytes."""

    body: bytes
    strings: Mapping[str, bytes]


class _Barcode(msgspec.Struct, rename="camel"):
    format: str
    message: str
    message_encoding: str
    alt_text: str


class _Nfc(msgspec.Struct, rename="camel", omit_defaults=True):
    message: str
    encryption_public_key: str
    requires_authentication: bool = False


class _Fields(msgspec.Struct, rename="camel", omit_defaults=True):
    header_fields: list[Field] = []
    primary_fields: list[Field] = []
    secondary_fields: list[Field] = []
    auxiliary_fields: list[Field] = []
    back_fields: list[Field | msgspec.Raw] = []


class _Said(msgspec.Struct, rename="camel", omit_defaults=True):
    """What differs from card to card. Exactly one of the last four is set."""

    description: str
    serial_number: str
    authentication_token: str
    voided: bool = False
    expiration_date: str = ""
    barcodes: list[_Barcode] = []
    locations: msgspec.Raw | None = None
    beacons: msgspec.Raw | None = None
    nfc: _Nfc | None = None
    store_card: _Fields | None = None
    generic: _Fields | None = None
    coupon: _Fields | None = None
    event_ticket: _Fields | None = None


def document(card: Card, look: Look, origin: Origin, ticket: Ticket) -> Paper:
    """What a pass says: its document in the card's language, and the words of the others. Raises BadCard."""
    frame = frame_of(look, origin.pass_type, origin.team, origin.service_url, card.language)
    labels = labelled(frame, card.values)
    speech, known = labels.speech.branch(), len(labels.speech)
    spots = spots_of(card.places, speech, labels.places) if card.places else None
    said = _Said(speech.say(card.description) or look.brand_name, ticket.serial, ticket.token, ticket.voided)
    setattr(said, look.style, _fields(card, frame, labels, speech, said.description))
    if card.valid_until is not None:
        said.expiration_date = moment_text(card.valid_until)
    if card.code:
        said.barcodes = _barcodes(card.code, look.barcode)
    if spots is not None:
        said.locations, said.beacons = spots.locations, spots.beacons
    if look.taps and ticket.tap_code and ticket.tap_public_key:
        said.nfc = _Nfc(ticket.tap_code, ticket.tap_public_key, look.unlock_to_tap)
    strings = {frame.own_path: frame.own_strings}
    for (path, written), more in zip(labels.strings, speech.files(known), strict=True):
        strings[path] = written + more
    if ticket.sign_up and said.nfc is not None and frame.sign_up:
        strings["personalization.json"] = frame.sign_up
    return Paper(b"%b,%b" % (frame.head, _encode(said)[1:]), strings)


def own_strings(look: Look, origin: Origin, language: str) -> dict[str, bytes]:
    """The strings file of a pass's own language, which is the same on all passes of a look: for `Sealer.template`."""
    frame = frame_of(look, origin.pass_type, origin.team, origin.service_url, language)
    return {frame.own_path: frame.own_strings}


def _fields(card: Card, frame: Frame, labels: Labelled, speech: Speech, description: str) -> _Fields:
    values = card.values
    header, primary, secondary, auxiliary = [fields_of(values, area, speech) for area in labels.front]
    if frame.rows:
        for field in auxiliary[4:]:
            field.row = 1
    news = news_field(speech, values.get("news"), labels.said.get("news", ""), description)
    back: list[Field | msgspec.Raw] = [news, *fields_of(values, labels.back, speech, NOTHING), *frame.texts]
    links = card.links[:LINKS_OF_CARDS]
    for number, link in enumerate(links, start=1):
        back.append(link_field(speech, number, link.label, link.url))
    back += frame.links[len(links)]
    return _Fields(header, primary, secondary, auxiliary, back)


def _barcodes(code: str, kind: str) -> list[_Barcode]:
    """The first one that a device can show is shown: watches know no Code 128, and that one holds nothing but ASCII."""
    encoding = "iso-8859-1" if code.isascii() else "utf-8"
    shown = _Barcode(_FORMATS[kind], code, encoding, code)
    if kind != "code128":
        return [shown]
    square = _Barcode(_FORMATS["qr"], code, encoding, code)
    return [shown, square] if code.isascii() else [square]
