"""Earnings that somebody must look at: what leads to it, and what becomes of their points."""

from datetime import timedelta

import pytest

from kernel.errors import CommonpointError
from points.commands import INTERNAL, Act, Command, Judge, Reverse
from points.deciding.errors import NotReversible, OwnAccountServed, TooOften
from points.decision import Decision
from points.programme.version import TermsRate
from points.recompute import recompute
from tests.support.desk import Desk, moved_to
from tests.support.ledger import START, a_key
from tests.support.watched import Asks, programme, till

SIX_AN_HOUR = programme("misuse: {velocity: [{of: member_at_terminal, on: earn, within: PT1H, times: 5}]}\n")
ALL_LOOKED_AT = "misuse: {velocity: [{of: partner, on: earn, within: PT1H, points: 1}]}\n"
REVIEWED = programme(ALL_LOOKED_AT)
WAITING = programme(
    ALL_LOOKED_AT,
    earn="""
earn:
  - {id: visit, kind: visit, points: 10, pending: {until_event: class.attended}}
  - {id: spend, kind: spend, per: 1, points: 1, adds: true, pending: {after: P14D}}
""",
)


def back(journal: Decision, key: str = "", amount: int | None = None) -> Reverse:
    return Reverse(
        partner_id="ptn_a", key=key or a_key(), fingerprint=b"", occurred_at=START, journal_id=journal.journal_id,
        amount_minor=amount,
    )  # fmt: skip


def judge(journal: Decision, approve: bool = True) -> Judge:
    return Judge(
        partner_id="ptn_a", key="review/rvw_1", key_owner=INTERNAL, fingerprint=b"", occurred_at=START,
        journal_id=journal.journal_id, review_id="rvw_1", approve=approve, actor="stf_m",
    )  # fmt: skip


def act(journal: Decision, event: str) -> Act:
    return Act(
        partner_id="ptn_a", key=a_key(), fingerprint=b"", occurred_at=START, journal_id=journal.journal_id, event=event
    )


def refused(desk: Desk, command: Command) -> CommonpointError:
    with pytest.raises(CommonpointError) as error:
        desk.do(command)
    return error.value


def test_the_sixth_earning_of_a_member_at_one_terminal_in_an_hour_waits_for_a_look() -> None:
    desk, asks = Desk(SIX_AN_HOUR), Asks(SIX_AN_HOUR)
    for _ in range(5):
        assert desk.do(asks.buy(10, till=till(terminal="1"))).review == ()
    desk.do(asks.buy(10, till=till(terminal="2")))
    sixth = desk.do(asks.buy(10, till=till(terminal="1")))
    assert (sixth.review, sixth.facts["review"]) == (("member_at_terminal_times",), ["member_at_terminal_times"])
    assert (sixth.pending_change, sixth.spendable_change) == (10, 0)
    assert (desk.book.spendable, desk.book.pending) == (60, 10)
    moved_to(desk, START + timedelta(minutes=62))
    assert desk.do(asks.buy(10, till=till(terminal="1"))).review == ()


def test_an_approved_earning_above_a_limit_waits_for_nobody() -> None:
    desk, asks = Desk(REVIEWED), Asks(REVIEWED)
    earned = desk.do(asks.buy(10, till=till(approved_by="stf_m")))
    assert (earned.review, earned.facts["till"], desk.book.spendable) == ((), {"approved_by": "stf_m"}, 10)


def test_a_limit_may_refuse_to_let_earn() -> None:
    version = programme("misuse: {velocity: [{of: cashier, on: earn, within: P1D, points: 100, then: refuse}]}\n")
    desk, asks = Desk(version), Asks(version)
    desk.do(asks.buy(100, till=till(cashier="kim")))
    error = refused(desk, asks.buy(1, till=till(cashier="kim")))
    assert isinstance(error, TooOften)
    assert error.facts == {"of": "cashier", "on": "earn", "within": "P1D", "points": 100}
    desk.do(asks.buy(1, till=till(cashier="alex")))


def test_a_cashier_who_serves_their_own_account_is_looked_at_unless_the_programme_says_otherwise() -> None:
    own = till(cashier="stf_1", own_account=True)
    for text, reasons in (("", ("own_account",)), ("misuse: {own_account: allow}\n", ())):
        version = programme(text)
        assert Desk(version).do(Asks(version).buy(10, till=own)).review == reasons
    version = programme("misuse: {own_account: refuse}\n")
    assert isinstance(refused(Desk(version), Asks(version).buy(10, till=own)), OwnAccountServed)


