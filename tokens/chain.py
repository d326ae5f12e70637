"""The seam to a chain, and the only file that knows web3.

`memory:` is a chain in this process (eth-tester on py-evm), new at every start; `http(s)://` is any EVM node. Both are
spoken to through web3's blocking client in threads: py-evm would otherwise hold the event loop for seconds.
"""

import ast
import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import requests
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from web3 import EthereumTesterProvider, HTTPProvider, Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception
from web3.types import BlockData, LogReceipt

from kernel.database import assert_no_unit
from kernel.errors import Invalid, Unavailable

T = TypeVar("T")

REQUEST_TIMEOUT_S = 10.0
RETRY_AFTER_S = 2.0
_FUNDS_WEI = 10**21


class ChainAway(Unavailable):
    """The node does not answer, or not with an answer. Tills go on; notes wait."""

    code = "chain_unavailable"
    title = "The chain's node is not available"


class TransactionRefused(Unavailable):
    """The node does not take the transaction now (funds, fees, pool) and does not know it from before."""

    code = "transaction_refused"
    title = "The node refused the transaction"


class ChainUrlInvalid(Invalid):
    """Neither `memory:` nor an HTTP address."""

    code = "chain_url_invalid"
    title = "The chain's URL is not usable"


class Reverted(Exception):
    """A call ended in a revert; `data` is the error as the contract encoded it (4 byte selector and arguments)."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"execution reverted: 0x{data.hex()}")
        self.data = data


@dataclass(frozen=True, slots=True)
class Block:
    """A block's place in the chain."""

    number: int
    hash: bytes
    parent_hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """An event as the chain keeps it."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. `succeeded` false still used up the nonce."""

    succeeded: bool
    block_number: int
    block_hash: bytes
    gas_used: int


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees per gas in wei (EIP-1559): the newest block's base fee and the tip the node suggests."""

    base: int
    tip: int


class Chain(Protocol):
    """What the mirror needs of a chain. Every method may raise ChainAway."""

    async def chain_id(self) -> int: ...

    async def head(self) -> Block: ...

    async def block(self, number: int) -> Block | None:
        """The canonical block of that height now, None above the head."""
        ...

    async def finalized_number(self) -> int:
        """The height that will not be reorganised; where a node has no such notion, the head less 64 blocks."""
        ...

    async def nonce(self, address: str) -> int:
        """How many transactions of `address` the head has seen."""
        ...

    async def fees(self) -> Fees: ...

    async def call(self, to: str, data: bytes, sender: str | None = None, block: int | None = None) -> bytes:
        """Ask the contract without a transaction. Raises Reverted."""
        ...

    async def send_raw(self, raw: bytes, transaction_hash: bytes) -> None:
        """Hand over a signed transaction; one the node knows already is not an error. Raises TransactionRefused."""
        ...

    async def receipt(self, transaction_hash: bytes) -> Receipt | None: ...

    async def logs(self, address: str, block: Block) -> list[Log] | None:
        """The contract's events in exactly that block; None when the block is not canonical any more."""
        ...

    async def logs_between(self, address: str, first: int, last: int) -> list[Log]: ...

    async def fund(self, address: str) -> None:
        """Where coins are free, give `address` some; on a real chain do nothing."""
        ...

    async def close(self) -> None: ...


def open_chain(url: str) -> Chain:
    """The chain behind `url`: `memory:` or `http(s)://…`. Raises ChainUrlInvalid; does not talk to the node yet."""
    if url == "memory:":
        return MemoryChain()
    if url.startswith(("http://", "https://")):
        return NodeChain(url)
    raise ChainUrlInvalid("The chain's URL must be memory: or start with http:// or https://.", url=url)


