"""Time passes: members whom nobody is serving are matured when they are due, and the work of days and hours is done.

Everything goes through the same line as the tills' commands. What is due is told by the business clock, so a clock that
is moved (in tests and simulations) brings it about.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime

import structlog

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.ids import new_id
from points.commands import INTERNAL, Mature
from points.engagement.jobs import JOBS, Job
from points.engagement.ports import Programmes
from points.teller import Teller

log = structlog.get_logger(__name__)

EVERY_S = 1.0
MOST_AT_ONCE = 500

# A household is at home where its first member joined.
_DUE = """
SELECT account.id, account.due_at, account.member_id, coalesce(member.partner_id, (
    SELECT own.partner_id FROM account user_of JOIN member own ON own.id = user_of.member_id
    WHERE user_of.pool_id = account.member_id ORDER BY own.id LIMIT 1)) AS partner_id
FROM account LEFT JOIN member ON member.id = account.member_id
WHERE account.due_at <= $1 AND account.id LIKE '%/spendable'
  AND ($2::timestamptz IS NULL OR (account.due_at, account.id) > ($2, $3::text))
ORDER BY account.due_at, account.id LIMIT $4
"""


class Timekeeper:
    """Finds who is due and asks the teller to mature them; several processes may do so at once.

    A member who cannot be matured is logged, and left out until the next round.
    """

    def __init__(self, db: Database, teller: Teller, clock: Clock, programmes: Programmes) -> None:
        self._db = db
        self._teller = teller
        self._clock = clock
        self._programmes = programmes
        self._done_at: dict[Job, datetime] = {}

    async def run(self, every_s: float = EVERY_S) -> None:
        """Sweep and work for ever. What fails is logged and tried again."""
        while True:
            await self._try("sweep", self.sweep())
            for every, job in JOBS:
                last = self._done_at.get(job)
                if last is None or abs(self._clock.now() - last) >= every:
                    self._done_at[job] = self._clock.now()
                    await self._try(job.__name__, job(self._db, self._teller, self._programmes, self._clock))
            await asyncio.sleep(every_s)

    async def _try(self, what: str, work: Awaitable[object]) -> None:
        try:
            await work
        except CommonpointError as error:
            log.warning("timekeeper.away", what=what, error=error.detail)
        except Exception:
            log.exception("timekeeper.unexpected", what=what)

    async def sweep(self) -> int:
        """Mature everyone who is due now; how many were."""
        now, done = self._clock.now(), 0
        after: tuple[datetime | None, str] = None, ""
        while True:
            async with self._db.read() as read:
                rows = await read.connection.fetch(_DUE, now, *after, MOST_AT_ONCE)
            found = [(row["member_id"], row["partner_id"]) for row in rows if row["partner_id"] is not None]
            done += sum(await asyncio.gather(*(self._mature(*one) for one in found)))
            if len(rows) < MOST_AT_ONCE:
                return done
            # Whoever stays due at the same moment is passed by until the next sweep, so that one sweep ends.
            after = rows[-1]["due_at"], rows[-1]["id"]

    async def _mature(self, member_id: str, partner_id: str) -> bool:
        now = self._clock.now()
        try:
            command = Mature(
                partner_id=partner_id,
                key=new_id("due"),
                key_owner=INTERNAL,
                fingerprint=b"",
                occurred_at=now,
                member_id=member_id,
                in_force=await self._programmes.in_force(partner_id, now),
            )
            await self._teller.ask(command)
        except CommonpointError as error:
            log.warning("timekeeper.refused", member_id=member_id, code=error.code, detail=error.detail)
            return False
        return True
