"""From the request to the certificate in use, and on to the next one, without a moment in which nothing signs."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kernel.database import Database
from kernel.secrets import Keyring, SealBroken
from network.partners import PartnerUnknown
from passes.apple.certificate_files import read_certificate_file
from passes.apple.certificate_requests import NothingToRotate, PassTypeTaken, open_requests, request, rotate
from passes.apple.certificates import Consent, KeyAway, TapsLost, TeamChanged, install
from passes.apple.identities import SEAL_PURPOSE
from passes.apple.identity import BadIdentity
from passes.apple.seal import Sealer
from passes.sandbox.authority import TEAM
from tests.support.certificates import (
    KEYRING,
    LOYALTY,
    a_partner,
    asked,
    brought,
    in_use,
    obtained,
    other_portal,
    own_key,
    own_request,
    portal,
    signing,
    states,
)

_AT_THE_DOOR = """
SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database
WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


async def test_a_request_becomes_a_certificate_that_signs(db: Database) -> None:
    made = await asked(db)
    csr = x509.load_pem_x509_csr(made.pem.encode())
    assert csr.is_signature_valid
    assert made.new
    done = await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY, nfc=True))
    assert (done.replaced, done.unchanged, done.partner_id) == (None, False, None)
    used = (await in_use(db)).of(LOYALTY)
    assert used is not None
    assert used.certificate == done.identity.certificate
    assert used.certificate.public_key() == csr.public_key()
    assert (used.team, used.nfc) == (TEAM, True)
    assert Sealer(used).sign(b"manifest")


async def test_a_request_that_is_out_is_given_again_until_another_is_wanted(db: Database) -> None:
    first, again = await asked(db), await asked(db)
    assert (again.id, again.pem, again.new) == (first.id, first.pem, False)
    other = await asked(db, anew=True)
    assert other.pem != first.pem
    assert await states(db) == ["retired", "requested"]


async def test_the_answer_to_a_dropped_request_can_still_be_installed(db: Database) -> None:
    first = await asked(db)
    await asked(db, anew=True)
    await brought(db, portal().issue(first.pem.encode(), pass_type=LOYALTY))
    assert await states(db) == ["current", "requested"]


async def test_many_who_ask_at_once_get_one_request(db: Database) -> None:
    in_the_way = await db.dedicated()
    await in_the_way.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"apple_identity:{LOYALTY}")
    asking = [asyncio.create_task(asked(db)) for _ in range(4)]
    async with asyncio.timeout(20):
        while True:
            if await in_the_way.fetchval(_AT_THE_DOOR) == len(asking):
                break  # all of them have made a key and stand at the door
            await asyncio.sleep(0.02)
    await in_the_way.close()
    made = await asyncio.gather(*asking)
    assert len({one.id for one in made}) == 1
    assert [one.new for one in made].count(True) == 1


async def test_two_who_install_at_once_leave_one_certificate_in_use(db: Database) -> None:
    made = await asked(db)
    certificates = [portal().issue(made.pem.encode(), pass_type=LOYALTY) for _ in range(2)]
    p12s = [portal().p12(portal().issue(own_request(), pass_type=LOYALTY), own_key()) for _ in range(2)]
    await asyncio.gather(*(brought(db, file) for file in (*certificates, *p12s)))
    assert (await states(db)).count("current") == 1


async def test_the_one_in_use_signs_until_the_next_is_installed(db: Database) -> None:
    first = await obtained(db)
    identities = await in_use(db)
    made = await rotate(db, KEYRING, LOYALTY, identities.of(LOYALTY))
    await identities.load()
    assert identities.default.certificate == first.identity.certificate
    done = await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY))
    assert done.replaced == first.identity.certificate
    await identities.load()
    assert identities.default.certificate == done.identity.certificate
    assert await states(db) == ["retired", "current"]


async def test_an_earlier_certificate_can_be_installed_again(db: Database) -> None:
    first, _ = await obtained(db), await obtained(db)
    der = first.identity.certificate.public_bytes(serialization.Encoding.DER)
    await brought(db, der)
    assert (await in_use(db)).default.certificate == first.identity.certificate
    assert await states(db) == ["current", "retired"]


async def test_a_certificate_renewed_for_the_same_key_takes_over(db: Database) -> None:
    made = await asked(db)
    await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY, days=10))
    renewed = await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY, days=300))
    assert renewed.replaced is not None
    assert (await in_use(db)).default.days_left() == 299
    assert await states(db) == ["current"]


async def test_installing_the_one_in_use_changes_nothing(db: Database) -> None:
    first = await obtained(db)
    der = first.identity.certificate.public_bytes(serialization.Encoding.DER)
    again = await brought(db, der)
    assert (again.unchanged, again.id) == (True, first.id)
    assert await states(db) == ["current"]


async def test_a_p12_brings_its_own_key_and_chain(db: Database) -> None:
    cer = portal().issue(own_request(), pass_type=LOYALTY)
    file = read_certificate_file(portal().p12(cer, own_key(), "secret"), "secret")
    await install(db, KEYRING, file)
    used = (await in_use(db)).default
    assert used.key.private_numbers() == own_key().private_numbers()


async def test_a_certificate_without_its_key_here_is_refused(db: Database) -> None:
    with pytest.raises(KeyAway):
        await brought(db, portal().issue(own_request(), pass_type=LOYALTY))
    made = await asked(db)
    with pytest.raises(BadIdentity, match="does not belong"):
        await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY), key=own_key())


