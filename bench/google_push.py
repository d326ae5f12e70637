"""How many changes of cards a second of our CPU time reach Google's twin, beside a bare loop of the same PATCHes.

    python -m bench.google_push [changes] [rounds]

The twin runs in a process of its own and our pace is off, so that only our work is counted; at Google 20 calls a second
are allowed. "follower" is all of it, from the note in the database to the note gone, with PostgreSQL in its own
processes. The parts take turns and the median of the rounds counts.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import TypeAlias

import aiohttp
import msgspec
import uvloop

from api.migrations import migrate
from kernel.database import Database
from kernel.embedded import ensure_database, start_embedded, stop_embedded
from kernel.outbox import follow_once, touch
from kernel.secrets import Keyring
from passes.card import Card, Value, card_json
from passes.google.identity import GoogleIdentity
from passes.google.pace import Lane, Pace
from passes.google.push import GooglePush
from passes.google.push_paper import Allowed, Papers
from passes.google.registry import PassRow
from passes.google.rest import WalletApi
from passes.look import Look
from passes.sandbox.wallet_api import WalletApiSandbox, make_service_account

ISSUER = "3388000000000000000"
BRAND = "ptn_01jd0000000000000000000000"
LOOK = Look(id="dsn_1", partner_id=BRAND, brand_name="Café Aurora", logo_text="Aurora points")
BATCH = 200
_WORDS = {"en": "Points", "fi": "Pisteet", "hu": "Pontok"}
_FILL = """
INSERT INTO wallet_pass (id, member_id, brand_id, tap_code, wallet, card, change_seq, last_modified)
SELECT id, id, $3, id, 'google', card::jsonb, nextval('pass_change'), now()
FROM unnest($1::text[], $2::text[]) AS new (id, card)
ON CONFLICT (id) DO UPDATE SET card = excluded.card, change_seq = excluded.change_seq
"""
Run: TypeAlias = Callable[[], Awaitable[float]]  # the CPU seconds of all changes


class OneLook:
    """The looks of a bench: one, without pictures."""

    async def look(self, design_id: str) -> Look:
        return LOOK

    async def whole(self, partner_id: str) -> Look:
        return LOOK

    async def google_hero(self, look: Look) -> bytes | None:
        return None

    async def google_image(self, look: Look) -> bytes | None:
        return None


def main(changes: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-") as folder:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        server = spawn.Process(target=serve, args=(folder, theirs), daemon=True)
        server.start()
        postgres = Path(folder) / "pg"
        maintenance = start_embedded(postgres)
        try:
            uvloop.run(_measure(Path(folder), maintenance, ours.recv(), changes, rounds))
        finally:
            stop_embedded(postgres)
            ours.send("stop")
            server.join(10)


def serve(folder: str, pipe: Pipe) -> None:
    """The twin's process: says where it is, runs until it is told to stop."""

    async def run() -> None:
        sandbox = WalletApiSandbox(issuer_id=ISSUER)
        await sandbox.start()
        sandbox.invite(make_service_account(Path(folder), sandbox.token_uri))
        pipe.send(sandbox.base_url)
        await asyncio.to_thread(pipe.recv)
        await sandbox.stop()

    uvloop.run(run())


