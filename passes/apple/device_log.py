"""What phones report about our service. Anyone can post here, so lines are capped, cleaned and rationed."""

import time
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

log = structlog.get_logger(__name__)

LINES_PER_CALL: Final = 20
LINE_LENGTH: Final = 300
LINES_PER_MINUTE: Final = 300


class _Report(msgspec.Struct):
    logs: list[str]


class DeviceLog:
    """Writes phones' lines to the service's own log, at most `LINES_PER_MINUTE`; the rest are counted and dropped."""

    def __init__(self, report: Callable[[str], None] | None = None) -> None:
        self._report = report or _write
        self._minute = 0
        self._lines = 0
        self.dropped = 0

    def take(self, body: bytes) -> bool:
        """Take the body of a log call; False if it is not `{"logs": [text, ...]}`."""
        try:
            lines = msgspec.json.decode(body, type=_Report).logs
        except (msgspec.DecodeError, RecursionError):
            return False
        allowed = min(LINES_PER_CALL, self._left())
        for line in lines[:allowed]:
            self._report(_clean(line))
        self._lines += min(allowed, len(lines))
        self.dropped += max(0, len(lines) - allowed)
        return True

    def _left(self) -> int:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        return LINES_PER_MINUTE - self._lines


def _clean(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line[:LINE_LENGTH])


def _write(line: str) -> None:
    log.info("apple.device_log", line=line)
