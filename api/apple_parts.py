"""The Apple side of the wiring: from settings and stores to what signs, serves, wakes and reads taps."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from api.apple_files import chosen_pass_type, file_identity
from kernel.clock import Clock
from kernel.database import Database
from kernel.outbox import Follower
from kernel.secrets import Keyring
from kernel.settings import Settings
from passes.apple.handout import Handout
from passes.apple.health import Health
from passes.apple.identities import Identities, kept_fresh
from passes.apple.personalise import Personalisation
from passes.apple.press import Press
from passes.apple.push import ApplePush
from passes.apple.push_clients import PushClients
from passes.apple.push_keys import PushKeys
from passes.apple.reports import Reports
from passes.apple.service import PassesService
from passes.apple.tap_key_changes import TapKeyChanges
from passes.apple.tap_keys import TapKeys
from passes.apple.taps import Taps
from passes.design.looks import Looks
from passes.design.release import sweep_brand
from passes.rendering import Renderer
from points.contact_changes import Contacts

# Passes that were made before a pass carried its type have the one that the service had then.
_ADOPT = "UPDATE wallet_pass SET pass_type = $1 WHERE wallet = 'apple' AND pass_type = ''"


@dataclass(frozen=True, slots=True)
class AppleParts:
    """What the rest of the service uses of the Apple side."""

    health: Health
    press: Press
    service: PassesService
    handout: Handout
    pushes: PushClients
    taps: Taps
    tap_keys: TapKeyChanges
    followers: Sequence[Follower]


async def open_apple(
    stack: AsyncExitStack,
    settings: Settings,
    db: Database,
    keyring: Keyring,
    clock: Clock,
    looks: Looks,
    tap_keys: TapKeys,
    renderer: Renderer,
    contacts: Contacts,
) -> AppleParts:
    """All parts of the Apple side, closed in reverse by `stack`. Raises BadIdentity."""
    identities = Identities(db, keyring, file_identity(settings), chosen_pass_type(settings))
    push_keys = PushKeys(db, keyring)
    await stack.enter_async_context(kept_fresh(identities, push_keys))
    if identities.all():
        async with db.unit() as unit:
            await unit.connection.execute(_ADOPT, identities.default.pass_type)

    clients = PushClients(
        identities, settings.apple_push_host, settings.apple_push_port, settings.apple_push_ca, push_keys
    )
    stack.push_async_callback(clients.close)
    push = ApplePush(db, clients)

    press = Press(identities, looks, tap_keys, keyring, f"{settings.public_url}/apple")
    reports = Reports(db)
    stack.push_async_callback(reports.close)
    service = PassesService(db, press, reports, Personalisation(db, contacts, looks, renderer, press))
    stack.push_async_callback(service.close)
    return AppleParts(
        health=Health(db, identities, push_keys, live=settings.mode == "live"),
        press=press,
        service=service,
        handout=Handout(db, clock, renderer, identities, service),
        pushes=clients,
        taps=Taps(db, keyring, tap_keys, lambda: [identity.pass_type for identity in identities.all()]),
        tap_keys=TapKeyChanges(db, keyring, tap_keys, sweep_brand),
        followers=(push, push.devices),
    )
