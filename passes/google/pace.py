"""How fast we may call: a token bucket for an issuer, which slows down when Google says so.

Google allows 20 requests a second (https://developers.google.com/wallet/generic/resources/faq), so what the phones see
is bounded by this number and not by our machine.
"""

import asyncio
import time

from kernel.errors import Unavailable

_RECOVERY_PER_MINUTE = 1.0
_LOWEST_RATE_PER_S = 1.0


class GooglePaceExceeded(Unavailable):
    """More calls wait than may be made in the time a caller is willing to wait."""

    code = "google_pace_exceeded"
    title = "Too many calls to Google Wallet wait already"


class Pace:
    """`rate_per_s` calls a second, `burst` at once after a rest; a caller waits `max_wait_s` seconds at most.

    A refusal halves the rate, which then grows back by one call a second per minute.
    """

    def __init__(self, rate_per_s: float = 18.0, burst: int = 20, max_wait_s: float = 5.0) -> None:
        self._full_rate_per_s = rate_per_s
        self._burst = burst
        self._max_wait_s = max_wait_s
        self._slowed_rate_per_s = rate_per_s
        self._slowed_at = time.monotonic()
        self._paused_until = 0.0
        # When the bucket would be empty of debts, as in the generic cell rate algorithm (ITU-T I.371, annex A).
        self._settled_at = 0.0

    @property
    def rate_per_s(self) -> float:
        """Calls per second at present."""
        grown = (time.monotonic() - self._slowed_at) / 60 * _RECOVERY_PER_MINUTE
        return min(self._full_rate_per_s, self._slowed_rate_per_s + grown)

    async def turn(self) -> None:
        """Wait for one's turn. Raises GooglePaceExceeded at once when it would take too long."""
        now = time.monotonic()
        interval = 1 / self.rate_per_s
        settled = max(self._settled_at, now)
        wait = max(settled - now - interval * (self._burst - 1), self._paused_until - now, 0.0)
        if wait > self._max_wait_s:
            raise GooglePaceExceeded(f"The next call may be made in {wait:.1f} s.", retry_after_s=wait)
        self._settled_at = settled + interval
        if wait:
            await asyncio.sleep(wait)

    def slow_down(self, pause_s: float | None) -> None:
        """Google refused a call for its rate: halve it, and call nobody for `pause_s` seconds."""
        now = time.monotonic()
        # Calls under way together are refused together: they count as one refusal.
        if now - self._slowed_at > 1.0 or self._slowed_rate_per_s == self._full_rate_per_s:
            self._slowed_rate_per_s = min(max(self.rate_per_s / 2, _LOWEST_RATE_PER_S), self._full_rate_per_s)
            self._slowed_at = now
        self._paused_until = max(self._paused_until, now + (pause_s or 0.0))
