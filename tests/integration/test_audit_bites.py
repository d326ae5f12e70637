"""Every rule of the audit bites: for each there is something that one can do behind the ledger's back that it finds."""

from collections.abc import Iterator
from fractions import Fraction

import pytest

from api.commands.ledger import ALL_CHECKS
from kernel.database import Connection
from network.audit import SETTLEMENT
from points.audit import CHECKS, audit
from points.commands import Adjust
from points.outcome import Outcome
from points.programme.canonical import canonical
from tests.support.programme_shapes import Campaign
from tests.support.promised import Desk, shaped
from tests.support.shaped_ledger import Room
from tests.support.watched import programme

_RICH = shaped(
    visit=(3, 1), campaign=Campaign(Fraction(2), None, 40), gold=(9_000, Fraction(2)), expiry=("rolling", 40), stock=3
)
_ADD_JOURNAL = (
    "INSERT INTO journal (id, kind, member_id, partner_id, points, occurred_at, recorded_at, facts, height, place)"
    " SELECT 'jrn_x', '{kind}', 'mbr_0', 'ptn_a', 1, now(), now(), '{facts}', height, 99 FROM journal LIMIT 1"
)
_ENTRY = (
    "INSERT INTO entry (journal_id, account_id, member_id, amount) SELECT id, '{0}', 'mbr_0', 1 FROM journal LIMIT 1"
)
_SPENT_LATE = (
    "UPDATE lot SET expires_at = '2026-03-02', issued_at = '2026-02-01' WHERE id IN"
    " (SELECT lot_id FROM allocation WHERE purpose = 'honoured' AND points > 0)"
)
_CYCLE = (
    "INSERT INTO clearing_cycle (id, number, currency, closed_at, obligations, content_hash)"
    " VALUES ('cyc', 1, 'EUR', now(), {0}, '')"
)
_VOUCHER = (
    "INSERT INTO voucher (id, code, member_id, reward, version_id, partner_id, journal_id, state, uses_left)"
    " SELECT 'vch_{0}', 'code{0}', 'mbr_0', 'prize', 'v', 'ptn_a', 'none', '{1}', {2}"
)
_MOVE = (
    "INSERT INTO voucher_move (id, voucher_id, kind, member_id, state, uses_left, into_id, actor, at)"
    " VALUES ('{0}', '{1}', '{2}', 'mbr_0', 'issued', {3}, {4}, 'key', now())"
)
_PROOF = (
    "INSERT INTO proof (id, member_id, partner_id, way, made_at, good_until, used_by)"
    " SELECT 'prf_1', 'mbr_0', 'ptn_a', 'tap', recorded_at, recorded_at, {0} FROM journal WHERE kind = 'redeem' LIMIT 1"
)
_REVIEW = (
    "INSERT INTO review (id, journal_id, member_id, partner_id, reasons, points, state, created_at, decided_at)"
    " SELECT 'rvw_1', journal_id, member_id, 'ptn_a', '{{own_account}}', 1, '{0}', now(), {1}"
    " FROM lot WHERE remaining > 0 AND moved_from IS NULL LIMIT 1"
)
_ASKS_FOR_PROOFS = canonical(programme("redemptions: {proof: {above: 5}}\n").programme).decode()

