"""What members had before there were programmes is theirs afterwards, to the fraction of a point."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from api import migrations
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.embedded import ensure_database, with_database
from kernel.ids import new_code
from points.answers import Done
from points.ledger import Ledger
from points.statement import member_states
from tests.support.ledger import START, earn, reverse

# 12.99 at 1 point per 2.00 (6, and 0.495 carried), a refund of 3.00 of it (1 point taken), 2 points spent elsewhere.
_BEFORE = """
INSERT INTO member (id, code, partner_id, joined_at) VALUES ('mbr_old', 'OLD', 'ptn_a', '2025-05-05 12:00Z');
INSERT INTO account (id, member_id, balance, version)
VALUES ('mbr_old/spendable', 'mbr_old', 2, 3), ('mbr_old/arrears', 'mbr_old', 0, 3);
INSERT INTO journal (id, kind, member_id, partner_id, points, amount_minor, currency, reverses_id, occurred_at, facts)
SELECT id, kind, 'mbr_old', partner_id, points, minor, currency, reverses_id, '2025-06-01 12:00Z',
       CASE WHEN minor IS NULL THEN '{}' ELSE jsonb_build_object(
           'rule', jsonb_build_object('id', 'trm_1', 'points', 1, 'per_minor', 200),
           'carry_before', before, 'carry_after', after, 'rounding', 'floor') END
FROM (VALUES ('ern_old', 'earn', 'ptn_a', 6, 1299, 'EUR', NULL, '[0, 1]'::jsonb, '[99, 200]'::jsonb),
             ('rev_old', 'reverse', 'ptn_a', 2, 300, 'EUR', 'ern_old', '[99, 200]', '[199, 200]'),
             ('rdm_old', 'redeem', 'ptn_b', 2, NULL, NULL, NULL, NULL, NULL))
    AS old (id, kind, partner_id, points, minor, currency, reverses_id, before, after);
INSERT INTO entry (journal_id, account_id, member_id, amount) VALUES
  ('ern_old', 'mbr_old/spendable', 'mbr_old', 6), ('ern_old', 'ptn_a/issued', 'mbr_old', -6),
  ('rev_old', 'mbr_old/spendable', 'mbr_old', -2), ('rev_old', 'ptn_a/issued', 'mbr_old', 2),
  ('rdm_old', 'mbr_old/spendable', 'mbr_old', -2), ('rdm_old', 'ptn_b/accepted', 'mbr_old', 2);
INSERT INTO lot (id, member_id, issuer_id, journal_id, original, remaining, issued_at)
VALUES ('lot_old', 'mbr_old', 'ptn_a', 'ern_old', 6, 2, '2025-06-01 12:00Z');
INSERT INTO allocation (id, journal_id, lot_id, member_id, issuer_id, acceptor_id, points) VALUES
  ('alc_1', 'rev_old', 'lot_old', 'mbr_old', 'ptn_a', NULL, 2),
  ('alc_2', 'rdm_old', 'lot_old', 'mbr_old', 'ptn_a', 'ptn_b', 2);
INSERT INTO carry (member_id, partner_id, numerator, denominator) VALUES ('mbr_old', 'ptn_a', 199, 200);
"""


@pytest.fixture
async def old(database_server: str) -> AsyncIterator[Database]:
    """A database of the first schema with a member's history, brought to the newest."""
    name = f"t_{new_code().lower()}"
    url = await ensure_database(database_server, name)
    await migrations.migrate(url, "0001")
    connection = await asyncpg.connect(url)
    await connection.execute(_BEFORE)
    await connection.close()
    await migrations.migrate(url)
    db = await Database.connect(url)
    yield db
    await db.close()
    admin = await asyncpg.connect(with_database(database_server, "postgres"))
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_points_history_and_fraction_are_kept(old: Database) -> None:
    async with old.read() as read:
        state = (await member_states(read.connection, ["mbr_old"]))["mbr_old"]
    assert (state.spendable, state.lifetime, state.standing.carries) == (2, 4, {"ptn_a/terms": (199, 200)})
    assert {name: sum(days.values()) for name, days in state.standing.counts.items()} == {
        "points": 4, "purchases": 1, "visits": 1, "spend": 999,
    }  # fmt: skip
    ledger = Ledger(MovableClock(START))
    async with old.unit() as unit:
        (answer,) = await ledger.apply(unit.connection, [earn("mbr_old", 1)])
    assert isinstance(answer, Done)
    assert answer.outcome.points == 1


async def test_an_old_purchase_is_refunded_by_its_own_rule_and_leaves_nothing(old: Database) -> None:
    ledger = Ledger(MovableClock(START))
    async with old.unit() as unit:
        back, rest = await ledger.apply(
            unit.connection, [reverse("rdm_old", partner_id="ptn_b"), reverse("ern_old", partner_id="ptn_a")]
        )
    assert isinstance(back, Done)
    assert isinstance(rest, Done)
    assert (rest.outcome.points, rest.outcome.balance, rest.outcome.arrears) == (-4, 0, 0)
    async with old.read() as read:
        state = (await member_states(read.connection, ["mbr_old"]))["mbr_old"]
    assert (state.lifetime, state.standing.carries, state.standing.counts) == (0, {}, {})
