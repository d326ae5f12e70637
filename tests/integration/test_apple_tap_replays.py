"""Ten thousand replays of real taps, in every guise that keeps the tap itself as it was: none is taken."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from kernel.database import Database
from passes.apple.tap import TapRefused
from passes.apple.taps import BEFORE, Reading
from passes.sandbox.apple_tap_terminal import TapTerminal
from tests.support.taps import TapShop, tap_shop

TAPS, REPLAYS_EACH = 250, 40


async def test_of_ten_thousand_replays_none_is_taken(db: Database) -> None:
    chance = random.Random(20261122)
    async with tap_shop(db) as shop:
        terminals = [await shop.terminal() for _ in range(4)]
        phone, accepted, refused = await shop.phone(await shop.member()), 0, 0
        sequence = 10_000
        for _ in range(TAPS):
            terminal, read_at = chance.choice(terminals), shop.now
            terminal.sequence = sequence = sequence + 1
            offline = chance.random() < 0.2
            body = terminal.read(phone, read_at, offline=offline)
            first = await shop.parts.taps.take(shop.reading(terminal, body))
            shop.later(seconds=chance.uniform(0, BEFORE.total_seconds() / 2))
            sequence += 100
            replays = [
                _replay(chance, shop, terminals, terminal, body, sequence + number) for number in range(REPLAYS_EACH)
            ]
            for start in range(0, REPLAYS_EACH, 8):
                outcomes = await asyncio.gather(
                    *map(shop.parts.taps.take, replays[start : start + 8]), return_exceptions=True
                )
                refused += sum(isinstance(outcome, TapRefused) for outcome in outcomes)
                accepted += sum(not isinstance(outcome, BaseException) for outcome in outcomes)
            # The honest second delivery is still answered, with what was said at first.
            again = await shop.parts.taps.take(shop.reading(terminal, body))
            assert (again.replayed, again.member_id, again.reasons) == (True, first.member_id, first.reasons)
        assert (refused, accepted) == (TAPS * REPLAYS_EACH, 0)
        assert await shop.number("SELECT count(*) FROM apple_tap") == TAPS


def _replay(
    chance: random.Random, shop: TapShop, terminals: list[TapTerminal], own: TapTerminal, body: dict[str, Any],
    unused: int,
) -> Reading:  # fmt: skip
    """Anything but the same message of the same terminal."""
    terminal = chance.choice(terminals)
    numbers = [unused, unused + 10**9, 1] if terminal is own else [unused, body["sequence"], 1]
    offline = chance.random() < 0.5
    read_at = shop.now - timedelta(seconds=chance.uniform(0, 600)) if offline else shop.now
    return shop.reading(
        terminal, body, sequence=chance.choice(numbers), offline=offline, read_at=read_at,
        pass_type=chance.choice([None, body["pass_type"]]),
    )  # fmt: skip
