"""The link that puts a card on an Android phone.

A skinny link: it only names an object that exists already, so it stays short, carries nothing to read, and never goes
out of date. Claims: https://developers.google.com/wallet/generic/use-cases/jwt
"""

import time
from collections.abc import Sequence

from kernel.errors import Invalid
from passes.google.identity import GoogleIdentity

SAVE_URL = "https://pay.google.com/gp/v/save/"
# Browsers may cut what is longer; Google's own advice.
MAX_JWT_LENGTH = 1800


class SaveLinkTooLong(Invalid):
    """The link would be cut by some browsers: too many or too long origins."""

    code = "google_save_link_too_long"
    title = "The save link is too long"


class SaveLinks:
    """Signs save links for one issuer. `origins` are the web origins that show the button (`https://host`)."""

    def __init__(self, identity: GoogleIdentity, origins: Sequence[str], save_url: str = SAVE_URL) -> None:
        self._identity = identity
        self._origins = list(origins)
        self._save_url = save_url

    def link(self, object_id: str, class_id: str) -> str:
        """The save link of an existing object. Whoever opens it first owns the card: show it to its member only."""
        claims = {
            "iss": self._identity.email,
            "aud": "google",
            "typ": "savetowallet",
            "iat": int(time.time()),
            "origins": self._origins,
            "payload": {"loyaltyObjects": [{"id": object_id, "classId": class_id}]},
        }
        signed = self._identity.sign_jwt(claims)
        if len(signed) > MAX_JWT_LENGTH:
            raise SaveLinkTooLong(f"{len(signed)} characters, at most {MAX_JWT_LENGTH} are safe.", length=len(signed))
        return self._save_url + signed
