"""What comes of a phone that was held to a reader, whichever wallet it has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Assurance = Literal["proved_present", "identified"]
Reason = Literal["offline", "delivered_late", "clocks_differ"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Whose card it was, and where. No `reasons` means that the phone was here now; `replayed` that the same message
    was taken before."""

    pass_id: str
    member_id: str
    tapped_at: datetime
    location_id: str | None
    reasons: tuple[Reason, ...]
    replayed: bool = False

    @property
    def assurance(self) -> Assurance:
        """Whether the phone was here now, or only known to have been here."""
        return "identified" if self.reasons else "proved_present"
