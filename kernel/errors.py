"""The five kinds of error, without HTTP numbers. Each rule's error is a small subclass beside the rule."""

from typing import ClassVar


class CommonpointError(Exception):
    """An error that a caller can understand and act on.

    Class attributes `code` (stable, snake_case) and `title` (fixed per code) name the kind; `detail` is a sentence
    about this occurrence and `facts` are its machine-readable values.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class NotFound(CommonpointError):
    """The thing named does not exist, or not for this caller."""

    code = "not_found"
    title = "Not found"


class Conflict(CommonpointError):
    """The request is well formed but the present state does not allow it."""

    code = "conflict"
    title = "Conflict with the present state"


class Forbidden(CommonpointError):
    """The caller is known but lacks the right."""

    code = "forbidden"
    title = "Not allowed"


class Invalid(CommonpointError):
    """The input is wrong and will stay wrong however often it is sent."""

    code = "invalid"
    title = "Invalid input"


class Unavailable(CommonpointError):
    """A part that is needed does not answer now; trying later may help. `retry_after_s` is a hint in seconds."""

    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str = "", retry_after_s: float | None = None, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.retry_after_s = retry_after_s
