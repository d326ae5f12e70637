"""Reward enrolment: the owner of an anonymous pass tells Wallet who they are, and the pass becomes theirs.

POST /passes/{pass_type}/{serial}/personalize carries no authentication: the pass is nobody's yet, and its serial, which
cannot be guessed, is all that a phone knows. So what it may do is little: fill in, once, what the pass asked for. The
answer is the phone's token, signed like a manifest; then the phone fetches the pass, which now has a name and no form.

A name that the card cannot show (see `passes.apple.enrolment.shown_name`) or an address that cannot be one is refused
with 400: nothing is kept, the form stays on the pass, and its owner may correct what they wrote. A sign-up that is
delivered again, or comes second, is answered like the first one and changes nothing.

Protocol: https://developer.apple.com/documentation/walletpasses/personalize
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import asyncpg
import structlog

from kernel.database import Connection, Database
from kernel.errors import Invalid, NotFound, Unavailable
from kernel.ids import is_id
from kernel.outbox import touch
from passes.apple import enrolment_texts as enrolment_texts  # registers the words
from passes.apple.answer import Response
from passes.apple.enrolment import Details, details, enrolment
from passes.card import Words, card_from_json, card_json
from passes.issue import change_numbers
from passes.look import Look
from passes.news import with_news
from passes.refresh import KIND, PUSH_KIND
from passes.rendering import PassKey, Rendered
from passes.speech import phrase
from points.contact_changes import Announced, Contacts
from points.members import rename

log = structlog.get_logger(__name__)

BODY_LIMIT: Final = 16 * 1024  # bytes
_RETRY_AFTER_S: Final = 60.0
_PASS_TYPE = re.compile(r"[A-Za-z0-9._-]{1,256}")

_BAD_REQUEST: Final = Response(400)
# The same for a serial that does not exist, one of another type, and one that asks for nothing.
_UNKNOWN: Final = Response(404)
_TOO_LARGE: Final = Response(413)

_PASS = """
SELECT id, member_id, brand_id, sign_up, card::text AS card FROM wallet_pass
WHERE id = $1 AND pass_type = $2 AND wallet = 'apple' AND kind = 'card' AND sign_up <> ''
"""

_PERSONAL = """
UPDATE wallet_pass SET sign_up = 'done', card = $2::jsonb, change_seq = $3,
    ledger_version = greatest(ledger_version, $4),
    told = (told || clock_timestamp())[greatest(1, cardinality(told) - 18):],  -- the welcome is one of the messages
    last_modified = greatest(date_trunc('second', clock_timestamp()), last_modified + interval '1 second')
WHERE id = $1
"""


class Looks(Protocol):
    """Designs by their id."""

    async def look(self, design_id: str) -> Look:
        """The look, which never changes."""
        ...


class Renders(Protocol):
    """What cards say."""

    async def cards(self, connection: Connection, passes: Sequence[PassKey]) -> Mapping[str, Rendered]:
        """By pass id; passes of unknown members are missing."""
        ...


class Signs(Protocol):
    """The press, as far as it signs."""

    async def sign(self, pass_type: str, content: bytes) -> bytes:
        """A detached PKCS #7 signature. Raises Unavailable without a certificate that may sign."""
        ...


class Personalisation:
    """Answers phones that sign their owners up."""

    def __init__(self, db: Database, contacts: Contacts, looks: Looks, renderer: Renders, press: Signs) -> None:
        self._db = db
        self._contacts = contacts
        self._looks = looks
        self._renderer = renderer
        self._press = press

    async def take(self, pass_type: str, serial: str, body: bytes) -> Response:
        """200 with the signed token, 400 (nothing kept), 404, 413, 503."""
        if len(body) > BODY_LIMIT:
            return _TOO_LARGE
        try:
            return await self._answer(pass_type, serial, body)
        except Invalid as refused:
            log.info("apple.enrolment.refused", why=refused.code, field=refused.facts.get("field"))
            return _BAD_REQUEST
        except NotFound:
            return _UNKNOWN
        except Unavailable as away:
            wait_s = math.ceil(away.retry_after_s or _RETRY_AFTER_S)
            return Response(503, {"retry-after": str(max(1, wait_s))})

    async def _answer(self, pass_type: str, serial: str, body: bytes) -> Response:
        asked = enrolment(body)
        row = await self._pass(pass_type, serial)
        if row is None:
            return _UNKNOWN
        told: Details | None = None
        if row["sign_up"] == "open":
            form = (await self._looks.look(card_from_json(row["card"]).design)).sign_up
            if form is None:
                return _UNKNOWN
            told = details(asked.requiredPersonalizationInfo, form)
        # Signed first: whoever is told that it cannot be done now has changed nothing.
        signed = await self._press.sign(pass_type, asked.personalizationToken.encode())
        if told is not None:
            # Before the transaction: the ledger marks it if the member could be reached otherwise until now.
            announced = await self._contacts.announce(row["member_id"], told.contact)
            await self._keep(pass_type, serial, told, announced)
        headers = {"content-type": "application/octet-stream", "content-length": str(len(signed))}
        return Response(200, headers | {"cache-control": "no-store"}, signed)

    async def _pass(self, pass_type: str, serial: str) -> asyncpg.Record | None:
        if not is_id(serial, "pass") or _PASS_TYPE.fullmatch(pass_type) is None:
            return None
        async with self._db.read() as read:
            return await read.connection.fetchrow(_PASS, serial, pass_type)

    async def _keep(self, pass_type: str, serial: str, told: Details, announced: Announced) -> None:
        """Name, contact data and the personal card, all at once, by the first sign-up alone."""
        async with self._db.unit() as unit:
            connection = unit.connection
            row = await connection.fetchrow(f"{_PASS} FOR UPDATE", serial, pass_type)
            if row is None or row["sign_up"] != "open":
                return
            member_id = row["member_id"]
            if told.name is not None:
                await rename(connection, member_id, told.name)
            await self._contacts.keep_announced(connection, announced)
            key = PassKey(row["id"], member_id, row["brand_id"])
            shown = (await self._renderer.cards(connection, [key]))[serial]
            card = with_news(shown.card, _welcome(told.name))
            (number,) = await change_numbers(connection, 1)
            await connection.execute(_PERSONAL, serial, card_json(card).decode(), number, shown.ledger_version)
            # Other devices with this pass, and the member's passes elsewhere.
            await touch(connection, KIND, [member_id])
            await touch(connection, PUSH_KIND["apple"], [serial])
        log.info("apple.enrolled", pass_id=serial)


def _welcome(name: str | None) -> Words:
    """The one sentence that this change tells."""
    return phrase("enrolment.welcome", name=name) if name else phrase("enrolment.thanks")
