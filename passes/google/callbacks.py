"""Google's callbacks: a card was saved, or deleted. Verified, kept by their nonce, and taken into account at once.

The inbox row and the change of state are one transaction, so a crash leaves both or none, and a callback delivered
again finds its nonce. Whoever posts here is a stranger until the signature says otherwise.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Protocol

import structlog

from kernel.clock import Clock, SystemClock
from kernel.database import Connection, Database
from kernel.secrets import Keyring
from passes.google import holders
from passes.google.ecv2 import (
    LARGEST_CALLBACK_BYTES,
    SENDER,
    Callback,
    CallbackRefused,
    RootKey,
    refuse_misshapen,
    verified,
)
from passes.google.root_keys import RootKeysUnavailable

log = structlog.get_logger(__name__)

PATH: Final = "/google/v1/callbacks"
Outcome = Literal["saved", "deleted", "repeated", "unknown"]

_KEEP = """
INSERT INTO google_callback (nonce, class_id, object_id, event, count, said_until, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (nonce) DO NOTHING RETURNING nonce
"""
_TAKEN = "UPDATE google_callback SET taken_at = $2 WHERE nonce = $1"


class Roots(Protocol):
    """Google's root keys."""

    async def keys(self) -> Sequence[RootKey]:
        """Those that are good now."""
        ...

    async def newer(self, than: Sequence[RootKey]) -> bool:
        """Whether there are others than these."""
        ...


def callback_segment(keyring: Keyring) -> str:
    """The part of the address that strangers do not know: 32 hexadecimal digits, the same for ever."""
    return keyring.derive("google.callbacks", length=16).hex()


def callback_url(public_url: str, keyring: Keyring) -> str:
    """Where Google posts callbacks; a class names it in its `callbackOptions`."""
    return f"{public_url}{PATH}/{callback_segment(keyring)}"


class Callbacks:
    """Takes the callbacks of one issuer. `segment` is what their address ends in; `counts` says how many came to which
    outcome or reason of refusal since the process started. `many`: classes let several accounts hold one object.
    """

    def __init__(
        self,
        db: Database,
        roots: Roots,
        issuer_id: str,
        segment: str,
        clock: Clock | None = None,
        *,
        sender: str = SENDER,
        many: bool = False,
    ) -> None:
        self.segment = segment
        self.counts: Counter[str] = Counter()
        self._db = db
        self._roots = roots
        self._issuer_id = issuer_id
        self._clock = clock or SystemClock()
        self._sender = sender
        self._many = many

    async def take(self, body: bytes) -> Outcome:
        """Verify a callback's body and act on it once.

        Raises CallbackRefused, RootKeysUnavailable or DatabaseAway; after the last two Google may send it again.
        """
        try:
            outcome = await self._take(body)
        except CallbackRefused as error:
            self.counts[error.reason] += 1
            raise
        except RootKeysUnavailable:
            self.counts["no_root_keys"] += 1
            raise
        self.counts[outcome] += 1
        return outcome

    async def _take(self, body: bytes) -> Outcome:
        if len(body) > LARGEST_CALLBACK_BYTES:
            raise CallbackRefused("malformed")
        refuse_misshapen(body)
        callback = await self._verified(body)
        async with self._db.unit() as unit:
            outcome = await self._keep(unit.connection, callback, self._clock.now())
        log.info("google.callback", outcome=outcome, object_id=callback.object_id)
        return outcome

    async def _verified(self, body: bytes) -> Callback:
        roots = await self._roots.keys()
        try:
            return self._read(body, roots)
        except CallbackRefused as error:
            # An unknown root key may be a new one; whether Google is asked, the keys decide.
            if error.reason != "root" or not await self._roots.newer(roots):
                raise
        return self._read(body, await self._roots.keys())

    def _read(self, body: bytes, roots: Sequence[RootKey]) -> Callback:
        return verified(body, roots, self._issuer_id, self._clock.now(), self._sender)

    async def _keep(self, connection: Connection, callback: Callback, now: datetime) -> Outcome:
        new = await connection.fetchval(
            _KEEP, callback.nonce, callback.class_id, callback.object_id, callback.event, callback.count,
            callback.said_until, now,
        )  # fmt: skip
        if new is None:
            return "repeated"
        if not await holders.take(connection, callback, now, many=self._many):
            return "unknown"
        await connection.execute(_TAKEN, callback.nonce, now)
        return "saved" if callback.event == "save" else "deleted"
