"""Taps, sign-up, moments, companion apps: what needs what."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from passes.design.checks.finding import Finding, fault, of_words, warning
from passes.look import Look

MOST_SPANS, MOST_STORE_IDS, LARGEST_USER_INFO_BYTES = 10, 10, 2048
LONGEST_SPAN: Final = timedelta(hours=24)
LONGEST_TERMS: Final = 4000
_LONGEST_DESCRIPTION = 300
_APP_URL = re.compile(r"[a-z][a-z0-9+.-]{1,31}:[\x21-\x7e]{0,2000}")
# https://developer.android.com/build/configure-app-module (application id)
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_LONGEST_PACKAGE = 255
_NO_APP = ("javascript:", "data:", "file:", "vbscript:", "http:", "about:", "blob:")


def of_taps(look: Look) -> Iterator[Finding]:
    """NFC, and the sign-up that needs it."""
    if look.unlock_to_tap and not look.taps:
        yield fault(
            "taps_missing", "/unlock_to_tap", "There is nothing to unlock for: the card takes no taps.", "apple"
        )
    if look.unlock_to_tap and look.sharing:
        says = "A pass that is passed on may be used on an older phone that does not ask to be unlocked."
        yield warning("taps_shared", "/sharing", says, "apple")
    if look.sign_up is None:
        return
    if not look.taps:
        yield fault("taps_missing", "/sign_up", "Wallet asks for details only on cards that take taps.", "apple")
    if not look.sign_up.fields or len(set(look.sign_up.fields)) != len(look.sign_up.fields):
        yield fault("fields_malformed", "/sign_up/fields", "Ask for at least one detail, and for each once.", "apple")
    yield from of_words(look.sign_up.description, "/sign_up/description", _LONGEST_DESCRIPTION, lines=True)
    if look.sign_up.terms:
        yield from of_words(look.sign_up.terms, "/sign_up/terms", LONGEST_TERMS, lines=True)


def of_moments(look: Look) -> Iterator[Finding]:
    """When the pass comes to the lock screen."""
    if len(look.relevant) > MOST_SPANS:
        yield fault("too_many", "/relevant", f"At most {MOST_SPANS} moments.", "apple")
    for place, span in enumerate(look.relevant[:MOST_SPANS]):
        at = f"/relevant/{place}"
        if any(moment is not None and moment.tzinfo is None for moment in (span.start, span.end)):
            yield fault("moment_malformed", at, "A moment needs its offset from UTC.", "apple")
        elif span.end is not None and not timedelta(0) < span.end - span.start <= LONGEST_SPAN:
            yield fault("moment_malformed", at, "A span ends after it begins, and within a day.", "apple")


def of_app(look: Look) -> Iterator[Finding]:
    """The companion app and what is for it alone."""
    ids = look.store_ids
    if len(ids) > MOST_STORE_IDS or len(set(ids)) != len(ids) or not all(0 < one < 2**53 for one in ids):
        yield fault("store_id_malformed", "/store_ids", f"At most {MOST_STORE_IDS} different App Store ids.", "apple")
    if look.app_url:
        if not look.store_ids:
            yield fault("store_id_missing", "/app_url", "iOS opens an app only if its App Store id is given.", "apple")
        if _APP_URL.fullmatch(look.app_url) is None or look.app_url.startswith(_NO_APP):
            yield fault("url_malformed", "/app_url", "Give the address that opens the app.", "apple")
    package = look.android_app
    if package and (len(package) > _LONGEST_PACKAGE or _PACKAGE.fullmatch(package) is None):
        says = "Give the app's package name, such as org.example.cafe."
        yield fault("package_malformed", "/android_app", says, "google")
    if len(msgspec.json.encode(look.user_info)) > LARGEST_USER_INFO_BYTES:
        yield fault("too_large", "/user_info", f"At most {LARGEST_USER_INFO_BYTES} bytes of JSON.", "apple")
    elif _has_null(look.user_info):
        yield fault("value_null", "/user_info", "Leave out what is null: phones refuse passes that hold it.", "apple")


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_null(item) for item in value)
    return value is None
