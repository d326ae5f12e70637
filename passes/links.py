"""The address of a member's own page: it can be opened by whoever has it, and guessed by nobody."""

import base64

from kernel.ids import is_id
from kernel.secrets import Keyring, constant_time_equals

_PURPOSE = "passes.page"


def page_token(keyring: Keyring, member_id: str) -> str:
    """The member's id and 160 bits that only this service can make."""
    return f"{member_id}.{_mac(keyring, member_id)}"


def page_url(keyring: Keyring, public_url: str, member_id: str) -> str:
    """The address of the member's page."""
    return f"{public_url}/c/{page_token(keyring, member_id)}"


def member_of_token(keyring: Keyring, token: str) -> str | None:
    """Whose page the token opens, or None if it is not one of ours."""
    member_id, _, mac = token.partition(".")
    known = is_id(member_id, "mbr")
    # The comparison runs for a wrong id too, so that the time taken tells nothing.
    fits = constant_time_equals(mac, _mac(keyring, member_id if known else "mbr_"))
    return member_id if known and fits else None


def _mac(keyring: Keyring, member_id: str) -> str:
    return base64.b32encode(keyring.derive(_PURPOSE, member_id, length=20)).decode().lower()