# Rule -> what was done.
_DONE = {
    "postings of a journal sum to zero": "UPDATE entry SET amount = amount + 1 WHERE amount > 0",
    "a balance is the sum of its entries": "UPDATE account SET balance = balance + 1 WHERE id = 'mbr_0/spendable'",
    "every member's postings have an account": _ENTRY.format("mbr_9/spendable"),
    "every journal is sealed in the chain": _ADD_JOURNAL.format(kind="mark", facts="{}"),
    "what a partner issued is in its lots, or was taken back": _ENTRY.format("ptn_a/issued"),
    "what a partner honoured is in allocations, or still owed to it": _ENTRY.format("ptn_a/accepted"),
    "what expired is breakage of its issuer": _ENTRY.format("ptn_a/expired"),
    "nothing stays on its way between members": _ENTRY.format("transit"),
    "what moved to another member is what left the first": (
        "UPDATE lot SET original = original + 1 WHERE moved_from <> ''"
    ),
    "what is spendable is what remains of the lots": "UPDATE lot SET remaining = remaining - 1 WHERE remaining > 0",
    "what is pending is what remains of the lots that wait": "UPDATE lot SET pending = true WHERE remaining > 0",
    "arrears are the sum of what is open": "UPDATE arrear SET remaining = 0",
    "what remains of a lot is what was not allocated": "UPDATE lot SET original = original + 1",
    "no slice of a lot is used twice": "UPDATE allocation SET points = points + 1000 WHERE purpose = 'held'",
    "what a member has moves by lots and allocations": "UPDATE allocation SET points = points + 1",
    "an allocation is of the lot's member and issuer, and says who honoured it": (
        "UPDATE allocation SET acceptor_id = NULL WHERE purpose = 'honoured'"
    ),
    "whoever owes has nothing to spend": "UPDATE account SET balance = 7 WHERE id = 'mbr_2/spendable'",
    "a hold has ended if and only if something ended it": "UPDATE claim SET ended_by = NULL WHERE state = 'captured'",
    "a hold ends once": _ADD_JOURNAL.format(kind="capture", facts='{"claim": "none"}'),
    "a hold keeps exactly its points, and none when it has ended": "UPDATE claim SET points = points + 1",
    "what is posted as held is held by open claims": "UPDATE claim SET state = 'released' WHERE state = 'held'",
    "a claim is captured before its deadline and times out after it": (
        "UPDATE claim SET deadline = '2026-01-01' WHERE state = 'captured'"
    ),
    "a journal has one key, or follows from another or from time": "DELETE FROM idempotency",
    "a journal follows from one that is there": "UPDATE journal SET cause_id = 'none' WHERE cause_id <> ''",
    "reversals do not exceed what they reverse": (
        "UPDATE journal SET amount_minor = 10 * amount_minor WHERE reverses_id <> ''"
    ),
    "no line is refunded beyond its amount": (
        "UPDATE journal SET facts = facts || '{\"returned\": [[0, 999999]]}'"
        " WHERE reverses_id <> '' AND amount_minor > 0"
    ),
    "points go back to the lots they came from": (
        "UPDATE allocation SET lot_id = (SELECT min(id) FROM lot WHERE member_id = 'mbr_2') WHERE points < 0"
    ),
    "a lot expires when its time is over, and not before": (
        "UPDATE lot SET expires_at = '2099-01-01' WHERE id IN (SELECT lot_id FROM allocation WHERE purpose = 'expired')"
    ),
    "nothing is spent from a lot whose time is over": _SPENT_LATE,
    "what waits is not spent": "UPDATE lot SET pending = true",
    "points expire when a business day begins": "UPDATE lot SET expires_at = expires_at + interval '1 second'",
    "a purchase returned in full leaves no trace in counters and limits": (
        "UPDATE journal SET facts = facts - 'uses' WHERE kind = 'reverse' AND facts ? 'uses'"
    ),
    "an earning pins version, event, context and what every rule gave": (
        "UPDATE journal SET facts = facts - 'event' WHERE kind = 'earn'"
    ),
    "the points of an earning are those that its rules gave, and those of its lots": (
        "UPDATE journal SET points = points + 1 WHERE kind = 'earn'"
    ),
    "a lot was issued under the version that its journal names": "UPDATE lot SET version_id = 'another'",
    "what an earning pinned gives its points again": (
        "UPDATE journal SET facts = jsonb_set(facts, '{event,lines,0,amount_minor}', '77700') WHERE kind = 'earn'"
    ),
    "no pinned number has a fraction": "UPDATE journal SET facts = facts || '{\"a\": {\"b\": [0.5]}}'",
    "no column holds a number with a fraction": "ALTER TABLE cap ADD COLUMN share numeric",
    "no shared limit is exceeded": (
        "ALTER TABLE cap DROP CONSTRAINT cap_holds; UPDATE cap SET used = size + 1"
    ),
    "what is used of a shared limit is what journals used": "UPDATE cap SET used = used - 1 WHERE used > 0",
    "no rule gives to a member more often than it may": (
        "UPDATE journal SET facts = jsonb_set(facts, '{change,counts,rule/visit,739677}', '5')"
        " WHERE facts#>'{change,counts,rule/visit,739677}' IS NOT NULL AND kind = 'earn'"
    ),
    "a voucher belongs to the journal that issued it": _VOUCHER.format(1, "issued", 1),
    "a code that another was exchanged for is of the same member, and came of one exchange": (
        f"{_VOUCHER.format(1, 'issued', 1)}; {_MOVE.format('a', 'gone', 'exchanged', 0, chr(39) + 'vch_1' + chr(39))}"
    ),
    "a code is used as often as it was good for, and for no more than its value": (
        f"{_MOVE.format('a', 'v', 'used', 3, 'NULL')}; {_MOVE.format('b', 'v', 'used', 3, 'NULL')}"
    ),
    "a code is what its last use left of it": (
        f"{_VOUCHER.format(1, 'issued', 2)}; {_MOVE.format('a', 'vch_1', 'used', 1, 'NULL')}"
    ),
    "a voucher can be used as long as it says so": _VOUCHER.format(1, "issued", 0),
    "no more is spent without a proof in a day than the programme allows": (
        "INSERT INTO programme_version (id, content, created_at)"
        f" VALUES ('v', convert_to('{_ASKS_FOR_PROOFS}', 'UTF8'), now());"
        ' UPDATE journal SET facts = facts || \'{"version": "v", "change": {"counts": {"unproved": {"1": 6}}}}\''
        " WHERE kind = 'redeem'"
    ),
    "a tier follows from the history": (
        "UPDATE account SET standing = jsonb_set(standing, '{tier,level}', '\"base\"') WHERE standing ? 'tier'"
    ),
    "a standing is the sum of what journals did to it": (
        "UPDATE account SET standing = jsonb_set(standing, '{counts,spend,739677}', '1') WHERE id = 'mbr_0/spendable'"
    ),
    "what partners still owe members is in the open lots": (
        "UPDATE lot SET remaining = remaining - 1 WHERE remaining > 0"
    ),
    "no entry holds a member's name": (
        "INSERT INTO profile (member_id, name) VALUES ('mbr_0', 'Maija Meikäläinen');"
        " UPDATE journal SET facts = facts || '{\"note\": \"for Maija Meikäläinen\"}' WHERE member_id = 'mbr_0'"
    ),
    "a member's code says nothing but itself": "UPDATE member SET code = id",
    "the expiry of a lot is the one that was promised, or a later one": (
        "UPDATE lot SET expires_at = expires_at - interval '1 day'"
    ),
    "an adjustment by hand has a reason, a person and a role": (
        "UPDATE journal SET facts = facts || '{\"reason\": \"\"}' WHERE kind = 'adjust'"
    ),
    "nobody adjusts their own account or approves their own adjustment": (
        "UPDATE journal SET facts = facts || '{\"actor\": \"mbr_0\"}' WHERE kind = 'adjust'"
    ),
    "a correction that was asked for is the one that was made": (
        "INSERT INTO adjustment (id, member_id, partner_id, points, reason, actor, actor_key, role, state, journal_id,"
        " asked_at) VALUES ('a', 'mbr_0', 'ptn_a', 5, 'r', 's', 'k', 'manager', 'done', 'none', now())"
    ),
    "a proof that is used up names what was spent by it: of its member, at its partner, in its time": (
        _PROOF.format("id")
    ),
    "what was spent by a proof used it up, and nothing else did": (
        _PROOF.format("NULL") + "; UPDATE journal SET facts = facts || '{\"proof\": {\"id\": \"prf_1\"}}'"
    ),
    "an earning that somebody must look at has a review": (
        "UPDATE journal SET facts = facts || '{\"review\": [\"own_account\"]}' WHERE kind = 'earn'"
    ),
    "points wait as long as their review is open, and no longer": _REVIEW.format("open", "NULL"),
    "a review is decided by one journal that says so": _REVIEW.format("approved", "now()"),
    "points honoured for another partner are one obligation": "DELETE FROM obligation",
    "an obligation is for points that were honoured": "UPDATE obligation SET allocation_id = 'none' || allocation_id",
    "an obligation of a cycle is in a cycle that was closed": "UPDATE obligation SET cycle_id = 'none'",
    "a cycle holds as many obligations as it was closed with": _CYCLE.format(99),
    "the net amounts of a cycle sum to nothing": "INSERT INTO net_position VALUES ('cyc', 'ptn_a', 0, 0, 0, 5, 0)",
    "what a party pays and gets in a cycle is the sum of its obligations": "UPDATE obligation SET cycle_id = 'none'",
    "a float is what was paid in less what was charged": (
        "INSERT INTO terminal_float (terminal_id, balance) VALUES ('ter_x', 5)"
    ),
    "what an offline redemption lacked is charged once": _ADD_JOURNAL.format(
        kind="redeem", facts='{"offline": {"terminal": "ter_x"}, "short": 3}'
    ),
    "an allowance says what was used of it": (
        "INSERT INTO allowance (id, terminal_id, partner_id, points, per_redemption, used, valid_from, valid_until,"
        " document) VALUES ('alw_x', 'ter_x', 'ptn_a', 9, 9, 3, now(), now(), '')"
    ),
}  # fmt: skip


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    room = Room(database_url)
    desk = Desk(room, _RICH)
    _live(desk)
    yield desk
    room.close()


