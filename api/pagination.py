"""Lists in pages by cursor: `limit`, `after`, `before`; answers `data`, `has_more`, `next`. Order is by id and stable.

A cursor is opaque to clients: it names the last item seen, not a place, so items that come or go do not shift pages.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from api.problems import FieldProblem, Refused
from kernel.ids import is_id

LARGEST_PAGE: Final = 200
USUAL_PAGE: Final = 50
_LONGEST_CURSOR = 128
_LONGEST_NUMBER = 18  # decimal digits that fit a bigint

Item = TypeVar("Item")
Shown = TypeVar("Shown")


class CursorMalformed(Refused):
    """The cursor did not come from an answer of this list."""

    code = "cursor_malformed"
    title = "The cursor is not one of this list"


class Listed(msgspec.Struct, Generic[Shown], frozen=True):
    """One page. `next` continues in the direction asked: send it as `after`, or as `before` when you sent `before`."""

    data: list[Shown]
    has_more: bool
    next: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked: item ids still in their cursors, at most one of them."""

    limit: int
    after: str | None = None
    before: str | None = None

    def window(self, prefix: str) -> tuple[str | None, str | None, int]:
        """(after id, before id, rows to read): one row more than shown, to know if there are more.

        `prefix` is that of the list's ids. Raises CursorMalformed.
        """
        return _id_in("after", self.after, prefix), _id_in("before", self.before, prefix), self.limit + 1

    def window_by_number(self) -> tuple[int | None, int | None, int]:
        """Like `window`, for lists in the order of a number. Raises CursorMalformed."""
        return _number_in("after", self.after), _number_in("before", self.before), self.limit + 1

    def answer(
        self, items: Sequence[Item], show: Callable[[Item], Shown], id_of: Callable[[Item], str]
    ) -> Listed[Shown]:
        """The page from up to limit + 1 items in id order, as read by `window`."""
        has_more = len(items) > self.limit
        backwards = self.before is not None
        kept = (items[-self.limit :] if backwards else items[: self.limit]) if has_more else items
        following = cursor(id_of(kept[0] if backwards else kept[-1])) if has_more else None
        return Listed([show(item) for item in kept], has_more, following)


def cursor(item_id: str) -> str:
    """The opaque name of an item in a list."""
    return base64.urlsafe_b64encode(item_id.encode()).decode().rstrip("=")


async def provide_page(
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE, description="Items per page.")] = USUAL_PAGE,
    after: Annotated[
        str | None, QueryParameter(max_length=_LONGEST_CURSOR, description="Items that follow this cursor.")
    ] = None,
    before: Annotated[
        str | None, QueryParameter(max_length=_LONGEST_CURSOR, description="Items just before this cursor.")
    ] = None,
) -> Page:
    """The dependency `page`."""
    if after is not None and before is not None:
        detail = "Send either after or before."
        raise CursorMalformed(detail, [FieldProblem("parameter_invalid", detail, parameter="before")])
    return Page(limit, after, before)


def _id_in(parameter: str, text: str | None, prefix: str) -> str | None:
    if text is None:
        return None
    item_id = _opened(text)
    if not is_id(item_id, prefix):
        raise _malformed(parameter)
    return item_id


def _number_in(parameter: str, text: str | None) -> int | None:
    if text is None:
        return None
    number = _opened(text)
    if not (number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise _malformed(parameter)
    return int(number)


def _opened(text: str) -> str:
    """What a cursor names, or nothing if it is not base64 of ASCII."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _malformed(parameter: str) -> CursorMalformed:
    detail = "Use the cursor of an answer as it is."
    return CursorMalformed(detail, [FieldProblem("cursor_malformed", detail, parameter=parameter)])


# How a handler takes the page asked for: `page: PageIs`.
PageIs = NamedDependency[SkipValidation[Page]]
PAGE_DEPENDENCIES: Final = {"page": Provide(provide_page)}
