"""What Google and its phones would make of a body: every fault, said as what they would do.

Google refuses a body that breaks its types, and says why to nobody but us. What it takes it may still cut or hide, and
then it says nothing at all. So it is said here, before anything is sent.

Fields: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject (and .../loyaltyclass, .../offerobject,
.../offerclass)
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from passes.google import limits
from passes.google.schema.check import Resource, WalletBodyInvalid, check, is_class
from passes.google.validation_texts import cut, lengths
from passes.google.validation_values import Fault, moment_of, part, parts

_OPENED: Final = ("https://", "http://", "tel:", "mailto:", "geo:")
_LENGTHS: Final[Mapping[str, int]] = {
    "issuerName": limits.NAME,
    "programName": limits.NAME,
    "provider": limits.PROVIDER,
    "title": limits.TITLE,
    "accountNameLabel": limits.ACCOUNT_LABEL,
    "accountIdLabel": limits.ACCOUNT_LABEL,
    "accountName": limits.ACCOUNT,
    "accountId": limits.ACCOUNT,
}


def faults(resource: Resource, body: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with a class or an object; nothing for a good one. `body` is as it would be inserted."""
    return [
        *_refusals(resource, body),
        *lengths(body, _LENGTHS),
        *_balances(body),
        *_modules(body),
        *_links(body),
        *_pictures(body),
        *_codes(body),
        *_validity(body),
        *(_of_class(body) if is_class(resource) else ()),
    ]


def _refusals(resource: Resource, body: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        check(resource, body)
    except WalletBodyInvalid as refused:
        yield Fault(str(refused.facts["path"]), f"Google would refuse this: {refused.facts['says']}.", refused=True)


def _balances(body: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("loyaltyPoints", "secondaryLoyaltyPoints"):
        balance = part(body, name)
        yield from lengths(balance, {"label": limits.BALANCE_LABEL}, name)
        text = part(balance, "balance").get("string")
        yield from cut(f"{name}.balance.string", text, limits.BALANCE)
    if "secondaryLoyaltyPoints" in body and "loyaltyPoints" not in body:
        yield Fault("secondaryLoyaltyPoints", "A second balance stands alone: the place of the first stays empty.")


def _modules(body: Mapping[str, Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, module in enumerate(parts(body, "textModulesData")):
        path = f"textModulesData[{number}]"
        yield from lengths(module, {"header": limits.HEADER, "body": limits.BODY}, path)
        name = module.get("id")
        if isinstance(name, str):
            if name in seen:
                yield Fault(f"{path}.id", "Another module has this id: rows of the front would show one of them.")
            seen.add(name)
        if number == limits.MODULES:
            says = f"Google lists {limits.MODULES} texts: this one and later ones are on the front, or not seen at all."
            yield Fault(path, says)
    for number, _ in enumerate(parts(body, "imageModulesData")):
        if number == limits.IMAGES:
            yield Fault(f"imageModulesData[{number}]", "Google shows one picture among the details: not this one.")
    for number, module in enumerate(parts(body, "valueAddedModuleData")):
        for name, most in (("header", limits.MODULE_HEADER), ("body", limits.MODULE_BODY)):
            yield from lengths(module, {name: most}, f"valueAddedModuleData[{number}]")


def _links(body: Mapping[str, Any]) -> Iterator[Fault]:
    for number, link in enumerate(parts(part(body, "linksModuleData"), "uris")):
        path = f"linksModuleData.uris[{number}]"
        yield from lengths(link, {"description": limits.LINK}, path)
        yield from _address(link, f"{path}.uri")
    button = part(body, "appLinkData")
    yield from lengths(button, {"displayText": limits.APP_LINK}, "appLinkData")
    for name in ("androidAppLinkInfo", "webAppLinkInfo"):
        target = part(part(part(button, name), "appTarget"), "targetUri")
        path = f"appLinkData.{name}.appTarget.targetUri"
        if target:
            yield from _address(target, f"{path}.uri")
        if target and not target.get("description"):
            yield Fault(f"{path}.description", "The button needs to be described: Google would leave it out.")


def _address(link: Mapping[str, Any], path: str) -> Iterator[Fault]:
    uri = link.get("uri")
    if isinstance(uri, str) and not uri.startswith(_OPENED):
        yield Fault(
            path, "Google opens pages, numbers to call, addresses to write to and maps: a tap would do nothing."
        )


def _pictures(body: Mapping[str, Any]) -> Iterator[Fault]:
    named = {name: part(body, name) for name in ("programLogo", "wideProgramLogo", "titleImage", "heroImage")}
    for number, module in enumerate(parts(body, "imageModulesData")):
        named[f"imageModulesData[{number}].mainImage"] = part(module, "mainImage")
    for path, picture in named.items():
        url = part(picture, "sourceUri").get("uri")
        if isinstance(url, str) and not url.startswith("https://"):
            yield Fault(f"{path}.sourceUri.uri", "Google fetches pictures over https: this one might stay empty.")


def _codes(body: Mapping[str, Any]) -> Iterator[Fault]:
    code, rotating = part(body, "barcode"), part(body, "rotatingBarcode")
    value = code.get("value")
    if isinstance(value, str) and code.get("type") == "CODE_128" and not value.isascii():
        yield Fault("barcode.value", "Code 128 holds nothing but ASCII: Google could not draw it.")
    if code.get("type") == "TEXT_ONLY" and "alternateText" in code:
        yield Fault("barcode.alternateText", "A code that is text alone has no text below it: Google would refuse it.")
    pattern = rotating.get("valuePattern")
    if isinstance(pattern, str) and "{totp_value_0}" not in pattern:
        yield Fault("rotatingBarcode.valuePattern", "Without {totp_value_0} the code would never change.")
    if rotating and "totpDetails" not in rotating:
        yield Fault("rotatingBarcode.totpDetails", "Without a secret the phone has nothing to make codes of.")
    if rotating and not code:
        yield Fault("barcode", "Old phones and web pages show no code that rotates: they would show none.")


def _validity(body: Mapping[str, Any]) -> Iterator[Fault]:
    interval = part(body, "validTimeInterval")
    start, end = (moment_of(part(interval, name).get("date")) for name in ("start", "end"))
    if start is None or end is None:
        return
    if (start.tzinfo is None) != (end.tzinfo is None):
        yield Fault(
            "validTimeInterval", "Both ends have an offset or none has: Google would refuse this.", refused=True
        )
    elif end <= start:
        yield Fault("validTimeInterval.end", "This ends before it begins: the pass would be an expired one.")


def _of_class(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("reviewStatus") == "DRAFT":
        yield Fault("reviewStatus", "A draft has no passes: Google would refuse all objects of this class.")
    template = part(part(body, "classTemplateInfo"), "cardTemplateOverride")
    for number, row in enumerate(parts(template, "cardRowTemplateInfos")):
        path = f"classTemplateInfo.cardTemplateOverride.cardRowTemplateInfos[{number}]"
        for name in _paths(row):
            if not name.startswith(("object.", "class.")):
                yield Fault(path, f"“{name}” begins with neither “object.” nor “class.”: its place would stay empty.")


def _paths(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == "fieldPath" and isinstance(value, str):
                yield value
            else:
                yield from _paths(value)
    elif isinstance(node, list):
        for value in node:
            yield from _paths(value)


__all__ = ["Fault", "faults"]
