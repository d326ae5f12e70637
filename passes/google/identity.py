"""Who we are to Google: a service account invited by an issuer, and its access tokens.

The private key is parsed once per process (30 ms) and then signs in a quarter of a millisecond. Source of the token
exchange: https://developers.google.com/identity/protocols/oauth2/service-account#httprest (RFC 7523).
"""

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from google.oauth2 import service_account

from kernel.database import assert_no_unit
from passes.google.answer import bounded, retry_after_s
from passes.google.push_verdict import WalletStopped, WalletUnavailable

SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
# The audience of the assertion is fixed, wherever `token_uri` points.
TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME_S = 3600
_REFRESH_AHEAD_S = 300.0
# While the old token still serves, a token endpoint that fails is not asked before every call.
_REFRESH_AGAIN_S = 10.0


class GoogleTokenUnavailable(WalletUnavailable):
    """The token endpoint does not answer, or not now."""

    code = "google_token_unavailable"
    title = "Google's token endpoint is not available"


class GoogleAccountRefused(WalletStopped):
    """Google knows this service account no longer, or never did; an operator has to act."""

    code = "google_account_refused"
    title = "Google refused the service account"


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: float


class GoogleIdentity:
    """A service account of one issuer: signs assertions and save links, and holds the access token.

    `issuer_id` is the decimal number of the issuer in the Google Pay & Wallet console, where the account's e-mail
    address has to be invited.
    """

    def __init__(self, info: Mapping[str, Any], issuer_id: str) -> None:
        """`info` is the parsed service account JSON. Raises ValueError when it is not one."""
        if not issuer_id.isdecimal():
            raise ValueError("a Google Wallet issuer id has digits only")
        credentials = service_account.Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]
        self.issuer_id = issuer_id
        self.email: str = credentials.service_account_email
        self.token_uri: str = info["token_uri"]
        self._signer = credentials.signer
        # The same for every token of this key, so it is encoded once.
        header = {"alg": "RS256", "kid": credentials.signer.key_id, "typ": "JWT"}
        self._head = base64url(msgspec.json.encode(header)) + b"."
        self._token = ""
        self._expires_at = 0.0
        self._next_refresh_at = 0.0
        self._refreshing = asyncio.Lock()

    @classmethod
    def from_file(cls, path: Path, issuer_id: str) -> "GoogleIdentity":
        """The identity in a service account JSON file."""
        return cls(msgspec.json.decode(path.read_bytes()), issuer_id)

    def sign_jwt(self, claims: Mapping[str, Any]) -> str:
        """`claims` as a JWT signed with RS256, with the key id in its header."""
        return self.sign_claims(msgspec.json.encode(claims))

    def sign_claims(self, claims: bytes) -> str:
        """The same for claims that are JSON already (RFC 7515 section 3.1)."""
        signed = self._head + base64url(claims)
        signature: bytes = self._signer.sign(signed)
        return (signed + b"." + base64url(signature)).decode()

    async def access_token(self, http: aiohttp.ClientSession) -> str:
        """A token with at least a moment to live, renewed five minutes ahead, one renewal at a time.

        While the renewal fails the old token serves until it expires. Raises GoogleTokenUnavailable or
        GoogleAccountRefused.
        """
        if self._is_fresh():
            return self._token
        async with self._refreshing:
            if self._is_fresh():
                return self._token
            try:
                await self._refresh(http)
            except (GoogleTokenUnavailable, GoogleAccountRefused):
                if time.monotonic() >= self._expires_at:
                    raise
                self._next_refresh_at = time.monotonic() + _REFRESH_AGAIN_S
            return self._token

    def reject(self, token: str) -> None:
        """Google answered 401 to `token`: get another one at the next call, unless somebody already did."""
        if token == self._token:
            self._expires_at = 0.0

    def _is_fresh(self) -> bool:
        return time.monotonic() < min(self._expires_at, self._next_refresh_at)

    async def _refresh(self, http: aiohttp.ClientSession) -> None:
        assert_no_unit()
        now = int(time.time())
        assertion = self.sign_jwt(
            {"iss": self.email, "scope": SCOPE, "aud": TOKEN_AUDIENCE, "iat": now, "exp": now + _ASSERTION_LIFETIME_S}
        )
        asked_at = time.monotonic()
        try:
            async with http.post(
                self.token_uri,
                data={"grant_type": _GRANT_TYPE, "assertion": assertion},
                timeout=aiohttp.ClientTimeout(total=10),
            ) as response:
                status, headers, content = response.status, response.headers, await bounded(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise GoogleTokenUnavailable(f"No answer from {self.token_uri} ({type(error).__name__}).") from error
        if status in (400, 401, 403):
            raise GoogleAccountRefused(f"The token endpoint answered {status} for {self.email}.", status=status)
        try:
            answer = msgspec.json.decode(content, type=_TokenAnswer)
        except msgspec.DecodeError as error:
            wait_s = retry_after_s(headers)
            raise GoogleTokenUnavailable(f"The token endpoint answered {status} without a token.", wait_s) from error
        self._token, self._expires_at = answer.access_token, asked_at + answer.expires_in
        self._next_refresh_at = self._expires_at - _REFRESH_AHEAD_S


def base64url(raw: bytes) -> bytes:
    """Base64 as JWTs have it (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