def _live(desk: Desk) -> None:
    """Something of everything."""
    whole, part = desk.buy(3_000), desk.buy(4_000)
    desk.refund(whole)
    desk.refund(part, 500)
    asked = desk.ledger.asked("ptn_a")
    corrected = Adjust(
        **asked, member_id="mbr_0", points=30, reason="lost receipt", actor="stf_1", role="manager",
        in_force=desk.ledger.in_force,
    )  # fmt: skip
    desk.done(corrected)
    desk.here = "ptn_b"
    desk.give_back(desk.spend(5))
    captured = desk.claim()
    assert isinstance(captured, Outcome)
    assert isinstance(desk.capture(captured), Outcome)
    desk.spend(7)
    desk.send(4)
    desk.buy(9_500, member=2)
    bill = desk.buy(1_000, member=2)
    desk.spend(desk.balance(member=2), member=2)
    desk.refund(bill)
    desk.wait(days=41)
    desk.buy(8_000)
    assert isinstance(desk.claim(), Outcome)


def test_nothing_is_found_where_nothing_was_done(desk: Desk) -> None:
    assert desk.ledger.findings() == []


def test_every_rule_bites(desk: Desk) -> None:
    rules = {check.name: check for check in (*CHECKS, *SETTLEMENT)}
    assert _DONE.keys() == rules.keys()

    async def bites(connection: Connection, name: str) -> bool:
        savepoint = connection.transaction()
        await savepoint.start()
        await connection.execute(_DONE[name])
        found = await audit(connection, 5, [rules[name]])
        await savepoint.rollback()
        return bool(found)

    toothless = [name for name in rules if not desk.ledger.run(bites(desk.ledger.connection, name))]
    assert toothless == []


def test_all_invariants_of_the_domain_have_a_check() -> None:
    assert {check.number for check in ALL_CHECKS} == set(range(1, 23))
