"""The signing identities in use: those of the store, and the one of the settings' files.

The store has precedence, pass type by pass type. What is in use is held in memory and read anew every minute, so that a
certificate that was installed by a command is soon used by every process. An identity keeps being the same object until
its certificate changes: parsing a key costs as much as a hundred signatures.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, Protocol

import structlog

from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Unavailable
from kernel.secrets import Keyring
from passes.apple.identity import Identity

log = structlog.get_logger(__name__)

REREAD_S: Final = 60.0
SEAL_PURPOSE: Final = "apple.identity"

# Days before the end at which an operator hears of it, each time more urgently.
WARNINGS_DAYS: Final = (60, 30, 14, 7)

Source = Literal["store", "files"]


class NoIdentity(Unavailable):
    """No certificate is installed that could sign this pass."""

    code = "apple_identity_missing"
    title = "There is no Apple pass certificate"


@dataclass(frozen=True, slots=True)
class Held:
    """An identity in use and where it comes from; `identity` is None when the stored one cannot be opened (`fault`)."""

    pass_type: str
    source: Source
    identity: Identity | None
    partner_id: str | None = None
    fault: str = ""


class Reloadable(Protocol):
    """Something that keeps a copy of what is stored."""

    async def load(self) -> None:
        """Read it anew."""
        ...

    def tell(self) -> None:
        """Write into the log what somebody has to mend; not again and again."""
        ...


class Identities:
    """Which identity signs what. `pass_type` names the default's; it is the files' one unless given."""

    def __init__(
        self, db: Database | None, keyring: Keyring | None, file_identity: Identity | None, pass_type: str = ""
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._file = file_identity
        self._preferred = pass_type or (file_identity.pass_type if file_identity else "")
        self._opened: dict[tuple[str, bytes, bytes], Identity] = {}
        self._told: dict[str, tuple[int | None, date]] = {}
        self._use([])

    @classmethod
    def fixed(cls, *identities: Identity) -> "Identities":
        """These identities and no store; the first is the default."""
        made = cls(None, None, None, identities[0].pass_type if identities else "")
        made._use([Held(one.pass_type, "files", one) for one in identities])
        return made

    async def load(self) -> None:
        """Read the store. What cannot be opened is left out and told, it does not stop the others."""
        if self._db is None or self._keyring is None:
            return
        async with self._db.read() as read:
            rows = await _current(read.connection)
        held = [self._held(row, self._keyring) for row in rows]
        in_use = {id(one.identity) for one in held}
        self._opened = {key: identity for key, identity in self._opened.items() if id(identity) in in_use}
        self._use(held)

    def of(self, pass_type: str) -> Identity | None:
        """The identity of a pass type, in date or not; None when there is none."""
        held = self._by_type.get(pass_type)
        return held.identity if held else None

    @property
    def default(self) -> Identity:
        """The identity of partners without one of their own. Raises NoIdentity."""
        found = self.of(self._preferred)
        if found is None:
            found = next((h.identity for h in self._held_now if h.identity and h.partner_id is None), None)
        if found is None:
            raise NoIdentity("Install a pass certificate: commonpoint apple csr, then commonpoint apple install.")
        return found

    def for_partner(self, partner_id: str) -> Identity:
        """The partner's own identity, else the default. Raises NoIdentity."""
        own = self._by_partner.get(partner_id)
        if own is None:
            return self.default
        if own.identity is None:  # the coalition's name must not get onto a pass that is to be the partner's
            raise NoIdentity(f"The certificate of {own.pass_type} cannot be used: {own.fault}")
        return own.identity

    def all(self) -> tuple[Identity, ...]:
        """Every usable identity, the eldest of the store first, the files' last."""
        return tuple(held.identity for held in self._held_now if held.identity is not None)

    def held(self) -> tuple[Held, ...]:
        """All that is in use or should be, with its faults."""
        return self._held_now

    @property
    def preferred(self) -> str:
        """The pass type that new passes are to have, whether or not it has an identity; "" when none is named."""
        return self._preferred

    @property
    def overridden(self) -> str:
        """The pass type of the files' identity if the store's is used in its place; else ""."""
        used = self.of(self._file.pass_type) if self._file else None
        return used.pass_type if used is not None and used is not self._file else ""

    def _use(self, stored: list[Held]) -> None:
        held = list(stored)
        usable = {one.pass_type for one in stored if one.identity is not None}
        if self._file is not None and self._file.pass_type not in usable:
            held.append(Held(self._file.pass_type, "files", self._file))
        self._held_now = tuple(held)
        self._by_type = {one.pass_type: one for one in held}  # of one type twice: the files' one, which can sign
        self._by_partner = {one.partner_id: one for one in held if one.partner_id}

    def _held(self, row: Any, keyring: Keyring) -> Held:
        pass_type, partner_id = row["pass_type"], row["partner_id"]
        key = (row["id"], bytes(row["certificate"]), bytes(row["intermediate"]))
        try:
            identity = self._opened.get(key) or opened(row, keyring)
        except CommonpointError as error:
            return Held(pass_type, "store", None, partner_id, error.detail)
        self._opened[key] = identity
        return Held(pass_type, "store", identity, partner_id)

    def tell(self) -> None:
        """Into the log once a day, and at each stage at once: somebody may read it before the phones notice."""
        today = datetime.now(UTC).date()
        for held in self._held_now:
            identity = held.identity
            days = identity.days_left() if identity else None
            reached = stage(days) if days is not None else 0
            if reached is None or self._told.get(held.pass_type) == (reached, today):
                continue
            self._told[held.pass_type] = (reached, today)
            if identity is None:
                log.error("apple.certificate.locked", pass_type=held.pass_type, error=held.fault)
            else:
                say = log.error if reached == WARNINGS_DAYS[-1] else log.warning
                ends = identity.ends_at.isoformat()
                say("apple.certificate.ends", pass_type=held.pass_type, ends_at=ends, days_left=days)


@asynccontextmanager
async def kept_fresh(*stores: Reloadable, every_s: float = REREAD_S) -> AsyncIterator[None]:
    """Read the stores now, and anew every `every_s` seconds while the block runs.

    Raises DatabaseAway at the first reading; later a database that is away is waited for.
    """
    for store in stores:
        await store.load()
        store.tell()
    task = asyncio.create_task(_reread(stores, every_s), name="apple identities")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reread(stores: Sequence[Reloadable], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        for store in stores:
            try:
                await store.load()
                store.tell()
            except CommonpointError as error:
                log.warning("apple.store.away", error=error.detail)
            except Exception:
                log.exception("apple.store.unexpected")


def stage(days_left: int) -> int | None:
    """The most urgent of `WARNINGS_DAYS` that was reached; None before the first."""
    return min((days for days in WARNINGS_DAYS if days_left <= days), default=None)


def opened(row: Any, keyring: Keyring) -> Identity:
    """The identity of a row of `apple_identity` with a certificate. Raises SealBroken, BadIdentity."""
    key = keyring.open(SEAL_PURPOSE, row["id"], bytes(row["sealed_key"]))
    return Identity.from_bytes(bytes(row["certificate"]), key, bytes(row["intermediate"]))


async def _current(connection: Connection) -> Iterable[Any]:
    # By the age of the pass type, not of its certificate: a rotation must not make another one the default.
    rows: Iterable[Any] = await connection.fetch(
        """
        SELECT id, pass_type, partner_id, certificate, intermediate, sealed_key FROM apple_identity AS used
        WHERE state = 'current'
        ORDER BY (SELECT min(created_at) FROM apple_identity AS one WHERE one.pass_type = used.pass_type), id
        """
    )
    return rows
