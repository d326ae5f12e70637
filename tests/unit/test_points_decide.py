"""What the rules refuse, and a few histories with their numbers; all orders are in the property tests."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import CommonpointError
from points.commands import Command
from points.deciding.errors import LARGEST_AMOUNT, BadAmount, MoreThanLeft, NotReversible, UnknownJournal
from points.programme.reward_refusals import PointsShort
from points.programme.version import TermsRate
from tests.support.desk import Desk
from tests.support.ledger import earn, redeem, reverse

POINT_EACH = TermsRate("trm_one", 1, 1)


class Till(Desk):
    """A desk with short ways to say things."""

    def gains(self, points: int, partner: str = "ptn_a") -> str:
        return self.do(earn("mbr_1", points, partner, rule=POINT_EACH)).journal_id

    def spends(self, points: int, partner: str = "ptn_b") -> str:
        return self.do(redeem("mbr_1", points, partner)).journal_id

    def remaining(self) -> list[int]:
        return [lot.remaining for lot in self.book.lots.values()]

    def refused(self, command: Command) -> CommonpointError:
        before = repr(self.book)
        with pytest.raises(CommonpointError) as refused:
            self.do(command)
        assert repr(self.book) == before
        return refused.value


def carry_of(desk: Till, partner: str = "ptn_a") -> Fraction:
    return Fraction(*desk.book.standing.carries.get(f"{partner}/terms", (0, 1)))


@pytest.fixture
def desk() -> Till:
    return Till()


@pytest.mark.parametrize("amount", [0, -1, -(2**63), LARGEST_AMOUNT + 1, 2**63])
def test_amounts_out_of_bounds_are_refused(desk: Till, amount: int) -> None:
    bill = desk.gains(100)
    spent = desk.spends(50)
    commands: list[Command] = [
        earn("mbr_1", amount),
        redeem("mbr_1", amount),
        reverse(bill, amount_minor=amount),
        reverse(spent, points=amount, partner_id="ptn_b"),
    ]
    for command in commands:
        refusal = desk.refused(command)
        assert isinstance(refusal, BadAmount)
        assert refusal.facts["field"] in ("amount", "points")


def test_the_largest_amount_is_still_exact(desk: Till) -> None:
    desk.gains(LARGEST_AMOUNT)
    desk.spends(LARGEST_AMOUNT - 1)
    assert desk.book.spendable == 1


def test_nobody_spends_what_they_do_not_have(desk: Till) -> None:
    desk.gains(99)
    refusal = desk.refused(redeem("mbr_1", 100))
    assert isinstance(refusal, PointsShort)
    assert refusal.facts == {"asked": 100, "available": 99, "short": 1}


def test_only_the_partner_who_did_it_can_undo_it(desk: Till) -> None:
    bill = desk.gains(100)
    spent = desk.spends(10)
    for command in (reverse(bill, partner_id="ptn_b"), reverse(spent, partner_id="ptn_a"), reverse("ern_unknown")):
        assert isinstance(desk.refused(command), UnknownJournal)


def test_a_reversal_is_not_reversed(desk: Till) -> None:
    undone = desk.do(reverse(desk.gains(100), amount_minor=10)).journal_id
    assert isinstance(desk.refused(reverse(undone)), NotReversible)


def test_money_undoes_earnings_and_points_undo_redemptions(desk: Till) -> None:
    bill, spent = desk.gains(100), desk.spends(10)
    assert isinstance(desk.refused(reverse(bill, points=5)), NotReversible)
    assert isinstance(desk.refused(reverse(spent, amount_minor=5, partner_id="ptn_b")), NotReversible)


def test_no_more_is_undone_than_is_left(desk: Till) -> None:
    bill, spent = desk.gains(100), desk.spends(30)
    desk.do(reverse(bill, amount_minor=60))
    desk.do(reverse(spent, points=20, partner_id="ptn_b"))
    for command, left in ((reverse(bill, amount_minor=41), 40), (reverse(spent, points=11, partner_id="ptn_b"), 10)):
        refusal = desk.refused(command)
        assert isinstance(refusal, MoreThanLeft)
        assert refusal.facts["left"] == left
    desk.do(reverse(bill))
    desk.do(reverse(spent, partner_id="ptn_b"))
    for command in (reverse(bill), reverse(spent, partner_id="ptn_b")):
        assert isinstance(desk.refused(command), MoreThanLeft)


def test_the_oldest_points_are_spent_first_whoever_issued_them(desk: Till) -> None:
    for points, partner in ((10, "ptn_a"), (20, "ptn_b"), (30, "ptn_a")):
        desk.gains(points, partner)
    spent = desk.do(redeem("mbr_1", 35, "ptn_c"))
    assert [(a.issuer_id, a.acceptor_id, a.points) for a in spent.allocations] == [
        ("ptn_a", "ptn_c", 10),
        ("ptn_b", "ptn_c", 20),
        ("ptn_a", "ptn_c", 5),
    ]
    assert desk.remaining() == [0, 0, 25]


def test_points_given_back_return_to_the_lots_they_came_from_the_last_used_first(desk: Till) -> None:
    for points in (10, 20, 30):
        desk.gains(points)
    spent = desk.spends(45)
    desk.do(reverse(spent, points=20, partner_id="ptn_b"))
    assert desk.remaining() == [0, 5, 30]
    desk.do(reverse(spent, partner_id="ptn_b"))
    assert desk.remaining() == [10, 20, 30]


def test_a_refund_takes_its_own_points_then_the_partners_then_others(desk: Till) -> None:
    desk.gains(10, "ptn_b")
    desk.gains(10, "ptn_a")
    bill = desk.gains(50, "ptn_a")
    desk.gains(5, "ptn_a")
    desk.spends(45)  # both of the first lots, and 25 of the bill's
    undone = desk.do(reverse(bill))
    assert [(a.issuer_id, a.acceptor_id, a.points) for a in undone.allocations] == [
        ("ptn_a", None, 25),
        ("ptn_a", None, 5),
    ]
    assert (desk.book.spendable, desk.book.arrears) == (0, 20)


def test_a_refund_after_spending_becomes_arrears_that_the_next_points_cure(desk: Till) -> None:
    bill = desk.gains(100)
    desk.spends(100)
    desk.do(reverse(bill))
    assert (desk.book.spendable, desk.book.arrears) == (0, 100)
    cure = desk.do(earn("mbr_1", 130, "ptn_c", rule=POINT_EACH))
    assert [(a.issuer_id, a.acceptor_id, a.points) for a in cure.allocations] == [("ptn_c", "ptn_a", 100)]
    assert (desk.book.spendable, desk.book.arrears) == (30, 0)


def test_points_given_back_cure_arrears_too_the_oldest_first(desk: Till) -> None:
    first, second = desk.gains(10, "ptn_a"), desk.gains(10, "ptn_c")
    spent = desk.spends(20)
    desk.do(reverse(first))
    desk.do(reverse(second, partner_id="ptn_c"))
    back = desk.do(reverse(spent, points=15, partner_id="ptn_b"))
    cured = Counter[str | None]()
    for slice_ in back.allocations:
        if slice_.points > 0:
            cured[slice_.acceptor_id] += slice_.points
    assert cured == {"ptn_a": 10, "ptn_c": 5}
    assert (desk.book.spendable, desk.book.arrears) == (0, 5)


def test_the_rule_of_the_day_of_purchase_is_the_rule_of_its_refund(desk: Till) -> None:
    generous = desk.do(earn("mbr_1", 100, rule=TermsRate("trm_2", 2, 1))).journal_id
    desk.gains(50)
    undone = desk.do(reverse(generous, amount_minor=10))
    assert undone.points == 20
    assert undone.facts["lots"] == [["terms", None, "ptn_a", -20]]


@given(
    bill=st.integers(1, 10**6),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    points=st.integers(1, 50),
    per_minor=st.integers(1, 1000),
)
def test_a_split_bill_gives_what_one_bill_gives(bill: int, cuts: list[float], points: int, per_minor: int) -> None:
    rule = TermsRate("trm_x", points, per_minor)
    edges = [0, *sorted(int(bill * cut) for cut in cuts), bill]
    split, whole = Till(), Till()
    for start, end in pairwise(edges):
        if end > start:
            split.do(earn("mbr_1", end - start, rule=rule))
    whole.do(earn("mbr_1", bill, rule=rule))
    assert split.book.spendable == whole.book.spendable == bill * points // per_minor
    assert split.book.standing.carries == whole.book.standing.carries


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**9)), min_size=1, max_size=8))
def test_a_carry_fits_its_column_and_is_exact_to_a_millionth_of_a_millionth(
    purchases: list[tuple[int, int, int]],
) -> None:
    desk, exact = Till(), Fraction(0)
    for amount, points, per_minor in purchases:
        rule = TermsRate("trm_x", points, per_minor)
        before = carry_of(desk)
        facts = desk.do(earn("mbr_1", amount, rule=rule)).facts
        exact += Fraction(amount * points, per_minor)
        carry = carry_of(desk)
        assert 0 <= carry < 1
        assert carry.denominator < 2**53
        assert facts["carries_before"] == {"ptn_a/terms": [before.numerator, before.denominator]}
        given_in_all = sum(lot.original for lot in desk.book.lots.values()) + carry
        assert abs(exact - given_in_all) < Fraction(len(purchases), 10**12)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_refunding_everything_leaves_nothing_even_at_rates_that_must_be_rounded(
    purchases: list[tuple[int, int, int]], dice: Random
) -> None:
    desk = Till()
    bills = [desk.do(earn("mbr_1", amount, rule=TermsRate("trm_x", n, per))).journal_id for amount, n, per in purchases]
    dice.shuffle(bills)
    for bill in bills:
        desk.do(reverse(bill))
    assert (desk.book.spendable, desk.book.arrears) == (0, 0)


def test_a_refund_does_not_take_a_point_that_was_never_given(desk: Till) -> None:
    bills = [
        desk.do(earn("mbr_1", 1, rule=TermsRate("trm_x", 1, prime))).journal_id for prime in (999_983, 999_979, 999_961)
    ]
    for bill in bills:
        desk.do(reverse(bill))
    assert (desk.book.spendable, desk.book.arrears) == (0, 0)


def test_a_whole_point_earned_in_awkward_parts_is_given(desk: Till) -> None:
    primes = (999_983, 999_979, 999_961)
    for prime in primes:
        desk.do(earn("mbr_1", 1, rule=TermsRate("trm_x", 1, prime)))
    for prime in primes:
        desk.do(earn("mbr_1", prime - 1, rule=TermsRate("trm_x", 1, prime)))
    assert desk.book.spendable == 3


def test_a_purchase_too_small_for_a_point_is_kept_without_postings(desk: Till) -> None:
    small = desk.do(earn("mbr_1", 99))
    assert (small.points, small.postings, small.new_lots, desk.book.version) == (0, (), (), 1)
    assert carry_of(desk) == Fraction(99, 100)
    assert desk.do(earn("mbr_1", 1)).points == 1
