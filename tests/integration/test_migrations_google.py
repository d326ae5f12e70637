"""After the upgrade every card is looked at again, behind all tills, and what Google was told counts as in doubt."""

import asyncpg

from api import migrations
from kernel.embedded import ensure_database, with_database
from kernel.ids import new_code
from passes.google.push_told import read_told

_BEFORE = """
INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code) VALUES
('pass_a', 'mbr_1', 'ptn_1', 'apple', '{}', 1, now(), 'a'), ('pass_g', 'mbr_1', 'ptn_1', 'google', '{}', 2, now(), 'g');
INSERT INTO google_object (pass_id, pushed_seq, pushed_hash) VALUES ('pass_g', 2, repeat('0a', 32));
"""


async def test_cards_are_looked_at_again_after_the_upgrade(database_server: str) -> None:
    name = f"t_{new_code().lower()}"
    url = await ensure_database(database_server, name)
    await migrations.migrate(url, "0003")
    connection = await asyncpg.connect(url)
    await connection.execute(_BEFORE)
    await migrations.migrate(url, "0004")
    notes = [tuple(row) for row in await connection.fetch("SELECT kind, subject, lane FROM outbox ORDER BY 1, 2")]
    assert notes == [("google.push", "pass_g", 1), ("pass.bulk", "pass_a", 1), ("pass.bulk", "pass_g", 1)]
    row = await connection.fetchrow("SELECT pushed_hash, held, holders FROM google_object")
    assert row is not None
    assert (row["held"], row["holders"]) == ("unknown", 0)
    told = read_told(row["pushed_hash"])
    assert told is not None
    assert told.in_doubt
    await connection.execute("INSERT INTO outbox (kind, subject, lane) VALUES ('google.class', 'ptn_1', 1)")
    await migrations.migrate(url, "0003")
    assert await connection.fetchval("SELECT count(*) FROM outbox WHERE kind = 'google.class'") == 0
    await connection.close()
    admin = await asyncpg.connect(with_database(database_server, "postgres"))
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
