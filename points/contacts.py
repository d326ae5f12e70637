"""How members can be reached: personal data, kept sealed and apart from every sum.

What is stored is JSON under the master secret, bound to the member, so that neither a copy of the database nor an
exchange of two rows tells anybody's address.
"""

import re

import msgspec

from kernel.database import Connection
from kernel.errors import Invalid
from kernel.secrets import Keyring
from points.answers import UnknownMember

PURPOSE = "member.contact"

LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3 with RFC 3696 erratum 1690
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_PHONE = re.compile(r"\+?[0-9]{4,15}")  # ITU-T E.164
_PHONE_SPACING = re.compile(r"[\s()./\N{NO-BREAK SPACE}\N{EN DASH}-]")
_POSTAL_CODE = re.compile(r"[^\W_](?:[ -]?[^\W_]){1,14}")
_COUNTRY = re.compile(r"[A-Z]{2}")


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
        phone=_checked("phone", _PHONE, _PHONE_SPACING.sub("", phone)),
        postal_code=_checked("postal_code", _POSTAL_CODE, " ".join(postal_code.upper().split())),
        country=_checked("country", _COUNTRY, country.strip().upper()),
    )


async def keep(connection: Connection, keyring: Keyring, member_id: str, contact: Contact) -> None:
    """Store the data, or with none of them forget what was stored. Raises UnknownMember."""
    told = msgspec.json.encode(contact)
    sealed = keyring.seal(PURPOSE, member_id, told) if contact != Contact() else None
    status = await connection.execute(
        "INSERT INTO profile (member_id, name, contact) SELECT id, '', $2 FROM member WHERE id = $1"
        " ON CONFLICT (member_id) DO UPDATE SET contact = excluded.contact",
        member_id,
        sealed,
    )
    if status != "INSERT 0 1":
        raise UnknownMember(f"There is no member '{member_id}'.")


async def kept(connection: Connection, keyring: Keyring, member_id: str) -> Contact:
    """What the member told; empty when it is nothing. Raises SealBroken when it is another one's."""
    sealed = await connection.fetchval("SELECT contact FROM profile WHERE member_id = $1", member_id)
    if sealed is None:
        return Contact()
    return msgspec.json.decode(keyring.open(PURPOSE, member_id, sealed), type=Contact)


def _checked(field: str, form: re.Pattern[str], text: str, longest: int = 64) -> str:
    if text and (len(text) > longest or not text.isprintable() or form.fullmatch(text) is None):
        raise BadContact(f"This is no {field.replace('_', ' ')}.", field=field)
    return text
