"""Coupons by themselves: a new voucher of a member whose card is at Google becomes an offer object, linked to the card.

Google puts linked objects on the phones that hold the card (auto-linked passes). They cannot be unlinked and a card has
fifty at most; a voucher beyond them is to be had by its link, as every voucher is.
https://developers.google.com/wallet/retail/loyalty-cards/use-cases/auto-linked-passes
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.outbox import touch
from passes.google.push_told import NEVER
from passes.google.registry import PUSH_KIND
from passes.google.schema.rules import MOST_LINKED
from passes.issue import issue
from passes.refresh import KIND
from passes.rendering import Renderer

_AT_ONCE: Final = 100

# A coupon counts as missing until Google was told of it, so that a crash after it was made loses nothing. Vouchers of
# others who share the account are left to the page: they are linked to the cards of those they were issued to.
_MISSING = f"""
SELECT card.member_id, voucher.id, voucher.partner_id
FROM wallet_pass card
JOIN google_object at_google ON at_google.pass_id = card.id AND at_google.pushed_hash <> '{NEVER}'
JOIN voucher ON voucher.member_id = card.member_id
WHERE card.member_id = ANY($1::text[]) AND card.wallet = 'google' AND card.kind = 'card' AND NOT card.voided
  AND at_google.held <> 'deleted' AND cardinality(at_google.linked) < {MOST_LINKED}
  AND voucher.state = 'issued' AND voucher.uses_left > 0
  AND (voucher.valid_until IS NULL OR voucher.valid_until > $2)
  AND NOT EXISTS (
      SELECT FROM wallet_pass coupon JOIN google_object told ON told.pass_id = coupon.id
      WHERE coupon.member_id = card.member_id AND coupon.wallet = 'google' AND coupon.kind = 'coupon'
        AND coupon.subject_id = voucher.id
  )
ORDER BY voucher.valid_until, voucher.id LIMIT {_AT_ONCE}
"""


class Inner(Protocol):
    """The follower of members' accounts."""

    @property
    def batch(self) -> int:
        """How many subjects it takes at once."""
        ...

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring the passes of these members to what the ledger says."""
        ...


class LinkedCoupons:
    """Follower of kind `pass`: does what `inner` does, then makes the coupons that are missing at Google."""

    kind: Final = KIND

    def __init__(self, inner: Inner, db: Database, renderer: Renderer, clock: Clock) -> None:
        self.batch = inner.batch
        self._inner = inner
        self._db = db
        self._renderer = renderer
        self._clock = clock

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring the passes of these members to what the ledger says, and make the coupons that are missing."""
        failed = dict(await self._inner.follow(subjects))
        async with self._db.read() as read:
            missing = await read.connection.fetch(_MISSING, list(subjects), self._clock.now())
        for row in missing:
            try:
                await self._make(row["member_id"], row["id"], row["partner_id"])
            except CommonpointError as error:
                failed.setdefault(row["member_id"], error)
        return failed

    async def _make(self, member_id: str, voucher_id: str, brand_id: str) -> None:
        pass_id = await issue(
            self._db, self._renderer, member_id, "google", kind="coupon", subject_id=voucher_id, brand_id=brand_id
        )
        async with self._db.unit() as unit:
            await touch(unit.connection, PUSH_KIND, [pass_id])
