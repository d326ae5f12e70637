"""A client of Apple's push service for one pass type.

Request and headers: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
A push for a pass says nothing (`{}`), so sending one twice does no harm; that is what makes resending simple.
"""

from collections.abc import Sequence
from typing import Final

from kernel.database import assert_no_unit
from passes.apple.apns_connection import Answer, ConnectionLost
from passes.apple.apns_pool import Door, Pool, Sent
from passes.apple.push_state import Standing
from passes.apple.push_verdict import (
    SERVER_WAIT_S,
    Again,
    DeviceWaits,
    Gone,
    PushRefused,
    PushStopped,
    PushUnanswered,
    PushWaits,
    Said,
    TokenWaits,
    parting,
    verdict,
)

HOST: Final = "api.push.apple.com"
PORT: Final = 443
_ATTEMPTS: Final = 3
_UNREACHED_WAIT_S: Final = 60.0


class PushClient:
    """Pushes through one door. `standing` outlives it: another door for the same pass type goes on with it."""

    def __init__(
        self,
        door: Door,
        host: str = HOST,
        port: int = PORT,
        *,
        standing: Standing | None = None,
        timeout_s: float = 30.0,
        streams: int = 1000,
        connections: int = 4,
        server_wait_s: float = SERVER_WAIT_S,
    ) -> None:
        self.standing = standing or Standing(door.topic)
        self._pool = Pool(door, host, port, timeout_s=timeout_s, streams=streams, connections=connections)
        self._server_wait_s = server_wait_s

    async def push_all(self, tokens: Sequence[str], *, urgent: bool = True, trial: bool = False) -> list[Said]:
        """One push to each token, all at once; what came of each, in the same order (None: accepted).

        While pushes are halted none is sent, but one alone when it is time for a trial or `trial` asks for it.
        """
        assert_no_unit()
        halted = None if trial else self.standing.halted
        if halted is not None or not tokens:
            return [halted] * len(tokens)
        if self.standing.trouble is None:
            return await self._push(tokens, urgent)
        first = await self._push(tokens[:1], urgent)
        if self.standing.trouble is not None or len(tokens) == 1:
            return first * len(tokens)
        return first + await self._push(tokens[1:], urgent)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._pool.size

    @property
    def connections_made(self) -> int:
        """How often a connection was opened."""
        return self._pool.made

    def retire(self) -> None:
        """Finish what is under way and open nothing new."""
        self._pool.retire("another door is used")

    async def close(self) -> None:
        """Close the connections; a later push opens a new one."""
        await self._pool.close()

    async def _push(self, tokens: Sequence[str], urgent: bool) -> list[Said]:
        outcomes: list[Sent | None] = [None] * len(tokens)
        left = list(range(len(tokens)))
        for attempt in range(_ATTEMPTS):
            sent = await self._pool.send([tokens[place] for place in left], urgent)
            for place, outcome in zip(left, sent, strict=True):
                outcomes[place] = outcome
            left = [p for p, outcome in zip(left, sent, strict=True) if self._again(outcome, attempt)]
            if not left:
                break
        said = [self._said(outcome) for outcome in outcomes]
        self._learn(said)
        halted = self.standing.halted
        return [halted if halted and isinstance(one, PushStopped | TokenWaits) else one for one in said]

    def _again(self, outcome: Sent, attempt: int) -> bool:
        """Whether a push is to be sent once more, over another connection."""
        if isinstance(outcome, Answer):
            again = outcome.status != 200 and attempt == 0 and isinstance(verdict(outcome), Again)
            if again:
                self._pool.retire(outcome.reason)
            return again
        return isinstance(outcome, ConnectionLost) and parting(str(outcome)) is None

    def _said(self, outcome: Sent | None) -> Said:
        if isinstance(outcome, Answer):
            said = verdict(outcome, self._server_wait_s)
            return said.else_ if isinstance(said, Again) else said
        if outcome is None or isinstance(outcome, ConnectionLost):
            why = f"The push service closes the connection again and again ({outcome})."
            return parting(str(outcome)) or PushUnanswered(why, _UNREACHED_WAIT_S)
        return outcome

    def _learn(self, said: Sequence[Said]) -> None:
        """What the answers mean for the pushes after them."""
        accepted = said.count(None)
        self.standing.pushed += accepted
        self.standing.refused += len(said) - accepted
        halting = next((one for one in said if isinstance(one, PushStopped | TokenWaits)), None)
        if halting is not None:
            self._pool.retire(str(halting))
            self.standing.halt(halting)
            return
        faults = [one for one in said if isinstance(one, PushWaits) and not isinstance(one, DeviceWaits)]
        if faults:
            self._pool.retire("the server has a fault")
        if accepted or any(isinstance(one, Gone | DeviceWaits | PushRefused) for one in said):
            self.standing.resume()  # we were heard and understood
        else:
            self.standing.unreached(next(one for one in said if isinstance(one, PushWaits | PushUnanswered)))
