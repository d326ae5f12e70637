"""Every error as `application/problem+json` (RFC 9457), unexpected ones included, without their text.

`type` links the documentation of the code, `title` is fixed per code, `detail` is about this occurrence, `instance` is
the request id that is also in the `X-Request-Id` header and in the log.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Message, Scope

from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from kernel.ids import new_id

log = structlog.get_logger(__name__)

PROBLEM_JSON: Final = "application/problem+json"
PROBLEM_TYPES_PATH: Final = "/docs/problems#"

_STATUS: Final[tuple[tuple[type[CommonpointError], int], ...]] = (
    (NotFound, 404),
    (Conflict, 409),
    (Forbidden, 403),
    (Invalid, 400),
    (Unavailable, 503),
)
# Where a standard or a draft asks for another status than the kind's.
_STATUS_OF_CODE: Final = {"idempotency_key_reused": 422, "too_many_guesses": 429}
_DEFAULT_RETRY_AFTER_S = 1.0
_REQUEST_ID_KEY = "commonpoint_request_id"
_GIVEN_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

# Titles and codes of what the HTTP layer itself refuses. The framework's own words name handlers and parameters.
HTTP_TITLES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "The request cannot be understood"),
    401: ("unauthenticated", "Authentication needed"),
    403: ("forbidden", "Not allowed"),
    404: ("route_not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address does not take that method"),
    413: ("body_too_large", "The body is too large"),
    415: ("media_type_unsupported", "The body must be application/json"),
    429: ("too_many_requests", "Too many requests"),
    503: ("unavailable", "Temporarily unavailable"),
}


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field. `pointer` is a JSON pointer (RFC 6901) into the body; `parameter` a query name."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 section 3.1, with `code`, `errors` and `facts` as extension members (section 3.2).

    `facts` are the numbers behind the refusal (what is short, what is left), for programs.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldProblem] = []
    facts: dict[str, Any] = {}


class Refused(Invalid):
    """An input that the HTTP layer refuses, with the fields at fault."""

    status: int = 400

    def __init__(self, detail: str, errors: list[FieldProblem]) -> None:
        super().__init__(detail)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: int
    code: str
    title: str
    detail: str
    errors: list[FieldProblem]
    headers: dict[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)


def request_id(scope: Scope) -> str:
    """This request's id: the caller's own `X-Request-Id` when it is harmless, else a new one."""
    state = scope["state"]
    known = state.get(_REQUEST_ID_KEY)
    if known is None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        known = given.decode() if _GIVEN_REQUEST_ID.fullmatch(given) else new_id("req")
        state[_REQUEST_ID_KEY] = known
    return str(known)


async def add_request_id(message: Message, scope: Scope) -> None:
    """A `before_send` hook: `X-Request-Id` on every answer, also on those that no route made."""
    if message["type"] == "http.response.start":
        headers = list(message.get("headers", ()))
        headers.append((b"x-request-id", request_id(scope).encode()))
        message["headers"] = headers


def status_of(kind: type[CommonpointError]) -> int:
    """The HTTP status of an error: its own, else its code's, else its kind's."""
    own: int | None = getattr(kind, "status", None) or _STATUS_OF_CODE.get(kind.code)
    return own or next((number for one, number in _STATUS if issubclass(kind, one)), 500)


def _of_domain(error: CommonpointError) -> _Outcome:
    status = status_of(type(error))
    errors: list[FieldProblem] = getattr(error, "errors", [])
    headers: dict[str, str] = dict(getattr(error, "headers", {}))
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s or _DEFAULT_RETRY_AFTER_S)))
    return _Outcome(status, error.code, error.title, error.detail, errors, headers, error.facts)


def _of_framework(error: HTTPException) -> _Outcome:
    if error.status_code >= 500 and error.status_code != 503:
        return _unexpected()
    code, title = HTTP_TITLES.get(error.status_code, ("http_error", HTTPStatus(error.status_code).phrase))
    errors: list[FieldProblem] = []
    if isinstance(error, ValidationException):
        errors = [_of_parameter(item) for item in error.extra or [] if isinstance(item, dict)]
        code, title = "invalid_request", "The request is not valid"
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() in ("allow", "retry-after")}
    return _Outcome(error.status_code, code, title, title + ".", errors, headers)


def _of_parameter(item: Mapping[str, Any]) -> FieldProblem:
    name = str(item.get("key", ""))
    if name == "data":
        return FieldProblem("body_missing", "A JSON body is needed.", pointer="")
    return FieldProblem("parameter_invalid", "The value is missing or not of the expected form.", parameter=name)


def _unexpected() -> _Outcome:
    return _Outcome(500, "internal_error", "Internal error", "The error was logged under the request id.", [], {})


def _answer(request: Request[Any, Any, Any], outcome: _Outcome) -> Response[bytes]:
    problem = Problem(
        type=PROBLEM_TYPES_PATH + outcome.code,
        title=outcome.title,
        status=outcome.status,
        detail=outcome.detail,
        instance=request_id(request.scope),
        code=outcome.code,
        errors=outcome.errors,
        facts=dict(outcome.facts),
    )
    return Response(
        msgspec.json.encode(problem),
        status_code=outcome.status,
        media_type=PROBLEM_JSON,
        headers={"cache-control": "no-store", **outcome.headers},
    )


def answer_domain_error(request: Request[Any, Any, Any], error: CommonpointError) -> Response[bytes]:
    """Rules that said no, and parts that are away."""
    outcome = _of_domain(error)
    if outcome.status >= 500:
        log.warning("unavailable", request_id=request_id(request.scope), code=error.code, detail=error.detail)
    return _answer(request, outcome)


def answer_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: unknown routes, methods, sizes, parameters."""
    if error.status_code >= 500:
        log.error("framework_error", request_id=request_id(request.scope), exc_info=error)
    return _answer(request, _of_framework(error))


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours: the log gets the trace, the caller an id to ask about."""
    log.error("unexpected_error", request_id=request_id(request.scope), path=request.scope["path"], exc_info=error)
    return _answer(request, _unexpected())


def answer_bad_text(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Text in an address or a parameter that PostgreSQL cannot keep; bodies are guarded before (api/body.py)."""
    detail = "A text of the request holds a character that cannot be stored, such as U+0000."
    return _answer(request, _Outcome(400, "text_not_storable", "A text cannot be stored", detail, [], {}))


EXCEPTION_HANDLERS: Final[Mapping[Any, Callable[..., Response[bytes]]]] = {
    CommonpointError: answer_domain_error,
    HTTPException: answer_http_error,
    asyncpg.CharacterNotInRepertoireError: answer_bad_text,
    asyncpg.UntranslatableCharacterError: answer_bad_text,
    Exception: answer_unexpected,
}
