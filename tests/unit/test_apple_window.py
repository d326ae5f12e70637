"""How wide a campaign opens itself, for phones that come at once, late, or never, and a service of any speed."""

import heapq
import random
from collections import deque
from dataclasses import dataclass

import pytest

from passes.apple.window import Window

TICK_S = 0.05
FORGOTTEN_S = 10.0


@dataclass
class Town:
    """Phones that come after `late_s` (0.5 to 1.5 of it) or never, and a service that hands out `per_s` passes."""

    per_s: float
    late_s: float
    silent: float

    def campaign(self, window: Window, seconds: float, seed: int = 1) -> tuple[float, float]:
        """Fetches a second, and how long a phone stands in line, over the last third."""
        chance, now = random.Random(seed), 0.0
        out: dict[int, float] = {}
        coming: list[tuple[float, int]] = []
        line: deque[tuple[float, int]] = deque()
        number = fetched = 0
        ready, late, waits = 0.0, 0, list[float]()
        while now < seconds:
            now += TICK_S
            while coming and coming[0][0] <= now:
                line.append((now, heapq.heappop(coming)[1]))
            ready = min(ready + self.per_s * TICK_S, max(1.0, self.per_s * TICK_S))
            while line and ready >= 1:
                came, phone = line.popleft()
                ready -= 1
                fetched += 1
                out.pop(phone, None)
                if now > seconds * 2 / 3:
                    late += 1
                    waits.append(now - came)
            for phone in [phone for phone, pushed in out.items() if now - pushed > FORGOTTEN_S]:
                del out[phone]
            window.learn(now, fetched)
            for _ in range(window.room(len(out))):
                number += 1
                out[number] = now
                if chance.random() >= self.silent:
                    heapq.heappush(coming, (now + self.late_s * chance.uniform(0.5, 1.5), number))
        return late / (seconds / 3), sum(waits) / len(waits)


@pytest.mark.parametrize("per_s", [40.0, 100.0, 400.0])
def test_phones_that_come_at_once_are_served_at_the_service_s_pace_and_hardly_stand_in_line(per_s: float) -> None:
    rate, wait_s = Town(per_s, late_s=0.03, silent=0.0).campaign(Window(), 120.0)
    assert rate > 0.85 * per_s
    assert wait_s < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_phones_that_come_after_seconds_or_never_are_pushed_to_by_the_hundred(seed: int) -> None:
    rate, wait_s = Town(per_s=200.0, late_s=3.0, silent=0.3).campaign(Window(), 1800.0, seed)
    assert rate > 60.0  # the least window would make 3
    assert wait_s < 3.0


def test_a_service_that_becomes_slower_makes_the_window_narrow_again() -> None:
    window = Window()
    Town(per_s=2000.0, late_s=2.0, silent=0.0).campaign(window, 900.0)
    wide = window.size
    assert wide > 300
    narrowed = Window()
    narrowed.size = wide
    _, wait_s = Town(per_s=50.0, late_s=0.03, silent=0.0).campaign(narrowed, 600.0)
    assert narrowed.size < 80
    assert wait_s < 1.5


def test_when_fewer_go_than_may_nothing_is_learned() -> None:
    window = Window()
    for second in range(100):
        window.learn(float(second), second * 1000)
        window.used(window.room(0) - 1)
    assert window.size == window.least


def test_room_is_given_by_the_handful() -> None:
    window = Window(least=24, most=24)
    assert [window.room(out) for out in (0, 16, 17, 24, 30)] == [24, 8, 0, 0, 0]
    assert Window(least=1, most=1).room(0) == 1
