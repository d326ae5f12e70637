"""The passes web service: what phones call to hear of changes and to fetch the new file.

Framework-neutral: each coroutine takes what the caller sent and returns the status, headers and body the vendor
prescribes; the outside mounts them under `<service_url>/v1`. Whatever a stranger sends, the answer is one of those.

Protocol: https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

import msgspec

from kernel.database import Connection, Database
from kernel.errors import NotFound
from kernel.ids import is_id
from kernel.secrets import constant_time_equals
from passes.apple import registry
from passes.apple.answer import Response as Response
from passes.apple.http_date import http_date, parsed_date, whole_seconds
from passes.apple.later import Later, PerMinute
from passes.apple.press import MEDIA_TYPE, Press, StoredPass
from passes.apple.reading import Reading
from passes.apple.registry import Since
from passes.apple.reports import Reports

# What phones are told in vain is asked for again; a phone that asks more often than this is broken or hostile.
LISTS_PER_MINUTE: Final = 120
FETCHED_EVERY_S: Final = 0.1
_FETCHED_KEPT: Final = 50_000

_LIBRARY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PASS_TYPE = re.compile(r"[A-Za-z0-9._-]{1,255}")
_PUSH_TOKEN = re.compile(r"[A-Za-z0-9]{8,256}")
# The 1 is the version of the tag's form: another form is another version, and what we do not know brings everything.
_TAG = re.compile(r"1\.([0-9]{1,18})")
_AUTHORIZATION = re.compile(r"ApplePass +(\S{1,256})", re.IGNORECASE)


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


class Personalising(Protocol):
    """Takes what a new member typed into Wallet (`passes/apple/personalise.py`)."""

    async def take(self, pass_type: str, serial: str, body: bytes) -> Response:
        """The answer to the phone."""
        ...


class _Registering(msgspec.Struct):
    pushToken: str


class _Wanted(NamedTuple):
    pass_id: str
    whole: bool  # with the card, which only the file needs


# The same for a wrong token, an unknown serial and another pass type: a guess teaches nothing.
_UNAUTHORISED: Final = Response(401, {"www-authenticate": "ApplePass"})
_BAD_REQUEST: Final = Response(400)
_TOO_OFTEN: Final = Response(429, {"retry-after": "60"})
_NOTHING: Final = Response(204)
_DONE: Final = Response(200)
_CREATED: Final = Response(201)


class PassesService:
    """Answers phones, for every pass type that passes were made with. Owns its transactions.

    `answers` counts what was answered, by call ("fetch", "list", ...) and status; `passes` and `lists` are the
    questions to the database.
    """

    def __init__(
        self,
        db: Database,
        press: Press,
        reports: Reports,
        personalisation: Personalising | None = None,
        *,
        lists_per_minute: int = LISTS_PER_MINUTE,
    ) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self._db = db
        self._press = press
        self._reports = reports
        self._personalisation = personalisation
        self.passes = Reading(db, _stored)
        self.lists = Reading(db, registry.changed_since)
        self._pace = PerMinute(lists_per_minute)
        self._fetched: set[str] = set()
        self._fetched_later = Later(self._write_fetched, FETCHED_EVERY_S)

    async def close(self) -> None:
        """Answer who waits and write what is known; then nothing more may be asked."""
        await self.passes.close()
        await self.lists.close()
        await self._fetched_later.close()

    async def register(
        self, library_id: str, pass_type: str, serial: str, authorization: str | None, body: bytes
    ) -> Response:
        """POST /devices/{library_id}/registrations/{pass_type}/{serial}: 201 new, 200 known (token renewed), 401."""
        stored = await self._authorised(pass_type, serial, authorization)
        if stored is None:
            return _UNAUTHORISED
        push_token = _push_token(body)
        if push_token is None or not _LIBRARY_ID.fullmatch(library_id):
            return _BAD_REQUEST
        async with self._db.unit() as unit:
            new = await registry.register(unit.connection, library_id, stored.id, push_token)
            if new:
                await registry.catch_up(unit.connection, library_id, stored.id)
        return _CREATED if new else _DONE

    async def updated(self, library_id: str, pass_type: str, since: str | None) -> Response:
        """GET /devices/{library_id}/registrations/{pass_type}?passesUpdatedSince={since}: 200 with serials, or 204.

        `since` is the percent-decoded tag; one that we never gave out counts as absent: a full list heals the phone.
        The device's id is the secret here, as Apple has it.
        """
        if not _LIBRARY_ID.fullmatch(library_id) or not _PASS_TYPE.fullmatch(pass_type):
            return _NOTHING
        if not self._pace.take(library_id):
            return _TOO_OFTEN
        changed = await self.lists.answer(Since(library_id, pass_type, _change_of(since)))
        if not changed:
            return _NOTHING
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
        stored = await self._authorised(pass_type, serial, authorization, whole=True)
        if stored is None:
            return _UNAUTHORISED
        changed = http_date(stored.last_modified)
        headers = {"last-modified": changed, "cache-control": "private, no-cache"}
        if not head:
            self._note_fetched(stored.id)
        if if_modified_since is not None and _holds(if_modified_since, changed, stored.last_modified):
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
        return _DONE if self._reports.take(body) else _BAD_REQUEST

    async def personalise(self, pass_type: str, serial: str, body: bytes) -> Response:
        """POST /passes/{pass_type}/{serial}/personalize: 200 with the signed token; without sign-up as if unknown."""
        if self._personalisation is None:
            return _UNAUTHORISED
        return await self._personalisation.take(pass_type, serial, body)

    async def file(self, pass_id: str) -> PassFile:
        """The file for the first download; whoever calls has checked that the asker may have it. Raises UnknownPass."""
        stored = await self._found(pass_id, whole=True)
        if not stored.id:
            raise UnknownPass("There is no such Apple pass.", pass_id=pass_id[:64])
        return PassFile(await self._press.file(stored), whole_seconds(stored.last_modified))

    async def _authorised(
        self, pass_type: str, serial: str, authorization: str | None, *, whole: bool = False
    ) -> StoredPass | None:
        """The pass, if the token is its own; None after the same steps for whatever is wrong.

        The card is read only for who shows the token that the serial has unless it was ever renewed: so a wrong token
        costs the same for a pass that exists and for one that does not.
        """
        match = _AUTHORIZATION.fullmatch(authorization or "")
        given = match.group(1) if match else ""
        first = constant_time_equals(given, self._press.token(msgspec.structs.replace(_NOBODY, id=serial)))
        stored = await self._found(serial, whole=whole and first)
        right = constant_time_equals(given, self._press.token(msgspec.structs.replace(stored, id=serial)))
        if not stored.id or not right or stored.pass_type != pass_type:
            return None
        return stored if stored.card or not whole else await self._found(serial, whole=True)

    async def _found(self, pass_id: str, *, whole: bool) -> StoredPass:
        # What cannot be an id is looked up as well, as one that no pass has.
        return await self.passes.answer(_Wanted(pass_id if is_id(pass_id, "pass") else "", whole))

    def _note_fetched(self, pass_id: str) -> None:
        if len(self._fetched) < _FETCHED_KEPT:
            self._fetched.add(pass_id)
        self._fetched_later.ask()

    async def _write_fetched(self) -> None:
        fetched, self._fetched = self._fetched, set()
        async with self._db.unit() as unit:
            await registry.fetched(unit.connection, list(fetched))


_NOBODY: Final = StoredPass(
    id="",
    card="",
    kind="card",
    pass_type="",
    change_seq=0,
    last_modified=datetime.min.replace(tzinfo=UTC),
    token_version=1,
    voided=False,
    tap_code="",
    sign_up="",
)

# What stands in a row for a serial that no pass has: as many values as in any other, so that it takes as long.
_NOTHING_THERE: Final = {
    "id": "''",
    "card": "''",
    "kind": "''",
    "pass_type": "''",
    "change_seq": "0",
    "last_modified": "'epoch'::timestamptz",
    "token_version": "1",
    "voided": "false",
    "tap_code": "''",
    "sign_up": "''",
}
_COLUMNS = ", ".join(
    f"coalesce({'CASE WHEN q.whole THEN p.card::text END' if name == 'card' else f'p.{name}'}, {_NOTHING_THERE[name]})"
    for name in StoredPass.__struct_fields__
)
STORED = f"""
SELECT q.n - 1, {_COLUMNS}
FROM unnest($1::text[], $2::bool[]) WITH ORDINALITY AS q (pass_id, whole, n)
LEFT JOIN wallet_pass p ON p.id = q.pass_id AND (p.wallet = 'apple') IS TRUE
"""


async def _stored(connection: Connection, wanted: Sequence[_Wanted]) -> list[StoredPass]:
    """The passes in the order of the questions; one without an id stands for a serial that no pass has."""
    rows = await connection.fetch(STORED, [one.pass_id for one in wanted], [one.whole for one in wanted])
    found = [_NOBODY] * len(wanted)
    for place, *columns in rows:
        found[place] = StoredPass(*columns)
    return found


def _push_token(body: bytes) -> str | None:
    try:
        token = msgspec.json.decode(body, type=_Registering).pushToken
    except (msgspec.DecodeError, RecursionError):
        return None
    return token if _PUSH_TOKEN.fullmatch(token) else None


def _change_of(tag: str | None) -> int:
    match = _TAG.fullmatch(tag or "")
    return int(match.group(1)) if match else -1


def _holds(said: str, changed: str, last_modified: datetime) -> bool:
    """Whether the date that a phone says covers the last change; RFC 9110 section 13.1.3: junk counts as absent."""
    if said == changed:  # phones return what they were given
        return True
    held = parsed_date(said)
    return held is not None and whole_seconds(last_modified) <= held
