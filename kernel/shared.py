"""One reading for everybody who asks for the same thing at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Whoever asks while somebody else is already reading waits for that answer (or its error).

    The answer comes with the monotonic time at which its reading began, as its age counts from then.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[tuple[float, Value]]] = {}

    async def of(self, name: str, read: Callable[[], Awaitable[Value]]) -> tuple[float, Value]:
        """What `read` answers for `name`. A caller who goes away does not end it for the others."""
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.ensure_future(self._read(name, read))
            self._under_way[name] = task
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Something changed: readings that began before are not joined any more."""
        self._under_way.clear()

    async def _read(self, name: str, read: Callable[[], Awaitable[Value]]) -> tuple[float, Value]:
        began = time.monotonic()
        try:
            return began, await read()
        finally:
            if self._under_way.get(name) is asyncio.current_task():
                del self._under_way[name]
