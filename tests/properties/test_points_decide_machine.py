"""The rules of the ledger against an independent model, for any order of earning, redeeming and reversing."""

from collections import Counter, defaultdict
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from kernel.errors import CommonpointError
from points.book import Book
from points.commands import Command
from points.decision import Allocated, Decision
from points.programme.version import TermsRate
from tests.support.desk import Desk
from tests.support.ledger import earn, redeem, reverse
from tests.support.model import Model, Refused

PARTNERS = st.sampled_from(["ptn_a", "ptn_b", "ptn_c"])
RATES = st.sampled_from([(1, 100), (3, 200), (1, 7), (2, 3), (5, 2), (1, 1), (7, 1)]).map(
    lambda rate: TermsRate(f"trm_{rate[0]}_{rate[1]}", *rate)
)
AMOUNTS = st.integers(1, 60) | st.integers(1, 2000).map(lambda n: n % 400 + 1)


class TwoTellings(RuleBasedStateMachine):
    """Does everything twice and compares."""

    earned = Bundle("earned")
    redeemed = Bundle("redeemed")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.book = self.desk.book
        self.model = Model()
        self.accounts: Counter[str] = Counter()
        self.allocated: list[Allocated] = []
        self.effects = 0

    def do(self, command: Command) -> Decision:
        before = deepcopy(self.book)
        decision = self.desk.do(command)
        check_one(before, decision)
        for account, amount in decision.postings:
            self.accounts[account] += amount
        self.allocated += decision.allocations
        self.effects += 1
        return decision

    @rule(target=earned, partner=PARTNERS, amount=AMOUNTS, by=RATES)
    def earns(self, partner: str, amount: int, by: TermsRate) -> str:
        return self.buy(partner, amount, by)

    def buy(self, partner: str, amount: int, by: TermsRate) -> str:
        decision = self.do(earn("mbr_1", amount, partner, rule=by))
        self.model.earn(decision.journal_id, partner, amount, Fraction(by.points, by.per_minor))
        return decision.journal_id

    @rule(
        target=redeemed,
        partner=PARTNERS,
        share=st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(9, 10), Fraction(1, 7)]),
    )
    def redeems_what_is_there(self, partner: str, share: Fraction) -> str:
        return self.spend(partner, share)

    def spend(self, partner: str, share: Fraction) -> str:
        points = int(self.book.spendable * share)
        if points == 0:
            return ""
        decision = self.do(redeem("mbr_1", points, partner))
        self.model.redeem(decision.journal_id, partner, points)
        return decision.journal_id

    @rule(target=redeemed, shop=PARTNERS, partner=PARTNERS, amount=AMOUNTS, by=RATES)
    def buys_spends_all_and_returns_the_goods(self, shop: str, partner: str, amount: int, by: TermsRate) -> str:
        """The way into arrears, which chance alone rarely finds twice in a row."""
        bill = self.buy(shop, amount, by)
        redemption = self.spend(partner, Fraction(1))
        self.do(reverse(bill, partner_id=shop))
        self.model.refund(bill, amount)
        return redemption

    @rule(partner=PARTNERS, too_many=st.integers(1, 50))
    def redeems_more_than_there_is(self, partner: str, too_many: int) -> None:
        points = self.book.spendable + too_many
        refused_alike(
            lambda: self.do(redeem("mbr_1", points, partner)), lambda: self.model.redeem("x", partner, points)
        )

    @rule(journal=earned, amount=AMOUNTS)
    def refunds_a_part(self, journal: str, amount: int) -> None:
        partner = self.book.past[journal].partner_id
        if amount > self.model.bills[journal].left_minor:
            refused_alike(
                lambda: self.do(reverse(journal, amount_minor=amount, partner_id=partner)),
                lambda: self.model.refund(journal, amount),
            )
            return
        self.do(reverse(journal, amount_minor=amount, partner_id=partner))
        self.model.refund(journal, amount)

    @rule(journal=consumes(earned))
    def refunds_the_rest(self, journal: str) -> None:
        left = self.model.bills[journal].left_minor
        if left:
            self.do(reverse(journal, partner_id=self.book.past[journal].partner_id))
            self.model.refund(journal, left)

    @rule(journal=redeemed, points=st.integers(1, 80))
    def gives_back_a_part(self, journal: str, points: int) -> None:
        if not journal:
            return
        command = reverse(journal, points=points, partner_id=self.book.past[journal].partner_id)
        if points > len(self.model.spent[journal]):
            refused_alike(lambda: self.do(command), lambda: self.model.restore(journal, points))
            return
        self.do(command)
        self.model.restore(journal, points)

    @rule(journal=consumes(redeemed))
    def gives_back_the_rest(self, journal: str) -> None:
        if journal and (left := len(self.model.spent[journal])):
            self.do(reverse(journal, partner_id=self.book.past[journal].partner_id))
            self.model.restore(journal, left)

    @rule(partner=PARTNERS, amount=AMOUNTS, by=RATES)
    def a_purchase_that_is_refunded_at_once_leaves_no_trace(self, partner: str, amount: int, by: TermsRate) -> None:
        before = deepcopy(self.book)
        decision = self.do(earn("mbr_1", amount, partner, rule=by))
        self.do(reverse(decision.journal_id, partner_id=partner))
        assert (self.book.spendable, self.book.arrears) == (before.spendable, before.arrears)
        assert self.book.standing.carries == before.standing.carries
        assert self.book.standing.counts == before.standing.counts
        assert open_lots(self.book) == open_lots(before)
        self.model.earn(decision.journal_id, partner, amount, Fraction(by.points, by.per_minor))
        self.model.refund(decision.journal_id, amount)

    @invariant()
    def both_tellings_agree(self) -> None:
        assert self.book.spendable == len(self.model.held())
        assert self.book.arrears == len(self.model.owed)
        assert {self.book.lots[i].journal_id: n for i, n in open_lots(self.book).items()} == self.model.held_by_bill()
        owed = Counter[str]()
        for arrear in self.book.open_arrears.values():
            owed[arrear.creditor_id] += arrear.remaining
        assert +owed == Counter(self.model.owed)
        assert self.book.version == self.effects

    @invariant()
    def points_are_the_floor_of_the_exact_net_value(self) -> None:
        for key, carried in self.book.standing.carries.items():
            carry = Fraction(*carried)
            assert 0 <= carry < 1
            assert carry == self.model.value(key.removesuffix("/terms")) % 1

    @invariant()
    def lots_stay_within_bounds_and_who_owes_has_none(self) -> None:
        assert all(0 <= lot.remaining <= lot.original for lot in self.book.lots.values())
        assert not (self.book.arrears and self.book.spendable)
        used = Counter[str]()
        for slice_ in self.allocated:
            used[slice_.lot_id] += slice_.points
        assert all(lot.original - lot.remaining == used[lot.id] for lot in self.book.lots.values())

    @invariant()
    def what_partners_issued_and_accepted_is_all_accounted_for(self) -> None:
        issued, accepted = Counter[str](), Counter[str]()
        for lot in self.book.lots.values():
            issued[lot.issuer_id] += lot.original
        for slice_ in self.allocated:
            if slice_.acceptor_id is None:
                issued[slice_.issuer_id] -= slice_.points
            else:
                accepted[slice_.acceptor_id] += slice_.points
        for arrear in self.book.open_arrears.values():
            accepted[arrear.creditor_id] += arrear.remaining
        for partner in ("ptn_a", "ptn_b", "ptn_c"):
            assert -self.accounts[f"{partner}/issued"] == issued[partner]
            assert self.accounts[f"{partner}/accepted"] == accepted[partner]
        assert self.accounts["mbr_1/spendable"] == self.book.spendable
        assert self.accounts["mbr_1/arrears"] == -self.book.arrears


