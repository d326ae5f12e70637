"""The Google side of the wiring: from settings and stores to what calls the Wallet API and hands out save links."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from kernel.clock import Clock
from kernel.database import Database
from kernel.outbox import Follower
from kernel.secrets import Keyring
from kernel.settings import Settings
from network.nearest import spots_of
from passes.card import Place
from passes.design.looks import Looks
from passes.google.callbacks import Callbacks, callback_segment, callback_url
from passes.google.handout import Handout
from passes.google.health import GoogleHealth
from passes.google.identity import GoogleIdentity
from passes.google.linking import LinkedCoupons
from passes.google.pace import Pace
from passes.google.push import BATCH, GooglePush
from passes.google.push_classes import look_at_all_classes
from passes.google.push_paper import Allowed, Papers
from passes.google.push_state import PushState
from passes.google.reconcile import Reconcile
from passes.google.rest import WalletApi
from passes.google.root_keys import RootKeys
from passes.google.seal import SaveLinks
from passes.google.service import GoogleService
from passes.google.smart_tap_key_changes import SmartTapKeyChanges
from passes.google.smart_tap_keys import SmartTapKeys
from passes.google.taps import SmartTaps
from passes.nearest import MOST_PLACES, places_at
from passes.refresh import PassRefresh
from passes.rendering import Renderer

_LARGEST_BATCH = 200


@dataclass(frozen=True, slots=True)
class GoogleParts:
    """What the rest of the service uses of the Google side. `http` is for other parts that talk to Google."""

    http: aiohttp.ClientSession
    api: WalletApi
    service: GoogleService
    handout: Handout
    health: GoogleHealth
    callbacks: Callbacks
    reconcile: Reconcile
    taps: SmartTaps
    tap_keys: SmartTapKeyChanges
    followers: Sequence[Follower]
    _db: Database
    _renderer: Renderer
    _clock: Clock

    def coupons(self, refresh: PassRefresh) -> Follower:
        """The follower of members' accounts, which also makes their vouchers coupons at Google."""
        return LinkedCoupons(refresh, self._db, self._renderer, self._clock)

    def state(self) -> PushState:
        """How calls to Google go in this process."""
        return self.api.state()


async def open_google(
    stack: AsyncExitStack,
    settings: Settings,
    db: Database,
    keyring: Keyring,
    clock: Clock,
    looks: Looks,
    renderer: Renderer,
) -> GoogleParts:
    """All parts of the Google side, closed in reverse by `stack`."""
    identity = GoogleIdentity.from_file(_given(settings.google_service_account), settings.google_issuer)
    http = await stack.enter_async_context(aiohttp.ClientSession())
    api = WalletApi(identity, http, settings.google_base_url, pace=Pace.within(settings.google_rate_per_s))

    async def places(brand_id: str) -> tuple[Place, ...]:
        async with db.read() as read:
            found = await spots_of(read.connection, [brand_id], MOST_PLACES)
        return places_at(found.get(brand_id, ()))

    papers = Papers(_allowed(settings, keyring), keyring, looks, places)
    # A second's worth of calls, so that what is urgent need not wait for a long batch.
    push = GooglePush(db, api, papers, batch=min(_LARGEST_BATCH, max(BATCH, int(settings.google_rate_per_s))))
    async with db.unit() as unit:
        await look_at_all_classes(unit.connection, settings.google_issuer)
    service = GoogleService(push, SaveLinks(identity, [_origin(settings)], settings.google_save_url), api)
    return GoogleParts(
        http=http,
        api=api,
        service=service,
        handout=Handout(db, clock, renderer, service),
        health=GoogleHealth(db, settings.google_issuer),
        callbacks=Callbacks(
            db,
            RootKeys(http, settings.google_root_keys_url),
            settings.google_issuer,
            callback_segment(keyring),
        ),
        reconcile=Reconcile(db, api, settings.google_issuer),
        taps=SmartTaps(db, keyring, SmartTapKeys(keyring)),
        tap_keys=SmartTapKeyChanges(db, keyring),
        followers=(push, push.classes),
        _db=db,
        _renderer=renderer,
        _clock=clock,
    )


def _allowed(settings: Settings, keyring: Keyring) -> Allowed:
    # Google calls https alone and refuses a class that names anything else.
    secure = settings.public_url.startswith("https://")
    return Allowed(
        issuer_id=settings.google_issuer,
        public_url=settings.public_url,
        callback_url=callback_url(settings.public_url, keyring) if secure else None,
        smart_tap=settings.google_smart_tap,
        places=settings.google_places,
    )


def _origin(settings: Settings) -> str:
    """The web origin of our pages: an address without its path."""
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _given(path: Path | None) -> Path:
    assert path is not None, "the twins fill in what is missing"
    return path
