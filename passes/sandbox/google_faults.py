"""What goes wrong at the sandbox's Google, on demand."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from passes.sandbox.google_resources import Refusal

ALWAYS = 2**62
TOKEN_CALL = "POST token"

Kind = Literal["refuse", "hang_up", "lose_answer", "stale", "slow"]


@dataclass(slots=True)
class Fault:
    """The next `times` API calls whose "METHOD resource" starts with `call` go wrong (`TOKEN_CALL`: tokens).

    `refuse` answers `status`; `hang_up` closes the connection before acting, `lose_answer` after it; `stale` answers a
    GET with what was there before the newest change; `slow` acts, and answers `pause_s` later.
    """

    kind: Kind
    times: int = ALWAYS
    call: str = ""
    status: int = 503
    reason: str = "backendError"
    message: str = "The sandbox was told to fail."
    retry_after_s: float | None = None
    pause_s: float = 0.1

    def refusal(self) -> Refusal:
        """The scripted answer."""
        return Refusal(self.status, self.reason, self.message, self.retry_after_s)


# What weather brings: an overloaded Google refuses, breaks, and loses answers to what it has done.
STORM = (
    Fault("refuse", status=429, reason="rateLimitExceeded", message="Rate Limit Exceeded"),
    Fault("refuse", status=500, reason="internalError"),
    Fault("refuse", status=503),
    Fault("hang_up"),
    Fault("lose_answer"),
    Fault("stale"),
)


class Faults:
    """A script of faults; the first that applies to a call is used, and the weather where none does."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._weather: tuple[random.Random, float, Sequence[Fault]] | None = None

    def add(self, fault: Fault) -> None:
        """Add a fault to the script."""
        self._script.append(fault)

    def weather(self, seed: int, share: float, faults: Sequence[Fault] = STORM) -> None:
        """From now on a `share` (0 to 1) of all API calls goes wrong, in a way drawn from `faults`; the same for the
        same seed and order of calls."""
        self._weather = random.Random(seed), share, faults

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self._script.clear()
        self._weather = None

    def take(self, call: str) -> Fault | None:
        """The fault of this call, counted down; None when it goes well."""
        for fault in self._script:
            if call.startswith(fault.call) and (call != TOKEN_CALL or fault.call):
                fault.times -= 1
                if fault.times <= 0:
                    self._script.remove(fault)
                return fault
        if self._weather is None or call == TOKEN_CALL:
            return None
        drawn, share, faults = self._weather
        return drawn.choice(faults) if drawn.random() < share else None
