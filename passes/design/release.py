"""A design reaches the partner's passes in stages.

Publishing writes one row and one note, however many passes there are. The follower walks the passes in pages: each page
leaves a note for every pass that shows another design than it should, moves the cursor and asks to be called again, in
one transaction. So it may be stopped anywhere, and a page that is walked twice does no harm.

A publication while another one walks starts a walk of its own from the first pass; the older one ends where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.outbox import BULK, touch
from network.partners import partner
from passes.coupons import COUPON_MARK
from passes.design.designs import design
from passes.design.looks import Looks, hold_releases
from passes.design.stages import BRAND, WHOLE
from passes.refresh import SWEEP_KIND

KIND: Final = "design.release"
PAGE: Final = 500
MOST_STAGED: Final = 10  # releases to a part of the passes that wait for one to all
_MOST_NOTES: Final = 5_000
_SWEEP_MARK = "sweep"
_EVERYBODY = "*"

_COLUMNS = "id, partner_id, number, design_id, share, told, done_at, created_at"
_ADD = f"""
INSERT INTO design_release (id, partner_id, number, design_id, share, created_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}
"""
_OPEN = f"""
SELECT {_COLUMNS} FROM design_release WHERE partner_id = $1 AND number >= coalesce(
    (SELECT max(number) FROM design_release WHERE partner_id = $1 AND share = 100), 0)
ORDER BY number DESC
"""
_WALKED = """
SELECT partner_id, cursor, done_at IS NOT NULL AS done, EXISTS (
    SELECT 1 FROM design_release AS newer WHERE newer.partner_id = one.partner_id AND newer.number > one.number
) AS overtaken
FROM design_release AS one WHERE id = $1 FOR UPDATE
"""
_STEP = """
UPDATE design_release SET cursor = $2, told = told + $3, done_at = CASE WHEN $4 THEN clock_timestamp() END WHERE id = $1
"""
_PAGE = """
SELECT id, card ->> 'design' AS design FROM wallet_pass WHERE brand_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""
_PAGE_OF_ALL = "SELECT id FROM wallet_pass WHERE id > $1 ORDER BY id LIMIT $2"
_NOTES = "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE kind = $1 AND parked_at IS NULL LIMIT $2) AS waiting"


class ShareFalls(Conflict):
    """A share only rises: passes do not go back and forth."""

    code = "share_falls"
    title = "The share of a release only rises"


class TooManyStages(Conflict):
    """Several designs are tried already."""

    code = "too_many_stages"
    title = "Too many designs are tried at once"


@dataclass(frozen=True, slots=True)
class Release:
    """A design on its way to `share` per cent of a partner's passes, or there (`done_at`). `told` passes had to
    change. `design_id` is "brand" for the look made of the partner's brand."""

    id: str
    partner_id: str
    number: int
    design_id: str
    share: int
    told: int
    done_at: datetime | None
    created_at: datetime


async def publish(unit: Unit, clock: Clock, partner_id: str, design_id: str, share: int) -> Release:
    """Release a design to `share` (1 to 100) per cent of the partner's passes. Once more the same changes nothing.

    Going back is publishing the older design. Raises PartnerUnknown, LookUnknown, ShareFalls, TooManyStages.
    """
    await hold_releases(unit.connection, partner_id)
    await partner(unit.connection, partner_id)
    if design_id != BRAND:
        await design(unit.connection, partner_id, design_id)
    staged = [_release(row) for row in await unit.connection.fetch(_OPEN, partner_id)]
    if staged and staged[0].design_id == design_id:
        if staged[0].share == share:
            return staged[0]
        if staged[0].share > share:
            raise ShareFalls(
                f"The design is released to {staged[0].share} per cent already. To go back, publish the older design.",
                share=staged[0].share,
            )
    tried = {one.design_id for one in staged if one.share < WHOLE} | {design_id}
    if share < WHOLE and len(tried) > MOST_STAGED:
        raise TooManyStages(f"At most {MOST_STAGED} designs are tried at once: release one to all passes first.")
    number = 1 + await unit.connection.fetchval(
        "SELECT coalesce(max(number), 0) FROM design_release WHERE partner_id = $1", partner_id
    )
    row = await unit.connection.fetchrow(_ADD, new_id("rls"), partner_id, number, design_id, share, clock.now())
    assert row is not None
    release = _release(row)
    await touch(unit.connection, KIND, [release.id], lane=BULK)
    return release


