"""A till asks, the member answers on their own page: may so many points be spent here? A yes is a proof.

A question is good for three minutes. The page shows it by itself while it is open; the till asks for the answer. What
was answered once stays answered, so that a till never spends on a yes that became a no.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Conflict, NotFound
from kernel.ids import is_id, new_id
from kernel.outbox import touch
from points.answers import KeyReused, UnknownMember
from points.proofs import make_proof

State = Literal["asked", "confirmed", "declined", "expired"]

GOOD_FOR: Final = timedelta(minutes=3)
MOST_OPEN: Final = 5  # of a partner, at one member


class UnknownConfirmation(NotFound):
    """No such question, or not one of this partner or to this member."""

    code = "unknown_confirmation"
    title = "There is no such question"


class ConfirmationEnded(Conflict):
    """It was answered otherwise, or is too old to be answered; facts: `state`."""

    code = "confirmation_ended"
    title = "The question is no longer open"


class TooManyQuestions(Conflict):
    """The member has not answered this partner's earlier questions yet."""

    code = "too_many_questions"
    title = "Too many questions are open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a till asks of whom, under which key."""

    partner_id: str
    key: str
    fingerprint: bytes
    member_id: str
    points: int
    reward: str | None = None
    terminal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A question as it is now. `proof_id` is what a yes made: good for one spending of at most `points`."""

    id: str
    member_id: str
    partner_id: str
    points: int
    reward: str | None
    terminal: str | None
    state: State
    asked_at: datetime
    good_until: datetime
    answered_at: datetime | None
    proof_id: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; `replayed` when the same request had asked it before."""

    confirmation: Confirmation
    replayed: bool


_TAKE_KEY = """
INSERT INTO idempotency (partner_id, key, fingerprint, effect_id, answer) VALUES ($1, $2, $3, $4, '')
ON CONFLICT (partner_id, key) DO NOTHING
"""

_ASK = """
INSERT INTO confirmation (id, member_id, partner_id, points, reward, terminal, asked_at, good_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *
"""

# Whom a question to $2 reaches: the member, and the cards of whoever was merged into them. A household is nobody's
# card, so a question to one of it never reaches another.
_REACHES = """
(confirmation.member_id = $2::text OR EXISTS (
    SELECT FROM account WHERE account.id = $2::text || '/spendable' AND account.pool_id = confirmation.member_id))
"""

_WAITING = f"""
SELECT * FROM confirmation WHERE state = 'asked' AND good_until >= $1 AND member_id IN (
    SELECT $2::text UNION ALL SELECT pool_id FROM account WHERE id = $2::text || '/spendable' AND pool_id IS NOT NULL)
ORDER BY id LIMIT {2 * MOST_OPEN}
"""

_ANSWER = """
UPDATE confirmation SET state = $2, answered_at = $3, proof_id = $4 WHERE id = $1 RETURNING *
"""


async def ask(db: Database, clock: Clock, question: Question, note_kinds: Sequence[str] = ()) -> Asked:
    """A new question; the same request again is the same question. The followers of `note_kinds` hear of the member.

    Raises UnknownMember, TooManyQuestions, KeyReused.
    """
    now, confirmation_id = clock.now(), new_id("cnf")
    async with db.unit() as unit:
        connection = unit.connection
        status = await connection.execute(
            _TAKE_KEY, question.partner_id, question.key, question.fingerprint, confirmation_id
        )
        if status != "INSERT 0 1":
            return Asked(await _asked_before(connection, question, now), replayed=True)
        await _check_room(connection, question, now)
        row = await connection.fetchrow(
            _ASK,
            confirmation_id,
            question.member_id,
            question.partner_id,
            question.points,
            question.reward,
            question.terminal,
            now,
            now + GOOD_FOR,
        )
        assert row is not None
        await _tell(connection, question.member_id, note_kinds)
        return Asked(_confirmation(row, now), replayed=False)


