"""Random programmes and random histories: the ledger on PostgreSQL, told again by a model, audited after every step."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from points.answers import Done, KeyReused
from points.commands import Adjust, Capture, Claim, Command, Earn, Mature, Merge, Redeem, Release, Reverse, Transfer
from points.outcome import Outcome
from points.programme.events import Event, Line
from tests.support.programme_model import Model, Refused
from tests.support.programme_shapes import SPECIAL, Shape, shapes, version_for
from tests.support.shaped_ledger import PARTNERS, Room, ShapedLedger

# Sequences of steps, by how hard the profile tries; steps in each.
SEQUENCES = {"proof": 2_000, "proof-short": 60}
STEPS = 50

partners = st.sampled_from(PARTNERS)
members = st.integers(0, 2)
amounts = st.integers(1, 3_000)
baskets = st.lists(st.tuples(amounts, st.sampled_from([None, SPECIAL])), min_size=1, max_size=3).map(tuple)

_ACCOUNTS = """
SELECT spendable.member_id, spendable.balance, -arrears.balance,
       coalesce((SELECT sum(remaining) FROM lot WHERE member_id = spendable.member_id AND pending), 0)::bigint,
       coalesce((SELECT sum(points) FROM claim WHERE member_id = spendable.member_id AND state = 'held'), 0)::bigint