def check_one(book: Book, decision: Decision) -> None:
    """What holds for each decision by itself."""
    assert sum(amount for _, amount in decision.postings) == 0
    assert all(amount for _, amount in decision.postings)
    new = sum(lot.original for lot in decision.new_lots)
    assert decision.spendable_change == new - sum(a.points for a in decision.allocations)
    assert book.spendable + decision.spendable_change >= 0
    if decision.kind == "redeem":
        assert sum(a.points for a in decision.allocations) == decision.points
    lots = defaultdict(int, {a.lot_id: 0 for a in decision.allocations})
    for slice_ in decision.allocations:
        lots[slice_.lot_id] += slice_.points
    for lot_id, remaining in decision.changed_lots.items():
        assert book.lots[lot_id].remaining - lots[lot_id] == remaining


def open_lots(book: Book) -> dict[str, int]:
    return {lot.id: lot.remaining for lot in book.lots.values() if lot.remaining}


def refused_alike(real: Callable[[], object], model: Callable[[], object]) -> None:
    codes = []
    for telling in (real, model):
        try:
            telling()
        except (CommonpointError, Refused) as refused:
            codes.append(refused.code if isinstance(refused, CommonpointError) else str(refused))
    assert len(codes) == 2
    assert codes[0] == codes[1]


TwoTellings.TestCase.settings = settings(stateful_step_count=25)
TestTheRulesAgainstTheModel = TwoTellings.TestCase
