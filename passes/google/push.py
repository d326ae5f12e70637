"""The follower that brings Google's copy of each pass to what it says now.

Google pushes to the phones by itself; we only PATCH. Every body holds absolute values, so a repeated or merged note
does no harm, and the last state wins. What was sent last is remembered by its hash: an equal body is not sent again,
because the calls allowed per second are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Invalid, NotFound
from kernel.outbox import BULK, retry_now, touch
from passes.google import registry
from passes.google.pace import Lane
from passes.google.push_classes import ClassPush
from passes.google.push_objects import LinksRefused, ObjectPush
from passes.google.push_outcomes import errors_of
from passes.google.push_paper import Paper, Papers
from passes.google.push_state import write_state
from passes.google.push_verdict import WalletRefused
from passes.google.registry import PassRow, Refused, Sent
from passes.google.rest import WalletApi

KIND: Final = registry.PUSH_KIND
# All calls of a batch are under way together, at Google's pace: a second's worth.
BATCH: Final = 20


class GooglePassUnknown(NotFound):
    """No Google Wallet pass has this id."""

    code = "google_pass_unknown"
    title = "No such Google Wallet card"


@dataclass(frozen=True, slots=True)
class _Change:
    """A pass that Google is to be told of."""

    row: PassRow
    paper: Paper
    lane: Lane


class GooglePush:
    """Follower of kind `google.push`; subjects are pass ids. `classes` is its companion, which has to run as well."""

    kind: Final = KIND

    def __init__(self, db: Database, api: WalletApi, papers: Papers, batch: int = BATCH) -> None:
        self.batch = batch
        self.classes = ClassPush(db, api, papers)
        self._db = db
        self._api = api
        self._papers = papers
        self._objects = ObjectPush(db, api, self.classes)
        self._written: tuple[str, str, int] | None = None

    async def room(self) -> int:
        """How many passes of the bulk lane may be taken now: none while every call would be refused, nor while others
        wait for the turns that there are."""
        if self._api.standing.halted:
            return 0
        return max(0, self.batch - self._api.pace.waiting())

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Send what changed; passes that are gone are done. Returns the failed pass ids and why."""
        async with self._db.read() as read:
            rows = await registry.passes(read.connection, subjects)
            notes = await _notes(read.connection, self.kind, subjects)
        asked = {one for one, note in notes.items() if note["asked"]}
        if asked:
            self._api.standing.try_now()
        bulk = {one for one, note in notes.items() if note["lane"] == BULK}
        resumed = self._api.standing.resumed
        try:
            return await self._bring({row.pass_id: (row, _lane(row, bulk)) for row in rows}, asked)
        finally:
            await self._tell(resumed)

    async def ensure_objects(self, pass_ids: Sequence[str]) -> list[Paper]:
        """The passes' papers, whose objects exist at Google when this returns.

        Raises GooglePassUnknown, or why Google could not be told.
        """
        async with self._db.read() as read:
            rows = {row.pass_id: row for row in await registry.passes(read.connection, pass_ids)}
        for pass_id in pass_ids:
            if pass_id not in rows:
                raise GooglePassUnknown(f"There is no Google Wallet card '{pass_id}'.")
        new = {one: (row, Lane.INTERACTIVE) for one, row in rows.items() if row.told is None}
        for error in (await self._bring(new, asked=set(new))).values():
            raise error
        return [await self._papers.paper(rows[pass_id]) for pass_id in pass_ids]

    async def _bring(self, rows: Mapping[str, tuple[PassRow, Lane]], asked: set[str]) -> dict[str, Exception]:
        papers: dict[str, Paper] = {}
        failed: dict[str, Exception] = {}
        for pass_id, (row, _) in rows.items():
            try:
                papers[pass_id] = await self._papers.paper(row)
            except CommonpointError as error:
                failed[pass_id] = error
        changes = [
            _Change(row, papers[pass_id], lane)
            for pass_id, (row, lane) in rows.items()
            if pass_id in papers and _differs(row, papers[pass_id])
        ]
        known = {c.row.pass_id: _refused_before(c) for c in changes if c.row.pass_id not in asked}
        failed |= {pass_id: error for pass_id, error in known.items() if error is not None}
        # Also passes that have not changed: a design that changes no card does change their class.
        unmade = await self._classes_of([row for row, _ in rows.values()], changes)
        failed |= {c.row.pass_id: unmade[c.paper.class_id] for c in changes if c.paper.class_id in unmade}
        changes = [change for change in changes if change.row.pass_id not in failed]
        # While calls are stopped one goes ahead as the trial, or all others would be held up by it.
        ahead = 1 if self._api.standing.is_stopped else 0
        unsent = await self._send(changes[:ahead]) | await self._send(changes[ahead:])
        await self._record(changes, unsent)
        return failed | unsent

    async def _send(self, changes: Sequence[_Change]) -> dict[str, Exception]:
        """All of these at the same time; returns those that failed and why."""
        return await errors_of({c.row.pass_id: self._objects.bring(c.row, c.paper, c.lane) for c in changes})

    async def _classes_of(self, rows: Sequence[PassRow], changes: Sequence[_Change]) -> dict[str, Exception]:
        """Classes that could not be made."""
        if not rows:
            return {}
        lane = min((change.lane for change in changes), default=Lane.BULK)
        return await self.classes.ready(rows, lane)

    async def _record(self, changes: Sequence[_Change], unsent: Mapping[str, Exception]) -> None:
        """Remember what Google took and what it refused; look again at passes of which a newer state had been recorded
        meanwhile, and at the cards to which new coupons are to be linked."""
        taken = [change for change in changes if change.row.pass_id not in unsent]
        refusals = [
            Refused(one.row.pass_id, str(error), one.paper.told.body)
            for one in changes
            if isinstance(error := unsent.get(one.row.pass_id), Invalid) and not isinstance(error, LinksRefused)
        ]
        if not taken and not refusals:
            return
        coupons = sorted({one.row.member_id for one in taken if _new_coupon(one.row)})
        async with self._db.unit() as unit:
            connection = unit.connection
            again = await registry.sent(
                connection, [Sent(one.row.pass_id, one.row.seq, one.paper.told, one.paper.linked) for one in taken]
            )
            await registry.refused(connection, refusals)
            if coupons:
                again += await registry.cards_of(connection, coupons)
            await touch(connection, KIND, again)

    async def _tell(self, resumed: int) -> None:
        """Write down how calls go when that changed; what waited for the end of a stop need not wait any longer."""
        standing, pace = self._api.standing, self._api.pace
        told = standing.told(pace.rate_per_s)
        if told == self._written and standing.resumed == resumed:
            return
        async with self._db.unit() as unit:
            await write_state(unit.connection, self._api.state())
            if standing.resumed != resumed:
                for kind in (self.kind, self.classes.kind):
                    await retry_now(unit.connection, kind)
        self._written = told


