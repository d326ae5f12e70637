"""How fast we may call: a token bucket for an issuer, which slows down when Google says so, and whose turn it is.

Google allows 20 requests a second (https://developers.google.com/wallet/generic/resources/faq), so what the phones see
is bounded by this number and not by our machine: what somebody waits for goes first.
"""

import asyncio
import random
import time
from collections import deque
from enum import IntEnum
from typing import Final

from kernel.errors import Unavailable

QUOTA_PER_S: Final = 20.0
LONGEST_PAUSE_S: Final = 300.0
_RECOVERY_PER_MINUTE = 1.0
_LOWEST_RATE_PER_S = 1.0
_FIRST_PAUSE_S = 0.5
_TOGETHER_S = 1.0  # calls under way together are refused together: within this they count as one refusal
_WAIT_S = 25.0  # a call and what follows from its answer end inside the lease of a note
_FAIR_SHARE = 10  # every so many turns one goes to the least urgent that wait, or a busy day would starve them


class Lane(IntEnum):
    """What a call is for, the most urgent first: somebody waits at a screen; something happened at a till; a change of
    many cards; looking after what may be wrong, which takes only what nobody else wants."""

    INTERACTIVE = 0
    LIVE = 1
    BULK = 2
    SPARE = 3


class GooglePaceExceeded(Unavailable):
    """More calls wait than may be made in the time a caller is willing to wait."""

    code = "google_pace_exceeded"
    title = "Too many calls to Google Wallet wait already"


class Bucket:
    """The arithmetic of the pace: `rate_per_s` calls a second, `burst` at once after a rest. Pure: `now` is given, in
    seconds of a clock that never goes back. (The generic cell rate algorithm, ITU-T I.371, annex A.)"""

    def __init__(self, rate_per_s: float, burst: int, now: float) -> None:
        self._full_rate_per_s = rate_per_s
        self._burst = burst
        self._slowed_rate_per_s = rate_per_s
        self._slowed_at = now
        self._paused_until = now
        self._settled_at = now  # when the bucket would be full again
        self._refusals = 0  # in a row

    def rate_per_s(self, now: float) -> float:
        """Calls per second at present: after a refusal it grows back by one a second per minute."""
        grown = (now - self._slowed_at) / 60 * _RECOVERY_PER_MINUTE
        return min(self._full_rate_per_s, self._slowed_rate_per_s + grown)

    def ready_at(self, now: float) -> float:
        """When the next call may be made."""
        spare = (self._burst - 1) / self.rate_per_s(now)
        return max(self._settled_at - spare, self._paused_until)

    def full_at(self) -> float:
        """When nobody would be slowed by one more call."""
        return max(self._settled_at, self._paused_until)

    def take(self, now: float) -> None:
        """A call is made."""
        self._settled_at = max(self._settled_at, now) + 1 / self.rate_per_s(now)

    def refused(self, now: float, pause_s: float | None, jitter: float) -> None:
        """Google refused a call for its rate: halve it, and call nobody for `pause_s` seconds, or, when Google names
        none, for `jitter` (0 to 1) of a time that doubles with every refusal in a row."""
        if now - self._slowed_at > _TOGETHER_S or self._refusals == 0:
            self._slowed_rate_per_s = min(max(self.rate_per_s(now) / 2, _LOWEST_RATE_PER_S), self._full_rate_per_s)
            self._slowed_at = now
            self._refusals += 1
        if pause_s is None:
            pause_s = jitter * _FIRST_PAUSE_S * 2.0 ** min(self._refusals - 1, 10)
        self._paused_until = max(self._paused_until, now + min(pause_s, LONGEST_PAUSE_S))

    def accepted(self) -> None:
        """Google took a call: the next refusal is the first of its row."""
        self._refusals = 0


class Pace:
    """`rate_per_s` calls a second, `burst` at once after a rest, the most urgent first; a caller waits `max_wait_s`
    seconds at most. A refusal halves the rate, which then grows back by one call a second per minute."""

    def __init__(self, rate_per_s: float = 18.0, burst: int = 2, max_wait_s: float = _WAIT_S) -> None:
        self._max_wait_s = max_wait_s
        self.burst = burst
        self._bucket = Bucket(rate_per_s, burst, time.monotonic())
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}
        self._timer: asyncio.TimerHandle | None = None
        self._turns = 0

    @classmethod
    def within(cls, quota_per_s: float) -> "Pace":
        """The fastest pace of which no second ever has more than `quota_per_s` calls, wherever it begins."""
        burst = max(1, int(quota_per_s / 10))
        return cls(max(quota_per_s - burst, quota_per_s / 2), burst)

    @property
    def rate_per_s(self) -> float:
        """Calls per second at present."""
        return self._bucket.rate_per_s(time.monotonic())

    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(not one.done() for lane in self._waiting.values() for one in lane)

    async def turn(self, lane: Lane = Lane.LIVE) -> None:
        """Wait for one's turn. Raises GooglePaceExceeded at once when it would take too long."""
        now = time.monotonic()
        if not self.waiting() and self._free_at(lane, now) <= now:
            self._bucket.take(now)
            return
        ahead = sum(not one.done() for each in Lane if each <= lane for one in self._waiting[each])
        wait_s = max(0.0, self._free_at(lane, now) - now) + ahead / self._bucket.rate_per_s(now)
        if wait_s > self._max_wait_s:
            raise GooglePaceExceeded(f"The next call may be made in {wait_s:.1f} s.", retry_after_s=wait_s)
        mine = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(mine)
        self._wind(now)
        try:
            async with asyncio.timeout(self._max_wait_s):  # those who came later may be more urgent
                await mine
        except TimeoutError:
            raise GooglePaceExceeded("More urgent calls took every turn.", retry_after_s=wait_s) from None

    def slow_down(self, pause_s: float | None) -> None:
        """Google refused a call for its rate: halve it, and call nobody for `pause_s` seconds."""
        self._bucket.refused(time.monotonic(), pause_s, random.random())

    def went_well(self) -> None:
        """Google took a call."""
        self._bucket.accepted()

    def _free_at(self, lane: Lane, now: float) -> float:
        return self._bucket.full_at() if lane is Lane.SPARE else self._bucket.ready_at(now)

    def _next(self) -> Lane | None:
        """Whose turn it is; who gave up waiting is forgotten."""
        for lane in self._waiting.values():
            while lane and lane[0].done():
                lane.popleft()
        wanting = [lane for lane, line in self._waiting.items() if line]
        if not wanting:
            return None
        sharing = [lane for lane in wanting if lane is not Lane.SPARE] or wanting
        return sharing[-1] if self._turns % _FAIR_SHARE == _FAIR_SHARE - 1 else sharing[0]

    def _wind(self, now: float) -> None:
        """Look again when the next turn is due."""
        lane = self._next()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if lane is not None:
            delay_s = max(0.0, self._free_at(lane, now) - now)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._release)

    def _release(self) -> None:
        self._timer = None
        now = time.monotonic()
        while (lane := self._next()) is not None and self._free_at(lane, now) <= now:
            self._waiting[lane].popleft().set_result(None)
            self._bucket.take(now)
            self._turns += 1
        self._wind(now)
