"""The question of a till, on the card of whom it is for: may so many points be spent? The card leads to the page that
answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kernel.database import Connection
from passes import news_texts as news_texts  # registers the words
from passes.card import Words
from passes.speech import phrase

_OPEN = """
SELECT DISTINCT ON (confirmation.member_id) confirmation.member_id, brand_name AS brand, points, good_until
FROM confirmation JOIN partner ON partner.id = confirmation.partner_id
WHERE confirmation.member_id = ANY($1::text[]) AND state = 'asked' AND good_until > $2
ORDER BY confirmation.member_id, confirmation.id DESC
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for how many points, and until when an answer helps."""

    member_id: str
    brand: str
    points: int
    good_until: datetime


async def askings(connection: Connection, member_ids: Sequence[str], now: datetime) -> Mapping[str, Asking]:
    """The newest open question to each of these members; those who are asked nothing are missing."""
    rows = await connection.fetch(_OPEN, list(member_ids), now)
    return {row["member_id"]: Asking(**row) for row in rows}


def question(asking: Asking, points: Words, zone: ZoneInfo) -> Words:
    """What the card says. The time makes the same question, asked again, another sentence."""
    time = asking.good_until.astimezone(zone).strftime("%H:%M")
    return phrase("news.asked", brand=asking.brand, points=points, time=time)