class _Web3Chain:
    """What both chains share."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3

    async def chain_id(self) -> int:
        return await self._ask(lambda: self._web3.eth.chain_id)

    async def head(self) -> Block:
        return _block(await self._ask(lambda: self._web3.eth.get_block("latest")))

    async def block(self, number: int) -> Block | None:
        try:
            return _block(await self._ask(lambda: self._web3.eth.get_block(number)))
        except BlockNotFound:
            return None

    async def finalized_number(self) -> int:
        try:
            return int((await self._ask(lambda: self._web3.eth.get_block("finalized")))["number"])
        except (BlockNotFound, ChainAway):
            return max(0, (await self.head()).number - 64)

    async def nonce(self, address: str) -> int:
        return await self._ask(lambda: self._web3.eth.get_transaction_count(_checksum(address), "latest"))

    async def fees(self) -> Fees:
        block = await self._ask(lambda: self._web3.eth.get_block("latest"))
        return Fees(int(block.get("baseFeePerGas", 0)), int(await self._ask(lambda: self._web3.eth.max_priority_fee)))

    async def call(self, to: str, data: bytes, sender: str | None = None, block: int | None = None) -> bytes:
        transaction: dict[str, Any] = {"to": _checksum(to), "data": "0x" + data.hex()}
        if sender is not None:
            transaction["from"] = _checksum(sender)
        at: Any = "latest" if block is None else block
        try:
            return bytes(await self._ask(lambda: self._web3.eth.call(transaction, at)))  # type: ignore[arg-type]
        except ContractLogicError as error:
            raise Reverted(_revert_data(error.data)) from error
        except TransactionFailed as error:
            raise Reverted(_revert_data(error.args[0] if error.args else None)) from error

    async def send_raw(self, raw: bytes, transaction_hash: bytes) -> None:
        try:
            await self._ask(lambda: self._web3.eth.send_raw_transaction(HexBytes(raw)))
        except (ChainAway, ValidationError, TransactionFailed) as error:
            # "Already known", "already imported", "nonce too low" and an answer lost on the way all mean: look it up.
            if not await self._knows(transaction_hash):
                raise TransactionRefused(f"The node refused the transaction: {error}", RETRY_AFTER_S) from error

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        try:
            found = await self._ask(lambda: self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash)))
        except TransactionNotFound:
            return None
        return Receipt(found["status"] == 1, found["blockNumber"], bytes(found["blockHash"]), found["gasUsed"])

    async def logs_between(self, address: str, first: int, last: int) -> list[Log]:
        wanted: Any = {"address": _checksum(address), "fromBlock": first, "toBlock": last}
        return [_log(entry) for entry in await self._ask(lambda: self._web3.eth.get_logs(wanted))]

    async def close(self) -> None:
        """Nothing is held open between requests."""

    async def _knows(self, transaction_hash: bytes) -> bool:
        try:
            await self._ask(lambda: self._web3.eth.get_transaction(HexBytes(transaction_hash)))
        except TransactionNotFound:
            return False
        return True

    async def _ask(self, question: Callable[[], T]) -> T:
        assert_no_unit()
        try:
            return await self._in_thread(question)
        except (BlockNotFound, TransactionNotFound, ContractLogicError):
            raise
        except (Web3Exception, requests.RequestException, OSError) as error:
            raise ChainAway(f"The node gave no answer: {error}"[:300], RETRY_AFTER_S) from error

    async def _in_thread(self, question: Callable[[], T]) -> T:
        return await asyncio.to_thread(question)


class NodeChain(_Web3Chain):
    """An EVM node over JSON-RPC. web3's own repetition of requests is off: who repeats what is decided here."""

    def __init__(self, url: str, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        super().__init__(
            Web3(HTTPProvider(url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None))
        )

    async def logs(self, address: str, block: Block) -> list[Log] | None:
        wanted: Any = {"address": _checksum(address), "blockHash": HexBytes(block.hash)}
        try:
            return [_log(entry) for entry in await self._ask(lambda: self._web3.eth.get_logs(wanted))]
        except ChainAway:
            current = await self.block(block.number)
            if current is None or current.hash != block.hash:
                return None  # nodes answer "unknown block" for a block that a reorganisation removed
            raise

    async def fund(self, address: str) -> None:
        """The operator funds the sender's address."""


class MemoryChain(_Web3Chain):
    """A chain in this process. Its first block carries random bytes, so no two runs look like the same chain."""

    def __init__(self) -> None:
        genesis = PyEVMBackend.generate_genesis_params(overrides={"extra_data": os.urandom(32)})
        self._tester = EthereumTester(PyEVMBackend(genesis_parameters=genesis))
        super().__init__(Web3(EthereumTesterProvider(self._tester)))
        self._one_at_a_time = asyncio.Lock()

    async def finalized_number(self) -> int:
        return (await self.head()).number  # nobody else can write here, so nothing is ever reorganised

    async def logs(self, address: str, block: Block) -> list[Log] | None:
        return await self.logs_between(address, block.number, block.number)

    async def fund(self, address: str) -> None:
        rich = self._web3.eth.accounts[0]
        wanted: Any = {"from": rich, "to": _checksum(address), "value": _FUNDS_WEI}
        await self._ask(lambda: self._web3.eth.send_transaction(wanted))

    async def _in_thread(self, question: Callable[[], T]) -> T:
        async with self._one_at_a_time:
            return await asyncio.to_thread(question)


def _checksum(address: str) -> ChecksumAddress:
    return to_checksum_address(address)


def _block(data: BlockData) -> Block:
    return Block(int(data["number"]), bytes(data["hash"]), bytes(data["parentHash"]))


def _log(entry: LogReceipt) -> Log:
    return Log(
        int(entry["blockNumber"]),
        bytes(entry["blockHash"]),
        bytes(entry["transactionHash"]),
        int(entry["logIndex"]),
        tuple(bytes(topic) for topic in entry["topics"]),
        bytes(entry["data"]),
    )


def _revert_data(data: object) -> bytes:
    """Nodes give the error as a hexadecimal string, eth-tester as the Python text of a bytes object."""
    if isinstance(data, bytes):
        return data
    text = str(data or "")
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    _, found, literal = text.partition("execution reverted: ")
    if found and literal.startswith(("b'", 'b"')):
        value: object = ast.literal_eval(literal)
        return value if isinstance(value, bytes) else b""
    return b""
