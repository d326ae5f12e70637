"""The follower that brings Google's copy of a card to what the card says now.

Google pushes to the phones by itself; we only PATCH. Every body holds absolute values, so a repeated or merged note
does no harm, and the last state wins. What was sent last is remembered by its hash: an equal body is not sent again,
because the calls allowed per second are few.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kernel.database import Database
from kernel.errors import NotFound
from kernel.outbox import touch
from passes.card import Card, card_from_json
from passes.google.document import (
    body_hash,
    class_body,
    class_id_of,
    class_patch,
    object_body,
    object_id_of,
    object_patch,
)
from passes.google.rest import NoticesSpent, WalletApi, WalletExists, WalletNotFound, WalletUnavailable
from passes.look import Look

KIND = "google.push"
# With a call timeout of ten seconds and all calls of a batch under way together, a batch ends well inside the lease.
BATCH = 20
# Insert, make the class, insert again, find it exists, patch: more steps than that are no healing.
_MAX_STEPS = 5
# A hash that no body has: the object exists, but what it says is in doubt.
_IN_DOUBT = ""

_READ_PASSES = """
SELECT p.id, p.card::text AS card, p.change_seq, p.voided, o.pushed_hash
FROM wallet_pass p LEFT JOIN google_object o ON o.pass_id = p.id
WHERE p.id = ANY($1::text[]) AND p.wallet = 'google'
"""

_READ_CLASSES = "SELECT id, body_hash FROM google_class WHERE id = ANY($1::text[])"

_STORE_CLASS = """
INSERT INTO google_class (id, body_hash) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET body_hash = EXCLUDED.body_hash, updated_at = now()
"""

# When a newer state was recorded meanwhile, ours may have reached Google after it: then nobody knows what Google holds.
_STORE_OBJECTS = """
INSERT INTO google_object AS known (pass_id, pushed_seq, pushed_hash, pushed_at)
SELECT pass_id, seq, hash, now() FROM unnest($1::text[], $2::bigint[], $3::text[]) AS sent (pass_id, seq, hash)
ORDER BY pass_id
ON CONFLICT (pass_id) DO UPDATE SET
    pushed_hash = CASE WHEN known.pushed_seq <= EXCLUDED.pushed_seq THEN EXCLUDED.pushed_hash ELSE '' END,
    pushed_seq = greatest(known.pushed_seq, EXCLUDED.pushed_seq),
    pushed_at = now()
