"""What spending is asked besides whether the points are there: proofs, limits, the cool-down, what happened offline."""

from datetime import timedelta

import pytest

from kernel.errors import CommonpointError
from points.commands import Command, Mark, Reverse
from points.decision import ProofState
from points.programme.proving import accepted_ways, unproved_left
from points.programme.reward_eligibility import CONTACT_CHANGED
from points.programme.standing import Change
from points.programme.version import Version
from tests.support.desk import Desk, moved_to
from tests.support.ledger import START
from tests.support.watched import Asks, programme, till

PROOF = programme("redemptions: {proof: {above: 100, ways: [tap, confirmation]}}\n")
NO_PROOF = programme("")


def rich(version: Version, points: int = 1_000) -> tuple[Desk, Asks]:
    """A member with points, and how they ask."""
    desk, asks = Desk(version), Asks(version)
    desk.do(asks.buy(points))
    return desk, asks


def refused(desk: Desk, command: Command) -> CommonpointError:
    with pytest.raises(CommonpointError) as error:
        desk.do(command)
    return error.value


def prove(desk: Desk, **other: object) -> str:
    """A proof that the ledger would have found."""
    name = "prf_1"
    known: dict[str, object] = {
        "member_id": "mbr_1", "holder_id": "mbr_1", "may_spend": True, "partner_id": "ptn_a", "way": "tap",
        "good_until": START + timedelta(minutes=5),
    }  # fmt: skip
    desk.ground.proofs[name] = ProofState(id=name, **{**known, **other})  # type: ignore[arg-type]
    return name


def left(desk: Desk, version: Version) -> int | None:
    return unproved_left(version, desk.book.standing, desk.ground.now)


def test_small_amounts_need_no_proof_until_the_day_is_used_up() -> None:
    desk, asks = rich(PROOF)
    desk.do(asks.spend(70))
    desk.do(asks.spend(30))
    error = refused(desk, asks.spend(1))
    assert (error.code, error.facts) == ("proof_needed", {"above": 100, "left": 0, "ways": ["tap", "confirmation"]})
    assert desk.book.spendable == 900


def test_what_is_left_without_a_proof_is_told() -> None:
    desk, asks = rich(PROOF)
    desk.do(asks.spend(70))
    assert (left(desk, PROOF), refused(desk, asks.spend(31)).facts["left"]) == (30, 30)
    assert accepted_ways(PROOF) == ("tap", "confirmation")
    assert (left(desk, NO_PROOF), accepted_ways(NO_PROOF)) == (None, ())


def test_the_next_business_day_begins_anew() -> None:
    desk, asks = rich(PROOF)
    desk.do(asks.spend(100))
    moved_to(desk, START + timedelta(hours=9, minutes=59))  # 23:59 in Helsinki
    assert refused(desk, asks.spend(1)).code == "proof_needed"
    moved_to(desk, START + timedelta(hours=10))
    desk.do(asks.spend(100))


def test_what_a_proof_was_shown_for_is_not_counted_and_the_proof_is_used_up() -> None:
    desk, asks = rich(PROOF)
    proof = prove(desk)
    spent = desk.do(asks.spend(500, proof_id=proof))
    assert spent.facts["proof"] == {"id": "prf_1", "way": "tap", "member": "mbr_1"}
    assert (spent.proof_id, left(desk, PROOF)) == (proof, 100)
    assert refused(desk, asks.spend(1, proof_id=proof)).code == "proof_refused"


@pytest.mark.parametrize(
    "wrong",
    [
        {"member_id": "mbr_2", "holder_id": "mbr_2"},
        {"member_id": "mbr_2", "holder_id": "mbr_1", "may_spend": False},
        {"partner_id": "ptn_b"},
        {"good_until": START},
        {"used": True},
        {"points": 99},
    ],
)
def test_a_proof_of_another_place_person_or_time_is_refused_without_saying_why(wrong: dict[str, object]) -> None:
    desk, asks = rich(PROOF)
    known = refused(desk, asks.spend(100, proof_id=prove(desk, **wrong)))
    unknown = refused(desk, asks.spend(100, proof_id="prf_none"))
    assert (known.code, known.detail, known.facts) == (unknown.code, unknown.detail, unknown.facts)
    assert (known.code, desk.book.spendable) == ("proof_refused", 1_000)


