"""Netting: from who owes whom to one amount per party. Pure; money is integer micros (1e-6 of the currency unit)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class Flow:
    """One or many obligations of an issuer towards an acceptor; negative when more was taken back than honoured."""

    issuer_id: str
    acceptor_id: str
    issuer_micros: int
    acceptor_micros: int


@dataclass(frozen=True, slots=True)
class Position:
    """A party's line in a cycle.

    `net_minor` is what it receives (positive) or pays (negative) now, in minor units; `carry_micros` is the part below
    a minor unit that opens its next cycle. Always gets - pays + carried_in = net_minor * micros_per_minor + carry.
    """

    party_id: str
    pays_micros: int
    gets_micros: int
    carried_in_micros: int
    net_minor: int
    carry_micros: int


def net(flows: Iterable[Flow], carried: Mapping[str, int], micros_per_minor: int) -> list[Position]:
    """One position per party (partners and the operator), ordered by party id.

    The operator takes what issuers pay minus what acceptors get. Amounts are brought to whole minor units by the method
    of largest remainders: everybody is rounded down, then the few minor units that are missing go to the largest
    remainders. So the nets sum to zero, the carries sum to zero, and each carry stays below one minor unit.

    Raises ValueError when the carries handed in do not sum to zero: money would appear or be lost.
    """
    if sum(carried.values()) != 0:
        raise ValueError("carries must sum to zero")
    pays, gets = _gross(flows)
    parties = sorted({*pays, *gets, *(party for party, micros in carried.items() if micros)})
    totals = {party: gets[party] - pays[party] + carried.get(party, 0) for party in parties}
    nets = _whole(totals, micros_per_minor)
    return [
        Position(
            party,
            pays[party],
            gets[party],
            carried.get(party, 0),
            nets[party],
            totals[party] - nets[party] * micros_per_minor,
        )
        for party in parties
    ]


def _gross(flows: Iterable[Flow]) -> tuple[dict[str, int], dict[str, int]]:
    pays: dict[str, int] = defaultdict(int)
    gets: dict[str, int] = defaultdict(int)
    for flow in flows:
        pays[flow.issuer_id] += flow.issuer_micros
        gets[flow.acceptor_id] += flow.acceptor_micros
        gets[OPERATOR] += flow.issuer_micros - flow.acceptor_micros
    return pays, gets


def _whole(totals: Mapping[str, int], unit: int) -> dict[str, int]:
    """Totals that sum to zero, in whole units that sum to zero."""
    nets = {party: total // unit for party, total in totals.items()}
    missing = -sum(nets.values())
    by_remainder = sorted(totals, key=lambda party: (-(totals[party] % unit), party))
    for party in by_remainder[:missing]:
        nets[party] += 1
    return nets