def _lane(row: PassRow, bulk: set[str]) -> Lane:
    """A card that its holder removed is kept right for the day they save it again, after those that are looked at."""
    return Lane.BULK if row.pass_id in bulk or row.held == "deleted" else Lane.LIVE


def _differs(row: PassRow, paper: Paper) -> bool:
    return row.told is None or row.told.in_doubt or row.told.body != paper.told.body


def _new_coupon(row: PassRow) -> bool:
    """Google has it now and may not have had it before: the card is to be linked to it."""
    return row.kind == "coupon" and (row.told is None or row.told.in_doubt)


def _refused_before(change: _Change) -> Exception | None:
    """Google refused just this body: only an operator's wish sends it again."""
    if change.row.refused is None or change.row.refused_hash != change.paper.told.body:
        return None
    return WalletRefused(change.row.refused)


async def _notes(connection: Connection, kind: str, subjects: Sequence[str]) -> dict[str, Any]:
    """The notes' lanes, and whether somebody asked for another try: that alone forgets the failures but no error."""
    rows = await connection.fetch(
        """
        SELECT subject, lane, attempts = 0 AND last_error IS NOT NULL AS asked
        FROM outbox WHERE kind = $1 AND subject = ANY($2::text[])
        """,
        kind,
        list(subjects),
    )
    return {row["subject"]: row for row in rows}
