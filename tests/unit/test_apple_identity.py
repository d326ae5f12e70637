"""A wrong certificate is named at start, not found on a phone."""

import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from passes.apple.identity import WWDR_FINGERPRINTS, BadIdentity, Identity, fingerprint, rsa_key, wwdr_g4
from passes.sandbox.authority import PASS_TYPE, TEAM, Authority
from passes.sandbox.issuing import new_key
from tests.support.apple_cards import authority, identity
from tests.support.certificates import signing


def test_the_identity_is_read_from_the_certificate() -> None:
    assert (identity().pass_type, identity().team) == (PASS_TYPE, TEAM)
    assert 360 <= identity().days_left() <= 366
    assert identity().days_left(dt.datetime.now(dt.UTC) + dt.timedelta(days=400)) < 0


def test_binary_certificates_and_locked_keys_are_read_as_well() -> None:
    made = identity()
    locked = made.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    certificates = [c.public_bytes(Encoding.DER) for c in (made.certificate, made.intermediate)]
    again = Identity.from_bytes(certificates[0], locked, certificates[1], password="secret")
    assert again.certificate == made.certificate
    with pytest.raises(BadIdentity, match="password"):
        Identity.from_bytes(certificates[0], locked, certificates[1], password="wrong")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"key": "server_key"}, "does not belong"),
        ({"intermediate": "root"}, "but the intermediate is"),
        ({"certificate": "server_certificate"}, "UID"),
        ({"certificate": "pass_key"}, "neither a PEM nor a DER"),
        ({"key": "root"}, "cannot be read"),
        ({"pass_type": "pass.example.other"}, "for pass type"),
        ({"team": "OTHERTEAM1"}, "belongs to team"),
    ],
)
def test_parts_that_do_not_fit_are_named(changed: dict[str, str], reason: str) -> None:
    made = authority()
    files = {"certificate": made.pass_certificate, "key": made.pass_key, "intermediate": made.intermediate}
    files |= {name: getattr(made, value) for name, value in changed.items() if name in files}
    with pytest.raises(BadIdentity, match=reason):
        Identity.load(
            files["certificate"],
            files["key"],
            files["intermediate"],
            pass_type=changed.get("pass_type"),
            team=changed.get("team"),
        )


def test_an_intermediate_of_the_right_name_that_did_not_sign_is_found(tmp_path: Path) -> None:
    other = Authority.at(tmp_path / "other")
    made = authority()
    with pytest.raises(BadIdentity, match="did not sign"):
        Identity.load(made.pass_certificate, made.pass_key, other.intermediate)


def test_a_certificate_out_of_date_is_loaded_and_says_so() -> None:
    over, early, good = signing(days=-2), signing(begins_in_days=3), signing(days=3)
    assert (over.expired, over.in_date()) == (True, False)
    assert over.days_left() == -3
    assert (early.expired, early.in_date()) == (False, False)
    assert (good.expired, good.in_date()) == (False, True)
    assert not good.in_date(good.ends_at + dt.timedelta(seconds=1))
    assert good.in_date(good.ends_at)


def test_whether_taps_are_allowed_is_read_from_the_certificate() -> None:
    assert identity().nfc
    assert [signing(nfc=nfc).nfc for nfc in (True, False)] == [True, False]


def test_a_certificate_for_something_else_than_passes_is_refused() -> None:
    with pytest.raises(BadIdentity, match=r"com\.example\.app, which is not a pass type"):
        signing("com.example.app")


def test_a_key_that_is_too_small_is_refused() -> None:
    with pytest.raises(BadIdentity, match="2048 bits; this one has 1024"):
        rsa_key(new_key(1024))


def test_apples_intermediate_lies_beside_the_code_unchanged() -> None:
    assert fingerprint(wwdr_g4()) in WWDR_FINGERPRINTS
    assert wwdr_g4().subject.rfc4514_string().endswith("CN=Apple Worldwide Developer Relations Certification Authority")
    assert not identity().by_apple


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadIdentity, match=r"nowhere\.pem"):
        Identity.load(tmp_path / "nowhere.pem", authority().pass_key, authority().intermediate)


def test_the_key_is_not_in_the_printed_form() -> None:
    assert "key" not in repr(identity())


def test_the_tls_context_checks_servers_and_offers_http2() -> None:
    context = identity().tls_context(authority().root)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_test_authority_is_made_once_and_private_and_says_what_it_is(tmp_path: Path) -> None:
    first = Authority.at(tmp_path / "a")
    before = {path.name: path.read_bytes() for path in first.directory.iterdir()}
    assert before == {path.name: path.read_bytes() for path in Authority.at(tmp_path / "a").directory.iterdir()}
    for path in first.directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.suffix == ".pem":
            assert "Test Authority" in x509.load_pem_x509_certificate(path.read_bytes()).subject.rfc4514_string()


def test_a_half_made_authority_is_made_again(tmp_path: Path) -> None:
    made = Authority.at(tmp_path)
    for missing in (made.server_certificate, made.intermediate_key):
        missing.unlink()
        made = Authority.at(tmp_path)
        assert missing.exists()
    Identity.load(made.pass_certificate, made.pass_key, made.intermediate)
