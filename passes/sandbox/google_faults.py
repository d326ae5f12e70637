"""What goes wrong at the sandbox's Google, on demand."""

from dataclasses import dataclass
from typing import Literal

from passes.sandbox.google_resources import Refusal

ALWAYS = 2**62
TOKEN_CALL = "POST token"


@dataclass(slots=True)
class Fault:
    """The next `times` API calls whose "METHOD resource" starts with `call` go wrong (`TOKEN_CALL`: tokens).

    `refuse` answers `status`; `hang_up` closes the connection before acting, `lose_answer` after it.
    """

    kind: Literal["refuse", "hang_up", "lose_answer"]
    times: int = ALWAYS
    call: str = ""
    status: int = 503
    reason: str = "backendError"
    message: str = "The sandbox was told to fail."
    retry_after_s: float | None = None

    def refusal(self) -> Refusal:
        """The scripted answer."""
        return Refusal(self.status, self.reason, self.message, self.retry_after_s)


class Faults:
    """A script of faults; the first that applies to a call is used."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault to the script."""
        self._script.append(fault)

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self._script.clear()

    def take(self, call: str) -> Fault | None:
        """The fault of this call, counted down; None when it goes well."""
        for fault in self._script:
            if call.startswith(fault.call) and (call != TOKEN_CALL or fault.call):
                fault.times -= 1
                if fault.times <= 0:
                    self._script.remove(fault)
                return fault
        return None
