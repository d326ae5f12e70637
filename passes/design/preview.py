"""What phones would show of a design, and what they would not: from the documents that are really sent."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from passes.design.checks.finding import Finding
from passes.design.rehearsal import Rehearsal, rehearse
from passes.design.sizes import opened
from passes.google.schema.check import Resource
from passes.look import Look

_AREAS: Final = {
    "header": "headerFields", "primary": "primaryFields", "secondary": "secondaryFields",
    "auxiliary": "auxiliaryFields", "back": "backFields",
}  # fmt: skip
_SNAKE: Final[Mapping[Resource, str]] = {
    "loyaltyClass": "loyalty_class",
    "loyaltyObject": "loyalty_object",
    "offerClass": "offer_class",
    "offerObject": "offer_object",
}
_STYLES: Final = ("storeCard", "generic", "coupon", "eventTicket")


class Shown(msgspec.Struct, frozen=True):
    """One thing that stands on the card."""

    key: str
    label: str
    value: str | int | float


class File(msgspec.Struct, frozen=True):
    """A picture in the package."""

    path: str
    width: int
    height: int
    bytes: int


class OnApple(msgspec.Struct, frozen=True):
    """The pass on an iPhone. `document` is its pass.json; `areas` the same, by where it stands."""

    areas: dict[str, list[Shown]]
    pictures: list[File]
    picture_bytes: int
    document: dict[str, Any]


class Remark(msgspec.Struct, frozen=True):
    """Something that Google would cut or hide. `path` is its place in the body."""

    path: str
    says: str


class OnGoogle(msgspec.Struct, frozen=True):
    """The classes and objects that Google would be told: the card, and a coupon. `remarks` are by body."""

    loyalty_class: dict[str, Any]
    loyalty_object: dict[str, Any]
    offer_class: dict[str, Any]
    offer_object: dict[str, Any]
    remarks: dict[str, list[Remark]]


class Preview(msgspec.Struct, frozen=True):
    """A design with a made-up member. Without `apple` and `google` it has faults that keep it from being drawn."""

    language: str
    findings: list[Finding]
    apple: OnApple | None = None
    google: OnGoogle | None = None


def preview(look: Look, pictures: Mapping[str, bytes], language: str) -> Preview:
    """`pictures` are those that the look names, by slot. Takes up to two seconds of CPU: call it in the darkroom."""
    tried = rehearse(look, pictures, language)
    if not tried.apple:
        return Preview(language, tried.findings)
    files = [_file(path, png) for path, png in sorted(tried.pictures.items())]
    apple = OnApple(_areas(tried.apple), files, sum(file.bytes for file in files), tried.apple)
    return Preview(language, tried.findings, apple, _on_google(tried))


def _on_google(tried: Rehearsal) -> OnGoogle:
    return OnGoogle(
        tried.google["loyaltyClass"],
        tried.google["loyaltyObject"],
        tried.google["offerClass"],
        tried.google["offerObject"],
        {_SNAKE[body]: [Remark(one.path, one.says) for one in found] for body, found in tried.google_remarks.items()},
    )


def _areas(body: Mapping[str, Any]) -> dict[str, list[Shown]]:
    style: dict[str, Any] = next(body[name] for name in _STYLES if name in body)
    return {
        area: [Shown(field["key"], field.get("label", ""), field["value"]) for field in style.get(name, [])]
        for area, name in _AREAS.items()
    }


def _file(path: str, png: bytes) -> File:
    image = opened(png)
    return File(path, image.width, image.height, len(png))