async def confirmation(connection: Connection, confirmation_id: str, partner_id: str, now: datetime) -> Confirmation:
    """One of the partner's questions. Raises UnknownConfirmation."""
    row = None
    if is_id(confirmation_id, "cnf"):
        row = await connection.fetchrow(
            "SELECT * FROM confirmation WHERE id = $1 AND partner_id = $2", confirmation_id, partner_id
        )
    if row is None:
        raise UnknownConfirmation("There is no such question.")
    return _confirmation(row, now)


async def waiting_for(connection: Connection, member_id: str, now: datetime) -> list[Confirmation]:
    """The questions that the member can answer now, oldest first."""
    return [_confirmation(row, now) for row in await connection.fetch(_WAITING, now, member_id)]


async def answer(
    db: Database, clock: Clock, confirmation_id: str, member_id: str, yes: bool, note_kinds: Sequence[str] = ()
) -> Confirmation:
    """The member says yes, which makes a proof, or no; the same answer again is no error.

    `member_id` is whose page it was said on. Raises UnknownConfirmation, ConfirmationEnded.
    """
    now = clock.now()
    said: State = "confirmed" if yes else "declined"
    async with db.unit() as unit:
        connection = unit.connection
        row = None
        if is_id(confirmation_id, "cnf"):
            row = await connection.fetchrow(
                f"SELECT * FROM confirmation WHERE id = $1 AND {_REACHES} FOR UPDATE OF confirmation",
                confirmation_id,
                member_id,
            )
        if row is None:
            raise UnknownConfirmation("There is no such question.")
        known = _confirmation(row, now)
        if known.state == said:
            return known
        if known.state != "asked":
            raise ConfirmationEnded(f"The question is {known.state}.", state=known.state)
        proof_id = None
        if yes:
            proof_id = await make_proof(connection, known.member_id, known.partner_id, "confirmation", now)
        changed = await connection.fetchrow(_ANSWER, known.id, said, now, proof_id)
        assert changed is not None
        await _tell(connection, known.member_id, note_kinds)
        return _confirmation(changed, now)


async def _asked_before(connection: Connection, question: Question, now: datetime) -> Confirmation:
    row = await connection.fetchrow(
        "SELECT confirmation.* FROM idempotency JOIN confirmation ON confirmation.id = idempotency.effect_id"
        " WHERE idempotency.partner_id = $1 AND key = $2 AND fingerprint = $3",
        question.partner_id,
        question.key,
        question.fingerprint,
    )
    if row is None:
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return _confirmation(row, now)


async def _check_room(connection: Connection, question: Question, now: datetime) -> None:
    """The member's row is the lock under which open questions are counted."""
    if await connection.fetchval("SELECT true FROM member WHERE id = $1 FOR UPDATE", question.member_id) is None:
        raise UnknownMember(f"There is no member '{question.member_id}'.")
    waiting: Any = await connection.fetchval(
        "SELECT count(*) FROM confirmation"
        " WHERE member_id = $1 AND partner_id = $2 AND state = 'asked' AND good_until >= $3",
        question.member_id,
        question.partner_id,
        now,
    )
    if waiting >= MOST_OPEN:
        raise TooManyQuestions("The member has not answered the earlier questions yet.")


async def _tell(connection: Connection, member_id: str, note_kinds: Sequence[str]) -> None:
    """The followers look at the member's cards, and at those of whoever was merged into them."""
    rows = await connection.fetch("SELECT DISTINCT member_id FROM account WHERE pool_id = $1", member_id)
    for kind in sorted(note_kinds):
        await touch(connection, kind, [member_id, *(row["member_id"] for row in rows)])


def _confirmation(row: asyncpg.Record, now: datetime) -> Confirmation:
    state: State = row["state"]
    return Confirmation(
        id=row["id"],
        member_id=row["member_id"],
        partner_id=row["partner_id"],
        points=row["points"],
        reward=row["reward"],
        terminal=row["terminal"],
        state="expired" if state == "asked" and row["good_until"] < now else state,
        asked_at=row["asked_at"],
        good_until=row["good_until"],
        answered_at=row["answered_at"],
        proof_id=row["proof_id"],
    )