async def _measure(folder: Path, maintenance: str, base_url: str, changes: int, rounds: int) -> None:
    url = await ensure_database(maintenance, "google_push")
    await migrate(url)
    async with AsyncExitStack() as stack:
        db = await Database.connect(url)
        stack.push_async_callback(db.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        identity = GoogleIdentity.from_file(folder / "google-service-account.json", ISSUER)
        api = WalletApi(identity, http, base_url, pace=Pace(1e9, 1_000_000), concurrency=BATCH)
        papers = Papers(Allowed(issuer_id=ISSUER, public_url="https://points.example"), Keyring(b"k" * 32), OneLook())
        push = GooglePush(db, api, papers, BATCH)
        await _change(db, changes, 0)
        await _follow(db, push)
        contenders = {
            "bare PATCH loop": await _bare(http, api, papers, base_url, changes),
            "document, check, PATCH": _calls(api, papers, changes),
            "follower": _follower(db, push, changes),
        }
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, one in contenders.items():
                taken[name].append(changes / await one())
    floor = taken["bare PATCH loop"]
    for name, rates in taken.items():
        times = median(rate / bare for rate, bare in zip(rates, floor, strict=True))
        print(
            f"{name:26}{median(rates):9,.0f} changes/CPU-s  {1e6 / median(rates):7.1f} us each"
            f"   {times:5.2f} of the bare loop   [{min(rates):,.0f}-{max(rates):,.0f}]"
        )


def _card(number: int, balance: int) -> Card:
    values = {
        "balance": Value(label=_WORDS, number=balance),
        "tier": Value(label={"en": "Level", "fi": "Taso", "hu": "Szint"}, text={"en": "Gold", "fi": "Kulta"}),
        "holder": Value(label={"en": "Member"}, text={"en": "Aino Virtanen"}),
        "news": Value(label={"en": "Latest"}, text={"en": f"You have {balance} points"}),
    }
    return Card(
        brand_id=BRAND, design="dsn_1", language="fi", description=_WORDS, code=f"CODE{number:08d}", values=values
    )


def _id(number: int) -> str:
    return f"pass_{number:026d}"


async def _change(db: Database, changes: int, balance: int) -> None:
    """Every card says another balance."""
    ids = [_id(number) for number in range(changes)]
    cards = [card_json(_card(number, balance)).decode() for number in range(changes)]
    async with db.unit() as unit:
        await unit.connection.execute(_FILL, ids, cards, BRAND)
        await touch(unit.connection, GooglePush.kind, ids)


async def _follow(db: Database, push: GooglePush) -> None:
    while await follow_once(db, push):
        pass


def _follower(db: Database, push: GooglePush, changes: int) -> Run:
    balances = count(1)

    async def run() -> float:
        await _change(db, changes, next(balances))
        start = time.process_time()
        await _follow(db, push)
        return time.process_time() - start

    return run


def _calls(api: WalletApi, papers: Papers, changes: int) -> Run:
    balances = count(1_000_000)

    async def one(row: PassRow) -> None:
        paper = await papers.paper(row)
        await api.patch(paper.resource, paper.object_id, paper.patch(), Lane.LIVE)

    async def run() -> float:
        balance = next(balances)
        rows = [_row(number, balance) for number in range(changes)]
        start = time.process_time()
        for at in range(0, changes, BATCH):
            await asyncio.gather(*(one(row) for row in rows[at : at + BATCH]))
        return time.process_time() - start

    return run


async def _bare(http: aiohttp.ClientSession, api: WalletApi, papers: Papers, base_url: str, changes: int) -> Run:
    """The least that the same PATCHes cost: the bodies are bytes already, and nobody looks at the answers."""
    headers = {"Authorization": f"Bearer {await api.identity.access_token(http)}", "Content-Type": "application/json"}
    sent: list[tuple[str, bytes]] = []
    for number in range(changes):
        paper = await papers.paper(_row(number, 5))
        address = f"{base_url}/walletobjects/v1/loyaltyObject/{paper.object_id}?fields=id"
        sent.append((address, msgspec.json.encode(paper.patch())))

    async def one(address: str, body: bytes) -> None:
        async with http.patch(address, data=body, headers=headers) as response:
            await response.read()

    async def run() -> float:
        start = time.process_time()
        for at in range(0, changes, BATCH):
            await asyncio.gather(*(one(*each) for each in sent[at : at + BATCH]))
        return time.process_time() - start

    return run


def _row(number: int, balance: int) -> PassRow:
    return PassRow(
        pass_id=_id(number), member_id="mbr", kind="card", card=_card(number, balance), seq=1, voided=False,
        tap_code="tap", told_at=None, now=datetime.now(UTC), told=None, linked=(), coupons=(), held="unknown",
        refused=None, refused_hash=None,
    )  # fmt: skip


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [2000, 5][len(numbers) :]))
