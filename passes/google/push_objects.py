"""One object brought to what its pass says, whatever Google's answers are, and announced at most once.

A change without a notification may be sent twice without harm, as all values are absolute. One that notifies may not:
before it is sent the pass is marked as in doubt, and while it is, Google is asked what it holds before it is told once
more.
"""

from typing import Final

from kernel.database import Database
from kernel.outbox import touch
from passes.google import registry
from passes.google.document import Body
from passes.google.pace import Lane
from passes.google.push_classes import MOST_STEPS, ClassPush
from passes.google.push_paper import Paper, says
from passes.google.push_told import notice
from passes.google.push_verdict import (
    NoticesSpent,
    WalletExists,
    WalletNotFound,
    WalletRefused,
    WalletUnanswered,
    WalletUnavailable,
)
from passes.google.registry import PassRow
from passes.google.rest import WalletApi

_LINKS: Final = "linkedObjectIds"
_LOOK: Final = Lane.LIVE  # asking what Google holds is as urgent as the change that is in doubt


class LinksRefused(WalletRefused):
    """Google took all of the card but its coupons."""

    code = "google_wallet_links_refused"


class ObjectPush:
    """Inserts and patches objects."""

    def __init__(self, db: Database, api: WalletApi, classes: ClassPush) -> None:
        self._db = db
        self._api = api
        self._classes = classes

    async def bring(self, row: PassRow, paper: Paper, lane: Lane) -> None:
        """Google holds what the paper says when this returns. Raises why it does not."""
        exists = row.told is not None
        for _ in range(MOST_STEPS):
            try:
                if exists:
                    return await self._change(row, paper, lane)
                return await self._insert(row, paper, lane)
            except WalletExists:
                exists = True
            except WalletNotFound:
                if not exists:  # an insert finds the object's class missing
                    await self._classes.make(row, lane)
                exists = False
        raise WalletUnavailable(f"The object of '{row.pass_id}' is neither there nor absent.")

    async def _change(self, row: PassRow, paper: Paper, lane: Lane) -> None:
        how = notice(row.told, paper.told, row.told_at, row.now)
        if how == "none" or row.voided or row.held == "deleted":
            return await self._patch(row, paper, lane)
        if row.told is not None and row.told.in_doubt and await self._announced(paper, how):
            return None
        async with self._db.unit() as unit:
            await registry.doubt(unit.connection, row.pass_id)
        try:
            await self._announce(row, paper, lane, how)
        except NoticesSpent:
            await self._patch(row, paper, lane)
        except WalletUnanswered:
            if not await self._announced(paper, how):
                raise

    async def _announce(self, row: PassRow, paper: Paper, lane: Lane, how: str) -> None:
        await self._patch(row, paper, lane, notify=how == "update")
        if how == "message" and (message := paper.news()) is not None:
            await self._api.add_message(paper.resource, paper.object_id, message, lane)

    async def _insert(self, row: PassRow, paper: Paper, lane: Lane) -> None:
        try:
            await self._api.insert(paper.resource, paper.body, lane)
        except WalletRefused as refusal:
            if _LINKS not in paper.body:
                raise
            await self._api.insert(paper.resource, _without_links(paper.body), lane)
            raise await self._links_refused(row, refusal) from refusal

    async def _patch(self, row: PassRow, paper: Paper, lane: Lane, *, notify: bool = False) -> None:
        body = paper.patch(notify=True) if notify else paper.patch()
        try:
            await self._api.patch(paper.resource, paper.object_id, body, lane)
        except WalletRefused as refusal:
            if body.get(_LINKS) is None:
                raise
            await self._api.patch(paper.resource, paper.object_id, _without_links(body), lane)
            raise await self._links_refused(row, refusal) from refusal

    async def _links_refused(self, row: PassRow, refusal: WalletRefused) -> LinksRefused:
        """Google takes the card but not its coupons: look at each of them again, and then at the card."""
        async with self._db.unit() as unit:
            await registry.lost(unit.connection, row.coupons)
            await touch(unit.connection, registry.PUSH_KIND, row.coupons)
        return LinksRefused(refusal.detail)

    async def _announced(self, paper: Paper, how: str) -> bool:
        """Whether Google holds the change already: then its notification was shown as well."""
        fields = f"{paper.fields},messages" if how == "message" else paper.fields
        held = await self._api.get(paper.resource, paper.object_id, fields, _LOOK)
        if not says(held, {name: value for name, value in paper.body.items() if name not in ("id", _LINKS)}):
            return False
        message = paper.news() if how == "message" else None
        if message is None:
            return True
        known = held.get("messages")
        return isinstance(known, list) and any(
            isinstance(one, dict) and one.get("id") == message["id"] for one in known
        )


def _without_links(body: Body) -> Body:
    """What the card says does not wait for its coupons; what is linked already stays linked without being named."""
    return {name: value for name, value in body.items() if name != _LINKS}
