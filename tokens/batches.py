"""Pure: from what the ledger says and what was mirrored to one batch for the contract."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from kernel.errors import Invalid

Kind: TypeAlias = Literal["issued", "withdrawn", "redeemed"]

ENTRY_BYTES = 26
ADDRESS_BYTES = 20
_DELTA_BYTES = 6
DELTA_LIMIT = 1 << 47  # int48

# Upper bounds of what was measured, so that a transaction never runs out of gas (docs: contracts' gas figures).
GAS_BASE = 80_000
GAS_PER_MEMBER = 27_500
GAS_PER_PARTNER = 45_000
PARTNER_WORD_BYTES = 5 * 32
_CALL_BYTES = 4 + 7 * 32


class ChangeTooLarge(Invalid):
    """One member's change does not fit the contract's 48 bit field."""

    code = "mirror_change_too_large"
    title = "A change is too large to be mirrored"


class Key(NamedTuple):
    """Which cumulative total: a member's points of an issuer, by kind; `acceptor_id` is empty unless redeemed."""

    member_id: str
    issuer_id: str
    acceptor_id: str
    kind: Kind


class Move(NamedTuple):
    """By how many points a total moved."""

    key: Key
    points: int


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Everything that moved for one member."""

    member_id: str
    moves: tuple[Move, ...]

    @property
    def delta(self) -> int:
        """The change of the member's spendable points; may be zero although totals moved."""
        return sum(effect(move) for move in self.moves)

    @property
    def partners(self) -> frozenset[str]:
        """Partners whose counters move."""
        return frozenset(p for move in self.moves for p in (move.key.issuer_id, move.key.acceptor_id) if p)


@dataclass(frozen=True, slots=True)
class Counters:
    """One partner's cumulative counters, or a change of them, in points."""

    issued: int = 0
    withdrawn: int = 0
    redeemed_of: int = 0
    redeemed_at: int = 0

    @property
    def outstanding(self) -> int:
        """What the partner's points in members' hands come to."""
        return self.issued - self.withdrawn - self.redeemed_of

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.issued + other.issued,
            self.withdrawn + other.withdrawn,
            self.redeemed_of + other.redeemed_of,
            self.redeemed_at + other.redeemed_at,
        )

    def __sub__(self, other: "Counters") -> "Counters":
        return Counters(
            self.issued - other.issued,
            self.withdrawn - other.withdrawn,
            self.redeemed_of - other.redeemed_of,
            self.redeemed_at - other.redeemed_at,
        )


class Limits(NamedTuple):
    """What one transaction may cost: gas (EIP-7825 allows 2^24) and bytes of call data (node pools take 128 KiB)."""

    gas: int = 16_000_000
    size_bytes: int = 120_000


def effect(move: Move) -> int:
    """What a move does to the member's spendable points."""
    return move.points if move.key.kind == "issued" else -move.points


def changes(now: Mapping[Key, int], mirrored: Mapping[Key, int]) -> list[MemberChange]:
    """What has to be mirrored, by member in id order; members in step do not appear. A total gone from `now` is zero.

    Raises ChangeTooLarge.
    """
    moves: dict[str, list[Move]] = {}
    for key in sorted(now.keys() | mirrored.keys()):
        points = now.get(key, 0) - mirrored.get(key, 0)
        if points:
            moves.setdefault(key.member_id, []).append(_checked(Move(key, points)))
    return [MemberChange(member_id, tuple(found)) for member_id, found in moves.items()]


def counters(moves: Iterable[Move]) -> dict[str, Counters]:
    """How the partners' counters move, by partner id; partners whose moves cancel out are left out."""
    total: dict[str, Counters] = {}
    for key, points in moves:
        of, at = _contribution(key.kind, points)
        total[key.issuer_id] = total.get(key.issuer_id, Counters()) + of
        if key.acceptor_id:
            total[key.acceptor_id] = total.get(key.acceptor_id, Counters()) + at
    return {partner: total[partner] for partner in sorted(total) if total[partner] != Counters()}


def fitting(waiting: Sequence[MemberChange], limits: Limits) -> list[MemberChange]:
    """The longest run from the start that one transaction can carry, at least one member."""
    partners: set[str] = set()
    for count, change in enumerate(waiting):
        partners |= change.partners
        members = count + 1
        if count and (gas(members, len(partners)) > limits.gas or size(members, len(partners)) > limits.size_bytes):
            return list(waiting[:count])
    return list(waiting)


def gas(members: int, partners: int) -> int:
    """The gas limit for a batch."""
    return GAS_BASE + GAS_PER_MEMBER * members + GAS_PER_PARTNER * partners


def size(members: int, partners: int) -> int:
    """Bytes of call data of a batch."""
    return _CALL_BYTES + PARTNER_WORD_BYTES * partners + ENTRY_BYTES * members


def pack(entries: Iterable[tuple[bytes, int]]) -> bytes:
    """Addresses and signed changes as the contract reads them. Raises ChangeTooLarge."""
    packed = bytearray()
    for address, delta in entries:
        if len(address) != ADDRESS_BYTES:
            raise ValueError(f"an address has {ADDRESS_BYTES} bytes, not {len(address)}")
        if not -DELTA_LIMIT <= delta < DELTA_LIMIT:
            raise ChangeTooLarge("A member's change does not fit 48 bits.", points=delta)
        packed += address + delta.to_bytes(_DELTA_BYTES, "big", signed=True)
    return bytes(packed)


def unpack(packed: bytes) -> list[tuple[bytes, int]]:
    """The inverse of `pack`. Raises ValueError for a torn entry."""
    if len(packed) % ENTRY_BYTES:
        raise ValueError(f"{len(packed)} bytes are not whole entries of {ENTRY_BYTES}")
    entries = (packed[start : start + ENTRY_BYTES] for start in range(0, len(packed), ENTRY_BYTES))
    return [(e[:ADDRESS_BYTES], int.from_bytes(e[ADDRESS_BYTES:], "big", signed=True)) for e in entries]


def member_address(secret: bytes, member_id: str) -> str:
    """The address that stands for a member, lower case hexadecimal.

    Nobody has a key to it, and without `secret` nobody can tell whose it is.
    """
    return "0x" + hmac.digest(secret, member_id.encode(), hashlib.sha256)[-ADDRESS_BYTES:].hex()


def batch_id(chain_id: int, contract: str, sender: str, nonce: int) -> bytes:
    """32 bytes naming the sender's n-th batch on this contract. Made from the place in the sequence and not from the
    content: a database restored from a backup would otherwise bring the same changes again under a new name."""
    place = f"commonpoint batch\n{chain_id}\n{contract.lower()}\n{sender.lower()}\n{nonce}"
    return hashlib.sha256(place.encode()).digest()


def _contribution(kind: Kind, points: int) -> tuple[Counters, Counters]:
    if kind == "issued":
        return Counters(issued=points), Counters()
    if kind == "withdrawn":
        return Counters(withdrawn=points), Counters()
    return Counters(redeemed_of=points), Counters(redeemed_at=points)


def _checked(move: Move) -> Move:
    if not -DELTA_LIMIT <= move.points < DELTA_LIMIT:
        raise ChangeTooLarge(
            "A member's change does not fit 48 bits.", member_id=move.key.member_id, points=move.points
        )
    return move
