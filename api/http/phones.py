"""/apple/v1: what iPhones ask, straight from ASGI to the passes web service.

A campaign makes every phone ask within minutes, so there is no framework between: no routing table, no models, no
middleware. Paths and tags are decoded exactly as they were encoded, answers are what Apple prescribes.

Protocol: https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

import structlog

from kernel.errors import Unavailable
from passes.apple.answer import Response
from passes.apple.service import PassesService

log = structlog.get_logger(__name__)

PREFIX: Final = "/apple/v1"
LARGEST_BODY_BYTES: Final = 64 * 1024
BODY_WITHIN_S: Final = 15.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_TOO_LARGE: Final = Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_TOO_SLOW: Final = Response(HTTPStatus.REQUEST_TIMEOUT)
_UNKNOWN: Final = Response(HTTPStatus.NOT_FOUND)
_BROKEN: Final = Response(HTTPStatus.INTERNAL_SERVER_ERROR)
_WITHOUT_BODY: Final = frozenset({204, 304})
_TAG: Final = b"passesUpdatedSince"


class _Refused(Exception):
    def __init__(self, answer: Response) -> None:
        self.answer = answer


class _Gone(Exception):
    """The phone hung up before it had said all."""


class Phones:
    """A plain ASGI application for everything under `prefix`.

    `service` is asked per request, so that the application may be made before its parts are opened.
    """

    def __init__(self, service: Callable[[], PassesService], prefix: str = PREFIX) -> None:
        self._service = service
        self._prefix = prefix.encode()

    def is_for(self, scope: Scope) -> bool:
        """Whether a connection belongs here, for whoever stands in front of the rest of the application."""
        return scope["type"] == "http" and _raw_path(scope).startswith(self._prefix + b"/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "phones speak HTTP alone"
        call, head = "unknown", scope["method"] == "HEAD"
        service = self._service()
        try:
            steps = _steps(_raw_path(scope), self._prefix)
            call = _call_of(steps, scope["method"])
            answer = await _answer(service, call, steps, scope, receive)
        except _Refused as refused:
            answer = refused.answer
        except _Gone:
            return
        except Unavailable as error:
            log.warning("apple.phones.unavailable", call=call, error=error.detail)
            answer = Response(503, {"retry-after": str(max(1, ceil(error.retry_after_s or 1)))})
        except Exception:
            log.exception("apple.phones.unexpected", call=call)
            answer = _BROKEN
        service.answers[call, answer.status] += 1
        await _send(send, answer, head)


async def _answer(service: PassesService, call: str, steps: list[str], scope: Scope, receive: Receive) -> Response:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    match call:
        case "fetch" | "head":
            _, pass_type, serial = steps
            since = _header(headers, b"if-modified-since")
            authorization = _header(headers, b"authorization")
            return await service.fetch(pass_type, serial, authorization, since, head=call == "head")
        case "list":
            _, library_id, _, pass_type = steps
            return await service.updated(library_id, pass_type, _tag(scope["query_string"]))
        case "register":
            _, library_id, _, pass_type, serial = steps
            body = await _body(headers, receive)
            return await service.register(library_id, pass_type, serial, _header(headers, b"authorization"), body)
        case "unregister":
            _, library_id, _, pass_type, serial = steps
            return await service.unregister(library_id, pass_type, serial, _header(headers, b"authorization"))
        case "personalise":
            _, pass_type, serial, _ = steps
            return await service.personalise(pass_type, serial, await _body(headers, receive))
        case _:
            return await service.log(await _body(headers, receive))


def _call_of(steps: list[str], method: str) -> str:
    """Which call a path and a method make. Raises _Refused with 404, or 405 and what would be allowed."""
    match steps:
        case ["passes", _, _]:
            calls = {"GET": "fetch", "HEAD": "head"}
        case ["devices", _, "registrations", _]:
            calls = {"GET": "list", "HEAD": "list"}
        case ["devices", _, "registrations", _, _]:
            calls = {"POST": "register", "DELETE": "unregister"}
        case ["log"]:
            calls = {"POST": "log"}
        case ["passes", _, _, "personalize"]:
            calls = {"POST": "personalise"}
        case _:
            raise _Refused(_UNKNOWN)
    if method not in calls:
        raise _Refused(Response(HTTPStatus.METHOD_NOT_ALLOWED, {"allow": ", ".join(calls)}))
    return calls[method]


def _raw_path(scope: Scope) -> bytes:
    """The path as it was sent; servers that do not tell it have decoded it, so it is encoded again."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else quote(scope["path"]).encode()


def _steps(raw_path: bytes, prefix: bytes) -> list[str]:
    """The steps of a path below the prefix, each decoded by itself: an encoded slash is part of a step."""
    if not raw_path.startswith(prefix + b"/"):
        raise _Refused(_UNKNOWN)
    return [_decoded(step) for step in raw_path[len(prefix) + 1 :].split(b"/")]


def _decoded(text: bytes) -> str:
    """Percent-decoded, with a plus sign left alone. What is no UTF-8 becomes a character that no id has."""
    return (unquote_to_bytes(text) if b"%" in text else text).decode(errors="replace")


def _tag(query: bytes) -> str | None:
    """The tag exactly as we gave it: a form decoder would turn a plus sign into a space."""
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == _TAG:
            return _decoded(value)
    return None


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    """The value of a header; None if it is absent, or there twice and so says nothing."""
    found = [value for name, value in headers if name == wanted]
    return found[0].decode("latin-1") if len(found) == 1 else None


async def _body(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> bytes:
    """The body, refused as soon as it is known to be too large: before it is read, if its length is told."""
    told = _header(headers, b"content-length")
    if told is not None and told.isascii() and told.isdigit() and int(told[:20]) > LARGEST_BODY_BYTES:
        raise _Refused(_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY_BYTES:
                    raise _Refused(_TOO_LARGE)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _Refused(_TOO_SLOW) from None


async def _send(send: Send, answer: Response, head: bool) -> None:
    """As it is. An answer to HEAD has the length that GET would have, and no body."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if "content-length" not in answer.headers and answer.status not in _WITHOUT_BODY:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
