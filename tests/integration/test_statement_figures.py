"""What the ledger says of members."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.audit import audit
from points.commands import Command
from points.ledger import Ledger
from points.outcome import Outcome
from points.programme.version import TermsRate
from points.statement import Line, MemberState, Position, lines, member_states, positions
from tests.support.ledger import START, a_member, earn, redeem, reverse

POINT_EACH = TermsRate("trm_one", 1, 1)


async def do(db: Database, *commands: Command) -> list[Outcome]:
    """Each in a transaction of its own; all must pass."""
    outcomes = []
    for command in commands:
        async with db.unit() as unit:
            (answer,) = await Ledger(MovableClock(START)).apply(unit.connection, [command])
        assert isinstance(answer, Done), answer
        outcomes.append(answer.outcome)
    return outcomes


async def state(db: Database, member: str) -> MemberState:
    async with db.read() as read:
        return (await member_states(read.connection, [member]))[member]


async def figures(db: Database, member: str) -> tuple[int, int, int, int]:
    """Version, spendable points, arrears, points earned in all."""
    found = await state(db, member)
    return found.version, found.spendable, found.arrears, found.lifetime


async def positions_of(db: Database, *members: str) -> list[Position]:
    async with db.read() as read:
        return await positions(read.connection, members)


async def lines_of(
    db: Database,
    member: str,
    limit: int = 50,
    after: int | None = None,
    before: int | None = None,
    partner_id: str | None = None,
) -> list[Line]:
    async with db.read() as read:
        return await lines(read.connection, member, limit, after, before, partner_id)


async def test_a_new_member_has_nothing(db: Database) -> None:
    member = await a_member(db)
    assert await figures(db, member) == (0, 0, 0, 0)
    assert await positions_of(db, member) == []
    assert await lines_of(db, member) == []


async def test_unknown_members_are_left_out(db: Database) -> None:
    async with db.read() as read:
        assert await member_states(read.connection, ["mbr_x"]) == {}
        assert await positions(read.connection, ["mbr_x"]) == []


async def test_spending_lowers_the_balance_and_not_the_lifetime(db: Database) -> None:
    member = await a_member(db)
    await do(db, earn(member, 100, rule=POINT_EACH), redeem(member, 70))
    assert await figures(db, member) == (2, 30, 0, 100)


async def test_a_refund_lowers_the_lifetime_even_when_the_points_are_spent(db: Database) -> None:
    member = await a_member(db)
    (bill,) = await do(db, earn(member, 2000, rule=POINT_EACH))
    await do(db, redeem(member, 2000), reverse(bill.id))
    assert await figures(db, member) == (3, 0, 2000, 0)
    await do(db, earn(member, 500, "ptn_c", rule=POINT_EACH))
    assert await figures(db, member) == (4, 0, 1500, 500)


async def test_points_given_back_do_not_count_as_earned_again(db: Database) -> None:
    member = await a_member(db)
    await do(db, earn(member, 100, rule=POINT_EACH))
    (spent,) = await do(db, redeem(member, 60))
    await do(db, reverse(spent.id, partner_id="ptn_b"))
    assert await figures(db, member) == (3, 100, 0, 100)


async def test_positions_tell_who_issued_who_took_back_and_who_honoured(db: Database) -> None:
    member = await a_member(db)
    one, _ = await do(db, earn(member, 100, "ptn_a", rule=POINT_EACH), earn(member, 50, "ptn_b", rule=POINT_EACH))
    await do(db, redeem(member, 110, "ptn_b"), reverse(one.id, amount_minor=30))
    found = {(p.kind, p.issuer_id, p.acceptor_id): p.points for p in await positions_of(db, member)}
    assert found == {
        ("issued", "ptn_a", None): 100,
        ("issued", "ptn_b", None): 50,
        ("redeemed", "ptn_a", "ptn_b"): 100,
        ("redeemed", "ptn_b", "ptn_b"): 10,
        ("redeemed", "ptn_b", "ptn_a"): 30,  # in place of ptn_a's own, which were spent
    }


async def test_a_line_says_what_happened_as_the_member_sees_it(db: Database) -> None:
    member = await a_member(db)
    bill, spent = await do(db, earn(member, 100, rule=POINT_EACH), redeem(member, 40))
    (undone,) = await do(db, reverse(bill.id))
    newest, middle, oldest = await lines_of(db, member)
    assert (oldest.id, oldest.kind, oldest.points, oldest.amount_minor, oldest.currency) == (
        bill.id, "earn", 100, 100, "EUR",
    )  # fmt: skip
    assert (middle.id, middle.kind, middle.points, middle.partner_id) == (spent.id, "redeem", -40, "ptn_b")
    assert (newest.id, newest.points, newest.reverses_id) == (undone.id, -100, bill.id)
    assert oldest.facts["context"]["terms"] == ["trm_one", 1, 1]
    assert (oldest.occurred_at, oldest.recorded_at) == (START, START)


async def test_lines_come_in_pages_without_gaps_or_repeats_in_both_directions(db: Database) -> None:
    member, other = await a_member(db), await a_member(db)
    done = await do(db, *(earn(m, 100 + n) for n in range(7) for m in (member, other)))
    mine = [outcome.id for outcome in done if outcome.member_id == member][::-1]
    older: list[Line] = []
    while page := await lines_of(db, member, 3, after=older[-1].seq if older else None):
        assert len(page) <= 3
        older += page
    assert [line.id for line in older] == mine
    newer = older[-1:]
    while page := await lines_of(db, member, 3, before=newer[0].seq):
        newer = page + newer
    assert newer == older


async def test_lines_of_one_partner_only(db: Database) -> None:
    member = await a_member(db)
    await do(db, earn(member, 100, "ptn_a"), earn(member, 100, "ptn_b"), earn(member, 300, "ptn_a"))
    mine = await lines_of(db, member, partner_id="ptn_a")
    assert [line.partner_id for line in mine] == ["ptn_a", "ptn_a"]
    assert await lines_of(db, member, partner_id="ptn_a", after=mine[0].seq) == mine[1:]
    assert await lines_of(db, member, partner_id="ptn_c") == []


async def test_a_place_in_somebody_elses_list_shows_only_ones_own(db: Database) -> None:
    member, other = await a_member(db), await a_member(db)
    await do(db, earn(member, 100), earn(other, 100))
    (mine,), (theirs,) = await lines_of(db, member), await lines_of(db, other)
    assert await lines_of(db, member, after=theirs.seq) == [mine]
    assert await lines_of(db, other, after=mine.seq) == []


ACTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["ptn_a", "ptn_b"]), st.integers(1, 90)), max_size=14)


def command_of(member: str, done: Sequence[Outcome], what: int, partner: str, number: int) -> Command:
    if what == 1:
        return redeem(member, number, partner)
    originals = [outcome for outcome in done if outcome.reverses_id is None]
    if what >= 2 and originals:
        original = originals[number % len(originals)]
        return reverse(original.id, partner_id=original.partner_id)
    return earn(member, number, partner, rule=POINT_EACH)


@settings(max_examples=settings().max_examples // 4)
@given(acts=ACTS)
async def test_all_figures_tell_the_same_story(db: Database, acts: list[tuple[int, str, int]]) -> None:
    member = await a_member(db)
    done: list[Outcome] = []
    for act in acts:
        async with db.unit() as unit:
            command = command_of(member, done, *act)
            (answer,) = await Ledger(MovableClock(START)).apply(unit.connection, [command])
        done += [answer.outcome] if isinstance(answer, Done) else []
    now = await state(db, member)
    found = await positions_of(db, member)
    statement = await lines_of(db, member)
    assert now.spendable == sum(p.points if p.kind == "issued" else -p.points for p in found)
    assert now.spendable - now.arrears == sum(line.points for line in statement)
    assert [line.id for line in statement] == [outcome.id for outcome in done][::-1]
    assert [line.points for line in statement] == [outcome.points for outcome in done][::-1]
    kinds = {outcome.id: outcome.kind for outcome in done}
    assert now.lifetime == sum(o.points for o in done if kinds.get(o.reverses_id or o.id) == "earn")
    if done:
        assert (done[-1].balance, done[-1].arrears, done[-1].version) == (now.spendable, now.arrears, now.version)
    async with db.read() as read:
        assert await audit(read.connection) == []
