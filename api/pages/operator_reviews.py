"""What waits for somebody to look at it, as the operator's page shows it: read only, decided by the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from api.pages import operator_reviews_texts  # noqa: F401 (registers the words)
from kernel.database import Connection
from points.review_figures import Figures, figures, window
from points.reviews import Review

MOST_SHOWN: Final = 50

_NAMES = "SELECT id, brand_name FROM partner WHERE id = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open reviews, the oldest first (at most MOST_SHOWN), and what the last day brought. `partners` are names."""

    at: datetime
    reviews: Sequence[Review]
    lately: Figures
    partners: Mapping[str, str]
    findings: tuple[()] = ()

    @property
    def level(self) -> str:
        """Whether somebody should look."""
        return "warn" if self.reviews else "ok"


async def waiting_seen(connection: Connection, now: datetime) -> Waiting:
    """What waits at `now`, and what today (by UTC) brought."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    found = await window(connection, None, "open", None, None, MOST_SHOWN)
    lately = await figures(connection, None, midnight, midnight + timedelta(days=1))
    named = {one.partner_id for one in found} | {alert.partner_id for alert in lately.alerts}
    rows = await connection.fetch(_NAMES, sorted(named))
    return Waiting(now, found, lately, {row["id"]: row["brand_name"] for row in rows})
