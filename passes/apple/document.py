"""The pass document (pass.json) of a card: a store card with the balance in the header, which stacked passes show.

Described with py-pkpass, corrected where that library writes what phones do not expect: empty change messages, an
alignment nobody asked for, the deprecated single barcode and legacy keys with default values.

Keys: https://developer.apple.com/documentation/walletpasses/pass
"""

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from py_pkpass import models as pkpass

from kernel.errors import Invalid
from passes.card import Card

_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_LINK_SCHEMES = frozenset({"https", "http", "mailto", "tel"})
_encode = msgspec.json.Encoder().encode


class BadCard(Invalid):
    """The card cannot be written as an Apple pass."""

    code = "apple_card_invalid"
    title = "The card cannot be written as an Apple pass"


class BadServiceUrl(Invalid):
    """The address phones should call is not one they can use."""

    code = "apple_service_url_invalid"
    title = "The address of the passes web service is wrong"


@dataclass(frozen=True, slots=True)
class Origin:
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


def document(card: Card, origin: Origin, serial: str, token: str, voided: bool = False) -> bytes:
    """UTF-8 JSON of the pass. `serial` and `token` may never change for an installed pass. Raises BadCard."""
    layout = pkpass.StoreCard()
    # The only field with a change message: two changed at once would show a general notice instead of the new balance.
    layout.headerFields = [_Field("balance", str(card.balance), card.balance_label, card.balance_change)]
    layout.secondaryFields = _shown(
        _Field("holder", card.holder, card.holder_label), _Field("tier", card.tier, card.tier_label)
    )
    layout.auxiliaryFields = _shown(_Field("next_reward", card.next_reward, card.next_reward_label))
    layout.backFields = [_link(number, link.label, link.url) for number, link in enumerate(card.links, start=1)]

    paper = _Pass(
        layout,
        passTypeIdentifier=origin.pass_type,
        teamIdentifier=origin.team,
        organizationName=card.brand_name,
    )
    paper.serialNumber = serial
    paper.description = card.description or card.brand_name
    paper.logoText = card.logo_text
    paper.backgroundColor = rgb(card.background)
    paper.foregroundColor = rgb(card.foreground)
    paper.labelColor = rgb(card.label_colour)
    paper.barcode = pkpass.Barcode(card.code, pkpass.BarcodeFormat.QR, card.code, _encoding(card.code))
    paper.webServiceURL = origin.service_url
    paper.authenticationToken = token
    paper.sharingProhibited = True
    paper.voided = voided
    return _encode(paper.json_dict())


def rgb(colour: str) -> str:
    """ "#1f3a5f" -> "rgb(31, 58, 95)", the only form passes know. Raises BadCard."""
    match = _COLOUR.fullmatch(colour)
    if match is None:
        raise BadCard(f"“{colour}” is not a colour of the form #rrggbb.")
    red, green, blue = (int(part, 16) for part in match.groups())
    return f"rgb({red}, {green}, {blue})"


class _Field(pkpass.Field):  # type: ignore[misc]
    """A field that leaves out what is not set; py-pkpass would write an empty change message and an alignment."""

    def __init__(self, key: str, value: str, label: str = "", change: str = "") -> None:
        super().__init__(key, value, label)
        if change and "%@" not in change:
            raise BadCard(f"The change message “{change}” has no %@ where the new value goes.")
        self.changeMessage = change
        self.textAlignment = None
        self.attributedValue = ""

    def json_dict(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if value or key == "value"}


class _Pass(pkpass.Pass):  # type: ignore[misc]
    """A pass with `barcodes` alone (the single `barcode` is for systems before iOS 9) and no legacy defaults."""

    def json_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = super().json_dict()
        body.pop("barcode", None)
        body.pop("suppressStripShine", None)
        layout = self.passInformation
        body[layout.jsonname] = layout.json_dict()
        return body


def _shown(*fields: _Field) -> list[_Field]:
    return [field for field in fields if field.value]


def _link(number: int, label: str, url: str) -> _Field:
    if urlsplit(url).scheme not in _LINK_SCHEMES:
        raise BadCard(f"“{url}” is not a link that a pass may carry.")
    field = _Field(f"link_{number}", url, label)
    field.attributedValue = f'<a href="{html.escape(url)}">{html.escape(label or url)}</a>'
    return field


def _encoding(code: str) -> str:
    return "iso-8859-1" if code.isascii() else "utf-8"
