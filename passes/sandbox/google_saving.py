"""Save links at the sandbox's Google: what may stand in one, and the short ones it makes of those that are too long.

Claims: https://developers.google.com/wallet/generic/use-cases/jwt
"""

import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.schema.check import Resource, is_class
from passes.sandbox.google_account import BadJwt, verified_claims
from passes.sandbox.google_methods import RESOURCES
from passes.sandbox.google_resources import Refusal, Resources

Body = dict[str, Any]
_KINDS: Mapping[str, Resource] = {f"{name}s": kind for name, kind in RESOURCES.items() if not is_class(kind)}


class Saving:
    """Reads save links signed by the accounts that were invited."""

    def __init__(self, resources: Resources, accounts: Mapping[str, rsa.RSAPublicKey]) -> None:
        self._resources = resources
        self._accounts = accounts
        self._short: dict[str, str] = {}

    def insert(self, save_url: str, body: Body) -> Body:
        """`POST jwt`: a short link for a long one."""
        named = self.objects(str(body.get("jwt")))
        short = secrets.token_urlsafe(12)
        self._short[short] = str(body["jwt"])
        resources: dict[str, list[Body]] = {}
        for kind, object_id in named:
            resources.setdefault(f"{kind}s", []).append({"id": object_id})
        return {"saveUri": save_url + short, "resources": resources}

    def validate(self, body: Body) -> Body:
        """`POST jwt/validate`: whether a link would work."""
        self.objects(str(body.get("jwtResource", {}).get("jwt")))
        return {}

    def objects(self, text: str) -> list[tuple[Resource, str]]:
        """The objects that a link names; all of them exist. Raises Refusal."""
        try:
            named = _named(verified_claims(self._short.get(text, text), dict(self._accounts)))
        except BadJwt as error:
            raise Refusal(400, "invalidJwt", str(error)) from error
        for kind, object_id, class_id in named:
            if self._resources.get(kind, object_id)["classId"] != class_id:
                raise Refusal(400, "invalidResource", "the object is of another class")
        return [(kind, object_id) for kind, object_id, _ in named]


def _named(claims: Body) -> list[tuple[Resource, str, str]]:
    """Kind, object id and class id of all that a skinny link names."""
    if claims.get("aud") != "google" or claims.get("typ") != "savetowallet" or not isinstance(claims.get("iat"), int):
        raise BadJwt("these are not the claims of a save link")
    if not isinstance(claims.get("origins"), list):
        raise BadJwt("origins are missing")
    try:
        payload = claims["payload"]
        named = [(kind, one["id"], one["classId"]) for key, kind in _KINDS.items() for one in payload.get(key, [])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadJwt("the payload names no object") from error
    if not named:
        raise BadJwt("the payload names no object")
    return named
