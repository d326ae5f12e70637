"""Phones' complaints, counted by kind for the operator. Rationed: a stranger can make us write a few rows, no more."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from kernel.database import Connection, Database
from passes.apple.device_log import complaint, lines_of
from passes.apple.later import Later, PerMinute

log = structlog.get_logger(__name__)

LINES_PER_CALL: Final = 20
LINES_PER_MINUTE: Final = 300
WRITTEN_EVERY_S: Final = 2.0
DROPPED: Final = "dropped"  # the kind under which lines beyond the ration are counted
REPORTED_AT_ONCE: Final = 500

_WRITE = """
INSERT INTO apple_report (kind, subject, sample, reports)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (kind, subject) DO UPDATE SET
    sample = excluded.sample, reports = apple_report.reports + excluded.reports, last_at = now()
"""


@dataclass(frozen=True, slots=True)
class Reported:
    """A complaint and how often it came. `sample` is the last line, cleaned; it is a stranger's text."""

    kind: str
    subject: str
    sample: str
    reports: int
    first_at: datetime
    last_at: datetime


class Reports:
    """Takes the bodies of log calls and writes their sums a moment later, all together."""

    def __init__(
        self, db: Database, *, written_every_s: float = WRITTEN_EVERY_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._ration = PerMinute(LINES_PER_MINUTE, now_s)
        self._counted: dict[tuple[str, str], tuple[str, int]] = {}
        self._later = Later(self._write, written_every_s)

    def take(self, body: bytes) -> bool:
        """Count the lines of a log call; False if the body is not one."""
        lines = lines_of(body)
        if lines is None:
            return False
        granted = self._ration.take("", min(len(lines), LINES_PER_CALL))
        for line in lines[:granted]:
            found = complaint(line)
            self._count(found.kind, found.subject, found.sample, 1)
        if len(lines) > granted:
            self._count(DROPPED, "", "", len(lines) - granted)
        if lines:
            self._later.ask()
        return True

    async def close(self) -> None:
        """Write what is counted."""
        await self._later.close()

    def _count(self, kind: str, subject: str, sample: str, reports: int) -> None:
        _, before = self._counted.get((kind, subject), ("", 0))
        self._counted[kind, subject] = sample, before + reports

    async def _write(self) -> None:
        counted, self._counted = self._counted, {}
        rows = [(kind, subject, sample, reports) for (kind, subject), (sample, reports) in sorted(counted.items())]
        if not rows:
            return
        try:
            async with self._db.unit() as unit:
                await unit.connection.execute(_WRITE, *(list(column) for column in zip(*rows, strict=True)))
        except Exception:
            for kind, subject, sample, reports in rows:  # they go with the next ones
                self._count(kind, subject, sample, reports)
            raise
        log.info("apple.reports", **{f"{kind} {subject}".strip(): reports for kind, subject, _, reports in rows})


async def reported(connection: Connection) -> list[Reported]:
    """What phones complain of, the latest first."""
    rows = await connection.fetch(
        """
        SELECT kind, subject, sample, reports, first_at, last_at FROM apple_report
        ORDER BY last_at DESC, kind, subject LIMIT $1
        """,
        REPORTED_AT_ONCE,
    )
    return [Reported(*row) for row in rows]
