"""A design tried on a made-up member: the documents that would be sent are made, and checked as the wallets would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from passes.apple.document import Origin, Ticket, document
from passes.apple.validation import faults
from passes.coupons import coupon_look
from passes.design.checking import looked_over
from passes.design.checks.finding import Finding, Wallet, fault
from passes.design.package import apple_pictures
from passes.design.sample import sample_card
from passes.design.sizes import GOOGLE_SOURCES
from passes.google import document as google
from passes.google.schema.check import Resource
from passes.google.validation import Fault
from passes.google.validation import faults as google_faults
from passes.live_code import value_pattern
from passes.look import Look

_ORIGIN: Final = Origin("pass.org.commonpoint.preview", "PREVIEW000", "https://example.org/apple")
# A key of a phone's side that nobody has: it shows where the key of taps will stand.
_TAP_KEY: Final = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADmovwkoZ+VJYpBvLqx0Q/3NISR+KwHKWk80N3lOHpDAM="
# Nothing is sent, so ids and secrets may be any; what is optional is asked for, so that it is looked at too.
_CLASS, _OBJECT, _PICTURES = "0.preview", "0.card", "https://example.org/designs"
_LIVE: Final = google.LiveBarcode(value_pattern("card"), "00" * 20)
_OPTIONS: Final = google.ClassOptions(callback_url="https://example.org/google", smart_tap_issuers=("0",))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was found, and unless that includes faults: pass.json, the pictures of its package, Google's bodies by
    resource, and what Google would cut or hide of them, by resource too."""

    findings: list[Finding]
    apple: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    google: dict[Resource, dict[str, Any]] = field(default_factory=dict)
    google_remarks: dict[Resource, list[Fault]] = field(default_factory=dict)


def rehearse(look: Look, pictures: Mapping[str, bytes], language: str) -> Rehearsal:
    """`pictures` are those that the look names, by slot. Takes up to two seconds of CPU: call it in the darkroom."""
    found = looked_over(look, pictures)
    if any(one.level == "fault" for one in found):
        return Rehearsal(found)
    card = sample_card(look, language)
    paper = document(card, look, _ORIGIN, _ticket(look))
    body: dict[str, Any] = msgspec.json.decode(paper.body)
    files = apple_pictures(look, pictures)
    bodies = _google_bodies(look, language)
    told = {resource: google_faults(resource, one) for resource, one in bodies.items()}
    refused = [
        *(_refused("apple", f"{one.path}: {one.says}") for one in faults(body, {**files, **paper.strings})),
        *(_refused("google", f"{one.path}: {one.says}") for all_ in told.values() for one in all_ if one.refused),
    ]
    remarks = {resource: [one for one in all_ if not one.refused] for resource, all_ in told.items()}
    return Rehearsal([*refused, *found], body, files, bodies, remarks)


def _google_bodies(look: Look, language: str) -> dict[Resource, dict[str, Any]]:
    """The card at Google, and a coupon of the brand."""
    ticket = google.Ticket(object_id=_OBJECT, class_id=_CLASS, tap_code="preview", live=_LIVE, places=True)
    pictures = _pictures(look)
    coupon = sample_card(coupon_look(look), language)
    return {
        "loyaltyClass": google.class_body(look, _CLASS, pictures, _OPTIONS),
        "loyaltyObject": google.object_body(sample_card(look, language), look, ticket),
        "offerClass": google.offer_class_body(look, _CLASS, google.reward_of(coupon), pictures, _OPTIONS),
        "offerObject": google.offer_object_body(coupon, coupon_look(look), ticket),
    }


def _pictures(look: Look) -> google.ClassPictures:
    """Addresses for the pictures that the look has."""
    slots = {slot.partition(".")[0] for slot in look.pictures}
    urls = {
        name: f"{_PICTURES}/{name}.png" if slots & set(sources) else None for name, sources in GOOGLE_SOURCES.items()
    }
    return google.ClassPictures(f"{_PICTURES}/logo.png", urls["hero"], urls["image"])


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


def _refused(wallet: Wallet, says: str) -> Finding:
    return fault("document_refused", "", says, wallet)
