"""Names, texts and links of the partner: how long they are, and where links lead."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from passes.design.checks.finding import Finding, fault, longer_than, of_words, unseen, warning
from passes.google import limits
from passes.look import Look

MOST_TEXTS, MOST_LINKS, MOST_ACTIONS = 20, 10, 2
LONGEST_NAME, LONGEST_TEXT, LONGEST_URL = 64, 4000, 2048
_BESIDE_LOGO: Final = 20
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)
_NOT_PUBLIC = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".invalid")
_PHONE = re.compile(r"tel:\+?[0-9][0-9().-]{2,24}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def of_names(look: Look) -> Iterator[Finding]:
    """The brand's name and the text beside the logo."""
    for pointer, name, needed in (("/brand_name", look.brand_name, True), ("/logo_text", look.logo_text, False)):
        if needed and not name.strip():
            yield fault("text_missing", pointer, "The brand needs a name.")
        elif len(name) > LONGEST_NAME or unseen(name) or "\n" in name:
            yield fault("text_too_long", pointer, f"At most {LONGEST_NAME} characters, none of them unseen.")
        elif len(name) > limits.NAME:
            yield warning("text_cut", pointer, f"Google shows about {limits.NAME} characters of it.", "google")
    if len(look.logo_text) > _BESIDE_LOGO:
        says = f"Beside logo and header there is room for about {_BESIDE_LOGO} characters."
        yield warning("text_cut", "/logo_text", says, "apple")


def of_texts(look: Look) -> Iterator[Finding]:
    """The partner's own texts on the back."""
    if len(look.texts) > MOST_TEXTS:
        yield fault("too_many", "/texts", f"At most {MOST_TEXTS} texts.")
    keys = [text.key for text in look.texts]
    for place, text in enumerate(look.texts[:MOST_TEXTS]):
        at = f"/texts/{place}"
        if _KEY.fullmatch(text.key) is None:
            yield fault("key_malformed", f"{at}/key", "A key is 1 to 32 of a-z, 0-9 and _, and begins with a letter.")
        elif text.key in keys[:place]:
            yield fault("key_twice", f"{at}/key", "Another text has this key.")
        yield from of_words(text.label, f"{at}/label")
        yield from of_words(text.text, f"{at}/text", LONGEST_TEXT, lines=True)
        yield from longer_than(text.label, limits.HEADER, f"{at}/label", "Google may cut the heading", "google")
        yield from longer_than(text.text, limits.BODY, f"{at}/text", "Google may cut the text", "google")


def of_links(look: Look) -> Iterator[Finding]:
    """Links on the back and the tiles under the pass."""
    if len(look.links) > MOST_LINKS:
        yield fault("too_many", "/links", f"At most {MOST_LINKS} links.")
    for place, link in enumerate(look.links[:MOST_LINKS]):
        yield from of_words(link.label, f"/links/{place}/label")
        yield from longer_than(
            link.label, limits.LINK, f"/links/{place}/label", "Google may cut the link's text", "google"
        )
        yield from _of_url(link.url, f"/links/{place}/url")
    for place, action in enumerate(look.actions):
        at = f"/actions/{place}"
        if place >= MOST_ACTIONS:
            yield fault("field_dropped", at, f"iOS would drop it: there is room for {MOST_ACTIONS} tiles.", "apple")
        elif action.kind in [other.kind for other in look.actions[:place]]:
            yield fault("key_twice", at, "Another tile is of this kind.", "apple")
        elif not (action.kind == "call" and _PHONE.fullmatch(action.url)):
            yield from _of_url(action.url, f"{at}/url")


def _of_url(url: str, pointer: str) -> Iterator[Finding]:
    if len(url) > LONGEST_URL or _VISIBLE.fullmatch(url) is None:
        yield fault("url_malformed", pointer, f"An address has at most {LONGEST_URL} visible ASCII characters.")
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        yield fault("url_malformed", pointer, "This is not an address.")
        return
    if parts.scheme != "https":
        yield fault("url_not_https", pointer, "Links lead to https addresses.")
    elif parts.username is not None or parts.password is not None or port not in (None, 443):
        yield fault("url_malformed", pointer, "An address on a card has neither a user nor a port of its own.")
    elif not _public(parts):
        yield fault("url_not_public", pointer, "Phones cannot reach this host from outside.")


def _public(parts: SplitResult) -> bool:
    host = (parts.hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return _HOST.fullmatch(host) is not None and not host.endswith(_NOT_PUBLIC)
