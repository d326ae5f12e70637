"""How members can be reached: personal data, kept sealed and apart from every sum.

What is stored is JSON under the master secret, bound to the member, so that neither a copy of the database nor an
exchange of two rows tells anybody's address. By a keyed hash of the telephone number (`phone_index`) a till finds who
says it; whoever has the table but not the master secret cannot try numbers out.
"""

import re

import msgspec
import structlog

from kernel.database import Connection, Database
from kernel.errors import Invalid
from kernel.secrets import Keyring, SealBroken
from points.answers import UnknownMember
from points.phones import e164, without_spacing

log = structlog.get_logger(__name__)

PURPOSE = "member.contact"

LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3 with RFC 3696 erratum 1690
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_PHONE = re.compile(r"\+?[0-9]{4,15}")  # ITU-T E.164
_POSTAL_CODE = re.compile(r"[^\W_](?:[ -]?[^\W_]){1,14}")
_COUNTRY = re.compile(r"[A-Z]{2}")

MOST_FOUND = 10
_INDEX_BYTES = 32
_AT_ONCE = 500

# A row that is being written now gets its index by who writes it.
_NOT_INDEXED = f"""
SELECT member_id, contact FROM profile
WHERE member_id > $1 AND contact IS NOT NULL
    AND (phone_index IS NULL OR (octet_length(phone_index) < {_INDEX_BYTES} AND phone_index <> $2))
ORDER BY member_id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_INDEX = """
UPDATE profile SET phone_index = found.index FROM unnest($1::text[], $2::bytea[]) AS found (member_id, index)
WHERE profile.member_id = found.member_id
"""


class BadContact(Invalid):
    """An address, number or code that cannot be one; facts: `field`."""

    code = "bad_contact"
    title = "The contact data cannot be used"


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a member told of how to reach them; "" is not told. `country` is ISO 3166-1 alpha-2."""

    email: str = ""
    phone: str = ""
    postal_code: str = ""
    country: str = ""

    def __repr__(self) -> str:
        """Never what it says: representations end in logs."""
        return f"Contact({', '.join(msgspec.to_builtins(self))})"


def contact_of(email: str = "", phone: str = "", postal_code: str = "", country: str = "") -> Contact:
    """The data as they are stored: trimmed, numbers without spacing. Raises BadContact."""
    return Contact(
        email=_checked("email", _EMAIL, email.strip(), LONGEST_EMAIL),
        phone=_checked("phone", _PHONE, without_spacing(phone)),
        postal_code=_checked("postal_code", _POSTAL_CODE, " ".join(postal_code.upper().split())),
        country=_checked("country", _COUNTRY, country.strip().upper()),
    )


async def keep(connection: Connection, keyring: Keyring, member_id: str, contact: Contact, prefix: str = "") -> None:
    """Store the data, or with none of them forget what was stored. `prefix` is the country code of numbers told without
    one. Raises UnknownMember."""
    told = msgspec.json.encode(contact)
    sealed = keyring.seal(PURPOSE, member_id, told) if contact != Contact() else None
    status = await connection.execute(
        "INSERT INTO profile (member_id, name, contact, phone_index) SELECT id, '', $2, $3 FROM member WHERE id = $1"
        " ON CONFLICT (member_id) DO UPDATE SET contact = excluded.contact, phone_index = excluded.phone_index",
        member_id,
        sealed,
        None if sealed is None else _phone_index(keyring, contact.phone, prefix),
    )
    if status != "INSERT 0 1":
        raise UnknownMember(f"There is no member '{member_id}'.")


async def kept(connection: Connection, keyring: Keyring, member_id: str) -> Contact:
    """What the member told; empty when it is nothing. Raises SealBroken when it is another one's."""
    sealed = await connection.fetchval("SELECT contact FROM profile WHERE member_id = $1", member_id)
    if sealed is None:
        return Contact()
    return msgspec.json.decode(keyring.open(PURPOSE, member_id, sealed), type=Contact)


async def find_by_phone(connection: Connection, keyring: Keyring, prefix: str, number: str) -> list[str]:
    """Who told this number, by id, at most MOST_FOUND. Raises BadContact for what is no number, or one that needs a
    country code to be one."""
    checked = contact_of(phone=number).phone
    known = e164(checked, prefix)
    if known is None:
        raise BadContact("Say the number with its country code.", field="phone")
    rows = await connection.fetch(
        "SELECT member_id FROM profile WHERE phone_index = $1 ORDER BY member_id LIMIT $2",
        _index_of(keyring, known),
        MOST_FOUND,
    )
    return [row["member_id"] for row in rows]


async def index_phones(db: Database, keyring: Keyring, prefix: str) -> int:
    """Make findable who told a number before numbers were indexed, or before the service knew its country; how many
    profiles were looked at. May be stopped, repeated, and run by several processes at once."""
    looked_at, after = 0, ""
    while True:
        async with db.unit() as unit:
            rows = await unit.connection.fetch(_NOT_INDEXED, after, _not_findable(prefix), _AT_ONCE)
            indexed: dict[str, bytes] = {}
            for row in rows:
                try:
                    told = msgspec.json.decode(keyring.open(PURPOSE, row["member_id"], row["contact"]), type=Contact)
                except SealBroken:
                    log.warning("contact.unreadable", member_id=row["member_id"])
                    continue
                indexed[row["member_id"]] = _phone_index(keyring, told.phone, prefix)
            await unit.connection.execute(_INDEX, list(indexed), list(indexed.values()))
        looked_at += len(indexed)
        if len(rows) < _AT_ONCE:
            return looked_at
        after = rows[-1]["member_id"]


def _phone_index(keyring: Keyring, phone: str, prefix: str) -> bytes:
    known = e164(phone, prefix)
    return _not_findable(prefix) if known is None else _index_of(keyring, known)


def _index_of(keyring: Keyring, known: str) -> bytes:
    return keyring.derive("member.phone", known, length=_INDEX_BYTES)


def _not_findable(prefix: str) -> bytes:
    """No number, or none that can be found while this is the country; no hash is so short."""
    return b"?" + prefix.encode()


def _checked(field: str, form: re.Pattern[str], text: str, longest: int = 64) -> str:
    if text and (len(text) > longest or not text.isprintable() or form.fullmatch(text) is None):
        raise BadContact(f"This is no {field.replace('_', ' ')}.", field=field)
    return text
