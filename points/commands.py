"""What can be asked of the ledger. Points and minor units are positive integers; moments are aware."""

from dataclasses import dataclass
from datetime import datetime

from points.programme.rules import EarnRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every command carries: who asks, under which key, and a fingerprint of the request's content.

    The same key with the same fingerprint is the same request delivered again and gets the stored answer; with another
    fingerprint it is refused for ever.
    """

    partner_id: str
    key: str
    fingerprint: bytes
    occurred_at: datetime
    location_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earn(Asked):
    """A purchase of `amount_minor` in `currency` that earns by `rule`."""

    member_id: str
    amount_minor: int
    currency: str
    rule: EarnRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Asked):
    """`points` spent at the asking partner, whoever issued them."""

    member_id: str
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Asked):
    """Undo an earning or a redemption of the asking partner, in part or (both amounts None) what is left of it.

    `amount_minor` is money refunded on an earning; `points` are points given back on a redemption.
    """

    journal_id: str
    amount_minor: int | None = None
    points: int | None = None


Command = Earn | Redeem | Reverse
