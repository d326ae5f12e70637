"""Many small questions to the database, answered together.

A herd of phones asks for one row each. Whoever asks while the last query is under way shares the next one: there is no
timer, the window is the previous query. Alone, a question costs one round trip; in a crowd, a share of one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final, Generic, TypeVar

import asyncpg

from kernel.database import Connection, Database, DatabaseAway
from kernel.errors import Unavailable

MOST_AT_ONCE: Final = 256
MOST_WAITING: Final = 20_000
_TRIES: Final = 2

_BROKEN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)

# Planning would cost more than answering, so a plan is kept; but one that was made while the tables were small would
# read all of a large one for each question. So plans are few looks into indexes, and are made anew every few seconds.
PLAN_KEPT_S: Final = 10.0
SETTINGS: Final = """
SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off
"""

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Ask = Callable[[Connection, Sequence[Question]], Awaitable[Sequence[Answer]]]


class TooManyAsk(Unavailable):
    """More phones wait for the database than we let wait."""

    code = "too_many_phones"
    title = "Too many phones are asking"


class Reading(Generic[Question, Answer]):
    """One kind of question, answered over one connection of its own, opened when it is first needed.

    `ask` gets a connection and up to `most_at_once` questions and returns their answers in the same order: one
    statement, so that each answer shows one moment. `asked` and `queries` count both.
    """

    def __init__(
        self,
        db: Database,
        ask: Ask[Question, Answer],
        most_at_once: int = MOST_AT_ONCE,
        most_waiting: int = MOST_WAITING,
        plan_kept_s: float = PLAN_KEPT_S,
    ) -> None:
        self.asked = 0
        self.queries = 0
        self._db = db
        self._ask = ask
        self._most_at_once = most_at_once
        self._most_waiting = most_waiting
        self._plan_kept_s = plan_kept_s
        self._planned_at = 0.0
        self._line: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._connection: Connection | None = None
        self._serving: asyncio.Task[None] | None = None

    async def answer(self, question: Question) -> Answer:
        """The answer as of a moment after the question was asked. Raises DatabaseAway or TooManyAsk."""
        if len(self._line) >= self._most_waiting:
            raise TooManyAsk("Too many phones are asking.", retry_after_s=5.0)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._line.append((question, future))
        self.asked += 1
        if self._serving is None:
            self._serving = loop.create_task(self._serve(), context=Context())
        return await future

    async def close(self) -> None:
        """Answer who is in line, then hang up."""
        if self._serving is not None:
            await asyncio.wait([self._serving])
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _serve(self) -> None:
        try:
            while self._line:
                batch = [self._line.popleft() for _ in range(min(len(self._line), self._most_at_once))]
                await self._serve_batch(batch)
        finally:
            self._serving = None

    async def _serve_batch(self, batch: Sequence[tuple[Question, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._answered([question for question, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():  # the phone may have gone away
                future.set_result(answer)

    async def _answered(self, questions: Sequence[Question]) -> Sequence[Answer]:
        for attempt in range(_TRIES):
            try:
                self.queries += 1
                return await self._ask(await self._connected(), questions)
            except (*_BROKEN, TimeoutError) as error:
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                if attempt == _TRIES - 1:
                    raise DatabaseAway("PostgreSQL does not answer.", retry_after_s=1.0) from error
        raise AssertionError("each try returns or raises")

    async def _connected(self) -> Connection:
        now = time.monotonic()
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._db.dedicated()
            await self._connection.execute(SETTINGS)
            self._planned_at = now
        elif now - self._planned_at > self._plan_kept_s:
            await self._connection.execute("DISCARD PLANS")
            self._planned_at = now
        return self._connection