def test_whoever_shares_the_account_and_may_spend_can_prove_for_it() -> None:
    desk, asks = rich(PROOF)
    desk.do(asks.spend(500, proof_id=prove(desk, member_id="mbr_2", holder_id="mbr_1")))
    assert desk.book.spendable == 500


def test_a_proof_of_a_way_that_the_programme_does_not_accept_proves_nothing_and_is_kept() -> None:
    desk, asks = rich(PROOF)
    proof = prove(desk, way="pin")
    assert refused(desk, asks.spend(101, proof_id=proof)).code == "proof_needed"
    desk.do(asks.spend(100, proof_id=proof))
    assert (left(desk, PROOF), desk.ground.proofs[proof].used) == (0, False)


def test_without_the_section_nothing_is_asked_but_a_proof_that_is_shown_must_be_good() -> None:
    desk, asks = rich(NO_PROOF)
    desk.do(asks.spend(700))
    assert refused(desk, asks.spend(1, proof_id="prf_none")).code == "proof_refused"
    assert "unproved" not in desk.book.standing.counts


@pytest.mark.parametrize("reward", ["mug", "code"])
def test_claims_are_spending(reward: str) -> None:
    desk, asks = rich(PROOF)
    desk.do(asks.claim(reward))
    assert left(desk, PROOF) == 40
    assert refused(desk, asks.claim(reward)).code == "proof_needed"
    claimed = desk.do(asks.claim(reward, proof_id=prove(desk)))
    assert (claimed.facts["proof"]["id"], left(desk, PROOF)) == ("prf_1", 40)


def test_what_is_given_back_may_be_spent_again() -> None:
    desk, asks = rich(PROOF)
    spent = desk.do(asks.spend(100))
    back = {"partner_id": "ptn_a", "fingerprint": b"", "occurred_at": START, "journal_id": spent.journal_id}
    desk.do(Reverse(key="part", points=30, **back))  # type: ignore[arg-type]
    assert left(desk, PROOF) == 30
    desk.do(Reverse(key="rest", **back))  # type: ignore[arg-type]
    assert left(desk, PROOF) == 100
    assert "unproved" not in desk.book.standing.counts


def test_nothing_is_spent_shortly_after_the_contact_details_changed() -> None:
    desk, asks = rich(programme("redemptions: {cool_down_after_contact_change: PT24H}\n"))
    change = Change(moments={CONTACT_CHANGED: [int(START.timestamp())]})
    desk.do(Mark(**{k: v for k, v in asks.asked().items() if k != "in_force"}, change=change, reason="contact"))
    moved_to(desk, START + timedelta(minutes=5))
    assert refused(desk, asks.spend(1)).code == "cooling_down"
    assert refused(desk, asks.claim()).code == "cooling_down"
    desk.do(asks.offline(1))
    moved_to(desk, START + timedelta(hours=24))
    desk.do(asks.spend(1))


def test_a_spending_above_a_limit_passes_with_an_approval_alone() -> None:
    version = programme("misuse: {velocity: [{of: terminal, on: spend, within: PT1H, points: 100}]}\n")
    desk, asks = rich(version)
    desk.do(asks.spend(100, till=till(terminal="1")))
    error = refused(desk, asks.spend(1, till=till(terminal="1")))
    assert (error.code, error.facts) == ("approval_needed", {"reasons": ["terminal_points"]})
    desk.do(asks.spend(1, till=till(terminal="2")))
    passed = desk.do(asks.spend(1, till=till(terminal="1", approved_by="stf_m")))
    assert passed.facts["till"] == {"terminal": "1", "approved_by": "stf_m"}


