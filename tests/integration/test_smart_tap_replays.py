"""Ten thousand replays of real taps of Android phones, in every guise: none is taken."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from kernel.database import Database
from passes.google.smart_tap import SmartTapRefused
from passes.google.taps import Answered, SmartTaps
from passes.sandbox.apple_tap_terminal import TapTerminal
from passes.sandbox.smart_tap_device import SmartTapPhone
from passes.taken import Taken
from tests.support.smart_taps import SmartTapShop, smart_tap_shop

TAPS, REPLAYS_EACH = 125, 80


async def test_of_ten_thousand_replays_none_is_taken(db: Database) -> None:
    chance = random.Random(20261122)
    async with smart_tap_shop(db) as shop:
        terminals = [await shop.terminal() for _ in range(4)]
        phone, accepted, refused = SmartTapPhone(shop.merchants), 0, 0
        value = await shop.put(phone, await shop.member())
        for _ in range(TAPS):
            terminal = chance.choice(terminals)
            answered = await shop.session(terminal, phone)
            first = await shop.parts.smart_taps.open(answered)
            read = shop.value_read(terminal, value)
            told = await shop.parts.smart_taps.value(read)
            shop.later(seconds=chance.uniform(0, 40))
            fresh = [await shop.begin(one, chance.randbytes(32)) for one in terminals]
            replays = [
                _session_again(chance, shop, terminals, answered, [one.session_id for one in fresh])
                if number % 2
                else _value_again(chance, shop, terminals, terminal, value, read.sequence)
                for number in range(REPLAYS_EACH)
            ]
            for start in range(0, REPLAYS_EACH, 8):
                outcomes = await asyncio.gather(*replays[start : start + 8], return_exceptions=True)
                refused += sum(isinstance(outcome, SmartTapRefused) for outcome in outcomes)
                accepted += sum(not isinstance(outcome, BaseException) for outcome in outcomes)
            # The honest second delivery is still answered, with what was said at first.
            assert await shop.parts.smart_taps.open(answered) == replace(first, replayed=True)
            assert await shop.parts.smart_taps.value(read) == replace(told, replayed=True)
        assert (refused, accepted) == (TAPS * REPLAYS_EACH, 0)


def _session_again(
    chance: random.Random, shop: SmartTapShop, terminals: list[TapTerminal], answered: Answered, fresh: list[str]
) -> Coroutine[Any, Any, Taken]:
    """What the phone said once, in another session, of another terminal, or changed."""
    taps: SmartTaps = shop.parts.smart_taps
    number = chance.randrange(len(terminals))
    other = terminals[number]
    changed = bytearray(answered.answer)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    guise = chance.randrange(4)
    if guise == 0:
        return taps.open(replace(answered, answer=bytes(changed)))
    if guise == 1:
        return taps.open(replace(answered, negotiated=answered.negotiated[:-1] + chance.randbytes(1) + b"\x00"))
    return taps.open(
        shop.answered(other, fresh[number] if guise == 2 else f"sts_{chance.randbytes(16).hex()}", answered.negotiated,
                      answered.answer)
    )  # fmt: skip


def _value_again(
    chance: random.Random, shop: SmartTapShop, terminals: list[TapTerminal], own: TapTerminal, value: str, used: int
) -> Coroutine[Any, Any, Taken]:
    """The same value under a number that was used or is too low, or another value or time under its own."""
    other = chance.choice(terminals)
    read_at = shop.now.replace(microsecond=chance.randrange(1_000_000))
    kept = other.sequence
    read = shop.value_read(
        other, value, read_at=read_at, offline=chance.random() < 0.5,
        sequence=chance.randint(1, max(1, kept)) if other is not own else used,
    )  # fmt: skip
    other.sequence = kept
    return shop.parts.smart_taps.value(read)
