"""The follower that makes passes show what the ledger says.

It hears that a member's points changed, renders the card as it is now, and if it differs from the stored one, stores
it as a new version and leaves a note for the wallet's own push. An unchanged card ends here.
"""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from kernel.database import Connection, Database
from kernel.outbox import touch
from passes.card import Card, card_json
from passes.issue import change_numbers
from passes.rendering import Renderer

KIND = "pass"
PUSH_KIND = {"apple": "apple.push", "google": "google.push"}

_PASSES = "SELECT id, member_id, wallet, card FROM wallet_pass WHERE member_id = ANY($1::text[]) ORDER BY id FOR UPDATE"

# Last-Modified has whole seconds and must rise with every change, or a phone that has the first of two changes within
# a second would be told that nothing is new.
_UPDATE = """
UPDATE wallet_pass SET card = new.card, change_seq = new.seq,
    last_modified = greatest(date_trunc('second', clock_timestamp()), last_modified + interval '1 second')
FROM unnest($1::text[], $2::jsonb[], $3::bigint[]) AS new (id, card, seq)
WHERE wallet_pass.id = new.id
"""


class PassRefresh:
    """Follower of kind `pass`; subjects are member ids."""

    kind = KIND
    batch = 100

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring the passes of these members to what the ledger says."""
        async with self._db.unit() as unit:
            # The rows are locked before the ledger is read, so that of two workers the later writes the newer card.
            rows = await unit.connection.fetch(_PASSES, list(subjects))
            if not rows:
                return {}
            cards = await self._renderer.cards(unit.connection, sorted({row["member_id"] for row in rows}))
            changed = [row for row in rows if msgspec.convert(row["card"], Card) != cards[row["member_id"]]]
            if changed:
                await _store(unit.connection, changed, cards)
        return {}


async def _store(connection: Connection, changed: Sequence[asyncpg.Record], cards: Mapping[str, Card]) -> None:
    numbers = await change_numbers(connection, len(changed))
    texts = [card_json(cards[row["member_id"]]).decode() for row in changed]
    await connection.execute(_UPDATE, [row["id"] for row in changed], texts, numbers)
    for wallet, kind in PUSH_KIND.items():
        await touch(connection, kind, [row["id"] for row in changed if row["wallet"] == wallet])
