"""One push per device and pass type, and everything its answer asks for but the notes: those are the followers'."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

import structlog

from kernel.database import Database, assert_no_unit
from kernel.outbox import retry_now
from passes.apple import registry
from passes.apple.push_clients import PushClients
from passes.apple.push_state import Standing, write_states
from passes.apple.push_verdict import Gone, PushRefused, Said

log = structlog.get_logger(__name__)


class Wake(NamedTuple):
    """A device that is to look at its passes of a type."""

    pass_type: str
    push_token: str


class Waking:
    """Wakes devices, forgets those that are gone, and keeps the state of each pass type where operators see it."""

    def __init__(self, db: Database, clients: PushClients) -> None:
        self._db = db
        self._clients = clients
        self._written: dict[str, tuple[str, str, str]] = {}

    async def wake(self, wakes: Mapping[Wake, bool], trial: Collection[str] = ()) -> dict[Wake, Said]:
        """Push once to each; the values say which are urgent. `trial` are pass types to try even if they are halted."""
        assert_no_unit()
        parts: dict[tuple[str, bool], list[Wake]] = defaultdict(list)
        for wake, urgent in wakes.items():
            parts[wake.pass_type, urgent].append(wake)
        standings = [self._clients.standing(pass_type) for pass_type in sorted({wake.pass_type for wake in wakes})]
        halted = {standing.pass_type for standing in standings if standing.trouble is not None}
        answers = await asyncio.gather(
            *(
                self._clients.push_all(kind, [w.push_token for w in part], urgent=urgent, trial=kind in trial)
                for (kind, urgent), part in parts.items()
            )
        )
        said = {
            wake: one
            for part, some in zip(parts.values(), answers, strict=True)
            for wake, one in zip(part, some, strict=True)
        }
        await self._forget(said)
        await self._tell(standings, halted)
        _alarm(said)
        return said

    async def _forget(self, said: Mapping[Wake, Said]) -> None:
        gone = {wake: one for wake, one in said.items() if isinstance(one, Gone)}
        if not gone:
            return
        async with self._db.unit() as unit:
            for wake in sorted(gone):
                await registry.forget(unit.connection, wake.push_token, gone[wake].since)
                self._clients.standing(wake.pass_type).forgotten += 1
        # A large share at once is not phones going away but a wrong host or topic.
        note = log.error if len(gone) > 10 and 2 * len(gone) > len(said) else log.info
        note("apple.push.forgot", gone=len(gone), pushed=len(said))

    async def _tell(self, standings: Collection[Standing], halted: Collection[str]) -> None:
        """Write down what changed; what waited because of a trouble that is over need not wait any longer."""
        changed = [standing for standing in standings if self._written.get(standing.pass_type) != standing.told]
        resumed = any(standing.trouble is None for standing in standings if standing.pass_type in halted)
        if changed or resumed:
            async with self._db.unit() as unit:
                await write_states(unit.connection, changed)
                if resumed:
                    await retry_now(unit.connection, registry.PUSH_KIND)
        self._written |= {standing.pass_type: standing.told for standing in changed}


def _alarm(said: Mapping[Wake, Said]) -> None:
    refused = [one for one in said.values() if isinstance(one, PushRefused)]
    if refused:
        log.error("apple.push.refused", error=str(refused[0]), pushes=len(refused))