async def release_window(
    connection: Connection, partner_id: str, after: int | None, before: int | None, limit: int
) -> list[Release]:
    """Up to `limit` releases in the order of their numbers."""
    backwards = after is None and before is not None
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM design_release WHERE partner_id = $1 AND ($2::bigint IS NULL OR number > $2)"
        f" AND ($3::bigint IS NULL OR number < $3) ORDER BY number {'DESC' if backwards else 'ASC'} LIMIT $4",
        partner_id,
        after,
        before,
        limit,
    )
    found = [_release(row) for row in rows]
    return found[::-1] if backwards else found


async def sweep_brand(connection: Connection, partner_id: str | None) -> None:
    """Have all passes of a brand (None: all passes) rendered anew, a few at a time, in the caller's transaction's name.

    For what is on every card but in no design, such as the key that taps are encrypted for.
    """
    await touch(connection, KIND, [_sweep(new_id("swp"), partner_id or _EVERYBODY, "")], lane=BULK)


class DesignRelease:
    """Follower of kind `design.release`: subjects are releases, and places that a sweep has come to."""

    kind = KIND
    batch = 4

    def __init__(self, db: Database, looks: Looks) -> None:
        self._db = db
        self._looks = looks

    async def room(self) -> int:
        """Nothing while the passes that were told before still wait: the notes stay few, however many passes."""
        async with self._db.read() as read:
            waiting: int = await read.connection.fetchval(_NOTES, SWEEP_KIND, _MOST_NOTES)
        return self.batch if waiting < _MOST_NOTES else 0

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """One page of each."""
        failed: dict[str, Exception] = {}
        for subject in subjects:
            try:
                async with self._db.unit() as unit:
                    await (_sweep_page if subject.startswith(_SWEEP_MARK) else self._release_page)(unit, subject)
            except Exception as error:
                failed[subject] = error
        return failed

    async def _release_page(self, unit: Unit, release_id: str) -> None:
        row = await unit.connection.fetchrow(_WALKED, release_id)
        if row is None or row["done"]:
            return
        if row["overtaken"]:
            await unit.connection.execute(_STEP, release_id, row["cursor"], 0, True)
            return
        passes = await unit.connection.fetch(_PAGE, row["partner_id"], row["cursor"], PAGE)
        released = await self._looks.as_released(unit.connection, [row["partner_id"]])
        wrong = [
            one["id"]
            for one in passes
            if (one["design"] or "").removesuffix(COUPON_MARK) != released.look(row["partner_id"], one["id"]).id
        ]
        await touch(unit.connection, SWEEP_KIND, wrong, lane=BULK)
        last = passes[-1]["id"] if passes else row["cursor"]
        done = len(passes) < PAGE
        await unit.connection.execute(_STEP, release_id, last, len(wrong), done)
        if not done:
            await touch(unit.connection, KIND, [release_id], lane=BULK)


async def _sweep_page(unit: Unit, subject: str) -> None:
    """The place a sweep has come to is in the note itself, so that no row is needed for it."""
    _, sweep_id, brand_id, cursor = subject.split("/", 3)
    if brand_id == _EVERYBODY:
        rows: list[asyncpg.Record] = await unit.connection.fetch(_PAGE_OF_ALL, cursor, PAGE)
    else:
        rows = await unit.connection.fetch(_PAGE, brand_id, cursor, PAGE)
    ids = [row["id"] for row in rows]
    await touch(unit.connection, SWEEP_KIND, ids, lane=BULK)
    if len(ids) == PAGE:
        await touch(unit.connection, KIND, [_sweep(sweep_id, brand_id, ids[-1])], lane=BULK)


def _sweep(sweep_id: str, brand_id: str, cursor: str) -> str:
    return f"{_SWEEP_MARK}/{sweep_id}/{brand_id}/{cursor}"


def _release(row: asyncpg.Record) -> Release:
    return Release(*row)
