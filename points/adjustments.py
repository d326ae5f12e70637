"""Corrections by hand: with a reason, a role, a limit; above a limit a second person approves; never one's own account.

The request is written down before the ledger is asked, and the ledger is asked under a key made from its id. So a
request that is delivered again, or a process that dies in between, adds the points once.
"""

from typing import Final, Protocol

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, Unavailable
from points.adjustment_records import (
    Adjustment,
    Correction,
    Person,
    State,
    decided,
    ended,
    known_request,
    locked_request,
    write_request,
)  # fmt: skip
from points.answers import Done, UnknownMember
from points.commands import INTERNAL, Adjust, Command
from points.deciding.errors import AdjustmentRefused, check_amount
from points.programme.schema.lifecycle import Adjustments as Rules
from points.programme.version import InForce

LONGEST_REASON: Final = 200
REJECTED: Final = "rejected"


class OwnAccount(Forbidden):
    """Nobody corrects, or approves a correction of, the account that they use themselves."""

    code = "own_account"
    title = "Nobody adjusts their own account"


class SamePerson(Forbidden):
    """The approval must come from another person, with another API key."""

    code = "second_person_needed"
    title = "A second person must approve"


class NotAnApprover(Forbidden):
    """This role does not approve."""

    code = "not_an_approver"
    title = "Only managers and the operator approve"


class AdjustmentEnded(Conflict):
    """The request was decided before; facts: `state`."""

    code = "adjustment_ended"
    title = "The adjustment was decided before"


class BadReason(Invalid):
    """A correction needs a reason that others can read."""

    code = "bad_reason"
    title = "A reason is needed"


class Asks(Protocol):
    """The ledger: the teller."""

    async def ask(self, command: Command) -> Done:
        """The outcome, durable when it returns; raises the ledger's errors."""
        ...


class Adjustments:
    """Requests for corrections, their approval, and their way into the ledger."""

    def __init__(self, db: Database, clock: Clock, ledger: Asks) -> None:
        self._db = db
        self._clock = clock
        self._ledger = ledger

    async def request(self, asked: Correction, actor: Person, in_force: InForce) -> tuple[Adjustment, bool]:
        """Write the request down; unless it waits for a second person, do it. Also whether it was a repetition.

        Raises BadReason, BadAmount, UnknownMember, OwnAccount, AdjustmentRefused, KeyReused and the ledger's errors.
        """
        rules = in_force.version.programme.adjustments
        _check(asked, actor, rules)
        async with self._db.unit() as unit:
            known = await known_request(unit, asked)
            if known is None:
                await _check_account(unit.connection, asked.member_id, actor)
                known = await write_request(unit, asked, actor, _first_state(asked, rules), self._clock.now())
                replayed = False
            else:
                replayed = known.state in ("done", "waiting")
        # One that broke off, or that the ledger refused, is tried again: nothing was done under its key yet.
        if known.state in ("asked", "refused") and known.refusal != REJECTED:
            known = await self._apply(known, in_force)
        return known, replayed

    async def approve(self, adjustment_id: str, approver: Person, in_force: InForce) -> Adjustment:
        """The second person says yes, and it is done; the same approval again gives the same answer.

        Raises UnknownAdjustment, SamePerson, NotAnApprover, OwnAccount, AdjustmentEnded and the ledger's errors.
        """
        async with self._db.unit() as unit:
            known = await locked_request(unit, adjustment_id)
            await _check_second(unit.connection, known, approver)
            if known.state == "waiting":
                known = await decided(unit, known, "asked", approver, self._clock.now())
            elif known.approver != approver.id or known.refusal == REJECTED:
                raise AdjustmentEnded(f"The adjustment is {known.state}.", state=known.state)
        return known if known.state == "done" else await self._apply(known, in_force)

    async def reject(self, adjustment_id: str, approver: Person) -> Adjustment:
        """The second person says no. Raises as `approve` does."""
        async with self._db.unit() as unit:
            known = await locked_request(unit, adjustment_id)
            await _check_second(unit.connection, known, approver)
            if known.state == "refused" and known.refusal == REJECTED:
                return known
            if known.state != "waiting":
                raise AdjustmentEnded(f"The adjustment is {known.state}.", state=known.state)
            return await decided(unit, known, "refused", approver, self._clock.now(), refusal=REJECTED)

    async def _apply(self, known: Adjustment, in_force: InForce) -> Adjustment:
        command = Adjust(
            partner_id=known.partner_id,
            key=f"adjustment/{known.id}",
            key_owner=INTERNAL,
            fingerprint=known.id.encode(),
            occurred_at=known.asked_at,
            location_id=known.location_id,
            member_id=known.member_id,
            points=known.points,
            reason=known.reason,
            actor=known.actor,
            role=known.role,
            approved_by=known.approver,
            in_force=in_force,
        )
        try:
            journal_id = (await self._ledger.ask(command)).outcome.id
        except Unavailable:
            raise  # it stays `asked`: the same request again will tell
        except CommonpointError as refused:
            async with self._db.unit() as unit:
                await ended(unit, known.id, "refused", None, refused.code, self._clock.now())
            raise
        async with self._db.unit() as unit:
            return await ended(unit, known.id, "done", journal_id, None, self._clock.now())


def _check(asked: Correction, actor: Person, rules: Rules) -> None:
    check_amount(abs(asked.points), "points")
    reason = asked.reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise BadReason(f"A reason has 1 to {LONGEST_REASON} printable characters.")
    limit = rules.limits.get(actor.role, 0)
    if abs(asked.points) > limit:
        raise AdjustmentRefused(f"A {actor.role} may adjust by at most {limit} points.", limit=limit)


def _first_state(asked: Correction, rules: Rules) -> State:
    above = rules.four_eyes_above
    return "waiting" if above is not None and abs(asked.points) > above else "asked"


async def _check_account(connection: Connection, member_id: str, person: Person) -> None:
    """Refuse unknown members and the person's own account, also where it is a household's. Raises UnknownMember."""
    rows = await connection.fetch(
        "SELECT member_id, coalesce(pool_id, member_id) AS holder FROM account WHERE id = ANY($1::text[])",
        [f"{one}/spendable" for one in (member_id, person.member_id) if one is not None],
    )
    holders = {row["member_id"]: row["holder"] for row in rows}
    if member_id not in holders:
        raise UnknownMember(f"There is no member '{member_id}'.")
    if person.member_id is not None and holders.get(person.member_id) == holders[member_id]:
        raise OwnAccount("This is your own account: ask somebody else.")


async def _check_second(connection: Connection, known: Adjustment, approver: Person) -> None:
    if approver.role not in ("manager", "operator"):
        raise NotAnApprover(f"A {approver.role} does not approve.")
    if approver.id == known.actor or approver.key_id == known.actor_key:
        raise SamePerson("Another person must approve, with another API key.")
    await _check_account(connection, known.member_id, approver)
