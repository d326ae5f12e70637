"""Group commit: whoever is waiting is served in one transaction.

One task takes all waiting commands (there is no timer: the window is the previous commit). If a batch fails as a whole,
it is tried again in halves, so that only the command that spoils it gets the error. The line is bounded: when it is
full, the caller is told to come back. A caller who goes away does not take back a command already in line.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog

from kernel.database import Connection, Database, DatabaseAway
from kernel.errors import CommonpointError, Unavailable
from points.answers import Answer, Done
from points.commands import Command
from points.ledger import Ledger

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 512
MOST_WAITING = 4096
TRIES = 3

# The transaction was refused for reasons of timing; the same batch may pass the next time.
# A key that another process was just using counts among them: it will be found as seen.
_CONTENDED = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_AGAIN = (*_CONTENDED, asyncpg.UniqueViolationError)

_BROKEN = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


class TooBusy(Unavailable):
    """More commands wait than the teller takes."""

    code = "too_busy"
    title = "Too many requests are waiting"


class OutcomeUnknown(Unavailable):
    """The connection broke while the command was being written; the same key will tell what became of it."""

    code = "outcome_unknown"
    title = "The connection to the database broke; send the same request again"


@dataclass(eq=False, slots=True)
class _Waiting:
    command: Command
    answer: "asyncio.Future[Answer]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Teller:
    """Serves commands through one connection of its own. `start` it before asking, `stop` it to drain the line."""

    def __init__(
        self, db: Database, ledger: Ledger, most_waiting: int = MOST_WAITING, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._most_waiting = most_waiting
        self._most_at_once = most_at_once
        self._line: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve."""
        self._task = asyncio.create_task(self._serve(), name="teller")

    async def stop(self) -> None:
        """Serve whoever is in line, then close."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await self._connection.close()

    @property
    def waiting(self) -> int:
        """How many commands are in line."""
        return len(self._line)

    async def ask(self, command: Command) -> Done:
        """The outcome of `command`, durable when it returns. Raises the ledger's errors, TooBusy or OutcomeUnknown."""
        if self._stopping or len(self._line) >= self._most_waiting:
            raise TooBusy("The ledger has too many requests in line.", retry_after_s=1.0)
        waiting = _Waiting(command)
        self._line.append(waiting)
        self._wake.set()
        answer = await asyncio.shield(waiting.answer)
        if isinstance(answer, CommonpointError):
            raise answer
        return answer

    async def _serve(self) -> None:
        while True:
            if not self._line:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = [self._line.popleft() for _ in range(min(len(self._line), self._most_at_once))]
            await self._serve_batch(batch)

    async def _serve_batch(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._apply([waiting.command for waiting in batch])
        except Unavailable as error:
            answers = [error] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._serve_batch(batch[:middle])
                await self._serve_batch(batch[middle:])
                return
            answers = [_as_answer(error, batch[0].command.key)]
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    async def _apply(self, commands: Sequence[Command]) -> list[Answer]:
        for attempt in range(TRIES):
            connection = await self._connected()
            try:
                async with connection.transaction():
                    return await self._ledger.apply(connection, commands)
            except _AGAIN:
                if attempt == TRIES - 1:
                    raise
            except asyncpg.InsufficientResourcesError as error:
                raise DatabaseAway("PostgreSQL has no room for this now.", retry_after_s=5.0) from error
            except _BROKEN:
                self._connection = None
                connection.terminate()
                raise OutcomeUnknown(retry_after_s=1.0) from None
        raise AssertionError("unreachable")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._db.dedicated()
        return self._connection


def _as_answer(error: Exception, key: str) -> CommonpointError:
    """A step's refusal is the answer; an error that is not ours becomes one without its text, which the log has."""
    if isinstance(error, CommonpointError):
        return error
    log.error("teller.command_failed", key=key, exc_info=error)
    if isinstance(error, _CONTENDED):
        return TooBusy("Others are changing the same rows; send the same request again.", retry_after_s=1.0)
    failed = LedgerFault()
    failed.__cause__ = error
    return failed


class LedgerFault(CommonpointError):
    """The ledger could not apply the command for a reason that is a fault of ours."""

    code = "internal_error"
    title = "Something went wrong on our side"
