"""Which values stand where: what phones would drop, repeat or leave empty."""

from collections.abc import Iterator
from itertools import chain
from typing import Final, get_args

from passes.card import Words
from passes.design.checks.finding import Finding, escaped, fault, longer_than, of_words, warning
from passes.google import limits
from passes.google.document_slots import module_keys, secondary_key
from passes.look import Layout, Look, ValueKey

MOST_HEADER, MOST_PRIMARY, MOST_BELOW = 3, 1, 4
_GOOGLE_LABELS: Final = {
    "balance": limits.BALANCE_LABEL,
    "holder": limits.ACCOUNT_LABEL,
    "member_code": limits.ACCOUNT_LABEL,
}
_AREAS = ("header", "primary", "secondary", "auxiliary", "back")
_OF_COUPONS = frozenset({"reward", "worth", "uses_left", "valid_until"})
_SENTENCES = frozenset({"next_reward", "expiring", "progress", "pending", "held", "owed", "reward"})
_KEYS: Final = frozenset(get_args(ValueKey))
# About how many characters of a label Apple shows, by how many fields share the row.
_HEADER_LABEL, _PRIMARY_LABEL = 12, 24
_LABEL_IN_ROW = {1: 40, 2: 20, 3: 13, 4: 10}


def of_layout(look: Look) -> Iterator[Finding]:
    """Counts, repetitions, and values that fit where they stand."""
    layout = look.layout
    yield from _too_many(layout)
    seen: set[ValueKey] = set()
    for area in _AREAS:
        for place, key in enumerate(getattr(layout, area)):
            at = f"/layout/{area}/{place}"
            if key in seen:
                yield fault("value_twice", at, f"“{key}” stands on the card already: each value stands once.")
            seen.add(key)
            if key in _OF_COUPONS:
                yield warning(
                    "value_empty", at, f"“{key}” is said by coupons alone: a member's card would leave it out."
                )
            if area == "header" and key in _SENTENCES:
                yield warning("value_cut", at, f"“{key}” is a sentence: a header has room for a number.", "apple")
    if not seen & {"balance", "rewards_ready", "progress"} and look.style == "store_card":
        yield warning("balance_missing", "/layout", "The card shows neither points nor progress.")
    yield from _dropped_by_google(look)


def _dropped_by_google(look: Look) -> Iterator[Finding]:
    """Texts that Google does not list among the details and that are not on the front either."""
    layout = look.layout
    keys = dict.fromkeys(("news", *chain(*(getattr(layout, area) for area in _AREAS))))
    unlisted = module_keys(layout, keys)[limits.MODULES :]
    for pointer, dropped in (
        ("/layout/back", sum(key in layout.back for key in unlisted)),
        ("/texts", len(look.texts) - limits.MODULES),
    ):
        if dropped > 0:
            says = f"Google shows at most {limits.MODULES} texts: {dropped} would not be seen."
            yield warning("texts_dropped", pointer, says, "google")


def of_labels(look: Look) -> Iterator[Finding]:
    """What the partner wrote above the values."""
    for key, words in look.labels.items():
        at = f"/labels/{escaped(key)}"
        if key not in _KEYS:
            yield fault("value_unknown", at, "There is no such value to label.")
            continue
        yield from of_words(words, at)
        yield from _on_apple(look.layout, key, words, at)
        yield from _on_google(look.layout, key, words, at)


def _too_many(layout: Layout) -> Iterator[Finding]:
    says = "iOS would drop it: there is room for {most} {where}."
    for place in range(MOST_HEADER, len(layout.header)):
        where = says.format(most=MOST_HEADER, where="in the header")
        yield fault("field_dropped", f"/layout/header/{place}", where, "apple")
    for place in range(MOST_PRIMARY, len(layout.primary)):
        where = says.format(most=MOST_PRIMARY, where="in the primary place")
        yield fault("field_dropped", f"/layout/primary/{place}", where, "apple")
    below = chain(
        (f"/layout/secondary/{place}" for place in range(len(layout.secondary))),
        (f"/layout/auxiliary/{place}" for place in range(len(layout.auxiliary))),
    )
    for pointer in list(below)[MOST_BELOW:]:
        where = says.format(most=MOST_BELOW, where="in the secondary and auxiliary rows together")
        yield fault("field_dropped", pointer, where, "apple")


def _on_apple(layout: Layout, key: str, words: Words, at: str) -> Iterator[Finding]:
    room = {
        "header": _HEADER_LABEL,
        "primary": _PRIMARY_LABEL,
        "secondary": _LABEL_IN_ROW.get(len(layout.secondary), 10),
        "auxiliary": _LABEL_IN_ROW.get(len(layout.auxiliary), 10),
    }
    for area, soft in room.items():
        if key in getattr(layout, area):
            yield from longer_than(words, soft, at, f"Apple may cut the label in the {area} row", "apple")


def _on_google(layout: Layout, key: str, words: Words, at: str) -> Iterator[Finding]:
    second = {secondary_key(layout): limits.BALANCE_LABEL}
    soft = (_GOOGLE_LABELS | second).get(key, limits.HEADER)
    yield from longer_than(words, soft, at, "Google may cut the label", "google")
