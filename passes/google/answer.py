"""Reading the answers of a server that is not ours: bounded, and trusting nothing."""

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp

_MAX_BYTES = 64 * 1024


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body of an answer, cut at 64 KiB: what we need is far shorter, and a stranger decides how long it is."""
    try:
        return await response.content.readexactly(_MAX_BYTES)
    except asyncio.IncompleteReadError as whole:
        return whole.partial


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, given as a number or a date (RFC 9110 section 10.2.3); None without one."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text[:6])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
