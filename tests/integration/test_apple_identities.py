"""Which certificate signs what: the store before the files, a partner's own before the coalition's."""

import asyncio
from collections.abc import Callable

import pytest

from kernel.database import Database
from kernel.secrets import Keyring
from passes.apple.identities import Identities, NoIdentity, kept_fresh
from passes.apple.push_keys import PushKeys
from tests.support.certificates import KEYRING, LOYALTY, a_partner, asked, in_use, obtained, portal, signing

_GYM = "pass.com.example.gym"
_OTHER_KEYRING = Keyring(b"another secret of 32 bytes or so")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0.01)


async def test_without_any_certificate_that_is_said(db: Database) -> None:
    identities = await in_use(db)
    assert identities.all() == ()
    with pytest.raises(NoIdentity, match="commonpoint apple csr"):
        identities.default  # noqa: B018
    with pytest.raises(NoIdentity):
        identities.for_partner("ptn_1")


async def test_the_store_goes_before_the_files_pass_type_by_pass_type(db: Database) -> None:
    files = signing()
    assert (await in_use(db, files)).default is files
    await asked(db)  # a request alone changes nothing
    assert (await in_use(db, files)).default is files
    stored = await obtained(db)
    identities = await in_use(db, files)
    assert identities.default.certificate == stored.identity.certificate
    assert identities.overridden == LOYALTY
    assert [one.source for one in identities.held()] == ["store"]
    other = signing(_GYM)
    identities = await in_use(db, other)
    assert identities.of(_GYM) is other
    assert identities.default is other
    assert (identities.overridden, len(identities.all())) == ("", 2)


async def test_the_settings_name_the_pass_type_of_new_passes(db: Database) -> None:
    await obtained(db, LOYALTY)
    await obtained(db, _GYM)
    assert (await in_use(db)).default.pass_type == LOYALTY  # the elder
    assert (await in_use(db, pass_type=_GYM)).default.pass_type == _GYM


async def test_a_rotation_does_not_change_whose_certificate_is_the_default(db: Database) -> None:
    await obtained(db, LOYALTY)
    await obtained(db, _GYM)
    await obtained(db, LOYALTY)
    assert (await in_use(db)).default.pass_type == LOYALTY


async def test_a_partner_with_a_certificate_of_its_own_uses_it(db: Database) -> None:
    gym, cafe = await a_partner(db, "Gym"), await a_partner(db, "Café")
    await obtained(db, _GYM, partner_id=gym)
    identities = await in_use(db)
    with pytest.raises(NoIdentity):  # a partner's certificate signs nobody else's passes
        identities.default  # noqa: B018
    await obtained(db, LOYALTY)
    await identities.load()
    assert identities.for_partner(gym).pass_type == _GYM
    assert identities.for_partner(cafe).pass_type == LOYALTY


async def test_a_certificate_that_cannot_be_opened_does_not_stop_the_others(db: Database) -> None:
    gym = await a_partner(db, "Gym")
    await obtained(db, LOYALTY)
    await obtained(db, _GYM, partner_id=gym)
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE apple_identity SET sealed_key = '\\x01' WHERE pass_type = $1", _GYM)
    identities = await in_use(db)
    assert [one.pass_type for one in identities.all()] == [LOYALTY]
    assert {one.pass_type: bool(one.fault) for one in identities.held()} == {LOYALTY: False, _GYM: True}
    with pytest.raises(NoIdentity, match=_GYM):  # the gym's members do not get the coalition's card in its place
        identities.for_partner(gym)


async def test_files_step_in_for_a_stored_certificate_that_cannot_be_opened(db: Database) -> None:
    await obtained(db)
    files = signing()
    identities = Identities(db, _OTHER_KEYRING, files)
    await identities.load()
    assert identities.of(LOYALTY) is files
    assert [(one.source, bool(one.fault)) for one in identities.held()] == [("store", True), ("files", False)]


async def test_an_identity_stays_the_same_object_until_its_certificate_changes(db: Database) -> None:
    await obtained(db)
    identities = await in_use(db)
    first = identities.default
    await identities.load()
    assert identities.default is first
    await obtained(db)
    await identities.load()
    assert identities.default is not first


async def test_running_processes_take_up_what_was_installed(db: Database) -> None:
    identities, keys = Identities(db, KEYRING, None), PushKeys(db, KEYRING)
    async with kept_fresh(identities, keys, every_s=0.02):
        assert identities.of(LOYALTY) is None
        done = await obtained(db)
        await until(lambda: identities.of(LOYALTY) is not None)
    assert identities.default.certificate == done.identity.certificate


async def test_a_reading_that_fails_is_tried_again() -> None:
    class Flaky:
        readings = 0

        async def load(self) -> None:
            self.readings += 1
            if self.readings == 2:
                raise OSError("the network is away")

        def tell(self) -> None:
            """Nothing to say."""

    flaky = Flaky()
    async with kept_fresh(flaky, every_s=0.01):
        await until(lambda: flaky.readings >= 4)


async def test_fixed_identities_need_no_database() -> None:
    one, two = signing(), signing(_GYM)
    identities = Identities.fixed(one, two)
    await identities.load()
    assert (identities.default, identities.of(_GYM), identities.all()) == (one, two, (one, two))
    assert portal().intermediate == one.intermediate
