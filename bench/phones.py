"""The passes web service: what each call of a phone costs, and that a wrong guess costs the same whatever is guessed.

    python -m bench.phones [seconds per call] [phones at once]

The service runs in a process of its own behind the product's server; phones and PostgreSQL share the machine with it,
so microseconds of CPU per call and the ratio to the bare server (`not found`) are the figures to keep.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from socket import create_server
from statistics import median
from typing import Any

import psutil
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from api.http.phones import Phones
from api.migrations import migrate
from kernel.database import Database
from kernel.embedded import ensure_database, start_embedded, stop_embedded
from kernel.ids import new_id
from kernel.secrets import Keyring
from passes.apple.http_date import http_date
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.apple.press import Press, pass_token
from passes.apple.reports import Reports
from passes.apple.service import PassesService
from passes.apple.tap_keys import TapKeys
from passes.card import Card, Value, card_json
from passes.look import Look
from passes.pictures import brand_images
from passes.sandbox.authority import PASS_TYPE, Authority
from passes.sandbox.wire import Wire

PASSES = 1_000
ROUNDS = 3
GUESSES = 3_000
KEYRING = Keyring(b"a secret of the bench, of at least 32 bytes")
LABEL = {"en": "Points", "fi": "Pisteet", "hu": "Pont"}


class _Looks:
    """One look for all."""

    async def look(self, design_id: str) -> Look:
        return Look(id=design_id, partner_id="ptn_1", brand_name="Bench Café")

    async def pictures(self, look: Look) -> dict[str, bytes]:
        return brand_images(look.brand_name, look.background, look.foreground)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the service is, and the passes that it has: (pass id, device id, tag, date) each."""

    base: str
    server: psutil.Process
    postmaster: psutil.Process
    known: list[tuple[str, str, str, str]]