def test_an_earning_that_gives_nothing_needs_no_look() -> None:
    desk, asks = Desk(REVIEWED), Asks(REVIEWED)
    nothing = desk.do(asks.buy(1, terms=TermsRate("trm_low", 1, 10**9), till=till()))
    assert (nothing.points, nothing.review) == (0, ())


def test_approved_points_can_be_spent_and_rejected_ones_are_gone() -> None:
    for approve, balance in ((True, 10), (False, 0)):
        desk, asks = Desk(REVIEWED), Asks(REVIEWED)
        earned = desk.do(asks.buy(10))
        decided = desk.do(judge(earned, approve))
        assert (desk.book.spendable, desk.book.pending, desk.book.arrears) == (balance, 0, 0)
        assert decided.facts["verdict"] == {"review": "rvw_1", "approved": approve, "by": "stf_m"}
        assert decided.kind == ("activate" if approve else "reverse")


def test_points_under_review_cannot_be_talked_free_by_an_event_or_by_time() -> None:
    desk, asks = Desk(REVIEWED), Asks(REVIEWED)
    earned = desk.do(asks.buy(10))
    assert isinstance(refused(desk, act(earned, "review")), NotReversible)
    moved_to(desk, START + timedelta(days=400))
    assert (desk.book.spendable, desk.book.pending) == (0, 10)


def test_after_the_look_points_wait_for_what_they_wait_for_besides() -> None:
    desk, asks = Desk(WAITING), Asks(WAITING)
    earned = desk.do(asks.buy(5))
    assert desk.book.pending == 15
    desk.do(judge(earned))
    assert (desk.book.spendable, desk.book.pending) == (0, 15)
    desk.do(act(earned, "class.attended"))
    assert (desk.book.spendable, desk.book.pending) == (10, 5)
    desk.book.due_at = START  # as the ledger would have noted
    moved_to(desk, START + timedelta(days=15))
    desk.do(asks.spend(15))
    assert (desk.book.spendable, desk.book.pending) == (0, 0)


def test_an_event_that_happens_during_the_review_is_not_forgotten() -> None:
    desk, asks = Desk(WAITING), Asks(WAITING)
    earned = desk.do(asks.buy(5))
    desk.do(act(earned, "class.attended"))
    assert (desk.book.spendable, desk.book.pending) == (0, 15)
    assert isinstance(refused(desk, act(earned, "class.attended")), NotReversible)
    moved_to(desk, START + timedelta(days=15))
    desk.do(judge(earned))
    assert (desk.book.spendable, desk.book.pending) == (15, 0)


def test_a_return_during_the_review_leaves_the_rest_to_be_decided() -> None:
    for approve, balance in ((True, 6), (False, 0)):
        desk, asks = Desk(REVIEWED), Asks(REVIEWED)
        earned = desk.do(asks.buy(10))
        desk.do(back(earned, amount=400))
        desk.do(judge(earned, approve))
        assert (desk.book.spendable, desk.book.pending, desk.book.arrears) == (balance, 0, 0)


@pytest.mark.parametrize("approve", [True, False])
def test_of_an_earning_that_came_back_whole_nothing_is_left_to_decide(approve: bool) -> None:
    desk, asks = Desk(REVIEWED), Asks(REVIEWED)
    earned = desk.do(asks.buy(10))
    desk.do(back(earned))
    decided = desk.do(judge(earned, approve))
    assert (decided.kind, decided.postings, desk.book.spendable, desk.book.pending) == ("mark", (), 0, 0)


def test_approved_points_cure_what_is_owed_first() -> None:
    desk, asks = Desk(REVIEWED), Asks(REVIEWED)
    free = desk.do(asks.buy(10, till=till(approved_by="stf_m")))
    desk.do(asks.spend(10))
    desk.do(back(free))
    assert desk.book.arrears == 10
    desk.do(judge(desk.do(asks.buy(25))))
    assert (desk.book.spendable, desk.book.arrears) == (15, 0)


def test_whoever_works_there_earns_no_campaign_points_where_the_programme_says_so_and_it_is_pinned() -> None:
    campaigns = "campaigns: [{id: double, names: {en: Double}, times: 2, stacking: exclusive}]\n"
    for text, points in (("misuse: {staff_campaigns: false}\n", 10), ("", 20)):
        version = programme(campaigns + text)
        earned = Desk(version).do(Asks(version).buy(10, till=till(staff=True)))
        assert earned.points == points
        again = recompute(version, earned.facts)
        assert [list(one) for one in again] == earned.facts["lots"]
    version = programme(campaigns + "misuse: {staff_campaigns: false}\n")
    assert Desk(version).do(Asks(version).buy(10, till=till(staff=False))).points == 20
