"""Waking phones: the follower that turns "this pass changed" into one empty push per device.

A device that had too many pushes gets a note of its own (`device_push.py`), so that the other devices of its passes are
served. While that note waits, changes of those passes are left to it.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Unavailable
from kernel.outbox import BULK, touch
from passes.apple import registry, wave
from passes.apple.device_push import DEVICE_KIND, DevicePush, waiting_devices
from passes.apple.push_clients import PushClients
from passes.apple.push_state import PushState
from passes.apple.push_verdict import DEVICE_WAIT_S, DeviceWaits, Said
from passes.apple.registry import Wish
from passes.apple.waking import Wake, Waking
from passes.apple.window import Window


class ApplePush:
    """Follower of notes "apple.push". `devices` is its companion, which has to run as well."""

    kind: Final = registry.PUSH_KIND

    def __init__(
        self,
        db: Database,
        clients: PushClients,
        batch: int = 500,
        window: Window | None = None,
        device_wait_s: float = DEVICE_WAIT_S,
    ) -> None:
        self.batch = batch
        self._db = db
        self._clients = clients
        self._window = window or Window()
        self._out_until = 0.0
        self._gone_out = 0  # in all, less those that were given up on
        self._waking = Waking(db, clients)
        self.devices = DevicePush(db, self._waking, batch, device_wait_s)

    def state(self) -> list[PushState]:
        """How pushing goes, for every pass type that this process pushed to."""
        return self._clients.states()

    async def room(self) -> int:
        """How many passes of the bulk lane may be pushed now: a campaign goes at the pace at which phones fetch.

        Asked many times a second; while this process has nothing out, it need not look at what others have out.
        """
        now = time.monotonic()
        if now > self._out_until:
            return self._window.room(0)
        async with self._db.unit() as unit:
            out, given_up = await wave.still_out(unit.connection)
        self._gone_out -= given_up
        self._window.learn(now, self._gone_out - out)
        return self._window.room(out)

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Wake each device that holds one of these passes once; returns the passes with a device still to be woken."""
        async with self._db.read() as read:
            wishes = await registry.wishes(read.connection, subjects)
            if not wishes:
                return {}
            notes = await _notes(read.connection, self.kind, subjects)
            waiting = await waiting_devices(read.connection, {wish.push_token for wish in wishes})
        awake = [wish for wish in wishes if wish.push_token not in waiting]
        bulk = {subject for subject, note in notes.items() if note["lane"] == BULK}
        if bulk:
            self._window.used(len(bulk))
        await self._before({wish.pass_id for wish in awake if wish.pass_id in bulk}, waiting)
        asked = {wish.pass_type for wish in awake if wish.pass_id in notes and notes[wish.pass_id]["asked"]}
        said = await self._waking.wake(_urgency(awake, bulk), asked)
        await self._hold_back({wake.push_token for wake, one in said.items() if isinstance(one, DeviceWaits)})
        return _failed(awake, said)

    async def _before(self, bulk: Collection[str], waiting: Collection[str]) -> None:
        """What must be written before the push: a phone may be faster than we are."""
        if not bulk and not waiting:
            return
        async with self._db.unit() as unit:
            if bulk:
                self._out_until = time.monotonic() + wave.FETCHED_WITHIN_S
                self._gone_out += len(bulk)
                await wave.pushed(unit.connection, [subject.partition("/")[0] for subject in bulk])
            # Also those that wait already: their note may just be done, and would go without this change.
            await touch(unit.connection, DEVICE_KIND, sorted(waiting))

    async def _hold_back(self, push_tokens: Collection[str]) -> None:
        if not push_tokens:
            return
        for push_token in push_tokens:
            self.devices.hold(push_token)
        async with self._db.unit() as unit:
            await touch(unit.connection, DEVICE_KIND, sorted(push_tokens))


def _urgency(wishes: Sequence[Wish], bulk: Collection[str]) -> dict[Wake, bool]:
    urgent: dict[Wake, bool] = {}
    for wish in wishes:
        wake = Wake(wish.pass_type, wish.push_token)
        urgent[wake] = urgent.get(wake, False) or wish.pass_id not in bulk
    return urgent


def _failed(wishes: Sequence[Wish], said: Mapping[Wake, Said]) -> dict[str, Exception]:
    """One error per pass; one that passes comes before one that stays, or the note would be given up for both."""
    failed: dict[str, Exception] = {}
    for wish in wishes:
        one = said[Wake(wish.pass_type, wish.push_token)]
        if not isinstance(one, CommonpointError) or isinstance(one, DeviceWaits):
            continue
        if wish.pass_id not in failed or isinstance(one, Unavailable):
            failed[wish.pass_id] = one
    return failed


async def _notes(connection: Connection, kind: str, subjects: Sequence[str]) -> dict[str, Any]:
    """The notes' lanes, and whether somebody asked for another try: that alone forgets the failures but no error."""
    rows = await connection.fetch(
        """
        SELECT subject, lane, attempts = 0 AND last_error IS NOT NULL AS asked
        FROM outbox WHERE kind = $1 AND subject = ANY($2::text[])
        """,
        kind,
        list(subjects),
    )
    return {row["subject"]: row for row in rows}
