"""Where pictures are worked on: in threads, few at once, so that tills do not wait for a designer."""

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from kernel.database import assert_no_unit
from kernel.errors import Unavailable

AT_ONCE: Final = 2
MOST_WAITING: Final = 8

Given = ParamSpec("Given")
Made = TypeVar("Made")


class DarkroomFull(Unavailable):
    """Too many pictures are worked on."""

    code = "pictures_busy"
    title = "Too many pictures at once"


class Darkroom:
    """Runs work on pictures in threads of their own. Who comes to a full house is asked to come again."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + most_waiting
        self._here = 0

    async def develop(self, work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Made:
        """What `work` answers. Raises DarkroomFull."""
        assert_no_unit()
        if self._here >= self._most:
            raise DarkroomFull("Other pictures are being worked on.", retry_after_s=2.0)
        self._here += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work, *args, **kwargs)
        finally:
            self._here -= 1
