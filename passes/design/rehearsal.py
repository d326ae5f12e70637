"""A design tried on a made-up member: the documents that would be sent are made, and checked as the wallets would."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from passes.apple.document import Origin, Ticket, document
from passes.apple.validation import faults
from passes.design.checking import looked_over
from passes.design.checks.finding import Finding, Wallet, fault
from passes.design.package import apple_pictures
from passes.design.sample import sample_card
from passes.google.document import class_body, object_body
from passes.google.schema.check import Resource, WalletBodyInvalid, check
from passes.look import Look

_ORIGIN: Final = Origin("pass.org.commonpoint.preview", "PREVIEW000", "https://example.org/apple")
# A key of a phone's side that nobody has: it shows where the key of taps will stand.
_TAP_KEY: Final = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADmovwkoZ+VJYpBvLqx0Q/3NISR+KwHKWk80N3lOHpDAM="
_CLASS, _OBJECT, _LOGO = "0.preview", "0.card", "https://example.org/logo.png"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and unless that includes faults: pass.json, the pictures of its package, Google's bodies."""

    findings: list[Finding]
    apple: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    google_class: dict[str, Any] = field(default_factory=dict)
    google_object: dict[str, Any] = field(default_factory=dict)


def rehearse(look: Look, pictures: Mapping[str, bytes], language: str) -> Rehearsal:
    """`pictures` are those that the look names, by slot. Takes up to two seconds of CPU: call it in the darkroom."""
    found = looked_over(look, pictures)
    if any(one.level == "fault" for one in found):
        return Rehearsal(found)
    card = sample_card(look, language)
    paper = document(card, look, _ORIGIN, _ticket(look))
    body: dict[str, Any] = msgspec.json.decode(paper.body)
    files = apple_pictures(look, pictures)
    loyalty_class, loyalty_object = class_body(look, _CLASS, _LOGO), object_body(card, _OBJECT, _CLASS)
    refused = [
        *(_refused("apple", f"{one.path}: {one.says}") for one in faults(body, {**files, **paper.strings})),
        *_of_google("loyaltyClass", loyalty_class),
        *_of_google("loyaltyObject", loyalty_object),
    ]
    return Rehearsal([*refused, *found], body, files, loyalty_class, loyalty_object)


def _ticket(look: Look) -> Ticket:
    """That of a pass with everything the look asks for."""
    code, key = ("preview", _TAP_KEY) if look.taps else ("", "")
    return Ticket(
        "preview",
        "preview-of-a-design",
        tap_code=code,
        tap_public_key=key,
        sign_up=look.taps and look.sign_up is not None,
    )


def _of_google(resource: Resource, body: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        check(resource, body)
    except WalletBodyInvalid as refused:
        yield _refused("google", refused.detail)


def _refused(wallet: Wallet, says: str) -> Finding:
    return fault("document_refused", "", says, wallet)
