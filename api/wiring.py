"""The wiring: settings -> parts. Read it from top to bottom to see what the service is made of.

Only this file knows which real parts are in use. Each seam has one table of choices; everybody else is handed what
they need.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from api import migrations
from api.apple_parts import AppleParts, open_apple
from api.google_parts import GoogleParts, open_google
from api.storage import database
from api.twins import twins
from kernel.clock import Clock, MovableClock, SystemClock
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.outbox import Follower, Runner
from kernel.secrets import Keyring
from kernel.settings import Settings
from network.allowances import AllowanceSigner
from network.floats import charge_shortages
from network.keys import Gate
from network.obligations import record_obligations
from network.programmes import Programmes
from network.rulebook import Rulebook
from network.staff_desk import StaffDesk
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
from passes.google.callbacks import Callbacks, callback_url
from passes.google.handout import Handout as GoogleHandout
from passes.google.health import GoogleHealth
from passes.google.reconcile import Reconcile
from passes.google.service import GoogleService
from passes.google.smart_tap_key_changes import SmartTapKeyChanges
from passes.google.taps import SmartTaps
from passes.presentation import Presentations
from passes.rendering import Renderer
from points.contact_changes import Contacts
from points.contacts import find_by_phone, index_phones
from points.ledger import Ledger
from points.meters import forget_meters
from points.pins import Pins, forget_tries
from points.programme.registry import Versions
from points.receipt_tidying import tidy_receipts
from points.teller import Teller
from points.timekeeper import Timekeeper
from tokens.holders import member_of_address
from tokens.opening import Mirror, open_mirror

log = structlog.get_logger(__name__)

CHAIN_EVERY_S = 3.0
TIDY_EVERY_S = 3600.0


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
    smart_taps: SmartTaps
    smart_tap_key_changes: SmartTapKeyChanges
    presentations: Presentations
    pins: Pins
    contacts: Contacts
    staff_desk: StaffDesk
    allowance_signer: AllowanceSigner
    google: GoogleService
    google_handout: GoogleHandout
    google_callbacks: Callbacks
    google_reconcile: Reconcile
    google_health: GoogleHealth
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
        ledger, teller = await _ledger(stack, db, clock, versions, mirror)
        contacts = Contacts(db, teller, clock, keyring, settings.phone_prefix)
        apple = await open_apple(stack, settings, db, keyring, clock, looks, tap_keys, renderer, contacts)
        google = await open_google(stack, settings, db, keyring, clock, looks, renderer)
        pins = Pins(db, keyring)
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
            smart_taps=google.taps,
            smart_tap_key_changes=google.tap_keys,
            presentations=_presentations(settings, db, keyring, clock, programmes, apple, google, pins),
            pins=pins,
            contacts=contacts,
            staff_desk=StaffDesk(db),
            allowance_signer=AllowanceSigner(keyring),
            google=google.service,
            google_handout=google.handout,
            google_callbacks=google.callbacks,
            google_reconcile=google.reconcile,
            google_health=google.health,
            mirror=mirror,
            followers=_followers(db, renderer, looks, apple, google, mirror),
            schema_revision=migrations.head(),
        )


@asynccontextmanager
async def followed(parts: Parts) -> AsyncIterator[None]:
    """Run the followers while the block runs, then let them finish what they have in hand."""
    runner = Runner(parts.db, parts.followers)
    tasks = [
        asyncio.create_task(runner.run(), name="followers"),
        asyncio.create_task(parts.timekeeper.run(), name="timekeeper"),
        asyncio.create_task(parts.google_reconcile.run(), name="google.reconcile"),
        asyncio.create_task(_tidy(parts), name="tidy"),
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


async def _tidy(parts: Parts) -> None:
    """Once an hour: what rows of earlier versions lack, and what is kept no longer. All of it is bounded."""
    while True:
        try:
            await index_phones(parts.db, parts.keyring, parts.settings.phone_prefix)
            await forget_meters(parts.db)
            await forget_tries(parts.db)
            await tidy_receipts(parts.db, parts.clock)
        except CommonpointError as error:
            log.warning("tidy.away", error=error.detail)
        except Exception:
            log.exception("tidy.unexpected")
        await asyncio.sleep(TIDY_EVERY_S)


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
    google: dict[str, object] = {}
    if settings.google_service_account is None:
        google = started.google
        started.wallet_api.call_back(callback_url(settings.public_url, Keyring(settings.master_bytes())))
    return settings.model_copy(update={**apple, **google})


async def _ledger(
    stack: AsyncExitStack, db: Database, clock: Clock, versions: Versions, mirror: Mirror | None
) -> tuple[Ledger, Teller]:
    # Which follower hears of a change of a member's points; the wallets' pushes hear from `refresh`.
    note_kinds = [refresh.KIND, *([mirror.follower.kind] if mirror else [])]
    ledger = Ledger(clock, note_kinds, steps=[record_obligations, charge_shortages], versions=versions)
    teller = Teller(db, ledger)
    await teller.start()
    stack.push_async_callback(teller.stop)
    return ledger, teller


def _followers(
    db: Database, renderer: Renderer, looks: Looks, apple: AppleParts, google: GoogleParts, mirror: Mirror | None
) -> list[Follower]:
    found: list[Follower] = [
        google.coupons(refresh.PassRefresh(db, renderer)),
        refresh.PassSweep(db, renderer),
        DesignRelease(db, looks),
        *apple.followers,
        *google.followers,
    ]
    return found if mirror is None else [*found, mirror.follower]


def _presentations(
    settings: Settings,
    db: Database,
    keyring: Keyring,
    clock: Clock,
    programmes: Programmes,
    apple: AppleParts,
    google: GoogleParts,
    pins: Pins,
) -> Presentations:
    return Presentations(
        db,
        keyring,
        clock,
        programmes,
        apple.taps,
        google.taps,
        find_by_phone=lambda at, number: find_by_phone(at, keyring, settings.phone_prefix, number),
        find_by_address=member_of_address,
        check_pin=pins.check,
    )


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
