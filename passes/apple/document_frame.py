"""What all cards of a look have in common in their pass documents: written once, kept by look, origin and language.

Described with py-pkpass, corrected where that library writes what phones do not expect (the deprecated single barcode,
legacy keys with default values) and added to where it lacks a key.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec
from py_pkpass import models as pkpass

from passes.apple.document_fields import BadCard, Field, link_field, moment_text, text_field, without_nulls
from passes.apple.document_places import SpotsKept
from passes.apple.strings import Speech, strings_file, strings_path
from passes.card import Value, Words
from passes.look import Action, Look, SignUp, Span

FRAMES_KEPT: Final = 1024
LABELS_KEPT: Final = 64
# A card brings the member's page along, and hardly more.
LINKS_OF_CARDS: Final = 5

_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_encode = msgspec.json.Encoder().encode

_STYLES: Final = {
    "store_card": pkpass.StoreCard,
    "generic": pkpass.Generic,
    "coupon": pkpass.Coupon,
    "event_ticket": pkpass.EventTicket,
}
_ACTIONS: Final = {
    "membership_benefits": "membershipBenefits",
    "view_offers_rewards": "viewOffersRewards",
    "add_to_balance": "addToBalance",
    "order": "order",
    "shop": "shop",
    "call": "call",
}
_ASKED: Final = {
    "name": "PKPassPersonalizationFieldName",
    "email": "PKPassPersonalizationFieldEmailAddress",
    "phone": "PKPassPersonalizationFieldPhoneNumber",
    "postal_code": "PKPassPersonalizationFieldPostalCode",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The constant parts.

    `head` is a JSON object without its closing brace. `areas` are the keys of header, primary, secondary and auxiliary
    values, `back` those on the back, each key once on the whole pass. `links` are the look's, by how many of the card's
    come before them. `speech` has said all that is constant;
    `strings` are its lines per other language, beginning the file at that path. `sign_up` is personalization.json or
    empty; `rows` says that auxiliary fields have two of them. `labelled` are the frames of the cards seen lately.
    """

    look: Look
    head: bytes
    areas: tuple[tuple[str, ...], ...]
    back: tuple[str, ...]
    texts: tuple[msgspec.Raw, ...]
    links: dict[int, tuple[msgspec.Raw, ...]]
    rows: bool
    speech: Speech
    own_path: str
    own_strings: bytes
    strings: tuple[tuple[str, bytes], ...]
    sign_up: bytes
    labelled: dict[tuple[str, ...], "Labelled"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A frame with what stands above a card's values, which is the same on nearly every card of a look.

    `said` are these labels in the language of the pass, `front` and `back` the same by area, as (key, label); `speech`
    and `strings` go on from those of the frame. `places` are those of the cards seen lately.
    """

    labels: dict[str, Words]
    said: dict[str, str]
    front: tuple[tuple[tuple[str, str], ...], ...]
    back: tuple[tuple[str, str], ...]
    speech: Speech
    strings: tuple[tuple[str, bytes], ...]
    places: SpotsKept


_frames: dict[tuple[str, str, str, str, str], Frame] = {}


def frame_of(look: Look, pass_type: str, team: str, service_url: str, language: str) -> Frame:
    """The frame of a look, kept as long as looks of this id are equal to it. Raises BadCard."""
    key = (look.id, language, pass_type, team, service_url)
    kept = _frames.get(key)
    if kept is not None and (kept.look is look or kept.look == look):
        return kept
    made = _frame(look, pass_type, team, service_url, language)
    while len(_frames) >= FRAMES_KEPT:
        _frames.pop(next(iter(_frames)), None)
    _frames[key] = made
    return made


def labelled(frame: Frame, values: Mapping[str, Value]) -> Labelled:
    """The frame with the labels of these values."""
    labels = {key: value.label for key, value in values.items()}
    key = tuple(labels)
    kept = frame.labelled.get(key)
    if kept is not None and kept.labels == labels:
        return kept
    speech, known = frame.speech.branch(), len(frame.speech)
    said = {key: speech.say(words) for key, words in labels.items()}
    strings = tuple(
        (path, written + more) for (path, written), more in zip(frame.strings, speech.files(known), strict=True)
    )
    front, back = tuple(_among(said, keys) for keys in frame.areas), _among(said, frame.back)
    made = Labelled(labels, said, front, back, speech, strings, {})
    while len(frame.labelled) >= LABELS_KEPT:
        frame.labelled.pop(next(iter(frame.labelled)), None)
    frame.labelled[key] = made
    return made


def _among(said: Mapping[str, str], keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, said[key]) for key in keys if key in said)


def rgb(colour: str) -> str:
    """ "#1f3a5f" -> "rgb(31, 58, 95)", the only form passes know. Raises BadCard."""
    match = _COLOUR.fullmatch(colour)
    if match is None:
        raise BadCard(f"“{colour}” is not a colour of the form #rrggbb.")
    red, green, blue = (int(part, 16) for part in match.groups())
    return f"rgb({red}, {green}, {blue})"


def _frame(look: Look, pass_type: str, team: str, service_url: str, language: str) -> Frame:
    speech = Speech(language)
    for text in (look.brand_name, look.logo_text, "%@"):
        speech.keep(text)
    texts = tuple(
        msgspec.Raw(_encode(field))
        for text in look.texts
        if (field := text_field(speech, text.key, text.label, text.text)).value
    )
    links = [link_field(speech, 0, link.label, link.url) for link in look.links]
    sign_up = _sign_up(look.sign_up, speech) if look.sign_up is not None else b""
    layout, seen = look.layout, {"news"}
    areas = tuple(_once(keys, seen) for keys in (layout.header, layout.primary, layout.secondary, layout.auxiliary))
    return Frame(
        look=look,
        head=_encode(_constant(look, pass_type, team, service_url).json_dict())[:-1],
        areas=areas,
        back=_once(layout.back, seen),
        texts=texts,
        links={after: _numbered(links, after) for after in range(LINKS_OF_CARDS + 1)},
        rows=look.style == "event_ticket",
        speech=speech,
        own_path=strings_path(speech.languages[0]),
        # Without a file of its own the language is not one that the pass speaks, and the phone takes another.
        own_strings=strings_file({look.brand_name: look.brand_name}),
        strings=tuple(zip(map(strings_path, speech.languages[1:]), speech.files(), strict=True)),
        sign_up=sign_up,
        labelled={},
    )


class _Constant(pkpass.Pass):  # type: ignore[misc]
    """A pass without anything that its card says."""

    def __init__(self, look: Look, more: dict[str, Any], **names: str) -> None:
        super().__init__(_STYLES[look.style](), organizationName=look.brand_name, **names)
        self.more = more

    def json_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = super().json_dict()
        for key in ("suppressStripShine", "serialNumber", "description", "authenticationToken"):
            body.pop(key, None)
        body.pop(self.passInformation.jsonname)
        return body | self.more


def _constant(look: Look, pass_type: str, team: str, service_url: str) -> _Constant:
    paper = _Constant(look, _extras(look), passTypeIdentifier=pass_type, teamIdentifier=team)
    paper.logoText = look.logo_text
    paper.backgroundColor = rgb(look.background)
    paper.foregroundColor = rgb(look.foreground)
    paper.labelColor = rgb(look.label_colour)
    paper.webServiceURL = service_url
    # A pass that asks for the phone to be unlocked would be tapped without on another's older phone.
    paper.sharingProhibited = not look.sharing or (look.taps and look.unlock_to_tap)
    paper.associatedStoreIdentifiers = list(look.store_ids)
    paper.appLaunchURL = look.app_url if look.store_ids else None
    paper.userInfo = without_nulls(look.user_info)
    return paper


def _extras(look: Look) -> dict[str, Any]:
    """Keys that py-pkpass does not know."""
    more: dict[str, Any] = {}
    if look.actions:
        more["featuredActions"] = [_action(number, action) for number, action in enumerate(look.actions, start=1)]
    if look.relevant:
        more["relevantDates"] = [_relevant(span) for span in look.relevant]
    if look.style == "event_ticket":
        more["groupingIdentifier"] = look.partner_id or look.brand_name
        if look.relevant:
            # For systems before iOS 18, which know one moment.
            more["relevantDate"] = moment_text(look.relevant[0].start)
    return more


def _action(number: int, action: Action) -> dict[str, str]:
    return {"identifier": f"action_{number}", "type": _ACTIONS[action.kind], "url": action.url}


def _relevant(span: Span) -> dict[str, str]:
    start = moment_text(span.start)
    if span.end is None:
        # iOS 18 reads the first of these keys, iOS 26 the second.
        return {"relevantDate": start, "date": start}
    if not timedelta() < span.end - span.start <= timedelta(days=1):
        raise BadCard("A span in which a pass is relevant ends after it begins, and within a day.")
    return {"startDate": start, "endDate": moment_text(span.end)}


def _sign_up(asked: SignUp, speech: Speech) -> bytes:
    """personalization.json; empty when it would ask for nothing or say nothing, which phones refuse."""
    description = speech.say(asked.description)
    if not asked.fields or not description:
        return b""
    body: dict[str, Any] = {
        "requiredPersonalizationFields": [_ASKED[field] for field in dict.fromkeys(asked.fields)],
        "description": description,
    }
    if terms := speech.say(asked.terms):
        body["termsAndConditions"] = terms
    return _encode(body)


def _numbered(links: Iterable[Field], after: int) -> tuple[msgspec.Raw, ...]:
    """The links of the look as they come after so many of the card."""
    numbers = enumerate(links, start=after + 1)
    return tuple(msgspec.Raw(_encode(msgspec.structs.replace(link, key=f"link_{number}"))) for number, link in numbers)


def _once(keys: Iterable[str], seen: set[str]) -> tuple[str, ...]:
    """The keys that were not seen before: a key is unique on the whole pass."""
    fresh = tuple(key for key in dict.fromkeys(keys) if key not in seen)
    seen.update(fresh)
    return fresh
