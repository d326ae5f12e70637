"""Where Google posts that a card was saved or deleted, and what tells its robots that they may.

Google knows two answers: 200, and anything else, after which it may post the same again. What is not Google's gets a
short refusal without a reason.
"""

import asyncio
from http import HTTPStatus
from typing import Final, Protocol

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from kernel.secrets import constant_time_equals
from passes.google.callbacks import PATH, Callbacks
from passes.google.ecv2 import LARGEST_CALLBACK_BYTES, CallbackRefused

_BODY_WITHIN_S: Final = 10.0

# Google posts only where robots.txt lets Googlebot go, and fetches the pictures of a class (REST: callbackOptions.url).
# Everything else here is for members, tills and operators.
ROBOTS: Final = f"User-agent: *\nAllow: {PATH}/\nAllow: /designs/\nDisallow: /\n"


class GoogleCallbackParts(Protocol):
    """The parts that these routes use."""

    @property
    def google_callbacks(self) -> Callbacks: ...


Parts = NamedDependency[SkipValidation[GoogleCallbackParts]]


@post(f"{PATH}/{{segment:str}}", request_max_body_size=LARGEST_CALLBACK_BYTES)
async def take_callback(segment: FromPath[str], request: Request[None, None, State], parts: Parts) -> Response[None]:
    """200 once the callback is stored, also when it comes again."""
    callbacks = parts.google_callbacks
    if not constant_time_equals(segment, callbacks.segment):
        return _answer(HTTPStatus.NOT_FOUND)
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            body = await request.body()
    except TimeoutError:
        return _answer(HTTPStatus.REQUEST_TIMEOUT)
    try:
        await callbacks.take(body)
    except CallbackRefused as error:
        return _answer(HTTPStatus.BAD_REQUEST if error.reason == "malformed" else HTTPStatus.FORBIDDEN)
    return _answer(HTTPStatus.OK)


@get("/robots.txt", media_type=MediaType.TEXT)
async def robots() -> Response[str]:
    """Where robots may go."""
    return Response(ROBOTS, media_type=MediaType.TEXT, headers={"cache-control": "public, max-age=86400"})


def _answer(status: HTTPStatus) -> Response[None]:
    return Response(None, status_code=status, headers={"cache-control": "no-store"})


google_callbacks_router = Router("/", route_handlers=[take_callback, robots], include_in_schema=False)