FROM account spendable JOIN account arrears ON arrears.id = spendable.member_id || '/arrears'
WHERE spendable.id = spendable.member_id || '/spendable'
"""
_LOTS = "SELECT member_id, issuer_id, remaining, pending FROM lot WHERE remaining > 0 ORDER BY id"
_OWED = "SELECT member_id, creditor_id, remaining FROM arrear WHERE remaining > 0 ORDER BY id"


class TwoLedgers(RuleBasedStateMachine):
    """Asks both for the same and compares."""

    room: Room
    bills = Bundle("bills")
    spent = Bundle("spent")
    holds = Bundle("holds")

    @initialize(shape=shapes())
    def begin(self, shape: Shape) -> None:
        self.real = ShapedLedger(self.room, version_for(shape))
        self.model = Model(shape, self.real.members)
        self.last: tuple[Command, Outcome] | None = None

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.real.close()

    @property
    def now(self) -> Any:
        return self.real.clock.now()

    def both(self, command: Command, tell: Callable[[str], object], holder: str) -> Outcome | None:
        """The answer if both do it, None if both refuse. Quoting first says the same and does nothing."""
        self.model.look(holder, self.now)
        quoted = self.real.quote(command)
        answer = self.real.do(command)
        note(f"{type(command).__name__} {answer}")
        if not isinstance(answer, Done):
            assert isinstance(quoted, type(answer))
            with pytest.raises(Refused):
                tell("")
            return None
        assert isinstance(quoted, Outcome)
        assert shown(quoted) == shown(answer.outcome)
        tell(answer.outcome.id)
        self.last = (command, answer.outcome)
        return answer.outcome

    @rule(target=bills, member=members, partner=partners, basket=baskets)
    def buys(self, member: int, partner: str, basket: tuple[tuple[int, str | None], ...]) -> str:
        name = self.real.members[member]
        lines = tuple(Line(amount_minor=amount, category=kind) for amount, kind in basket)
        event = Event(amount_minor=sum(amount for amount, _ in basket), lines=lines)
        command = Earn(
            **self.real.asked(partner, str(basket)), member_id=name, event=event, currency="EUR",
            in_force=self.real.in_force,
        )  # fmt: skip
        outcome = self.both(command, lambda id_: self.model.earn(id_, name, partner, basket, self.now), name)
        assert outcome is not None
        return outcome.id

    @rule(bill=bills, share=st.fractions(0, 1))
    def gets_a_part_back(self, bill: str, share: Any) -> None:
        known = self.model.bills[bill]
        self._refund(bill, max(1, int(share * known.remaining)))

    @rule(bill=bills, index=st.integers(0, 2), share=st.fractions(0, 1))
    def gets_a_line_back(self, bill: str, index: int, share: Any) -> None:
        known = self.model.bills[bill]
        left = known.lines[index][0] - known.returned[index] if index < len(known.lines) else 0
        amount = min(max(1, int(share * left)), known.remaining)
        if index < len(known.lines) and 0 < amount <= left:
            self._refund(bill, 0, Counter({index: amount}))

    @rule(bill=consumes(bills))
    def gets_all_back(self, bill: str) -> None:
        self._refund(bill, self.model.bills[bill].remaining, whole=True)

    def _refund(self, bill: str, amount: int, lines: Counter[int] | None = None, *, whole: bool = False) -> None:
        known = self.model.bills[bill]
        if not known.remaining:
            return
        returned = lines or Counter()
        command = Reverse(
            **self.real.asked(known.partner, f"{bill}{amount}{lines}"), journal_id=bill,
            amount_minor=None if whole or lines else amount, lines=tuple(returned.items()),
        )  # fmt: skip
        gone: list[int] = []
        outcome = self.both(command, lambda _: gone.append(self.model.refund(bill, amount, returned)), known.holder)
        assert outcome is not None
        assert gone == [outcome.points] or gone == [-outcome.points]

    @rule(target=spent, member=members, partner=partners, points=st.integers(1, 60))
    def spends(self, member: int, partner: str, points: int) -> Any:
        name = self.real.members[member]
        command = Redeem(
            **self.real.asked(partner, str(points)), member_id=name, points=points, in_force=self.real.in_force
        )
        outcome = self.both(command, lambda id_: self.model.redeem(id_, name, partner, points, self.now), name)
        return multiple() if outcome is None else (outcome.id, partner)

    @rule(given_back=spent, points=st.none() | st.integers(1, 40))
    def takes_points_back(self, given_back: tuple[str, str], points: int | None) -> None:
        journal, partner = given_back
        known = self.model.spent[journal]
        command = Reverse(**self.real.asked(partner, f"{journal}{points}"), journal_id=journal, points=points)
        asked = len(known.points) if points is None else points

        def tell(_: str) -> None:
            self.model.restore(journal, asked)
            self.model.look(known.holder, self.now)  # what is past its end by now ends at once

        self.both(command, tell, known.holder)

    @rule(target=holds, member=members, partner=partners)
    def claims(self, member: int, partner: str) -> Any:
        name = self.real.members[member]
        command = Claim(
            **self.real.asked(partner, "prize"), member_id=name, reward="prize", in_force=self.real.in_force
        )
        outcome = self.both(command, lambda id_: self.model.claim(id_, name, partner, self.now), name)
        return multiple() if outcome is None else (outcome.id, name)

    @rule(target=spent, hold=holds, partner=partners)
    def hands_over(self, hold: tuple[str, str], partner: str) -> Any:
        claim, name = hold
        command = Capture(**self.real.asked(partner, claim), claim_id=claim)
        outcome = self.both(command, lambda id_: self.model.capture(claim, id_, self.now), name)
        return multiple() if outcome is None else (outcome.id, partner)

    @rule(hold=holds, partner=partners)
    def gives_up(self, hold: tuple[str, str], partner: str) -> None:
        claim, name = hold

        def tell(_: str) -> None:
            self.model.release(claim)
            self.model.look(name, self.now)

        self.both(Release(**self.real.asked(partner, claim), claim_id=claim), tell, name)

    @rule(member=members, partner=partners, points=st.integers(-55, 55).filter(bool))
    def is_corrected(self, member: int, partner: str, points: int) -> None:
        name = self.real.members[member]
        command = Adjust(
            **self.real.asked(partner, str(points)), member_id=name, points=points, reason="a mistake",
            actor="stf_1", role="manager", in_force=self.real.in_force,
        )  # fmt: skip
        self.both(command, lambda id_: self.model.adjust(id_, name, partner, points, self.now), name)

    @rule(member=members, to=members, points=st.integers(1, 40))
    def sends(self, member: int, to: int, points: int) -> None:
        name, other = self.real.members[member], self.real.members[to]
        command = Transfer(
            **self.real.asked(PARTNERS[0], f"{other}{points}"), member_id=name, to_member_id=other, points=points,
            in_force=self.real.in_force,
        )  # fmt: skip
        self.both(command, lambda _: self.model.transfer(name, other, points, self.now), name)

    @rule(member=members, to=members, really=st.integers(0, 3))
    def becomes_one_with(self, member: int, to: int, really: int) -> None:
        if really:
            return  # rarely, or all are soon one
        name, other = self.real.members[member], self.real.members[to]
        command = Merge(
            **self.real.asked(PARTNERS[0], other), member_id=name, to_member_id=other, in_force=self.real.in_force
        )
        self.both(command, lambda _: self.model.merge(name, other, self.now), name)

    @rule(hours=st.sampled_from([1, 2, 24, 72, 200, 900]), member=members)
    def time_passes(self, hours: int, member: int) -> None:
        self.real.clock.advance(timedelta(hours=hours))
        self.matures(member)

    @rule(member=members)
    def matures(self, member: int) -> None:
        name = self.real.members[member]
        self.model.look(name, self.now, claims=True)
        command = Mature(**self.real.asked(PARTNERS[0]), member_id=name, in_force=self.real.in_force)
        assert isinstance(self.real.do(command), Done)

    @rule()
    def sends_the_last_request_again(self) -> None:
        if self.last is None:
            return
        command, outcome = self.last
        again = self.real.do(command)
        assert isinstance(again, Done)
        assert (again.replayed, again.outcome) == (True, outcome)
        other = type(command)(**{**fields(command), "fingerprint": b"something else"})
        assert isinstance(self.real.do(other), KeyReused)

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "real"):
            return
        told = {}
        for name, holder in self.model.holders.items():
            states = Counter(point.state for point in holder.points)
            held = sum(len(hold.points) for hold in self.model.holds.values() if hold.holder == name)
            told[name] = (states["free"], len(holder.owed), states["pending"], held)
        assert {row[0]: tuple(row)[1:] for row in self.real.rows(_ACCOUNTS)} == told
        assert runs(self.real.rows(_LOTS)) == runs(self._lots())
        owed = [(name, creditor, 1) for name, holder in self.model.holders.items() for creditor in holder.owed]
        assert runs(self.real.rows(_OWED)) == runs(owed)

    def _lots(self) -> list[tuple[str, str, int, bool]]:
        """What is open, point by point, in the order of lots."""
        points = [
            (point.lot, name, point.issuer, 1, point.state == "pending")
            for name, holder in self.model.holders.items()
            for point in holder.points
            if point.state in ("free", "pending")
        ]
        return [(name, issuer, n, pending) for _, name, issuer, n, pending in sorted(points)]

    @invariant()
    def every_rule_of_the_audit_holds(self) -> None:
        findings = self.real.findings() if hasattr(self, "real") else []
        assert not findings, "\n" + "\n".join(map(str, findings))


def fields(command: Command) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__dataclass_fields__}


def shown(outcome: Outcome) -> tuple[object, ...]:
    """What of an outcome does not depend on ids."""
    return outcome.kind, outcome.points, outcome.balance, outcome.arrears, outcome.pending, outcome.held


def runs(rows: Any) -> dict[str, list[tuple[Any, ...]]]:
    """(member, what, n, ...) by member in order, neighbours that are alike added up."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for member, what, n, *rest in rows:
        known = found.setdefault(member, [])
        if known and known[-1][0] == what and known[-1][2:] == tuple(rest):
            known[-1] = (what, known[-1][1] + n, *rest)
        else:
            known.append((what, n, *rest))
    return found


@pytest.mark.hypothesis
@pytest.mark.timeout(0)
def test_the_ledger_and_the_model_agree_on_any_programme_and_history(database_url: str) -> None:
    class Bound(TwoLedgers):
        room = Room(database_url)

    profile = settings.get_current_profile_name()
    hard = settings(max_examples=SEQUENCES.get(profile, 10), stateful_step_count=STEPS)
    try:
        run_state_machine_as_test(Bound, settings=hard)
    finally:
        Bound.room.close()
