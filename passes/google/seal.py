"""The link that puts cards and coupons on an Android phone.

A skinny link: it only names objects that exist already, so it stays short, carries nothing to read, and never goes out
of date. Claims: https://developers.google.com/wallet/generic/use-cases/jwt
"""

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from kernel.errors import Invalid
from passes.google.identity import GoogleIdentity
from passes.google.schema.check import Resource

SAVE_URL = "https://pay.google.com/gp/v/save/"
# Browsers may cut what is longer; Google's own advice.
MAX_JWT_LENGTH = 1800
_LISTED: Final[dict[Resource, str]] = {"loyaltyObject": "loyaltyObjects", "offerObject": "offerObjects"}
_ID = re.compile(r"[0-9]+\.[A-Za-z0-9._-]+")


class SaveLinkTooLong(Invalid):
    """The link would be cut by some browsers: too many objects, or too many or too long origins."""

    code = "google_save_link_too_long"
    title = "The save link is too long"


class Named(NamedTuple):
    """An object that exists at Google."""

    resource: Resource
    object_id: str
    class_id: str


class SaveLinks:
    """Signs save links for one issuer. `origins` are the web origins that show the button (`https://host`).

    All but the time and the ids is the same in every link and is made once; what is left costs the signature.
    """

    def __init__(self, identity: GoogleIdentity, origins: Sequence[str], save_url: str = SAVE_URL) -> None:
        self._identity = identity
        self._save_url = save_url
        fixed = {"iss": identity.email, "aud": "google", "typ": "savetowallet", "origins": list(origins)}
        self._claims = msgspec.json.encode(fixed).removesuffix(b"}")

    def link(self, object_id: str, class_id: str) -> str:
        """The save link of a card. Whoever opens it first owns the card: show it to its member only. Raises
        SaveLinkTooLong."""
        return self.link_to(self.signed([Named("loyaltyObject", object_id, class_id)]))

    def link_to(self, jwt: str) -> str:
        """The save link of a signed token. Raises SaveLinkTooLong."""
        if len(jwt) > MAX_JWT_LENGTH:
            raise SaveLinkTooLong(f"{len(jwt)} characters, at most {MAX_JWT_LENGTH} are safe.", length=len(jwt))
        return self._save_url + jwt

    def signed(self, objects: Sequence[Named]) -> str:
        """The token of a save link for these objects, however long."""
        lists: dict[str, list[str]] = defaultdict(list)
        for one in objects:
            lists[_LISTED[one.resource]].append(
                f'{{"id":"{_plain(one.object_id)}","classId":"{_plain(one.class_id)}"}}'
            )
        payload = ",".join(f'"{name}":[{",".join(named)}]' for name, named in lists.items())
        return self._identity.sign_claims(
            self._claims + f',"iat":{int(time.time())},"payload":{{{payload}}}}}'.encode()
        )


def _plain(resource_id: str) -> str:
    """An id has nothing that JSON would need to escape. Raises ValueError for anything else."""
    if _ID.fullmatch(resource_id) is None:
        raise ValueError("that is no id of the Wallet API")
    return resource_id
