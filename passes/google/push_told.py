"""What Google was told of a pass, in three short hashes, and whether a change is worth a notification. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

Notice = Literal["none", "update", "message"]

# What stands for a pass that Google never took, with the reason beside it.
NEVER: Final = "-"
_DOUBT: Final = "?"
_LENGTH: Final = 32  # hex digits of SHA-256: enough to tell two bodies of one pass apart
_DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Told:
    """Hashes of the body, of its one sentence of news, and of the values whose change Google can announce by itself.

    `in_doubt`: Google may hold something else, because an answer was lost, or the process ended before it came.
    """

    body: str
    news: str = ""
    face: str = ""
    in_doubt: bool = False

    def text(self) -> str:
        """As it is stored."""
        return f"{_DOUBT if self.in_doubt else ''}{self.body}.{self.news}.{self.face}"


def short_hash(said: Any) -> str:
    """A hash of anything that JSON can say."""
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:_LENGTH]


def told_of(body_hash: str, news: Any, face: Any) -> Told:
    """What Google has been told once this body was sent."""
    return Told(body_hash[:_LENGTH], short_hash(news), short_hash(face))


def read_told(text: str | None) -> Told | None:
    """What was stored; None for a pass that Google does not have. Anything unknown is in doubt."""
    if text is None or text == NEVER:
        return None
    body, _, rest = text.removeprefix(_DOUBT).partition(".")
    news, _, face = rest.partition(".")
    return Told(body, news, face, in_doubt=text.startswith(_DOUBT) or not rest)


def notice(before: Told | None, now: Told, told_at: datetime | None, at: datetime) -> Notice:
    """How the phone is to announce a change. `told_at` is when the card last got a sentence to tell, `at` is now.

    Google announces a balance by itself, in its own words ("update"); anything else needs a message of ours. A card
    that is new tells nothing, nor does one whose news came a day ago: Google was away, and it is no news any more.
    """
    if before is None or not before.news or before.news == now.news:
        return "none"
    if told_at is None or told_at < at - _DAY:
        return "none"
    return "update" if before.face != now.face else "message"
