"""The wiring: settings -> parts. Read it from top to bottom to see what the service is made of.

Only this file knows which real parts are in use. Each seam has one table of choices; everybody else is handed what
they need.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import structlog

from api import migrations
from api.apple_parts import open_apple
from api.storage import database
from api.twins import twins
from kernel.clock import Clock, MovableClock, SystemClock
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.outbox import Follower, Runner
from kernel.secrets import Keyring
from kernel.settings import Settings
from network.keys import Gate
from network.obligations import record_obligations
from network.programmes import Programmes
from network.rulebook import Rulebook
from passes import refresh
from passes.apple.handout import Handout
from passes.apple.health import Health
from passes.apple.press import Press
from passes.apple.push_clients import PushClients
from passes.apple.service import PassesService
from passes.apple.tap_key_changes import TapKeyChanges
from passes.apple.tap_keys import TapKeys
from passes.apple.taps import Taps
from passes.design.darkroom import Darkroom
from passes.design.looks import Looks
from passes.design.release import DesignRelease
from passes.google.identity import GoogleIdentity
from passes.google.pace import Pace
from passes.google.push import GooglePush
from passes.google.rest import WalletApi
from passes.google.seal import SaveLinks
from passes.google.service import GoogleService
from passes.rendering import Renderer
from points.ledger import Ledger
from points.programme.registry import Versions
from points.teller import Teller
from points.timekeeper import Timekeeper
from tokens.opening import Mirror, open_mirror

log = structlog.get_logger(__name__)

CHAIN_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of one process."""

    settings: Settings
    clock: Clock
    db: Database
    keyring: Keyring
    gate: Gate
    rulebook: Rulebook
    teller: Teller
    programmes: Programmes
    versions: Versions
    ledger: Ledger
    timekeeper: Timekeeper
    renderer: Renderer
    looks: Looks
    darkroom: Darkroom
    apple: PassesService
    handout: Handout
    press: Press
    pushes: PushClients
    health: Health
    taps: Taps
    tap_keys: TapKeyChanges
    google: GoogleService
    mirror: Mirror | None
    followers: Sequence[Follower]
    schema_revision: str


def clock_of(settings: Settings) -> Clock:
    """The system's clock, or in test mode one that can be moved over HTTP."""
    return MovableClock(SystemClock().now()) if settings.test_clock else SystemClock()


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """All parts, started in order and closed in reverse."""
    async with AsyncExitStack() as stack:
        settings = await _with_twins(stack, settings)
        db = await stack.enter_async_context(database(settings))
        clock = clock_of(settings)
        keyring = Keyring(settings.master_bytes())
        versions = Versions(db)
        programmes = Programmes(db, versions)
        looks, tap_keys = Looks(db), TapKeys(db, keyring)
        renderer = Renderer(programmes, clock, keyring, settings.public_url, looks, tap_keys)
        mirror = await _mirror(stack, settings, db, keyring)

        # Which follower hears of a change of a member's points; the wallets' pushes hear from `refresh`.
        note_kinds = [refresh.KIND, *([mirror.follower.kind] if mirror else [])]
        ledger = Ledger(clock, note_kinds, steps=[record_obligations], versions=versions)
        teller = Teller(db, ledger)
        await teller.start()
        stack.push_async_callback(teller.stop)

        apple = await open_apple(stack, settings, db, keyring, clock, looks, tap_keys, renderer)
        google, google_push = await _google(stack, settings, db, looks)
        followers: list[Follower] = [
            refresh.PassRefresh(db, renderer),
            refresh.PassSweep(db, renderer),
            DesignRelease(db, looks),
            *apple.followers,
            google_push,
        ]
        if mirror is not None:
            followers.append(mirror.follower)
        yield Parts(
            settings=settings,
            clock=clock,
            db=db,
            keyring=keyring,
            gate=Gate(db, keyring, settings.mode),
            rulebook=Rulebook(db),
            teller=teller,
            programmes=programmes,
            versions=versions,
            ledger=ledger,
            timekeeper=Timekeeper(db, teller, clock, programmes),
            renderer=renderer,
            looks=looks,
            darkroom=Darkroom(),
            apple=apple.service,
            handout=apple.handout,
            press=apple.press,
            pushes=apple.pushes,
            health=apple.health,
            taps=apple.taps,
            tap_keys=apple.tap_keys,
            google=google,
            mirror=mirror,
            followers=followers,
            schema_revision=migrations.head(),
        )


@asynccontextmanager
async def followed(parts: Parts) -> AsyncIterator[None]:
    """Run the followers while the block runs, then let them finish what they have in hand."""
    runner = Runner(parts.db, parts.followers)
    tasks = [
        asyncio.create_task(runner.run(), name="followers"),
        asyncio.create_task(parts.timekeeper.run(), name="timekeeper"),
    ]
    if parts.mirror is not None:
        tasks.append(asyncio.create_task(_watch(parts.mirror), name="chain"))
    try:
        yield
    finally:
        runner.stop()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(mirror: Mirror) -> None:
    """Follow the chain every few seconds; a node that is away is waited for."""
    while True:
        await asyncio.sleep(CHAIN_EVERY_S)
        try:
            await mirror.index_once()
        except CommonpointError as error:
            log.warning("chain.away", error=error.detail)
        except Exception:
            log.exception("chain.unexpected")


async def _with_twins(stack: AsyncExitStack, settings: Settings) -> Settings:
    """The twins are started where credentials are missing; a vendor whose credentials are given keeps them."""
    if not settings.twins:
        return settings
    started = await stack.enter_async_context(
        twins(settings.data_dir / "twins", settings.apple_pass_type, settings.apple_team, settings.google_issuer)
    )
    apple = started.apple if settings.apple_twin else {}
    google = started.google if settings.google_service_account is None else {}
    return settings.model_copy(update={**apple, **google})


async def _google(
    stack: AsyncExitStack, settings: Settings, db: Database, looks: Looks
) -> tuple[GoogleService, GooglePush]:
    identity = GoogleIdentity.from_file(_given(settings.google_service_account), settings.google_issuer)
    http = await stack.enter_async_context(aiohttp.ClientSession())
    pace = Pace(settings.google_rate_per_s)
    api = WalletApi(identity, http, settings.google_base_url, pace=pace)
    push = GooglePush(db, api, looks, lambda look: f"{settings.public_url}/designs/{quote(look.id)}/logo.png")
    return GoogleService(push, SaveLinks(identity, [settings.public_url], settings.google_save_url)), push


async def _mirror(stack: AsyncExitStack, settings: Settings, db: Database, keyring: Keyring) -> Mirror | None:
    if settings.chain_url == "off":
        return None
    key = settings.chain_key.get_secret_value() if settings.chain_key else None
    mirror = await open_mirror(
        db,
        settings.chain_url,
        secret=keyring.derive("tokens.addresses"),
        sender_key=bytes.fromhex(key.removeprefix("0x")) if key else None,
        admin=settings.chain_admin,
        guardian=settings.chain_guardian,
        opening_cap=settings.chain_partner_cap,
    )
    stack.push_async_callback(mirror.close)
    return mirror


def _given(path: Path | None) -> Path:
    assert path is not None, "the twins fill in what is missing"
    return path
