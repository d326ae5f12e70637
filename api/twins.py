"""The embedded twins of Apple and Google: what stands in for them while no credentials are given.

They speak the vendors' protocols over sockets on loopback. A twin is a test part: it says so at start and in its
certificates, and live mode refuses to run with one.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from passes.sandbox.apns import PushServer
from passes.sandbox.authority import Authority
from passes.sandbox.google_account import make_service_account
from passes.sandbox.wallet_api import WalletApiSandbox

log = structlog.get_logger(__name__)

# Google's published limit does not bind its twin; the demonstration is about our own speed.
TWIN_RATE_PER_S = 2000.0


@dataclass(frozen=True, slots=True)
class Twins:
    """The running twins, and the settings that make the service use each of them."""

    authority: Authority
    push_server: PushServer
    wallet_api: WalletApiSandbox
    apple: dict[str, object]
    google: dict[str, object]

    @property
    def settings(self) -> dict[str, object]:
        """The settings for a service that uses both."""
        return {**self.apple, **self.google}


@asynccontextmanager
async def twins(directory: Path, apple_pass_type: str, apple_team: str, google_issuer: str) -> AsyncIterator[Twins]:
    """Run both twins; keys and certificates are kept in `directory`."""
    authority = Authority.at(directory / "apple", apple_pass_type, apple_team)
    (directory / "google").mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        push_server = PushServer(authority)
        await push_server.start()
        stack.push_async_callback(push_server.stop)
        wallet_api = WalletApiSandbox(issuer_id=google_issuer, state=directory / "google" / "objects.sqlite")
        await wallet_api.start()
        stack.push_async_callback(wallet_api.stop)
        account = make_service_account(directory / "google", wallet_api.token_uri)
        wallet_api.invite(account)
        log.warning("twins.started", apple=f"127.0.0.1:{push_server.port}", google=wallet_api.base_url)
        yield Twins(
            authority,
            push_server,
            wallet_api,
            apple={
                "apple_certificate": authority.pass_certificate,
                "apple_key": authority.pass_key,
                "apple_wwdr": authority.intermediate,
                "apple_push_host": "127.0.0.1",
                "apple_push_port": push_server.port,
                "apple_push_ca": authority.root,
            },
            google={
                "google_service_account": account.path,
                "google_base_url": wallet_api.base_url,
                "google_save_url": wallet_api.save_url,
                "google_rate_per_s": TWIN_RATE_PER_S,
                "google_root_keys_url": wallet_api.root_keys_url,
            },
        )
