"""Any course of earning, spending, proving, returning and deciding: the rules do what a short model says.

The model keeps numbers alone: what can be spent, what waits, what was spent today without a proof, and every moment of
a spending for the limit. Between the two stands no shared code but the commands.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kernel.errors import CommonpointError
from points.commands import INTERNAL, Command, Judge, Reverse
from points.decision import Decision, ProofState
from points.programme.proving import unproved_left
from tests.support.desk import Desk, moved_to
from tests.support.ledger import START, a_key
from tests.support.watched import Asks, programme, till

ABOVE = 50
SPENDINGS = 4
# A terminal may give more than BASKETS times in an hour only if somebody looks at it.
BASKETS = 3
VERSION = programme(
    f"redemptions: {{proof: {{above: {ABOVE}, ways: [tap, pin]}}}}\n"
    f"misuse: {{velocity: [{{of: member, on: spend, within: PT1H, times: {SPENDINGS}, then: refuse}},"
    f" {{of: member_at_terminal, on: earn, within: PT1H, times: {BASKETS}}}]}}\n"
)


@dataclass
class Model:
    """One member."""

    spendable: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    unproved: int = 0
    spent_at: list[datetime] = field(default_factory=list)
    earned_at: dict[str, list[datetime]] = field(default_factory=dict)


def exact_minutes(moments: list[datetime], now: datetime) -> int:
    """How many moments are within the sixty minutes before this one, minutes counted whole."""
    return sum(now.replace(second=0) - timedelta(minutes=60) <= moment.replace(second=0) for moment in moments)


class Course(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.desk, self.asks, self.model = Desk(VERSION), Asks(VERSION), Model()
        self.now = START
        self.proofs = 0
        self.earned: list[tuple[Decision, int]] = []
        self.spent: dict[str, tuple[int, bool, datetime]] = {}
        self.last_proof: str | None = None

    def ask(self, command: Command) -> Decision | str:
        try:
            return self.desk.do(command)
        except CommonpointError as error:
            return error.code

    @rule(points=st.integers(1, 120), terminal=st.sampled_from(["1", "2"]), approved=st.booleans())
    def earn(self, points: int, terminal: str, approved: bool) -> None:
        before = self.model.earned_at.setdefault(terminal, [])
        waits = exact_minutes(before, self.now) >= BASKETS and not approved
        by = till(terminal=terminal, approved_by="stf_m" if approved else None)
        done = self.ask(self.asks.buy(points, till=by))
        assert isinstance(done, Decision)
        before.append(self.now)
        assert bool(done.review) == waits
        if waits:
            self.model.waiting[done.journal_id] = points
        else:
            self.model.spendable += points
        self.earned.append((done, points))

    @rule(
        points=st.integers(1, 80),
        shows=st.sampled_from(["nothing", "nothing", "tap", "rotating_code", "used", "late"]),
        offline=st.sampled_from([False, False, False, True]),
    )
    def spend(self, points: int, shows: str, offline: bool) -> None:
        model, proof = self.model, None if offline else self._shown(shows)
        command = self.asks.offline(points) if offline else self.asks.spend(points, proof_id=proof)
        done = self.ask(command)
        if offline:
            assert isinstance(done, Decision)
            taken = min(points, model.spendable)
            assert (done.points, done.short) == (taken, points - taken)
            proved = False
        else:
            proved = shows == "tap"
            expected = self._refusal(points, shows, proof)
            assert (done if isinstance(done, str) else None) == expected
            if isinstance(done, str):
                return
            taken = points
        model.spendable -= taken
        model.spent_at.append(self.now)
        if not proved:
            model.unproved += taken
        else:
            self.last_proof = proof
        if taken:
            self.spent[done.journal_id] = (taken, proved, self.now)

    def _refusal(self, points: int, shows: str, proof: str | None) -> str | None:
        if points > self.model.spendable:
            return "insufficient_points"
        if exact_minutes(self.model.spent_at, self.now) >= SPENDINGS:
            return "too_often"
        if proof is not None and shows in ("used", "late"):
            return "proof_refused"
        if shows != "tap" and self.model.unproved + points > ABOVE:
            return "proof_needed"
        return None

    def _shown(self, shows: str) -> str | None:
        if shows == "nothing":
            return None
        if shows == "used" and self.last_proof is not None:
            return self.last_proof
        self.proofs += 1
        name = f"prf_{self.proofs}"
        until = self.now if shows == "late" else self.now + timedelta(minutes=5)
        self.desk.ground.proofs[name] = ProofState(
            id=name, member_id="mbr_1", holder_id="mbr_1", may_spend=True, partner_id="ptn_a",
            way="rotating_code" if shows == "rotating_code" else "tap", good_until=until, used=shows == "used",
        )  # fmt: skip
        return name

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        journal_id = data.draw(st.sampled_from(sorted(self.spent)))
        left, proved, at = self.spent.pop(journal_id)
        points = data.draw(st.integers(1, left))
        done = self.ask(self._reverse(journal_id, points=points))
        assert isinstance(done, Decision)
        self.model.spendable += points
        if not proved and VERSION.day(at) == VERSION.day(self.now):
            self.model.unproved -= points
        if points < left:
            self.spent[journal_id] = (left - points, proved, at)

    @precondition(lambda self: self.model.waiting)
    @rule(data=st.data(), approve=st.booleans())
    def decide(self, data: st.DataObject, approve: bool) -> None:
        journal_id = data.draw(st.sampled_from(sorted(self.model.waiting)))
        points = self.model.waiting.pop(journal_id)
        done = self.ask(
            Judge(
                partner_id="ptn_a",
                key=a_key(),
                key_owner=INTERNAL,
                fingerprint=b"",
                occurred_at=self.now,
                journal_id=journal_id,
                review_id=f"rvw_{journal_id}",
                approve=approve,
                actor="stf_m",
            )
        )
        assert isinstance(done, Decision)
        self.model.spendable += points if approve else 0

    @precondition(lambda self: any(self.model.waiting.values()))
    @rule(data=st.data())
    def return_in_part(self, data: st.DataObject) -> None:
        """Of what waits the refund takes first, so nothing else changes."""
        journal_id = data.draw(st.sampled_from(sorted(id_ for id_, n in self.model.waiting.items() if n)))
        points = data.draw(st.integers(1, self.model.waiting[journal_id]))
        assert isinstance(self.ask(self._reverse(journal_id, amount_minor=points * 100)), Decision)
        self.model.waiting[journal_id] -= points

    @rule(minutes=st.sampled_from([1, 7, 30, 59, 60, 61, 600, 1440]))
    def wait(self, minutes: int) -> None:
        day = VERSION.day(self.now)
        self.now += timedelta(minutes=minutes)
        self.asks.at = self.now
        moved_to(self.desk, self.now)
        if VERSION.day(self.now) != day:
            self.model.unproved = 0

    @invariant()
    def agrees(self) -> None:
        book = self.desk.book
        assert (book.spendable, book.pending) == (self.model.spendable, sum(self.model.waiting.values()))
        assert book.arrears == 0
        assert unproved_left(VERSION, book.standing, self.now) == max(ABOVE - self.model.unproved, 0)

    def _reverse(self, journal_id: str, **part: int) -> Reverse:
        return Reverse(
            partner_id="ptn_a", key=a_key(), fingerprint=b"", occurred_at=self.now, journal_id=journal_id,
            **part,  # type: ignore[arg-type]
        )  # fmt: skip


TestCourse = Course.TestCase
TestCourse.settings = settings(stateful_step_count=30)
