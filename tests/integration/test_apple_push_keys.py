"""Authentication keys for pushes: sealed, one in use for each team."""

import asyncio

import pytest

from kernel.database import Database
from kernel.secrets import Keyring
from passes.apple.certificate_files import BadPushKey
from passes.apple.push_keys import PushKeys, PushKeyUnknown, install_push_key, key_id_of, retire_push_key
from passes.sandbox.portal import push_key_file
from tests.support.certificates import KEYRING

TEAM, OTHER_TEAM = "TEAMTEAM01", "TEAMTEAM02"


async def _keys(db: Database, keyring: Keyring = KEYRING) -> PushKeys:
    keys = PushKeys(db, keyring)
    await keys.load()
    return keys


async def test_an_installed_key_is_the_teams(db: Database) -> None:
    raw = push_key_file()
    made = await install_push_key(db, KEYRING, raw, "KEYKEYKEY1", TEAM)
    keys = await _keys(db)
    found = keys.of(TEAM)
    assert found is not None
    assert (found.key_id, found.team) == ("KEYKEYKEY1", TEAM)
    assert found.key.private_numbers() == made.key.private_numbers()
    assert keys.of(OTHER_TEAM) is None
    assert "key" not in repr(found).replace("key_id", "").lower().replace("providerkey", "").replace("keykeykey1", "")
    async with db.read() as read:
        sealed = bytes(await read.connection.fetchval("SELECT sealed_key FROM apple_push_key"))
    assert raw.split(b"\n")[1] not in sealed


async def test_the_next_key_of_a_team_takes_over(db: Database) -> None:
    for key_id, team in (("KEYKEYKEY1", TEAM), ("KEYKEYKEY2", TEAM), ("KEYKEYKEY3", OTHER_TEAM)):
        await install_push_key(db, KEYRING, push_key_file(), key_id, team)
    assert {key.team: key.key_id for key in (await _keys(db)).all()} == {TEAM: "KEYKEYKEY2", OTHER_TEAM: "KEYKEYKEY3"}
    assert [key.key_id for key in (await _keys(db)).kept()] == ["KEYKEYKEY2", "KEYKEYKEY3"]


async def test_two_that_are_installed_at_once_leave_one(db: Database) -> None:
    ids = [f"KEYKEYKEY{n}" for n in range(4)]
    await asyncio.gather(*(install_push_key(db, KEYRING, push_key_file(), key_id, TEAM) for key_id in ids))
    assert len((await _keys(db)).kept()) == 1


async def test_a_retired_key_is_used_no_more_and_may_come_back(db: Database) -> None:
    raw = push_key_file()
    await install_push_key(db, KEYRING, raw, "KEYKEYKEY1", TEAM)
    for _ in range(2):
        await retire_push_key(db, "KEYKEYKEY1")
    assert (await _keys(db)).of(TEAM) is None
    await install_push_key(db, KEYRING, raw, "KEYKEYKEY1", TEAM)
    assert (await _keys(db)).of(TEAM) is not None
    with pytest.raises(PushKeyUnknown):
        await retire_push_key(db, "NOKEYNOKEY")


async def test_a_key_stays_the_same_object_while_it_is_the_same(db: Database) -> None:
    await install_push_key(db, KEYRING, push_key_file(), "KEYKEYKEY1", TEAM)
    keys = await _keys(db)
    first = keys.of(TEAM)
    await keys.load()
    assert keys.of(TEAM) is first


async def test_a_key_that_cannot_be_opened_is_told_and_left_out(db: Database) -> None:
    await install_push_key(db, KEYRING, push_key_file(), "KEYKEYKEY1", TEAM)
    keys = await _keys(db, Keyring(b"another secret of 32 bytes or so"))
    assert keys.of(TEAM) is None
    assert [bool(key.fault) for key in keys.kept()] == [True]


@pytest.mark.parametrize(("key_id", "team"), [("short", TEAM), ("KEYKEYKEY1", "team"), ("", TEAM)])
async def test_names_that_apple_does_not_give_are_refused(db: Database, key_id: str, team: str) -> None:
    with pytest.raises(BadPushKey, match="ten capital letters"):
        await install_push_key(db, KEYRING, push_key_file(), key_id, team)


def test_the_id_of_a_key_is_in_the_name_of_its_file() -> None:
    assert key_id_of("AuthKey_AB12CD34EF.p8") == "AB12CD34EF"
    assert [key_id_of(name) for name in ("AuthKey_AB12.p8", "key.p8", "AuthKey_AB12CD34EF.p8.txt")] == [None] * 3
