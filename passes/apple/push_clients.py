"""Which door each pass type's pushes go through: the team's push key if there is one, else the pass certificate."""

import asyncio
import ssl
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from passes.apple.apns import HOST, PORT, PushClient
from passes.apple.apns_pool import Door
from passes.apple.identity import Identity
from passes.apple.provider_token import ProviderToken, SigningKey
from passes.apple.push_state import PushState, Standing
from passes.apple.push_verdict import SERVER_WAIT_S, PushStopped, Said


class IdentitySource(Protocol):
    """Knows the certificate of each pass type, as it is now."""

    def of(self, pass_type: str) -> Identity | None: ...


class KeySource(Protocol):
    """Knows the push key of each team, as it is now."""

    def of(self, team: str) -> SigningKey | None: ...


@dataclass(slots=True)
class _Opened:
    """A client and what it was made from; another certificate or key asks for another client."""

    made_from: Hashable
    client: PushClient


class PushClients:
    """One client per pass type, made when it is first needed and anew when its certificate or key was replaced."""

    def __init__(
        self,
        identities: IdentitySource,
        host: str = HOST,
        port: int = PORT,
        ca_file: Path | None = None,
        push_keys: KeySource | None = None,
        *,
        timeout_s: float = 30.0,
        streams: int = 1000,
        connections: int = 4,
        server_wait_s: float = SERVER_WAIT_S,
    ) -> None:
        self._identities = identities
        self._push_keys = push_keys
        self._host, self._port, self._ca_file = host, port, ca_file
        self._timeout_s, self._server_wait_s = timeout_s, server_wait_s
        self._streams, self._connections = streams, connections
        self._opened: dict[str, _Opened] = {}
        self._standings: dict[str, Standing] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def push_all(
        self, pass_type: str, tokens: Sequence[str], *, urgent: bool = True, trial: bool = False
    ) -> list[Said]:
        """One push to each token for a pass type; what came of each, in the same order (None: accepted)."""
        try:
            client = self._client(pass_type)
        except PushStopped as error:
            return [error] * len(tokens)
        return await client.push_all(tokens, urgent=urgent, trial=trial)

    def standing(self, pass_type: str) -> Standing:
        """How it goes for a pass type."""
        return self._standings.setdefault(pass_type, Standing(pass_type))

    def states(self) -> list[PushState]:
        """How it goes for every pass type that was pushed to."""
        sizes = {pass_type: opened.client.connections for pass_type, opened in self._opened.items()}
        return [standing.shown(sizes.get(name, 0)) for name, standing in sorted(self._standings.items())]

    async def close(self) -> None:
        """Close all connections."""
        opened, self._opened = self._opened, {}
        for one in opened.values():
            await one.client.close()

    def _client(self, pass_type: str) -> PushClient:
        identity = self._identities.of(pass_type)
        if identity is None:
            raise self._stopped(pass_type, f"There is no certificate for the pass type {pass_type}.")
        key = self._push_keys.of(identity.team) if self._push_keys else None
        if key is None and identity.expired:
            raise self._stopped(pass_type, f"The certificate of the pass type {pass_type} has expired.")
        made_from = (key.key_id, key.key) if key else (identity.certificate, identity.key)
        opened = self._opened.get(pass_type)
        if opened is None or opened.made_from != made_from:
            opened = self._open(identity, key, made_from, opened)
        return opened.client

    def _stopped(self, pass_type: str, why: str) -> PushStopped:
        """Stopped by ourselves: it costs nothing to look again whenever a note comes."""
        standing = self.standing(pass_type)
        error = PushStopped(why, retry_after_s=60.0)
        if standing.trouble is None or standing.trouble.detail != why:
            standing.halt(error)
        return error

    def _open(self, identity: Identity, key: SigningKey | None, made_from: Hashable, before: _Opened | None) -> _Opened:
        if before is not None:
            before.client.retire()
        standing = self.standing(identity.pass_type)
        standing.renew("token" if key else "certificate")
        token = ProviderToken(key) if key else None
        door = Door(identity.pass_type, self._bare_tls() if key else identity.tls_context(self._ca_file), token)
        client = PushClient(
            door,
            self._host,
            self._port,
            standing=standing,
            timeout_s=self._timeout_s,
            streams=self._streams,
            connections=self._connections,
            server_wait_s=self._server_wait_s,
        )
        self._opened[identity.pass_type] = _Opened(made_from, client)
        return self._opened[identity.pass_type]

    def _bare_tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        return context
