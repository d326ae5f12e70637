"""Cards that were on phones before cards spoke three languages say the same afterwards, and on the way back."""

import asyncpg

from api import migrations
from kernel.embedded import ensure_database, with_database
from kernel.ids import new_code
from passes.card import Link, Value, card_from_json

_BEFORE = """
INSERT INTO partner (id, name, status, brand_name, background, foreground, label_colour, logo_text, created_at)
VALUES ('ptn_1', 'Bistro', 'active', 'Bistro', '#111111', '#ffffff', '#cccccc', '', now());
INSERT INTO wallet_pass (id, member_id, wallet, card, change_seq, last_modified) VALUES
('pass_1', 'mbr_1', 'apple', '{"brand_id": "ptn_1", "brand_name": "Bistro", "description": "Bistron kortti",
  "background": "#111111", "foreground": "#ffffff", "label_colour": "#cccccc", "logo_text": "Bistro",
  "holder": "Aino", "holder_label": "Jäsen", "balance": 120, "balance_label": "Pisteet", "balance_change": "Nyt %@",
  "tier": "", "tier_label": "Taso", "next_reward": "30 pistettä: Kahvi", "next_reward_label": "Seuraava etu",
  "code": "7K3M", "language": "fi", "links": [{"label": "Pisteesi", "url": "https://bistro.example/c/1"}]}', 7, now());
"""


async def test_a_card_says_the_same_after_the_upgrade_and_on_the_way_back(database_server: str) -> None:
    name = f"t_{new_code().lower()}"
    url = await ensure_database(database_server, name)
    await migrations.migrate(url, "0002")
    connection = await asyncpg.connect(url)
    await connection.execute(_BEFORE)
    before = await connection.fetchval("SELECT card::text FROM wallet_pass")
    await migrations.migrate(url, "0003")
    row = await connection.fetchrow("SELECT card::text, brand_id, tap_code, kind FROM wallet_pass")
    assert row is not None
    card = card_from_json(row["card"])
    assert (row["brand_id"], len(row["tap_code"]), row["kind"]) == ("ptn_1", 32, "card")
    assert (card.balance, card.language, card.code, card.description) == (120, "fi", "7K3M", {"fi": "Bistron kortti"})
    assert card.values["holder"] == Value(label={"fi": "Jäsen"}, text={"fi": "Aino"})
    assert card.values["next_reward"].text == {"fi": "30 pistettä: Kahvi"}
    assert "tier" not in card.values
    assert card.links == (Link({"fi": "Pisteesi"}, "https://bistro.example/c/1"),)
    notes = [tuple(row) for row in await connection.fetch("SELECT kind, subject, lane FROM outbox")]
    assert notes == [("pass.bulk", "pass_1", 1)]
    await migrations.migrate(url, "0002")
    after = await connection.fetchval("SELECT card::text FROM wallet_pass")
    assert {key for key in ("holder", "balance", "tier", "next_reward", "code") if f'"{key}"' in after} == {
        "holder", "balance", "tier", "next_reward", "code",
    }  # fmt: skip
    assert '"balance": 120' in before
    assert '"balance": 120' in after
    assert '"holder": "Aino"' in after
    await connection.close()
    admin = await asyncpg.connect(with_database(database_server, "postgres"))
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