RETURNING pass_id, pushed_hash
"""


class GooglePassUnknown(NotFound):
    """No Google Wallet card has this id."""

    code = "google_pass_unknown"
    title = "No such Google Wallet card"


async def silent(pass_id: str) -> bool:
    """The default for `notify`: the card changes without a notification."""
    return False


@dataclass(frozen=True, slots=True)
class _State:
    """A card as it is now, and the hash of what Google was last told (None: nothing yet)."""

    pass_id: str
    card: Card
    seq: int
    voided: bool
    pushed_hash: str | None


class Looks(Protocol):
    """Where designs are kept."""

    async def whole(self, partner_id: str) -> Look:
        """The newest look that all passes of a brand may have."""
        ...


async def _errors_of(steps: Mapping[str, Coroutine[object, object, None]]) -> dict[str, Exception]:
    """Do all steps at the same time; returns those that failed and why."""
    outcomes = await asyncio.gather(*steps.values(), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, Exception):
            raise outcome  # cancelled
    return {name: error for name, error in zip(steps, outcomes, strict=True) if isinstance(error, Exception)}


class GooglePush:
    """Follower of kind `google.push`; subjects are pass ids.

    `logo_url(look)` is the public address of a brand's picture. `notify(pass_id)` is asked just before a change is
    sent and decides whether Google shows a notification for it.
    """

    kind = KIND
    batch = BATCH

    def __init__(
        self,
        db: Database,
        api: WalletApi,
        looks: Looks,
        logo_url: Callable[[Look], str],
        notify: Callable[[str], Awaitable[bool]] = silent,
    ) -> None:
        self._db = db
        self._api = api
        self._issuer_id = api.identity.issuer_id
        self._looks = looks
        self._logo_url = logo_url
        self._notify = notify

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Send what changed; cards that are gone are done. Returns the failed pass ids and why."""
        return await self._bring(await self._read(subjects))

    async def ensure_object(self, pass_id: str) -> tuple[str, str]:
        """The ids of the card's object and class, which exist at Google when this returns.

        Raises GooglePassUnknown, or why Google could not be told.
        """
        states = await self._read([pass_id])
        if not states:
            raise GooglePassUnknown(f"There is no Google Wallet card '{pass_id}'.")
        if states[0].pushed_hash is None:
            for error in (await self._bring(states)).values():
                raise error
        return object_id_of(self._issuer_id, pass_id), self._class_id(states[0])

    async def _read(self, pass_ids: Sequence[str]) -> list[_State]:
        async with self._db.read() as read:
            rows = await read.connection.fetch(_READ_PASSES, list(pass_ids))
        return [
            _State(
                row["id"],
                card_from_json(row["card"]),
                row["change_seq"],
                row["voided"],
                row["pushed_hash"],
            )
            for row in rows
        ]

    async def _bring(self, states: Sequence[_State]) -> dict[str, Exception]:
        failed = await self._bring_classes(states)
        # A look that Google refuses must not hold back the balance: an object that exists has a class already.
        ready = [state for state in states if state.pass_id not in failed or state.pushed_hash is not None]
        changed = [state for state in ready if self._hash(state) != state.pushed_hash]
        unsent = await _errors_of({state.pass_id: self._bring_object(state) for state in changed})
        await self._store_objects([state for state in changed if state.pass_id not in unsent])
        return failed | unsent

    # Classes

    def _class_id(self, state: _State) -> str:
        return class_id_of(self._issuer_id, state.card.brand_id)

    async def _bring_classes(self, states: Sequence[_State]) -> dict[str, Exception]:
        """Bring the classes of these cards up to date; returns the cards whose class could not be made."""
        brands = {self._class_id(state): state.card.brand_id for state in states}
        async with self._db.read() as read:
            rows = await read.connection.fetch(_READ_CLASSES, list(brands))
        known = {row["id"]: row["body_hash"] for row in rows}
        errors = await _errors_of(
            {class_id: self._bring_class(class_id, brand, known.get(class_id)) for class_id, brand in brands.items()}
        )
        return {state.pass_id: errors[cid] for state in states if (cid := self._class_id(state)) in errors}

    async def _bring_class(self, class_id: str, brand_id: str, told: str | None) -> None:
        """Google's class is what the brand's look says; `told` is the hash of what Google was last told."""
        # A slower worker with an older look may be the last to send: whoever has sent looks again.
        for _ in range(_MAX_STEPS):
            # One class for all cards of the brand: while a design reaches them in stages, the class keeps the old one.
            look = await self._looks.whole(brand_id)
            wanted = body_hash(class_body(look, class_id, self._logo_url(look)))
            if told == wanted:
                return
            await self._send_class(class_id, look, exists=told is not None)
            async with self._db.unit() as unit:
                await unit.connection.execute(_STORE_CLASS, class_id, wanted)
            told = wanted

    async def _send_class(self, class_id: str, look: Look, *, exists: bool) -> None:
        logo = self._logo_url(look)
        for _ in range(_MAX_STEPS):
            try:
                if exists:
                    await self._api.patch("loyaltyClass", class_id, class_patch(look, class_id, logo))
                else:
                    await self._api.insert("loyaltyClass", class_body(look, class_id, logo))
                return
            except WalletExists:
                exists = True
            except WalletNotFound:
                exists = False
        raise WalletUnavailable(f"Class '{class_id}' is neither there nor absent.")

    # Objects

    def _body(self, state: _State) -> dict[str, object]:
        object_id = object_id_of(self._issuer_id, state.pass_id)
        return object_body(state.card, object_id, self._class_id(state), voided=state.voided)

    def _hash(self, state: _State) -> str:
        return body_hash(self._body(state))

    async def _bring_object(self, state: _State) -> None:
        """Insert or patch, whichever Google's answers ask for."""
        exists = state.pushed_hash is not None
        for _ in range(_MAX_STEPS):
            try:
                if exists:
                    return await self._patch_object(state)
                return await self._api.insert("loyaltyObject", self._body(state))
            except WalletExists:
                exists = True
            except WalletNotFound:
                if not exists:  # an insert finds the object's class missing
                    await self._bring_class(self._class_id(state), state.card.brand_id, None)
                exists = False
        raise WalletUnavailable(f"The object of '{state.pass_id}' is neither there nor absent.")

    async def _patch_object(self, state: _State) -> None:
        object_id, class_id = object_id_of(self._issuer_id, state.pass_id), self._class_id(state)
        notify = await self._notify(state.pass_id)
        try:
            body = object_patch(state.card, class_id, voided=state.voided, notify=notify)
            await self._api.patch("loyaltyObject", object_id, body)
        except NoticesSpent:
            await self._api.patch("loyaltyObject", object_id, object_patch(state.card, class_id, voided=state.voided))

    async def _store_objects(self, sent: Sequence[_State]) -> None:
        """Remember what was sent; look again at a card of which a newer state had been recorded meanwhile."""
        if not sent:
            return
        columns = [s.pass_id for s in sent], [s.seq for s in sent], [self._hash(s) for s in sent]
        async with self._db.unit() as unit:
            rows = await unit.connection.fetch(_STORE_OBJECTS, *columns)
            in_doubt = [row["pass_id"] for row in rows if row["pushed_hash"] == _IN_DOUBT]
            await touch(unit.connection, KIND, in_doubt)
