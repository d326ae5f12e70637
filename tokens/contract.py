"""The coalition contract (contracts/src/CoalitionPoints.sol) in Python's words: calls, answers, events, refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

import contracts
from kernel.errors import Conflict, Invalid, Unavailable
from tokens.batches import Counters
from tokens.chain import Chain, Log

ARTIFACT = "CoalitionPoints"
DEPLOYMENT_GAS = 3_500_000
TOKEN_NAME, TOKEN_SYMBOL = "Coalition Points", "PTS"


class ContractRefused(Conflict):
    """The contract reverted; facts carry the error's name and arguments. Tried again with growing waits."""

    code = "contract_refused"
    title = "The contract refused the change"

    def __init__(self, name: str, arguments: Mapping[str, object]) -> None:
        told = ", ".join(f"{key} {value}" for key, value in arguments.items())
        super().__init__(f"{name} ({told})" if told else name, error=name, **arguments)
        self.name = name
        self.arguments = dict(arguments)


class ContractPaused(Unavailable):
    """The guardian has paused the contract; the mirror goes on by itself when the admin unpauses."""

    code = "contract_paused"
    title = "The contract is paused"


class DatabaseBehindChain(Invalid):
    """The chain has seen batches, or transactions of the sender, that this database has not: a restored backup, or
    somebody else using the key. Nothing is sent until a person has looked."""

    code = "database_behind_chain"
    title = "The chain is ahead of the database"


class PartnerState(IntEnum):
    """As in the contract."""

    UNKNOWN = 0
    ACTIVE = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class PartnerAccount:
    """A partner's account on the chain, in points."""

    state: PartnerState
    cap: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class Transfer:
    """Points minted (`sender` zero), burned (`receiver` zero) or moved."""

    sender: str
    receiver: str
    points: int


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """A batch arrived on the chain."""

    batch_id: bytes
    members: int
    total_supply: int
    payload_hash: bytes


class Points:
    """The deployed contract at `address`, read through `chain`."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain = chain
        self.address = address

    async def balances(self, addresses: Sequence[str], block: int | None = None) -> list[int]:
        """What each address holds, in the order asked."""
        (found,) = await self._ask("balancesOf", [list(addresses)], block)
        return [int(balance) for balance in found]

    async def total_supply(self, block: int | None = None) -> int:
        """All points in members' hands."""
        (supply,) = await self._ask("totalSupply", [], block)
        return int(supply)

    async def partner(self, number: int, block: int | None = None) -> PartnerAccount:
        """A partner's account; state UNKNOWN for a number never used."""
        ((state, cap, issued, withdrawn, redeemed_of, redeemed_at),) = await self._ask(
            "partnerAccount", [number], block
        )
        return PartnerAccount(PartnerState(state), cap, Counters(issued, withdrawn, redeemed_of, redeemed_at))

    async def _ask(self, function: str, arguments: Sequence[Any], block: int | None) -> tuple[Any, ...]:
        answer = await self.chain.call(self.address, call_data(function, arguments), block=block)
        return decode(_outputs(function), answer)


def deployment(admin: str, poster: str, guardian: str, opening_cap: int, openings: int) -> bytes:
    """The data of the transaction that creates the contract."""
    types = _types(_entry("constructor", None)["inputs"])
    arguments = [TOKEN_NAME, TOKEN_SYMBOL, admin, poster, guardian, opening_cap, openings]
    return contracts.load(ARTIFACT).bytecode + encode(types, arguments)


def apply_batch(batch_id: bytes, deltas: Mapping[int, Counters], packed: bytes) -> bytes:
    """Call data of one batch; `deltas` by partner number."""
    rows = [(n, d.issued, d.withdrawn, d.redeemed_of, d.redeemed_at) for n, d in sorted(deltas.items())]
    return call_data("applyBatch", [batch_id, rows, packed])


def call_data(function: str, arguments: Sequence[Any]) -> bytes:
    """Selector and encoded arguments of any function of the contract."""
    entry = _entry("function", function)
    return _selector(entry) + encode(_types(entry["inputs"]), arguments)


def event(log: Log) -> Transfer | BatchApplied | None:
    """The event in a log, None for those the mirror does not follow."""
    topic = log.topics[0] if log.topics else b""
    if topic == _topic("Transfer"):
        (points,) = decode(["uint256"], log.data)
        return Transfer(_address(log.topics[1]), _address(log.topics[2]), points)
    if topic == _topic("BatchApplied"):
        members, supply, payload_hash = decode(["uint256", "uint256", "bytes32"], log.data)
        return BatchApplied(log.topics[1], members, supply, payload_hash)
    return None


def refusal(data: bytes) -> ContractRefused | ContractPaused | DatabaseBehindChain:
    """The named error behind a revert's data."""
    entry = _errors().get(data[:4])
    if entry is None:
        return ContractRefused("UnknownError", {"data": "0x" + data.hex()[:200]})
    values = decode(_types(entry["inputs"]), data[4:])
    arguments = {item["name"]: value for item, value in zip(entry["inputs"], values, strict=True)}
    if entry["name"] == "EnforcedPause":
        return ContractPaused("The contract is paused.", 5.0)
    if entry["name"] == "Duplicate":
        return DatabaseBehindChain("The chain has this batch already.", batch_id=arguments["batchId"].hex())
    return ContractRefused(entry["name"], arguments)


@cache
def _errors() -> dict[bytes, dict[str, Any]]:
    return {_selector(entry): entry for entry in contracts.load(ARTIFACT).abi if entry["type"] == "error"}


@cache
def _entry(kind: str, name: str | None) -> dict[str, Any]:
    return next(e for e in contracts.load(ARTIFACT).abi if e["type"] == kind and e.get("name") == name)


@cache
def _topic(name: str) -> bytes:
    return keccak(text=_signature(_entry("event", name)))


@cache
def _outputs(function: str) -> list[str]:
    return _types(_entry("function", function)["outputs"])


def _selector(entry: Mapping[str, Any]) -> bytes:
    return keccak(text=_signature(entry))[:4]


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_type(item) for item in items]


def _type(item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    if kind.startswith("tuple"):
        return f"({','.join(_types(item['components']))}){kind.removeprefix('tuple')}"
    return kind


def _address(topic: bytes) -> str:
    return "0x" + topic[-20:].hex()
