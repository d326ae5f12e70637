"""Where each value of a card stands on Google's: a field of its own if there is one, else a text module.

The class names these places in the rows of the card's front, for all members alike; the objects fill them.
"""

from collections.abc import Iterable
from typing import Any, Final

from passes.google.schema.rules import MOST_ROWS
from passes.look import Layout, ValueKey

Body = dict[str, Any]

# What may be the second balance, the first of these that the design shows.
_SECONDARY: Final[tuple[ValueKey, ...]] = ("tier", "vouchers")
# Fields of their own on a loyalty object; `balance` and the second balance are too.
ACCOUNT: Final[dict[ValueKey, str]] = {"holder": "accountName", "member_code": "accountId"}
_IN_A_ROW: Final = 3
_ITEMS: Final[dict[int, tuple[str, tuple[str, ...]]]] = {
    1: ("oneItem", ("item",)),
    2: ("twoItems", ("startItem", "endItem")),
    3: ("threeItems", ("startItem", "middleItem", "endItem")),
}


def secondary_key(layout: Layout) -> ValueKey | None:
    """Which value of a design is the second balance.

    A tier would be a field of the class at Google, shared by all members; on the object this is its place.
    """
    shown = {*layout.header, *layout.primary, *layout.secondary, *layout.auxiliary, *layout.back}
    return next((key for key in _SECONDARY if key in shown), None)


def module_keys(layout: Layout, keys: Iterable[str]) -> list[str]:
    """Which of these values are text modules of a loyalty object, or may be, in their order.

    Google lists so many of them among the details and no more. So those that stand on the front are the last.
    """
    elsewhere = {"balance", *ACCOUNT}
    texts = [key for key in keys if key not in elsewhere]
    return sorted(texts, key=lambda key: (key != "news", key not in layout.back))


def loyalty_template(layout: Layout) -> Body | None:
    """`classTemplateInfo` of a loyalty class: the rows of its front, None without any.

    Naming rows replaces Google's own layout, so everything that shall be seen is named.
    """
    return _template([[_loyalty_paths(key, layout) for key in row] for row in _rows(layout)])


def offer_template(layout: Layout) -> Body | None:
    """The same of an offer class, whose title stands above the rows by itself."""
    rows = [[key for key in row if key != "reward"] for row in _rows(layout)]
    return _template([[[_module(key)] for key in row] for row in rows if row])


def _rows(layout: Layout) -> list[list[ValueKey]]:
    """The front in at most three rows of at most three: an area is a row, unless that is too many."""
    areas = [(*layout.header, *layout.primary), layout.secondary, layout.auxiliary]
    rows = [list(area[start : start + _IN_A_ROW]) for area in areas for start in range(0, len(area), _IN_A_ROW)]
    if len(rows) > MOST_ROWS:
        keys = [key for area in areas for key in area]
        rows = [keys[start : start + _IN_A_ROW] for start in range(0, len(keys), _IN_A_ROW)][:MOST_ROWS]
    return rows


def _loyalty_paths(key: ValueKey, layout: Layout) -> list[str]:
    """Where the value may stand; Google shows the first that is not empty."""
    if key == "balance":
        return ["object.loyaltyPoints.balance"]
    if key in ACCOUNT:
        return [f"object.{ACCOUNT[key]}"]
    return [_module(key), *(["object.secondaryLoyaltyPoints.balance"] if key == secondary_key(layout) else [])]


def _module(key: ValueKey) -> str:
    return f"object.textModulesData['{key}']"


def _template(rows: list[list[list[str]]]) -> Body | None:
    return {"cardTemplateOverride": {"cardRowTemplateInfos": [_row(row) for row in rows]}} if rows else None


def _row(items: list[list[str]]) -> Body:
    kind, places = _ITEMS[len(items)]
    return {kind: {place: _item(paths) for place, paths in zip(places, items, strict=True)}}


def _item(paths: list[str]) -> Body:
    return {"firstValue": {"fields": [{"fieldPath": path} for path in paths]}}
