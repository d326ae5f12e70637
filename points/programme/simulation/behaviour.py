"""What members are assumed to do with their points, drawn by a seeded hash: the same seed, the same choices."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from hashlib import blake2b

from points.programme.reward_price import FREE_COST
from points.programme.schema.rewards import Reward
from points.programme.simulation.tally import ladder_of
from points.programme.simulation.worth import Told
from points.programme.version import TermsRate, Version

_DRAWS = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a sales file does not say.

    After each purchase, a member for whom rewards can be claimed takes the cheapest of them with probability `redeem`,
    at the same till. `terms` is the rate of partners' terms for rules of that kind. `told` says what points and rewards
    cost, `breakage` which share of open points is expected never to be used. Time goes on after the last sale until
    `until`.
    """

    redeem: Fraction = Fraction(1, 2)
    seed: int = 1
    terms: TermsRate = field(default_factory=lambda: TermsRate("simulated", 1, 100))
    told: Told = field(default_factory=Told)
    breakage: Fraction = Fraction(0)
    until: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.redeem <= 1 or not 0 <= self.breakage <= 1:
            raise ValueError("probabilities and shares are between 0 and 1")


def redeems(assumptions: Assumptions, member_id: str, sale: int) -> bool:
    """Whether the member takes a reward after this sale (the line of the file), if any can be claimed."""
    if assumptions.redeem in (0, 1):
        return assumptions.redeem == 1
    text = f"{assumptions.seed}/{sale}/{member_id}".encode()
    drawn = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    return drawn * assumptions.redeem.denominator < assumptions.redeem.numerator * _DRAWS


def wishes(version: Version, balance: int) -> Iterator[Reward]:
    """The rewards that members choose from with that balance, the cheapest first. Nobody is assumed to donate, and
    what issues itself is not chosen."""
    ladder = version.once("simulation_wishes", lambda programme: _chosen(version))
    for least, reward in ladder:
        if least > balance:
            return
        yield reward


def _chosen(version: Version) -> list[tuple[int, Reward]]:
    return [
        (least, reward)
        for least, reward in ladder_of(version)
        if not reward.auto_issue and (reward.kind not in FREE_COST or reward.kind == "points_as_money")
    ]
