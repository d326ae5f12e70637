"""The passes web service: what phones call to hear of changes and to fetch the new file.

Framework-neutral: each coroutine takes what the caller sent and returns the status, headers and body the vendor
prescribes; the outside mounts them under `<service_url>/v1`. Whatever a stranger sends, the answer is one of those.

Protocol: https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import msgspec

from kernel.database import Database
from kernel.errors import NotFound
from kernel.ids import is_id
from kernel.secrets import constant_time_equals
from passes.apple import registry
from passes.apple.device_log import DeviceLog
from passes.apple.press import MEDIA_TYPE, Press, StoredPass

BODY_LIMIT: Final = 64 * 1024  # bytes; the outside may refuse earlier

_LIBRARY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PUSH_TOKEN = re.compile(r"[A-Za-z0-9]{8,256}")
_TAG = re.compile(r"1\.([0-9]{1,18})")
_AUTHORIZATION = re.compile(r"ApplePass +(\S{1,256})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to a phone, to be sent as it is. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class PassFile:
    """A sealed pass with the moment of its last change (whole seconds)."""

    body: bytes
    last_modified: datetime
    media_type: str = MEDIA_TYPE


class UnknownPass(NotFound):
    """No Apple pass has this id."""

    code = "pass_unknown"
    title = "There is no such pass"


class _Registering(msgspec.Struct):
    pushToken: str


# The same for a wrong token, an unknown serial and another pass type: a guess teaches nothing.
_UNAUTHORISED: Final = Response(401, {"www-authenticate": "ApplePass"})
_BAD_REQUEST: Final = Response(400)
_TOO_LARGE: Final = Response(413)
_DONE: Final = Response(200)


class PassesService:
    """Answers phones for one pass type. Owns its transactions."""

    def __init__(self, db: Database, press: Press, device_log: DeviceLog | None = None) -> None:
        self._db = db
        self._press = press
        self._log = device_log or DeviceLog()

    async def register(
        self, library_id: str, pass_type: str, serial: str, authorization: str | None, body: bytes
    ) -> Response:
        """POST /devices/{library_id}/registrations/{pass_type}/{serial}: 201 new, 200 known (token renewed), 401."""
        if len(body) > BODY_LIMIT:
            return _TOO_LARGE
        stored = await self._authorised(pass_type, serial, authorization)
        if stored is None:
            return _UNAUTHORISED
        push_token = _push_token(body)
        if push_token is None or not _LIBRARY_ID.fullmatch(library_id):
            return _BAD_REQUEST
        async with self._db.unit() as unit:
            new = await registry.register(unit.connection, library_id, stored.id, push_token)
            if new:
                await registry.catch_up(unit.connection, stored.id)
        return Response(201) if new else _DONE

    async def updated(self, library_id: str, pass_type: str, since: str | None) -> Response:
        """GET /devices/{library_id}/registrations/{pass_type}?passesUpdatedSince={since}: 200 with serials, or 204.

        `since` is the percent-decoded tag; one that we never gave out counts as absent: a full list heals the phone.
        """
        if pass_type != self._press.origin.pass_type or not _LIBRARY_ID.fullmatch(library_id):
            return Response(204)
        async with self._db.read() as read:
            changed = await registry.changed_since(read.connection, library_id, _change_of(since))
        if not changed:
            return Response(204)
        answer = {"serialNumbers": [c.pass_id for c in changed], "lastUpdated": f"1.{changed[-1].change_seq}"}
        return Response(200, {"content-type": "application/json"}, msgspec.json.encode(answer))

    async def fetch(
        self,
        pass_type: str,
        serial: str,
        authorization: str | None,
        if_modified_since: str | None = None,
        *,
        head: bool = False,
    ) -> Response:
        """GET and HEAD /passes/{pass_type}/{serial}: 200 with the file, 304, 401."""
        stored = await self._authorised(pass_type, serial, authorization)
        if stored is None:
            return _UNAUTHORISED
        headers = {"last-modified": _http_date(stored.last_modified), "cache-control": "private, no-cache"}
        held = _parsed_date(if_modified_since)
        if held is not None and _whole_seconds(stored.last_modified) <= held:
            return Response(304, headers)
        file = await self._press.file(stored)
        headers |= {"content-type": MEDIA_TYPE, "content-length": str(len(file))}
        return Response(200, headers, b"" if head else file)

    async def unregister(self, library_id: str, pass_type: str, serial: str, authorization: str | None) -> Response:
        """DELETE /devices/{library_id}/registrations/{pass_type}/{serial}: 200 (also when there was none), 401."""
        stored = await self._authorised(pass_type, serial, authorization)
        if stored is None:
            return _UNAUTHORISED
        if _LIBRARY_ID.fullmatch(library_id):
            async with self._db.unit() as unit:
                await registry.unregister(unit.connection, library_id, stored.id)
        return _DONE

    async def log(self, body: bytes) -> Response:
        """POST /log: 200. Lines come from strangers: they are capped, cleaned and counted, never trusted."""
        if len(body) > BODY_LIMIT:
            return _TOO_LARGE
        return _DONE if self._log.take(body) else _BAD_REQUEST

    async def file(self, pass_id: str) -> PassFile:
        """The file for the first download; whoever calls has checked that the asker may have it. Raises UnknownPass."""
        stored = await self._stored(pass_id)
        if stored is None:
            raise UnknownPass("There is no such Apple pass.", pass_id=pass_id[:64])
        return PassFile(await self._press.file(stored), _whole_seconds(stored.last_modified))

    async def _authorised(self, pass_type: str, serial: str, authorization: str | None) -> StoredPass | None:
        match = _AUTHORIZATION.fullmatch(authorization or "")
        stored = await self._stored(serial) if pass_type == self._press.origin.pass_type else None
        expected = self._press.token(stored or _NOBODY)  # an unknown serial takes the same steps
        given = match.group(1) if match else ""
        return stored if constant_time_equals(given, expected) else None

    async def _stored(self, pass_id: str) -> StoredPass | None:
        if not is_id(pass_id, "pass"):
            return None
        async with self._db.read() as read:
            row = await read.connection.fetchrow(_STORED, pass_id)
        return StoredPass(**row) if row else None


_NOBODY: Final = StoredPass("", "", 0, datetime.min.replace(tzinfo=UTC), 1, False)

_STORED = """
SELECT id, card::text AS card, change_seq, last_modified, token_version, voided
FROM wallet_pass WHERE id = $1 AND wallet = 'apple'
"""


def _push_token(body: bytes) -> str | None:
    try:
        token = msgspec.json.decode(body, type=_Registering).pushToken
    except (msgspec.DecodeError, RecursionError):
        return None
    return token if _PUSH_TOKEN.fullmatch(token) else None


def _change_of(tag: str | None) -> int:
    match = _TAG.fullmatch(tag or "")
    return int(match.group(1)) if match else -1


def _http_date(moment: datetime) -> str:
    """IMF-fixdate, RFC 9110 section 5.6.7."""
    return format_datetime(_whole_seconds(moment), usegmt=True)


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _parsed_date(header: str | None) -> datetime | None:
    """RFC 9110 section 13.1.3: a date that cannot be read counts as absent."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
