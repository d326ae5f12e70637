"""Heals what callbacks did not say: Google is asked, object by object, who is held, and what it thinks of the classes.

Callbacks stop for days now and then (google-wallet/android-codelab issue 2), so nothing may rest on them alone. Asking
takes only the calls that nobody else wants: a round ends as soon as Google is away or others need their turn, and goes
on where it was. A card that nobody holds stays the member's card.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.errors import CommonpointError, Invalid, NotFound, Unavailable
from kernel.outbox import BULK, touch
from passes.google import holders
from passes.google.ecv2 import Callback
from passes.google.holders import ASKED_EVERY, PUSH_KIND, SETTLES_WITHIN, Holding
from passes.google.schema.check import Resource, canonical, class_of

log = structlog.get_logger(__name__)

CLASS_KIND: Final = "google.class"
APPROVED: Final = "APPROVED"
EVERY_S: Final = 60.0
_BATCH: Final = 20
_MOST_PER_ROUND: Final = 1000
_MOST_CLASSES: Final = 10_000
_OPEN_CLASSES_EVERY_S: Final = 600.0
_CLASSES_EVERY_S: Final = 24 * 3600.0

# Those never asked about and those asked longest ago, half of each: neither keeps the other waiting for ever. A row
# with the hash `-` never got to Google. The moment of asking is moved first, as a lease: a crash comes back to it.
_CLAIM = """
WITH new AS MATERIALIZED (
    SELECT pass_id FROM google_object
    WHERE checked_at IS NULL AND pushed_at < $1::timestamptz - $3::interval AND pushed_hash <> '-'
    ORDER BY pass_id LIMIT $4 FOR UPDATE SKIP LOCKED
), old AS MATERIALIZED (
    SELECT pass_id FROM google_object
    WHERE checked_at <= $1::timestamptz - $2::interval AND pushed_hash <> '-'
    ORDER BY checked_at, pass_id LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE google_object AS known SET checked_at = $1::timestamptz - $2::interval + $3::interval
FROM (SELECT pass_id FROM new UNION SELECT pass_id FROM old) AS due
JOIN wallet_pass p ON p.id = due.pass_id
WHERE known.pass_id = due.pass_id
RETURNING known.pass_id, p.kind, known.held, known.held_at, known.holders
"""

# A callback that was taken meanwhile knows better than an answer from before it.
_HEAL = """
UPDATE google_object SET held = $2, holders = $3, checked_at = $4
WHERE pass_id = $1 AND held = $5 AND held_at IS NOT DISTINCT FROM $6::timestamptz AND holders = $7
RETURNING pass_id
"""
_LOST = (
    "UPDATE google_object SET pushed_hash = '', checked_at = $2 WHERE pass_id = $1 AND pushed_hash <> '' RETURNING 1"
)
_WAITING = """
SELECT class_id, object_id, event, count, said_until, nonce FROM google_callback
WHERE taken_at IS NULL AND received_at > $1::timestamptz - interval '1 day'
ORDER BY received_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
_TAKEN = "UPDATE google_callback SET taken_at = $2 WHERE nonce = ANY($1::text[])"


class Api(Protocol):
    """The Wallet API as reconciling uses it (passes/google/rest.py)."""

    async def get(self, resource: Resource, resource_id: str, fields: str) -> dict[str, Any]:
        """Fields of a resource, with the calls that nobody else wants. Raises NotFound, Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class _Due:
    pass_id: str
    kind: str
    holding: Holding


class Reconcile:
    """Asks Google about the objects and classes of one issuer; several processes may do so at once.

    `counts` says what came of it since the process started: `asked`, `saved` and `deleted` (healed), `lost` (Google did
    not have it), `classes`.
    """

    def __init__(self, db: Database, api: Api, issuer_id: str, clock: Clock | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._db = db
        self._api = api
        self._issuer_id = issuer_id
        self._clock = clock or SystemClock()
        self._classes_asked_at_s: dict[str, float] = {}

    async def run(self, every_s: float = EVERY_S) -> None:
        """A round now and then, for ever. What fails is logged and tried again."""
        while True:
            try:
                await self.once()
            except CommonpointError as error:
                log.info("google.reconcile.waits", error=error.detail)
            except Exception:
                log.exception("google.reconcile.unexpected")
            await asyncio.sleep(every_s)

    async def once(self, most: int = _MOST_PER_ROUND) -> int:
        """One round; how many objects were asked about (`most` at most). Raises Unavailable when Google or its calls
        ran out; what was done by then is done.
        """
        await self._take_waiting()
        asked = 0
        while asked < most:
            due = await self._claim()
            if not due:
                break
            await self._ask_all(due)
            asked += len(due)
        await self._ask_classes()
        return asked

    async def _take_waiting(self) -> None:
        """Callbacks that came before we knew the pass they are about (a restored backup knows less than Google)."""
        now = self._clock.now()
        async with self._db.unit() as unit:
            rows = await unit.connection.fetch(_WAITING, now)
            taken = [row["nonce"] for row in rows if await holders.take(unit.connection, Callback(*row), now)]
            if taken:
                await unit.connection.execute(_TAKEN, taken, now)

    # Objects

    async def _claim(self) -> list[_Due]:
        async with self._db.unit() as unit:
            rows = await unit.connection.fetch(
                _CLAIM, self._clock.now(), ASKED_EVERY, SETTLES_WITHIN, _BATCH // 2
            )  # fmt: skip
        return [_Due(pass_id, kind, Holding(*known)) for pass_id, kind, *known in rows]

    async def _ask_all(self, due: Sequence[_Due]) -> None:
        for one in due:
            asked_at = self._clock.now()
            resource: Resource = "loyaltyObject" if one.kind == "card" else "offerObject"
            try:
                answer = await self._api.get(resource, f"{self._issuer_id}.{one.pass_id}", "id,hasUsers")
            except NotFound:
                await self._lost(one.pass_id, asked_at)
                continue
            except Invalid as error:
                log.warning("google.reconcile.refused", pass_id=one.pass_id, error=error.detail)
                continue
            self.counts["asked"] += 1
            # A false value may be left out of an answer, as in all JSON that is made from protocol buffers.
            await self._heal(one, answer.get("hasUsers") is True, asked_at)

    async def _heal(self, one: _Due, has_users: bool, asked_at: datetime) -> None:
        before, after = one.holding, holders.answered(one.holding, has_users)
        async with self._db.unit() as unit:
            stored = await unit.connection.fetchval(
                _HEAL, one.pass_id, after.held, after.holders, asked_at, before.held, before.held_at, before.holders
            )
        if stored is not None and after.held != before.held:
            self.counts[after.held] += 1
            log.info("google.reconcile.healed", pass_id=one.pass_id, before=before.held, now=after.held)

    async def _lost(self, pass_id: str, asked_at: datetime) -> None:
        """Google has no such object: delivery is told to make sure."""
        async with self._db.unit() as unit:
            if await unit.connection.fetchval(_LOST, pass_id, asked_at):
                await touch(unit.connection, PUSH_KIND, [pass_id], BULK)
        self.counts["lost"] += 1
        log.warning("google.reconcile.lost", pass_id=pass_id)

    # Classes

    async def _ask_classes(self) -> None:
        async with self._db.read() as read:
            rows = await read.connection.fetch(
                "SELECT id, review FROM google_class ORDER BY id LIMIT $1", _MOST_CLASSES
            )  # fmt: skip
        for class_id, review in rows:
            every_s = _CLASSES_EVERY_S if review == APPROVED else _OPEN_CLASSES_EVERY_S
            if time.monotonic() - self._classes_asked_at_s.get(class_id, float("-inf")) >= every_s:
                self._classes_asked_at_s[class_id] = time.monotonic()
                await self._ask_class(class_id, review)

    async def _ask_class(self, class_id: str, known: str | None) -> None:
        resource = class_resource(class_id)
        try:
            answer = await self._api.get(resource, class_id, "id,reviewStatus")
        except NotFound:
            await self._lost_class(class_id)
            return
        except Unavailable:
            del self._classes_asked_at_s[class_id]
            raise
        self.counts["classes"] += 1
        said = answer.get("reviewStatus")
        review = canonical("LoyaltyClass", "reviewStatus", said) if isinstance(said, str) else None
        if review is not None and review != known:
            async with self._db.unit() as unit:
                await unit.connection.execute(
                    "UPDATE google_class SET review = $2 WHERE id = $1", class_id, review[:100]
                )  # fmt: skip
            log.info("google.class.review", class_id=class_id, review=review)

    async def _lost_class(self, class_id: str) -> None:
        async with self._db.unit() as unit:
            await unit.connection.execute(
                "UPDATE google_class SET body_hash = '', review = NULL WHERE id = $1", class_id
            )  # fmt: skip
            await touch(unit.connection, CLASS_KIND, [class_id.split(".")[1]], BULK)
        log.warning("google.class.lost", class_id=class_id)


def class_resource(class_id: str) -> Resource:
    """The kind of class that an id of ours names: `issuer.brand` is of cards, `issuer.brand.tag` of coupons."""
    return class_of("loyaltyObject" if class_id.count(".") == 1 else "offerObject")
