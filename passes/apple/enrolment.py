"""What a phone sends when its owner signs up from a pass: read, checked, brought to our form. Pure.

Body: https://developer.apple.com/documentation/walletpasses/personalize (personalizationToken and
requiredPersonalizationInfo, of which a phone fills in what the pass asked for).
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from kernel.errors import Invalid
from passes.look import SignUp
from points.contacts import Contact, contact_of
from points.members import BadName, check_name

# The token comes back signed with the key that signs manifests, and a manifest is a JSON object: whatever could be one
# is not signed, or a stranger could have a pass of their own making sealed by us. Visible ASCII without `"`, `\`, `{`
# and `}` cannot be JSON with a member in any encoding.
_TOKEN = re.compile(r"[!#-\[\]-z|~]{1,4096}")
_LONGEST_TEXT: Final = 400


class EnrolmentMalformed(Invalid):
    """The body is not one that Wallet sends."""

    code = "enrolment_malformed"
    title = "The sign-up cannot be read"


class DetailMissing(Invalid):
    """The pass asked for something that the body does not say; facts: `field`."""

    code = "enrolment_detail_missing"
    title = "The sign-up lacks what the pass asks for"


class Told(msgspec.Struct, frozen=True):
    """Apple's names. The spelling of the country's differs between sources, so both are read."""

    fullName: str | None = None
    givenName: str | None = None
    familyName: str | None = None
    emailAddress: str | None = None
    phoneNumber: str | None = None
    postalCode: str | None = None
    ISOCountryCode: str | None = None
    isoCountryCode: str | None = None

    def __repr__(self) -> str:
        """Never what it says: representations end in logs."""
        return "Told(...)"


class Enrolment(msgspec.Struct, frozen=True):
    """A sign-up as it came."""

    personalizationToken: str
    requiredPersonalizationInfo: Told = Told()


@dataclass(frozen=True, slots=True)
class Details:
    """What is kept: `name` is None when the pass did not ask for one."""

    name: str | None
    contact: Contact


_decoder = msgspec.json.Decoder(Enrolment)


def enrolment(body: bytes) -> Enrolment:
    """The body as Wallet means it. Raises EnrolmentMalformed."""
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise EnrolmentMalformed("The body is not the JSON that Wallet sends.") from None
    if _TOKEN.fullmatch(read.personalizationToken) is None:
        raise EnrolmentMalformed("This is no personalisation token.")
    texts = (getattr(read.requiredPersonalizationInfo, name) or "" for name in Told.__struct_fields__)
    if any(len(text) > _LONGEST_TEXT for text in texts):
        raise EnrolmentMalformed(f"A text has more than {_LONGEST_TEXT} characters.")
    return read


def details(told: Told, asked: SignUp) -> Details:
    """What the pass asked for, and no more. Raises DetailMissing, BadName, BadContact."""
    fields = asked.fields
    spoken = {"email": told.emailAddress, "phone": told.phoneNumber, "postal_code": told.postalCode}
    given = {field: (text or "").strip() for field, text in spoken.items() if field in fields}
    for field, text in given.items():
        if not text:
            raise DetailMissing(f"The pass asks for the {field.replace('_', ' ')}.", field=field)
    return Details(shown_name(told) if "name" in fields else None, contact_of(**given, country=_country(told, fields)))


def shown_name(told: Told) -> str:
    """The name as the card can show it: the full one, or the shorter ones that Wallet sends with it if that is too
    long. Marks that nobody sees are left out. Raises DetailMissing without a name, BadName when none can be shown."""
    both = f"{told.givenName or ''} {told.familyName or ''}"
    names = [name for name in map(_tidy, (told.fullName, both, told.givenName, told.familyName)) if name]
    if not names:
        raise DetailMissing("The pass asks for the name.", field="name")
    for name in names:
        try:
            check_name(name)
        except BadName:
            continue
        return name
    raise BadName("The name cannot be shown on a card.")


def _tidy(name: str | None) -> str:
    """Composed, with single spaces, without joiners and marks of direction (Unicode category Cf)."""
    seen = "".join(c for c in unicodedata.normalize("NFC", name or "") if unicodedata.category(c) != "Cf")
    return " ".join(seen.split())


def _country(told: Told, fields: Collection[str]) -> str:
    """It comes along with numbers and postal codes; one that is none is left out, as nobody was asked for it."""
    code = (told.ISOCountryCode or told.isoCountryCode or "").strip().upper()
    wanted = not {"phone", "postal_code"}.isdisjoint(fields)
    return code if wanted and re.fullmatch(r"[A-Z]{2}", code) else ""