async def test_an_unknown_issuer_must_be_brought_along_once(db: Database) -> None:
    made = await asked(db)
    file = read_certificate_file(portal().issue(made.pem.encode(), pass_type=LOYALTY))
    with pytest.raises(BadIdentity, match="give it as the intermediate"):
        await install(db, KEYRING, file)
    with pytest.raises(BadIdentity, match="give it as the intermediate"):  # the right name, but not the one who signed
        await install(db, KEYRING, file, intermediates=[other_portal().intermediate])
    await install(db, KEYRING, file, intermediates=[other_portal().intermediate, portal().intermediate])
    following = await asked(db)
    await install(db, KEYRING, read_certificate_file(portal().issue(following.pem.encode(), pass_type=LOYALTY)))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ({"days": -1}, "The certificate ended on"),
        ({"begins_in_days": 2}, "is this machine's clock right"),
        ({"pass_type": "pass.com.example.other"}, "The request was for pass.com.example.loyalty"),
        ({"pass_type": "com.example.app"}, "not a pass type"),
        ({"team": "OTHERTEAM9"}, "The request was for team"),
    ],
)
async def test_a_certificate_that_phones_would_refuse_is_refused_first(
    db: Database, kind: dict[str, Any], reason: str
) -> None:
    made = await asked(db, team=TEAM)
    wrong: dict[str, Any] = {"pass_type": LOYALTY, **kind}
    with pytest.raises(BadIdentity, match=reason):
        await brought(db, portal().issue(made.pem.encode(), **wrong))
    assert await states(db) == ["requested"]
    assert (await in_use(db)).of(LOYALTY) is None


async def test_an_intermediate_that_ended_is_refused(db: Database) -> None:
    made = await asked(db)
    later = portal().intermediate.not_valid_after_utc + dt.timedelta(days=1)
    cer = portal().issue(made.pem.encode(), pass_type=LOYALTY, days=5000)
    with pytest.raises(BadIdentity, match="The intermediate ended"):
        await brought(db, cer, now=later)


async def test_taps_are_not_lost_by_mistake(db: Database) -> None:
    await obtained(db, nfc=True)
    with pytest.raises(TapsLost):
        await obtained(db, nfc=False)
    assert (await in_use(db)).default.nfc
    (made,) = await _open(db)
    plain = portal().issue(made.encode(), pass_type=LOYALTY)
    await brought(db, plain, consent=Consent(give_up_taps=True))
    assert not (await in_use(db)).default.nfc


async def test_the_team_does_not_change_by_mistake(db: Database) -> None:
    made = await asked(db)
    await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY))
    other = portal().p12(portal().issue(own_request(), pass_type=LOYALTY, team="OTHERTEAM9"), own_key())
    with pytest.raises(TeamChanged):
        await brought(db, other)
    await brought(db, other, consent=Consent(change_team=True))
    assert (await in_use(db)).default.team == "OTHERTEAM9"


async def test_what_the_files_sign_with_is_compared_too(db: Database) -> None:
    files = signing(nfc=True)
    made = await rotate(db, KEYRING, LOYALTY, files)
    with pytest.raises(TapsLost):
        await brought(db, portal().issue(made.pem.encode(), pass_type=LOYALTY), signing=files)


async def test_a_pass_type_belongs_to_one_partner_for_good(db: Database) -> None:
    cafe, gym = await a_partner(db, "Café"), await a_partner(db, "Gym")
    await obtained(db, partner_id=cafe)
    for other in (gym, None):
        with pytest.raises(PassTypeTaken):
            await asked(db, partner_id=other)
    next_one = await rotate(db, KEYRING, LOYALTY, (await in_use(db)).of(LOYALTY))
    assert next_one.partner_id == cafe
    renewed = portal().p12(portal().issue(own_request(), pass_type=LOYALTY), own_key())
    with pytest.raises(PassTypeTaken):
        await brought(db, renewed, partner_id=gym)
    assert (await brought(db, renewed)).partner_id == cafe
    with pytest.raises(PartnerUnknown):
        await asked(db, "pass.com.example.new", partner_id="ptn_nobody")


async def test_nothing_is_rotated_that_is_not_in_use(db: Database) -> None:
    with pytest.raises(NothingToRotate):
        await rotate(db, KEYRING, LOYALTY, None)


@pytest.mark.parametrize("name", ["loyalty", "pass.", "pass.x", "pass.com.example.b/c", "pass.com." + "x" * 200])
async def test_what_is_no_pass_type_is_not_asked_for(db: Database, name: str) -> None:
    with pytest.raises(BadIdentity, match="A pass type is named like"):
        await request(db, KEYRING, name)
    with pytest.raises(BadIdentity, match="ten capital letters"):
        await request(db, KEYRING, LOYALTY, team="team")


async def test_private_keys_are_stored_sealed_and_bound_to_their_place(db: Database) -> None:
    await obtained(db)
    await asked(db)
    async with db.read() as read:
        rows = await read.connection.fetch("SELECT id, sealed_key FROM apple_identity ORDER BY created_at")
    (first, sealed), (second, _) = rows
    plain = KEYRING.open(SEAL_PURPOSE, first, bytes(sealed))
    assert serialization.load_der_private_key(plain, None)
    assert plain[40:72] not in bytes(sealed)
    for keyring, owner in ((Keyring(b"another secret of 32 bytes or so"), first), (KEYRING, second)):
        with pytest.raises(SealBroken):
            keyring.open(SEAL_PURPOSE, owner, bytes(sealed))


async def _open(db: Database) -> list[str]:
    async with db.read() as read:
        return [one.pem for one in await open_requests(read.connection)]
