"""Reconciliation finds what differs and says its name."""

import pytest

from kernel.database import Database
from tests.support.chain import Coalition, a_coalition
from tests.support.ledger import a_member, earn, redeem
from tokens.reconcile import Difference


async def a_mirrored_coalition(db: Database) -> tuple[Coalition, list[str]]:
    coalition = await a_coalition(db, "memory:")
    members = [await a_member(db) for _ in range(3)]
    await coalition.do(*(earn(member, 5_000) for member in members))
    await coalition.do(redeem(members[0], 20, "ptn_b"))
    await coalition.follow()
    return coalition, members


async def test_ledger_mirror_and_chain_agree(db: Database) -> None:
    coalition, _ = await a_mirrored_coalition(db)
    result = await coalition.mirror.reconcile()
    assert (result.members, result.ledger_points, result.mirrored_points, result.chain_supply) == (3, 130, 130, 130)
    assert result.agrees
    assert result.changes == 3
    assert result.gas_per_change == result.gas_used / 3 > 0


async def test_before_the_first_contract_there_is_nothing_to_compare(db: Database) -> None:
    coalition = await a_coalition(db, "memory:")
    assert (await coalition.mirror.reconcile()).agrees


async def test_a_change_on_its_way_is_waiting_and_not_a_difference(db: Database) -> None:
    coalition, members = await a_mirrored_coalition(db)
    await coalition.do(redeem(members[1], 5))
    result = await coalition.mirror.reconcile()
    assert (result.waiting, result.differences) == (1, [])


async def test_a_change_that_nobody_noted_is_a_difference(db: Database) -> None:
    coalition, members = await a_mirrored_coalition(db)
    await coalition.do(redeem(members[1], 5))
    async with db.unit() as unit:
        await unit.connection.execute("DELETE FROM outbox")
    result = await coalition.mirror.reconcile()
    assert result.differences == [Difference("ledger and mirror", members[1], 45, 50)]


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("UPDATE mirror_balance SET mirrored = mirrored + 1 WHERE member_id = $1", "mirror and chain"),
        ("DELETE FROM mirror_balance WHERE member_id = $1", "ledger and mirror"),
        ("UPDATE account SET balance = balance + 1 WHERE id = $1 || '/spendable'", "ledger and mirror"),
    ],
)
async def test_a_planted_difference_of_a_member_is_named(db: Database, fault: str, what: str) -> None:
    coalition, members = await a_mirrored_coalition(db)
    async with db.unit() as unit:
        await unit.connection.execute(fault, members[2])
    result = await coalition.mirror.reconcile()
    assert what in {difference.what for difference in result.differences}
    assert {difference.subject for difference in result.differences} == {members[2]}


@pytest.mark.parametrize(("kind", "what"), [("issued", "issued"), ("redeemed", "redeemed_of")])
async def test_a_planted_difference_of_a_partner_is_named(db: Database, kind: str, what: str) -> None:
    coalition, _ = await a_mirrored_coalition(db)
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE mirror_position SET points = points + 7 WHERE kind = $1", kind)
    result = await coalition.mirror.reconcile()
    assert what in {d.what for d in result.differences if d.subject == "ptn_a"}
    assert "total supply" in {d.what for d in result.differences if d.subject == "all"}


async def test_points_on_the_chain_without_a_ledger_are_named(db: Database) -> None:
    coalition, members = await a_mirrored_coalition(db)
    async with db.unit() as unit:
        await unit.connection.execute("DELETE FROM mirror_position WHERE member_id = $1", members[0])
        await unit.connection.execute("DELETE FROM mirror_balance WHERE member_id = $1", members[0])
    result = await coalition.mirror.reconcile()
    assert Difference("total supply", "all", 100, 130) in result.differences
