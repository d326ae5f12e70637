"""How fast passes are sealed, against the limit (bare RSA signatures by openssl) and against other makers of passes.

    python -m bench.seal [rounds]

The pass is a real one: a document in three languages, ten places, taps, 105 KB of pictures (bench/peers/real_pass.py).
Reported is CPU time, so neighbours on the machine disturb the figures less; yardstick and passes take turns in short
slices, and the median of the slices' ratios counts, since clock rates wander. Threads are measured by the clock on the
wall, beside openssl in one and in two processes.
"""

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.peers.makers import Measured, node_peers, py_pkpass
from bench.peers.real_pass import LOOK, card, pictures, ticket
from kernel.secrets import Keyring
from passes.apple.document import Origin, document, own_strings
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.apple.press import Press, StoredPass
from passes.apple.seal import Sealer
from passes.apple.tap_keys import TapPublicKey
from passes.card import card_json
from passes.look import Look
from passes.sandbox.authority import Authority

SERVICE_URL = "https://points.example/apple"
Work = Callable[[int], object]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.at(Path(folder))
        identity = Identity.load(authority.pass_certificate, authority.pass_key, authority.intermediate)
        origin = Origin(identity.pass_type, identity.team, SERVICE_URL)
        sealer = Sealer(identity)
        images = pictures()
        # A card comes out of its row a moment before it is sealed: few of them, so that they are as near as then.
        cards = [card(number) for number in range(12)]
        templates = {one.language: sealer.template(images, own_strings(LOOK, origin, one.language)) for one in cards}
        paper = document(cards[0], LOOK, origin, ticket(0))

        def whole(number: int) -> object:
            at = number % len(cards)
            return sealer.seal(templates[cards[at].language], document(cards[at], LOOK, origin, ticket(at)))

        works: dict[str, Work] = {
            "seal alone": lambda _: sealer.seal(templates["en"], paper),
            "document and seal": whole,
            "all of the press, from the row": _press(identity, images),
        }
        size = sum(map(len, images.values())) // 1000
        print(f"{size} KB of pictures, document in three languages; CPU time, {rounds} rounds")
        limit = _beside_openssl(works, rounds)
        _threads(whole, rounds)
        _peers(authority, sealer, origin, Path(folder), limit)


def _beside_openssl(works: dict[str, Work], rounds: int) -> float:
    limits: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        before = openssl_signatures_per_s()
        for name, work in works.items():
            rates[name].append(per_cpu_second(work, 1.0))
            after = openssl_signatures_per_s()
            limits.append((before + after) / 2)
            before = after
    print(f"{'openssl speed rsa2048':32}{median(limits):9,.0f} signatures/s")
    turns = len(works)
    for at, (name, rate) in enumerate(rates.items()):
        ratios = sorted(mine / limit for mine, limit in zip(rate, limits[at::turns], strict=True))
        print(f"{name:32}{median(rate):9,.0f} passes/CPU-s  {median(ratios):.2f} of the limit", end=" ")
        print(f"[{ratios[0]:.2f}-{ratios[-1]:.2f}]")
    return median(limits)


def _threads(work: Work, rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        alone, together = _passes_per_s(work, 1), _passes_per_s(work, 2)
        ours.append(together / alone)
        theirs.append(openssl_signatures_per_s(2) / openssl_signatures_per_s())
    print(f"{'two threads, by the wall':32}{median(ours):9.2f} times one    ", end="")
    print(f"(openssl in two processes: {median(theirs):.2f} times one)")


def _peers(authority: Authority, sealer: Sealer, origin: Origin, folder: Path, limit: float) -> None:
    found = [Measured("py-pkpass", per_cpu_second(py_pkpass(authority, origin), 2.0, warm_up=5, step=1))]
    found += node_peers(authority, sealer, origin, folder, 3.0)
    for peer in found:
        if peer.passes is None:
            print(f"{peer.name:32}        - {peer.note}")
        else:
            print(f"{peer.name:32}{peer.passes:9,.0f} passes/CPU-s  {peer.passes / limit:.2f} of the limit")


def per_cpu_second(work: Work, seconds: float, warm_up: int = 24, step: int = 24) -> float:
    """Calls per second of CPU time, measured for about `seconds` after a short warm-up."""
    for number in range(warm_up):
        work(number)
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(step):
            work(done)
            done += 1
    return done / spent


def openssl_signatures_per_s(processes: int = 1) -> float:
    """RSA-2048 signatures per second by `openssl speed`: of CPU time on one core, or by the wall on several."""
    several = ["-multi", str(processes)] if processes > 1 else []
    run = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-mr", *several, "rsa2048"], capture_output=True, text=True, check=True
    )
    # Machine-readable: +F2:<number>:<bits>:<signatures per second>:<verifications per second>; of several processes
    # the last line is the sum.
    return float([line for line in run.stdout.splitlines() if line.startswith("+F2:")][-1].split(":")[3])


def _passes_per_s(work: Work, threads: int, seconds: float = 1.0) -> float:
    done = [0] * threads
    stop = time.monotonic() + seconds

    def run(at: int) -> None:
        while time.monotonic() < stop:
            work(done[at])
            done[at] += 1

    running = [threading.Thread(target=run, args=(at,)) for at in range(threads)]
    start = time.monotonic()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(done) / (time.monotonic() - start)


class _OneLook:
    def __init__(self, images: dict[str, bytes]) -> None:
        self._images = images

    async def look(self, design_id: str) -> Look:
        return LOOK

    async def pictures(self, look: Look) -> dict[str, bytes]:
        return self._images


class _OneKey:
    async def public(self, key_id: str) -> TapPublicKey | None:
        return TapPublicKey(key_id, ticket(0).tap_public_key)


def _press(identity: Identity, images: dict[str, bytes]) -> Work:
    """A press that keeps nothing, so that each file is made: the row's JSON, the token, document and seal.

    Files are asked for a dozen at a time, as starting and stopping the loop is none of its work.
    """
    loop = asyncio.new_event_loop()
    press = Press(
        Identities.fixed(identity), _OneLook(images), _OneKey(), Keyring(b"of the bench alone, 32 bytes or more"),
        SERVICE_URL, cache_bytes=0,
    )  # fmt: skip
    rows = [
        StoredPass(
            ticket(number).serial, card_json(card(number)).decode(), "card", identity.pass_type, number,
            datetime.now(UTC), 1, False, "7k3m9qxa2bcd", "",
        )
        for number in range(12)
    ]  # fmt: skip

    async def dozen() -> None:
        for row in rows:
            await press.file(row)

    def work(number: int) -> None:
        if number % len(rows) == 0:
            loop.run_until_complete(dozen())

    return work


if __name__ == "__main__":
    main()
