"""How many passes of a campaign may be out unfetched at once.

Phones that come at once want few: more would only stand in line before our door, and the phone of somebody at a till
behind them. Phones that come after seconds, or never, want many, or a campaign takes days. Nobody can tell which it is
but by trying: a wider window is kept if phones then fetch faster, a narrower one if they do not fetch slower.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

LEAST: Final = 24
MOST: Final = 2000
_STEP: Final = 1.5
_FASTER: Final = 1.2
_NOT_SLOWER: Final = 0.87
_LOOKS_BETWEEN_TRIALS: Final = 4
# A look takes as long as it needs to see this many fetches, within these bounds.
_FETCHES: Final = 100
_SHORTEST_LOOK_S: Final = 1.0
_LONGEST_LOOK_S: Final = 15.0


@dataclass(slots=True)
class Window:
    """`size` is how many may be out now. Pure: moments come from the caller (seconds that never go back)."""

    least: int = LEAST
    most: int = MOST
    size: int = field(init=False)
    _offered: int = 0
    _trial: Literal["", "wider", "narrower"] = ""
    _last_trial: Literal["", "wider", "narrower"] = ""
    _before: int = 0
    _steady_per_s: float = 0.0
    _looks: int = 0
    _since: float = -1.0
    _fetched: int = 0

    def __post_init__(self) -> None:
        self.size = self.least

    def room(self, out: int) -> int:
        """How many more may go while `out` are out: a good handful or none, since each time costs a transaction."""
        free = self.size - out
        self._offered = free if free >= max(1, self.size // 3) else 0
        return self._offered

    def used(self, count: int) -> None:
        """So many went of the room that was offered. Fewer than that: nobody wants more, and nothing can be learned."""
        if count < self._offered:
            self._since = -1.0

    def learn(self, now: float, fetched: int) -> None:
        """`fetched` are all fetches so far."""
        if self._since < 0 or fetched < self._fetched:
            self._since, self._fetched = now, fetched
            return
        took_s, seen = now - self._since, fetched - self._fetched
        if took_s < _SHORTEST_LOOK_S or (seen < _FETCHES and took_s < _LONGEST_LOOK_S):
            return
        self._since, self._fetched = now, fetched
        self._look(seen / took_s)

    def _look(self, per_s: float) -> None:
        needed = {"": float("inf"), "wider": _FASTER, "narrower": _NOT_SLOWER}[self._trial] * self._steady_per_s
        if self._trial and per_s >= needed:
            self._steady_per_s = per_s
            self._try(self._trial)
        elif self._trial:
            self.size, self._trial, self._looks = self._before, "", 0
        else:
            self._steady_per_s = per_s
            self._looks += 1
            if self._looks >= _LOOKS_BETWEEN_TRIALS or not self._last_trial:
                self._try("narrower" if self._last_trial == "wider" else "wider")

    def _try(self, trial: Literal["wider", "narrower"]) -> None:
        self._before, self._last_trial = self.size, trial
        wanted = self.size * _STEP if trial == "wider" else self.size / _STEP
        self.size = max(self.least, min(self.most, round(wanted)))
        self._trial, self._looks = ("", 0) if self.size == self._before else (trial, 0)
