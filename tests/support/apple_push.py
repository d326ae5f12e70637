"""A push server and what opens it: certificates and push keys that a test may take away and replace."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import CertificateSigningRequestBuilder, Name

from passes.apple.identity import Identity
from passes.apple.push_clients import PushClients
from passes.apple.push_keys import ProviderKey
from passes.apple.push_state import PushState
from passes.apple.push_verdict import Said
from passes.sandbox.apns import PushServer
from passes.sandbox.authority import PASS_TYPE, TEAM
from passes.sandbox.portal import Portal
from tests.support.apple_cards import authority, identity

KEY_ID = "ABCDE12345"


@dataclass
class Safe:
    """The certificates and push keys of the moment."""

    identities: dict[str, Identity] = field(default_factory=dict)
    keys: dict[str, ProviderKey] = field(default_factory=dict)

    def of(self, name: str) -> Any:
        """By pass type or by team."""
        return self.identities.get(name) or self.keys.get(name)


@dataclass
class PostOffice:
    """The push server, and our clients for it. `clients` takes what is in `safe` at each push."""

    server: PushServer
    safe: Safe
    clients: PushClients

    def enrolled(self, count: int, first: int = 0) -> list[str]:
        """Tokens of phones that exist."""
        tokens = [f"{number:064x}" for number in range(first, first + count)]
        for token in tokens:
            self.server.enrol(token, lambda _: None)
        return tokens

    async def push(self, tokens: Sequence[str], pass_type: str = PASS_TYPE, **how: bool) -> list[Said]:
        return await self.clients.push_all(pass_type, tokens, **how)

    async def push_one(self, token: str, pass_type: str = PASS_TYPE, **how: bool) -> Said:
        (said,) = await self.push([token], pass_type, **how)
        return said

    def state(self, pass_type: str = PASS_TYPE) -> PushState:
        """How it goes."""
        (found,) = [state for state in self.clients.states() if state.pass_type == pass_type]
        return found


def made_identity(pass_type: str = PASS_TYPE, days: float = 300.0) -> Identity:
    """A certificate for a pass type, with a key of its own; `days` below 0 have passed since it ended."""
    key = rsa.generate_private_key(65537, 2048)
    request = CertificateSigningRequestBuilder(Name([])).sign(key, hashes.SHA256())
    certificate = Portal(authority()).issue(
        request.public_bytes(serialization.Encoding.DER), pass_type=pass_type, days=days, begins_in_days=days - 400
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity.from_bytes(certificate, private, authority().intermediate.read_bytes())


def made_key(key_id: str = KEY_ID, team: str = TEAM) -> ProviderKey:
    """A push key that nobody knows yet."""
    return ProviderKey(key_id, team, ec.generate_private_key(ec.SECP256R1()))


@asynccontextmanager
async def post_office(
    streams: int = 1000, timeout_s: float = 5.0, connections: int = 1, key: ProviderKey | None = None
) -> AsyncIterator[PostOffice]:
    """A push server with our clients; with a `key` that it knows they show provider tokens."""
    server = PushServer(authority(), streams=streams)
    await server.start()
    safe = Safe({PASS_TYPE: identity()}, {key.team: key} if key else {})
    if key is not None:
        server.tokens.trust(key.key_id, key.team, key.key.public_key())
    clients = PushClients(
        safe, server.host, server.port, authority().root, safe, timeout_s=timeout_s, connections=connections
    )
    try:
        yield PostOffice(server, safe, clients)
    finally:
        await clients.close()
        await server.stop()
