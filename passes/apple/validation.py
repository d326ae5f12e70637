"""What a phone would make of a pass: every fault of a document and its files, said as what the phone would do.

A phone never complains to the member: it drops a field, shows nothing where a date should be, or refuses the pass
without a word. So it is said here, before anything is sealed.

Keys: https://developer.apple.com/documentation/walletpasses/pass
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from passes.apple.validation_fields import field_faults
from passes.apple.validation_files import file_faults
from passes.apple.validation_relevance import relevance_faults
from passes.apple.validation_values import (
    COLOUR,
    TAP_KEY,
    Fault,
    flag_faults,
    is_https,
    nulls,
    semantics_faults,
    text_faults,
)

STYLES: Final = ("storeCard", "coupon", "generic", "eventTicket", "boardingPass")
ACTIONS: Final = frozenset(
    {"membershipBenefits", "viewOffersRewards", "addToBalance", "order", "shop", "call", "place"}
)
TAP_BYTES: Final = 64
TOKEN_LENGTH: Final = 16

_REQUIRED: Final = ("passTypeIdentifier", "teamIdentifier", "serialNumber", "organizationName", "description")
_FLAGS: Final = ("voided", "sharingProhibited", "suppressStripShine")
_SQUARE: Final = ("PKBarcodeFormatQR", "PKBarcodeFormatAztec")
_FORMATS: Final = (*_SQUARE, "PKBarcodeFormatPDF417", "PKBarcodeFormatCode128")


def faults(document: Mapping[str, Any], files: Collection[str] | Mapping[str, bytes] | None = None) -> list[Fault]:
    """What is wrong with a pass, in the order of the document; nothing for a good one.

    `document` is pass.json as read. `files` are the other members of the package: their names, or names with bytes
    (then pictures are measured); None: only the document is looked at.
    """
    found = [*nulls(document), *_identity(document), *_looks(document), *_service(document)]
    found += relevance_faults(document)
    found += [
        *_barcodes(document),
        *_nfc(document),
        *_apps(document),
        *_actions(document),
        *semantics_faults(document, ""),
    ]
    styles = [style for style in STYLES if style in document]
    if len(styles) != 1:
        found.append(Fault("", f"A pass has exactly one style ({', '.join(STYLES)}): iOS would refuse this one."))
    else:
        found += field_faults(document, styles[0], square=_is_square(document))
    if files is not None and len(styles) == 1:
        found += file_faults(document, styles[0], files)
    return found


def _identity(document: Mapping[str, Any]) -> Iterator[Fault]:
    if document.get("formatVersion") != 1:
        yield Fault("formatVersion", "This must be the number 1: iOS would refuse the pass.")
    for key in _REQUIRED:
        if not isinstance(document.get(key), str) or not document[key]:
            yield Fault(key, "This text is required: iOS would refuse the pass.")
    if isinstance(team := document.get("teamIdentifier"), str) and team and len(team) != 10:
        yield Fault("teamIdentifier", "Teams of Apple's programme have ten characters: iOS would refuse the signature.")
    yield from text_faults(document, ("logoText", "webServiceURL", "authenticationToken", "groupingIdentifier"))
    yield from flag_faults(document, _FLAGS)
    if "groupingIdentifier" in document and not {"eventTicket", "boardingPass"} & document.keys():
        yield Fault("groupingIdentifier", "Only event tickets and boarding passes are grouped: iOS would ignore it.")


def _looks(document: Mapping[str, Any]) -> Iterator[Fault]:
    for key in ("backgroundColor", "foregroundColor", "labelColor"):
        if key in document and not COLOUR(document[key]):
            yield Fault(key, "A colour is written “rgb(31, 58, 95)”: iOS would show its own.")


def _service(document: Mapping[str, Any]) -> Iterator[Fault]:
    url, token = document.get("webServiceURL"), document.get("authenticationToken")
    if (url is None) != (token is None):
        yield Fault("webServiceURL", "The address and the token go together: iOS would never ask for changes.")
    if isinstance(url, str):
        if not is_https(url):
            yield Fault("webServiceURL", "Only phones of developers call an address without https.")
        if url.endswith(("/v1", "/v1/")):
            yield Fault("webServiceURL", "iOS adds /v1 itself and would call /v1/v1.")
    if isinstance(token, str) and len(token) < TOKEN_LENGTH:
        yield Fault("authenticationToken", f"iOS would refuse a token of less than {TOKEN_LENGTH} characters.")


def _is_square(document: Mapping[str, Any]) -> bool:
    barcodes = document.get("barcodes")
    first = barcodes[0] if isinstance(barcodes, list) and barcodes else document.get("barcode")
    return isinstance(first, Mapping) and first.get("format") in _SQUARE


def _barcodes(document: Mapping[str, Any]) -> Iterator[Fault]:
    if "barcode" in document and "barcodes" not in document:
        yield Fault("barcode", "This is the form for systems before iOS 9: write “barcodes”.")
    barcodes = document.get("barcodes", [])
    if not isinstance(barcodes, list):
        yield Fault("barcodes", "This must be a list: iOS would refuse the pass.")
        return
    for number, barcode in enumerate(barcodes):
        yield from _barcode(barcode, f"barcodes[{number}]")
    if barcodes and all(isinstance(one, Mapping) and one.get("format") == "PKBarcodeFormatCode128" for one in barcodes):
        yield Fault("barcodes", "Watches show no Code 128: without a second barcode they would show none.")


def _barcode(barcode: Any, path: str) -> Iterator[Fault]:
    if not isinstance(barcode, Mapping):
        yield Fault(path, "This must be an object: iOS would refuse the pass.")
        return
    message, encoding = barcode.get("message"), barcode.get("messageEncoding")
    if barcode.get("format") not in _FORMATS:
        yield Fault(f"{path}.format", "iOS knows no such barcode and would take the next one, or show none.")
    if not isinstance(message, str) or not message:
        yield Fault(f"{path}.message", "There is nothing to show: iOS would leave the barcode out.")
    elif not _encodable(message, encoding):
        yield Fault(f"{path}.messageEncoding", "The message cannot be written so: iOS would leave the barcode out.")
    elif barcode.get("format") == "PKBarcodeFormatCode128" and not message.isascii():
        yield Fault(f"{path}.message", "Code 128 holds nothing but ASCII: iOS would leave the barcode out.")
    yield from text_faults(barcode, ("altText",), path)


def _encodable(message: str, encoding: Any) -> bool:
    try:
        message.encode(encoding)
    except (LookupError, UnicodeError, TypeError, ValueError):
        return False
    return True


def _nfc(document: Mapping[str, Any]) -> Iterator[Fault]:
    nfc = document.get("nfc")
    if nfc is None:
        return
    if not isinstance(nfc, Mapping):
        yield Fault("nfc", "This must be an object: iOS would refuse the pass.")
        return
    message = nfc.get("message")
    if not isinstance(message, str) or not message:
        yield Fault("nfc.message", "A tap would say nothing: iOS would refuse the pass.")
    elif len(message.encode()) > TAP_BYTES:
        yield Fault("nfc.message", f"iOS would cut this after {TAP_BYTES} bytes, and no tap would be understood.")
    if not TAP_KEY(nfc.get("encryptionPublicKey")):
        yield Fault("nfc.encryptionPublicKey", "This is no compressed P-256 key in base64: iOS would refuse the pass.")
    yield from flag_faults(nfc, ("requiresAuthentication",), "nfc")
    if nfc.get("requiresAuthentication") is True and document.get("sharingProhibited") is not True:
        yield Fault(
            "nfc.requiresAuthentication", "A copy that was shared to an older phone would not ask: forbid sharing."
        )


def _apps(document: Mapping[str, Any]) -> Iterator[Fault]:
    stores = document.get("associatedStoreIdentifiers", [])
    if not isinstance(stores, list) or not all(type(one) is int for one in stores):
        yield Fault("associatedStoreIdentifiers", "These are numbers: iOS would refuse the pass.")
    yield from text_faults(document, ("appLaunchURL",))
    if "appLaunchURL" in document and not stores:
        yield Fault("appLaunchURL", "Without the number of an app in the store iOS would offer nothing to open.")
    if "userInfo" in document and not isinstance(document["userInfo"], Mapping):
        yield Fault("userInfo", "This must be an object: the companion app would not get it.")


def _actions(document: Mapping[str, Any]) -> Iterator[Fault]:
    actions = document.get("featuredActions", [])
    if not isinstance(actions, list):
        yield Fault("featuredActions", "This must be a list: iOS would leave it out.")
        return
    if len(actions) > 2:
        yield Fault("featuredActions[2]", "iOS would drop the third action: there are two tiles.")
    named: set[object] = set()
    for number, action in enumerate(actions):
        path = f"featuredActions[{number}]"
        if not isinstance(action, Mapping) or action.get("type") not in ACTIONS:
            yield Fault(path, "iOS knows no such action and would leave it out.")
            continue
        target = "placeIdentifier" if action["type"] == "place" else "url"
        if not isinstance(action.get(target), str) or not action[target]:
            yield Fault(f"{path}.{target}", "A tap on this tile would do nothing: iOS would leave it out.")
        name = action.get("identifier")
        if not isinstance(name, str) or not name or name in named:
            yield Fault(f"{path}.identifier", "Each action needs a name of its own: iOS would leave it out.")
        else:
            named.add(name)


__all__ = ["Fault", "faults"]
