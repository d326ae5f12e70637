"""API keys: shown once, checked in constant time, refused soon after they are revoked."""

import asyncio
import binascii
import re
from datetime import UTC, datetime

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.secrets import Keyring
from network.keys import (
    KEY_PATTERN,
    SCOPES,
    Gate,
    KeyModeWrong,
    KeyRefused,
    KeyUnknown,
    Mode,
    NewKey,
    ScopeUnknown,
    authenticate,
    create_key,
    revoke_key,
)
from network.partners import Brand, PartnerUnknown, add_partner

CLOCK = MovableClock(datetime(2026, 3, 1, tzinfo=UTC))
KEYRING = Keyring(b"a test master secret of 32 bytes")


async def _key(db: Database, partner_id: str | None = None, mode: Mode = "test") -> NewKey:
    async with db.unit() as unit:
        return await create_key(unit, CLOCK, KEYRING, mode, partner_id, {"earn"})


async def _partner(db: Database) -> str:
    async with db.unit() as unit:
        return (await add_partner(unit, CLOCK, "P", Brand("P"))).id


async def _refused(db: Database, text: str, mode: Mode = "test", keyring: Keyring = KEYRING) -> type[KeyRefused]:
    async with db.read() as read:
        with pytest.raises(KeyRefused) as refused:
            await authenticate(read.connection, keyring, text, mode)
    assert text not in str(refused.value)
    return type(refused.value)


async def test_a_key_leads_to_its_owner_and_its_scopes(db: Database) -> None:
    partner = await _partner(db)
    made = await _key(db, partner)
    async with db.read() as read:
        caller = await authenticate(read.connection, KEYRING, made.text, "test")
    assert (caller.key_id, caller.partner_id, caller.scopes) == (made.id, partner, frozenset({"earn"}))
    assert not caller.is_operator


@pytest.mark.parametrize("mode", ["test", "live"])
async def test_keys_have_the_published_form_and_never_repeat(db: Database, mode: Mode) -> None:
    texts = [(await _key(db, mode=mode)).text for _ in range(5)]
    assert len(set(texts)) == 5
    assert all(re.fullmatch(KEY_PATTERN, text) and text.startswith(f"cp_{mode}_") for text in texts)


async def test_a_key_of_the_other_mode_is_refused_by_name(db: Database) -> None:
    made = await _key(db, mode="test")
    assert await _refused(db, made.text, mode="live") is KeyModeWrong


async def test_a_test_key_relabelled_as_live_is_refused_even_with_a_new_checksum(db: Database) -> None:
    made = await _key(db, mode="test")
    body = made.text.replace("cp_test_", "cp_live_")[:-8]
    assert await _refused(db, f"{body}{binascii.crc32(body.encode()):08x}", mode="live") is KeyRefused


async def test_one_wrong_character_anywhere_is_refused(db: Database) -> None:
    made = await _key(db)
    for place in range(len("cp_test_"), len(made.text)):
        other = "0" if made.text[place] != "0" else "1"
        await _refused(db, made.text[:place] + other + made.text[place + 1 :])


async def test_a_hash_made_under_another_master_secret_or_for_another_key_is_refused(db: Database) -> None:
    made, other = await _key(db), await _key(db)
    await _refused(db, made.text, keyring=Keyring(b"another master secret, 32 bytes!"))
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE api_key SET hash = (SELECT hash FROM api_key WHERE id = $2) WHERE id = $1", other.id, made.id
        )
    body = f"cp_test_{other.id.removeprefix('key_')}{made.text[34:86]}"
    await _refused(db, f"{body}{binascii.crc32(body.encode()):08x}")
    await _refused(db, other.text)


async def test_unknown_scopes_and_partners_get_no_key(db: Database) -> None:
    async with db.unit() as unit:
        for scopes in ({"everything"}, set(), {"earn", "root"}):
            with pytest.raises(ScopeUnknown):
                await create_key(unit, CLOCK, KEYRING, "test", None, scopes)
        partner = (await add_partner(unit, CLOCK, "P", Brand("P"))).id
        with pytest.raises(ScopeUnknown):
            await create_key(unit, CLOCK, KEYRING, "test", partner, SCOPES)
        with pytest.raises(PartnerUnknown):
            await create_key(unit, CLOCK, KEYRING, "test", "ptn_00000000000000000000000000", {"earn"})


async def test_the_gate_notices_a_revocation_after_its_memory_has_aged(db: Database) -> None:
    made = await _key(db)
    gate = Gate(db, KEYRING, "test")
    assert (await gate.caller(made.text)).key_id == made.id
    async with db.unit() as unit:
        await revoke_key(unit, CLOCK, None, made.id)
        await revoke_key(unit, CLOCK, None, made.id)
    await asyncio.sleep(Gate.MAX_AGE_S)
    with pytest.raises(KeyRefused):
        await gate.caller(made.text)
    assert Gate.MAX_AGE_S < 1


async def test_the_gate_does_not_ask_the_database_again_for_a_key_it_just_saw(db: Database, database_url: str) -> None:
    made = await _key(db)
    away = await Database.connect(database_url)
    gate = Gate(away, KEYRING, "test")
    first = await gate.caller(made.text)
    await away.close()
    assert await gate.caller(made.text) is first


async def test_the_gate_remembers_no_refusals_and_no_more_than_its_bound(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gate, "MOST_REMEMBERED", 2)
    gate = Gate(db, KEYRING, "test")
    made = [await _key(db) for _ in range(4)]
    for one in made:
        await gate.caller(one.text)
    for _ in range(3):
        with pytest.raises(KeyRefused):
            await gate.caller(made[0].text[:-1] + "x")
    assert (len(gate._known), len(gate._use_noted)) == (2, 2)


async def test_a_key_shows_that_it_is_in_use(db: Database) -> None:
    made = await _key(db)
    await Gate(db, KEYRING, "test").caller(made.text)
    async with db.read() as read:
        used = await read.connection.fetchval("SELECT last_used_at FROM api_key WHERE id = $1", made.id)
    assert used is not None


async def test_a_closed_partners_keys_are_refused(db: Database) -> None:
    partner = await _partner(db)
    made = await _key(db, partner)
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE partner SET status = 'closed' WHERE id = $1", partner)
    await _refused(db, made.text)


async def test_only_the_owners_key_can_be_revoked_under_its_name(db: Database) -> None:
    made = await _key(db, await _partner(db))
    async with db.unit() as unit:
        for owner in (None, "ptn_00000000000000000000000000", "\x00"):
            with pytest.raises(KeyUnknown):
                await revoke_key(unit, CLOCK, owner, made.id)
        with pytest.raises(KeyUnknown):
            await revoke_key(unit, CLOCK, None, "key_x")
