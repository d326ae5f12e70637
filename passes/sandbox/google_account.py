"""Service accounts made on the spot, and the check of what they sign (RFC 7515, RS256)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_FILE = "google-service-account.json"
_EMAIL = "commonpoint@sandbox.invalid"


class BadJwt(Exception):
    """A token that is malformed or not signed by a known account."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A throw-away service account: the JSON file a program loads, and the public half of its key."""

    path: Path
    email: str
    public_key: rsa.RSAPublicKey


def make_service_account(directory: Path, token_uri: str) -> ServiceAccount:
    """A service account in `directory` whose tokens come from `token_uri`; one that is there already keeps its key."""
    path = directory / _FILE
    if path.exists():
        info = msgspec.json.decode(path.read_bytes())
        key = serialization.load_pem_private_key(info["private_key"].encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{path} holds no RSA key")
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "project_id": "sandbox",
            "private_key_id": _key_id(key.public_key()),
            "private_key": pem.decode(),
            "client_email": _EMAIL,
            "client_id": "1",
        }
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(info | {"token_uri": token_uri}))
    return ServiceAccount(path, info["client_email"], key.public_key())


def _key_id(key: rsa.RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:40]


def verified_claims(token: str, keys: dict[str, rsa.RSAPublicKey]) -> dict[str, Any]:
    """The claims of a JWT signed by the account that its `iss` names; `keys` is e-mail -> key. Raises BadJwt."""
    try:
        head, body, signature = token.split(".")
        header, claims = msgspec.json.decode(_decoded(head)), msgspec.json.decode(_decoded(body))
        if header["alg"] != "RS256":
            raise BadJwt("only RS256 is accepted")
        keys[claims["iss"]].verify(_decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, KeyError, TypeError, binascii.Error, InvalidSignature) as error:
        raise BadJwt(f"not a token of a known account ({type(error).__name__})") from error
    verified: dict[str, Any] = claims
    return verified


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
