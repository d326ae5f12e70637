"""Chains for tests: anvil as a direct child on a port of its own, and a chain that breaks off where a test says."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from contracts import toolchain
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.outbox import follow_once, retry_now
from points.answers import Done
from points.commands import Command
from points.ledger import Ledger
from tests.support.ledger import START
from tokens.batches import member_address
from tokens.chain import Block, Chain, ChainAway, Fees, Log, Receipt
from tokens.contract import Points, call_data
from tokens.deploying import created_address
from tokens.opening import Mirror, open_mirror
from tokens.sending import MIRROR
from tokens.signing import Signer, fee_offer

# Anvil's first two accounts, known to everybody (book.getfoundry.sh/anvil: the test mnemonic).
ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ADMIN_KEY = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
SECRET = b"the secret of the members' addresses"


@dataclass
class Anvil:
    """A running anvil. `kill` ends it as a power cut would; `start` brings it back, with its state if it has a file."""

    port: int
    state: Path | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        command = [str(toolchain.anvil()), "--port", str(self.port), "--silent", "--enable-tx-gas-limit"]
        if self.state is not None:
            command += ["--state", str(self.state), "--state-interval", "1"]
        self._process = await asyncio.to_thread(subprocess.Popen, command)
        for _ in range(500):
            try:
                await self.rpc("eth_chainId")
                return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
        raise RuntimeError("anvil did not start")

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    async def stop(self) -> None:
        """End it in order, so that it writes its state."""
        if self._process is not None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    async def rpc(self, method: str, *parameters: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        async with aiohttp.ClientSession() as session, session.post(self.url, json=body) as answer:
            fields = await answer.json()
        if "error" in fields:
            raise RuntimeError(f"{method}: {fields['error']}")
        return fields["result"]


@asynccontextmanager
async def anvil(state: Path | None = None) -> AsyncIterator[Anvil]:
    """A fresh anvil for one test."""
    node = Anvil(free_port(), state)
    try:
        await node.start()
        yield node
    finally:
        await node.kill()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BreakingChain:
    """A real chain behind a line that breaks at one named moment, as if the process had ended there.

    `before_send`: the transaction never leaves. `after_send`: it leaves and its answer is lost. `receipt`: it leaves,
    and nobody reads what became of it.
    """

    def __init__(self, chain: Chain, moment: str = "") -> None:
        self.chain = chain
        self.moment = moment
        self.sent: list[bytes] = []

    async def send_raw(self, raw: bytes, transaction_hash: bytes) -> None:
        self._break("before_send")
        self.sent.append(raw)
        await self.chain.send_raw(raw, transaction_hash)
        self._break("after_send")

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        if self.sent:
            self._break("receipt")
        return await self.chain.receipt(transaction_hash)

    async def chain_id(self) -> int:
        return await self.chain.chain_id()

    async def head(self) -> Block:
        return await self.chain.head()

    async def block(self, number: int) -> Block | None:
        return await self.chain.block(number)

    async def finalized_number(self) -> int:
        return await self.chain.finalized_number()

    async def nonce(self, address: str) -> int:
        return await self.chain.nonce(address)

    async def fees(self) -> Fees:
        return await self.chain.fees()

    async def call(self, to: str, data: bytes, sender: str | None = None, block: int | None = None) -> bytes:
        return await self.chain.call(to, data, sender, block)

    async def logs(self, address: str, block: Block) -> list[Log] | None:
        return await self.chain.logs(address, block)

    async def logs_between(self, address: str, first: int, last: int) -> list[Log]:
        return await self.chain.logs_between(address, first, last)

    async def fund(self, address: str) -> None:
        await self.chain.fund(address)

    async def close(self) -> None:
        await self.chain.close()

    def _break(self, moment: str) -> None:
        if self.moment == moment:
            raise ChainAway(f"the line broke: {moment}")


@asynccontextmanager
async def running_chain(kind: str) -> AsyncIterator[str]:
    """The URL of a fresh chain: "memory" or "anvil"."""
    if kind == "memory":
        yield "memory:"
        return
    async with anvil() as node:
        yield node.url


class Transactor:
    """A key that sends one transaction at a time to a contract, for what admins and guardians do."""

    def __init__(self, chain: Chain, key: bytes, contract: str = "") -> None:
        self.chain = chain
        self.signer = Signer(key)
        self.contract = contract
        self.address: str = self.signer.address

    async def deploy(self, data: bytes) -> Receipt:
        self.contract = created_address(self.address, await self.chain.nonce(self.address))
        return await self._send(None, data, 3_500_000)

    async def do(self, function: str, *arguments: Any) -> Receipt:
        return await self._send(self.contract, call_data(function, arguments), 1_000_000)

    async def apply(self, data: bytes, gas: int = 1_000_000) -> Receipt:
        return await self._send(self.contract, data, gas)

    async def _send(self, to: str | None, data: bytes, gas: int) -> Receipt:
        nonce = await self.chain.nonce(self.address)
        fees = fee_offer(await self.chain.fees(), 10**12)
        signed = self.signer.sign(await self.chain.chain_id(), nonce, to, data, gas, fees)
        await self.chain.send_raw(signed.raw, signed.hash)
        for _ in range(200):
            if (receipt := await self.chain.receipt(signed.hash)) is not None:
                return receipt
            await asyncio.sleep(0.02)
        raise RuntimeError("the transaction was not mined")


@dataclass
class Coalition:
    """A ledger with members whose every change is noted for the mirror."""

    db: Database
    mirror: Mirror
    ledger: Ledger = field(default_factory=lambda: Ledger(MovableClock(START), (MIRROR,)))

    async def do(self, *commands: Command) -> list[str]:
        """Apply the commands; returns the journals' ids."""
        async with self.db.unit() as unit:
            answers = await self.ledger.apply(unit.connection, commands)
        return [answer.outcome.id for answer in answers if isinstance(answer, Done)]

    async def follow(self) -> int:
        """Let the mirror look at all notes once; returns how many still wait."""
        await retry_notes(self.db)
        while await follow_once(self.db, self.mirror.follower):
            pass
        return await self.waiting()

    async def waiting(self) -> int:
        return int(await self.value("SELECT count(*) FROM outbox WHERE kind = 'mirror'"))

    async def value(self, query: str, *arguments: object) -> Any:
        async with self.db.read() as read:
            return await read.connection.fetchval(query, *arguments)

    async def on_chain(self, member_id: str) -> int:
        """What the chain itself says the member holds."""
        points = Points(self.mirror.chain, await self.contract())
        return (await points.balances([member_address(SECRET, member_id)]))[0]

    async def contract(self) -> str:
        return str(await self.value("SELECT contract FROM chain_deployment WHERE retired_at IS NULL"))

    async def admin(self) -> Transactor:
        """The hand of the contract's admin and guardian."""
        hand = Transactor(self.mirror.chain, ADMIN_KEY, await self.contract())
        await self.mirror.chain.fund(hand.address)
        return hand

    async def agrees(self) -> bool:
        """Whether ledger, mirror and chain agree, with nothing waiting."""
        result = await self.mirror.reconcile()
        return result.agrees and result.waiting == 0 and result.chain_supply == result.ledger_points


async def retry_notes(db: Database) -> None:
    async with db.unit() as unit:
        await retry_now(unit.connection, MIRROR)


async def a_coalition(db: Database, url: str, chain: Chain | None = None, **options: Any) -> Coalition:
    """A coalition whose mirror is on the chain at `url`; the admin and guardian of the contract is ADMIN_KEY."""
    options.setdefault("sender_key", None if url == "memory:" else ANVIL_KEY)
    admin = Signer(ADMIN_KEY).address
    return Coalition(db, await open_mirror(db, url, SECRET, chain=chain, admin=admin, guardian=admin, **options))
