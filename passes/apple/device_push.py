"""Devices that had too many pushes: each waits alone, with a note of its own, and is woken once for all it missed."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from kernel.database import Connection, Database
from kernel.errors import CommonpointError
from passes.apple.push_verdict import DEVICE_WAIT_S, DeviceWaits
from passes.apple.waking import Wake, Waking

DEVICE_KIND: Final = "apple.push.device"
_LONGEST_WAIT_S: Final = 900.0
_REMEMBERED: Final = 100_000


class DevicePush:
    """Follower of notes "apple.push.device" (subject: push token)."""

    kind: Final = DEVICE_KIND

    def __init__(self, db: Database, waking: Waking, batch: int = 500, wait_s: float = DEVICE_WAIT_S) -> None:
        self.batch = batch
        self._db = db
        self._waking = waking
        self._wait_s = wait_s
        self._held: dict[str, tuple[int, float]] = {}  # token -> how often in a row, until when (monotonic)

    def hold(self, push_token: str) -> float:
        """Apple asks to leave this device alone; for how many seconds it is, doubling each time."""
        times = self._held.pop(push_token, (0, 0.0))[0]
        wait_s = min(_LONGEST_WAIT_S, self._wait_s * 2.0 ** min(times, 10))
        while len(self._held) >= _REMEMBERED:
            self._held.pop(next(iter(self._held)))
        self._held[push_token] = (times + 1, time.monotonic() + wait_s)
        return wait_s

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Wake those whose time has come."""
        now = time.monotonic()
        left_s = {token: self._held.get(token, (0, 0.0))[1] - now for token in subjects}
        failed: dict[str, Exception] = {
            token: DeviceWaits("The device had too many pushes.", left) for token, left in left_s.items() if left > 0
        }
        async with self._db.read() as read:
            wakes = await _registered(read.connection, [token for token in subjects if token not in failed])
        said = await self._waking.wake(dict.fromkeys(wakes, False)) if wakes else {}
        for wake, one in said.items():
            if isinstance(one, DeviceWaits):
                failed[wake.push_token] = DeviceWaits(one.detail, self.hold(wake.push_token))
            elif isinstance(one, CommonpointError):
                failed[wake.push_token] = one
        for token in set(subjects) - set(failed):
            self._held.pop(token, None)
        return failed


async def waiting_devices(connection: Connection, push_tokens: Collection[str]) -> set[str]:
    """Those of the devices that wait with a note of their own."""
    rows = await connection.fetch(
        "SELECT subject FROM outbox WHERE kind = $1 AND subject = ANY($2::text[])", DEVICE_KIND, list(push_tokens)
    )
    return {row["subject"] for row in rows}


async def _registered(connection: Connection, push_tokens: Sequence[str]) -> list[Wake]:
    """The devices that still hold passes, once per pass type."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT p.pass_type, d.push_token
        FROM apple_device d JOIN apple_registration r USING (library_id) JOIN wallet_pass p ON p.id = r.pass_id
        WHERE d.push_token = ANY($1::text[])
        """,
        list(push_tokens),
    )
    return [Wake(row["pass_type"], row["push_token"]) for row in rows]