async def main(seconds: float, at_once: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-", ignore_cleanup_errors=True) as folder:
        async with _ground(Path(folder)) as ground:
            wire = Wire(connections=at_once)
            await _costs(ground, wire, seconds, at_once)
            await _guesses(ground, wire)
            await wire.close()


async def _costs(ground: Ground, wire: Wire, seconds: float, at_once: int) -> None:
    calls = _calls(ground, wire)
    await asyncio.gather(*(calls["fetch, kept file (200)"]() for _ in ground.known))  # now they are kept
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(await _round(ground, call, seconds, at_once))
    floor = median(one[1] for one in found["not found (the bare server)"])
    print(f"{'':34}{'a second':>10}{'service':>10}{'PostgreSQL':>12}{'of floor':>10}   us of CPU per call")
    for name, rounds in found.items():
        rate, service, database = (median(column) for column in zip(*rounds, strict=True))
        print(f"{name:34}{rate:10,.0f}{service:10.0f}{database:12.0f}{service / floor:10.2f}")


def _calls(ground: Ground, wire: Wire) -> dict[str, Callable[[], Awaitable[None]]]:
    phones = cycle(ground.known)
    lists, papers = f"/registrations/{PASS_TYPE}", f"/v1/passes/{PASS_TYPE}/"

    async def call(
        method: str, path: str, expected: int, token: str = "", more: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        headers = {"authorization": f"ApplePass {token}"} if token else {}
        reply = await wire.request(method, ground.base, path, headers | (more or {}), body or None)
        assert reply.status == expected, (method, path, reply.status)

    def of_each(ask: Callable[[str, str, str, str], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        return lambda: ask(*next(phones))

    push = b'{"pushToken": "%b"}' % (b"ab" * 32)
    return {
        "not found (the bare server)": lambda: call("GET", "/v1/nowhere", 404),
        "list, nothing new (204)": of_each(
            lambda one, device, tag, date: call("GET", f"/v1/devices/{device}{lists}?passesUpdatedSince={tag}", 204)
        ),
        "list, one pass (200)": of_each(
            lambda one, device, tag, date: call("GET", f"/v1/devices/{device}{lists}", 200)
        ),
        "fetch, not modified (304)": of_each(
            lambda one, device, tag, date: call("GET", papers + one, 304, _token(one), {"if-modified-since": date})
        ),
        "fetch, kept file (200)": of_each(lambda one, device, tag, date: call("GET", papers + one, 200, _token(one))),
        "fetch, wrong token (401)": of_each(lambda one, device, tag, date: call("GET", papers + one, 401, "0" * 40)),
        "register again (200)": of_each(
            lambda one, device, tag, date: call(
                "POST", f"/v1/devices/{device}{lists}/{one}", 200, _token(one), body=push
            )
        ),
    }


async def _guesses(ground: Ground, wire: Wire) -> None:
    """One call at a time, kinds in turn: the median time of a wrong token for a pass that exists and for one that does
    not, and as a measure of chance the first kind twice.
    """
    known = cycle(one for one, _, _, _ in ground.known)
    kinds: dict[str, Callable[[], str]] = {
        "known": lambda: next(known),
        "unknown": lambda: new_id("pass"),
        "known again": lambda: next(known),
        "no id at all": lambda: f"junk-{new_id('pass')[5:]}",
    }
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    headers = {"authorization": f"ApplePass {'0' * 40}"}
    for _ in range(GUESSES):
        for kind, serial in kinds.items():
            path = f"/v1/passes/{PASS_TYPE}/{serial()}"
            began = time.perf_counter()
            await wire.request("GET", ground.base, path, headers)
            took[kind].append(time.perf_counter() - began)
    middle = {kind: median(times) for kind, times in took.items()}
    print(f"\na wrong token, median of {GUESSES}: {1e6 * middle['known']:.0f} us for a pass that exists; to that:")
    for kind in list(kinds)[1:]:
        print(f"  {kind:20} {middle[kind] / middle['known']:.3f}")


async def _round(
    ground: Ground, call: Callable[[], Awaitable[None]], seconds: float, at_once: int
) -> tuple[float, float, float]:
    """Calls a second, and microseconds of CPU per call in the service and in PostgreSQL."""
    before = _used_s(ground.server), _used_s(ground.postmaster)
    began, done = time.perf_counter(), 0

    async def phone() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await call()
            done += 1

    await asyncio.gather(*(phone() for _ in range(at_once)))
    took = time.perf_counter() - began
    service, database = _used_s(ground.server) - before[0], _used_s(ground.postmaster) - before[1]
    return done / took, 1e6 * service / done, 1e6 * database / done


def _used_s(process: psutil.Process) -> float:
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


@asynccontextmanager
async def _ground(folder: Path) -> AsyncIterator[Ground]:
    maintenance = start_embedded(folder / "pg")
    try:
        url = await ensure_database(maintenance, "bench")
        await migrate(url)
        db = await Database.connect(url)
        known = await _filled(db)
        await db.close()
        Authority.at(folder / "apple")
        postmaster = int((folder / "pg" / "postmaster.pid").read_text().split()[0])
        with _service(url, folder / "apple") as (base, process):
            await _until_open(base)
            yield Ground(base, process, psutil.Process(postmaster), known)
    finally:
        stop_embedded(folder / "pg")


async def _filled(db: Database) -> list[tuple[str, str, str, str]]:
    """Passes with a phone each."""
    cards = [
        Card(
            brand_id="ptn_1", design="dsn_1", language="en", description=LABEL, code=f"CODE{number}",
            values={"balance": Value(label=LABEL, number=number), "news": Value(label=LABEL, text={"en": "Hello"})},
        )
        for number in range(PASSES)
    ]  # fmt: skip
    ids = [new_id("pass") for _ in cards]
    async with db.unit() as unit:
        rows = await unit.connection.fetch(
            """
            INSERT INTO wallet_pass (id, member_id, brand_id, wallet, pass_type, card, change_seq, last_modified,
                tap_code)
            SELECT id, id, 'ptn_1', 'apple', $1, card::jsonb, nextval('pass_change'), date_trunc('second', now()), id
            FROM unnest($2::text[], $3::text[]) AS new (id, card) RETURNING id, change_seq, last_modified
            """,
            PASS_TYPE, ids, [card_json(card).decode() for card in cards],
        )  # fmt: skip
        await unit.connection.execute("INSERT INTO apple_device SELECT id, 'ab' || id FROM wallet_pass")
        await unit.connection.execute(
            "INSERT INTO apple_registration (library_id, pass_id) SELECT id, id FROM wallet_pass"
        )
    async with db.read() as read:
        assert await read.connection.fetchval("SELECT count(*) FROM apple_registration") == PASSES
    return [(row["id"], row["id"], f"1.{row['change_seq']}", http_date(row["last_modified"])) for row in rows]


def _token(pass_id: str) -> str:
    return pass_token(KEYRING, pass_id, 1)


@contextmanager
def _service(url: str, authority: Path) -> Iterator[tuple[str, psutil.Process]]:
    with create_server(("127.0.0.1", 0)) as socket:
        port = socket.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(url, authority, port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}/apple", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join()


def _serve(url: str, authority: Path, port: int) -> None:
    uvloop.run(_served(url, authority, port))


async def _served(url: str, authority: Path, port: int) -> None:
    db = await Database.connect(url)
    made = Authority.at(authority)
    identities = Identities.fixed(Identity.load(made.pass_certificate, made.pass_key, made.intermediate))
    press = Press(identities, _Looks(), TapKeys(db, KEYRING), KEYRING, f"https://127.0.0.1:{port}/apple", 2**30)
    service = PassesService(db, press, Reports(db), lists_per_minute=1_000_000_000)
    server: Any = Server(
        Phones(lambda: service), address="127.0.0.1", port=port, interface=Interfaces.ASGI, websockets=False,
        log_enabled=False,
    )  # fmt: skip
    await server.serve()


async def _until_open(base: str) -> None:
    wire = Wire()
    async with asyncio.timeout(30):
        while True:
            try:
                await wire.request("GET", base, "/v1/nowhere")
            except Exception:
                await asyncio.sleep(0.05)
            else:
                return await wire.close()


if __name__ == "__main__":
    given = sys.argv[1:] + ["2", "32"][len(sys.argv) - 1 :]
    uvloop.run(main(float(given[0]), int(given[1])))