def test_a_limit_that_refuses_is_not_lifted_by_an_approval() -> None:
    version = programme("misuse: {velocity: [{of: cashier, on: spend, within: P1D, times: 2, then: refuse}]}\n")
    desk, asks = rich(version)
    for _ in range(2):
        desk.do(asks.spend(1, till=till(cashier="kim")))
    error = refused(desk, asks.spend(1, till=till(cashier="kim", approved_by="stf_m")))
    assert error.code == "too_often"
    assert error.facts == {"of": "cashier", "on": "spend", "within": "P1D", "times": 2}
    moved_to(desk, START + timedelta(hours=25))
    desk.do(asks.spend(1, till=till(cashier="kim")))


def test_what_was_refused_is_not_counted() -> None:
    version = programme("misuse: {velocity: [{of: member, on: spend, within: PT1H, times: 1, then: refuse}]}\n")
    desk, asks = rich(version)
    assert refused(desk, asks.spend(5_000)).code == "insufficient_points"
    desk.do(asks.spend(1))


def test_what_is_given_back_is_still_counted_by_meters() -> None:
    version = programme("misuse: {velocity: [{of: member, on: spend, within: PT1H, times: 1, then: refuse}]}\n")
    desk, asks = rich(version)
    spent = desk.do(asks.spend(1))
    desk.do(
        Reverse(
            partner_id="ptn_a", key="back", fingerprint=b"", occurred_at=START, journal_id=spent.journal_id,
        )
    )  # fmt: skip
    assert refused(desk, asks.spend(1)).code == "too_often"


def test_a_cashier_may_spend_their_own_points_unless_the_programme_refuses_to_serve_them() -> None:
    for text, code in (("", None), ("misuse: {own_account: refuse}\n", "own_account")):
        desk, asks = rich(programme(text))
        command = asks.spend(1, till=till(cashier="stf_1", own_account=True))
        if code is None:
            desk.do(command)
        else:
            assert refused(desk, command).code == code


def test_what_happened_offline_takes_what_there_is_and_tells_what_was_short() -> None:
    desk, asks = rich(PROOF, points=30)
    spent = desk.do(asks.offline(50))
    assert (spent.points, spent.short, spent.spendable_change, desk.book.spendable) == (30, 20, -30, 0)
    assert (spent.facts["asked"], spent.facts["short"]) == (50, 20)
    assert spent.facts["offline"] == {"terminal": "trm_1", "allowance": "alw_1"}
    nothing = desk.do(asks.offline(50))
    assert (nothing.points, nothing.short, nothing.postings) == (0, 50, ())


def test_what_happened_offline_is_refused_for_nothing_and_counts_for_everything() -> None:
    version = programme(
        "redemptions: {max_points_per_day: 60, proof: {above: 50}}\n"
        "misuse: {own_account: refuse, velocity: [{of: terminal, on: spend, within: PT1H, times: 1, then: refuse}]}\n"
    )
    desk, asks = rich(version)
    here = till(terminal="1", cashier="stf_1", own_account=True)
    for _ in range(3):
        desk.do(asks.offline(100, till=here))
    assert (desk.book.spendable, left(desk, version)) == (700, 0)
    assert refused(desk, asks.spend(1, till=till(terminal="1"))).code == "daily_redemption_limit"
    moved_to(desk, START + timedelta(minutes=30) + timedelta(hours=10))
    desk.do(asks.spend(1, till=till(terminal="1")))


def test_from_a_frozen_account_or_by_whoever_may_not_spend_nothing_is_taken() -> None:
    desk, asks = rich(PROOF)
    desk.ground.barred = frozenset({"mbr_1"})
    assert (desk.do(asks.offline(10)).short, desk.book.spendable) == (10, 1_000)
    desk.ground.barred = frozenset()
    desk.book.frozen = True
    assert (desk.do(asks.offline(10)).short, desk.book.spendable) == (10, 1_000)
