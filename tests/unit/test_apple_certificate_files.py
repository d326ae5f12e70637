"""The files that operators bring: Apple's, a keychain's, and the wrong ones."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from passes.apple.certificate_files import (
    LARGEST_FILE_BYTES,
    BadPushKey,
    PasswordNeeded,
    read_certificate_file,
    read_certificates,
    read_push_key,
)
from passes.apple.identity import BadIdentity
from passes.sandbox.portal import push_key_file
from tests.support.certificates import own_key, own_request, portal

_PKCS8 = serialization.PrivateFormat.PKCS8
_PLAIN = serialization.NoEncryption()


def _cer() -> bytes:
    return portal().issue(own_request())


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _key_pem(lock: serialization.KeySerializationEncryption = _PLAIN) -> bytes:
    return own_key().private_bytes(serialization.Encoding.PEM, _PKCS8, lock)


def test_a_downloaded_certificate_is_read() -> None:
    cer = _cer()
    found = read_certificate_file(cer)
    assert (found.certificate, found.key, found.issuers) == (x509.load_der_x509_certificate(cer), None, ())


@pytest.mark.parametrize("password", ["", "secret", "jelszó ☂"])
def test_a_p12_gives_certificate_key_and_chain(password: str) -> None:
    cer = _cer()
    found = read_certificate_file(portal().p12(cer, own_key(), password), password or None)
    assert found.certificate == x509.load_der_x509_certificate(cer)
    assert found.key is not None
    assert found.key.private_numbers() == own_key().private_numbers()
    assert found.issuers == (portal().intermediate,)
    assert read_certificate_file(portal().p12(cer, own_key(), chain=False)).issuers == ()


def test_a_p12_locked_as_old_keychains_do_is_opened(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(_pem(_cer()))
    (tmp_path / "k.pem").write_bytes(_key_pem())
    files: list[str | Path] = ["-inkey", tmp_path / "k.pem", "-in", tmp_path / "c.pem", "-out", tmp_path / "old.p12"]
    subprocess.run(["openssl", "pkcs12", "-export", "-legacy", *files, "-passout", "pass:old"], check=True)
    assert read_certificate_file((tmp_path / "old.p12").read_bytes(), "old").key is not None


def test_a_locked_p12_asks_for_its_password() -> None:
    locked = portal().p12(_cer(), own_key(), "secret")
    for password in (None, "wrong"):
        with pytest.raises(PasswordNeeded):
            read_certificate_file(locked, password)


def test_pem_text_may_hold_the_chain_and_the_key_in_any_order() -> None:
    cer = _cer()
    parts = [_key_pem(), portal().intermediate.public_bytes(serialization.Encoding.PEM), _pem(cer)]
    for text in (b"".join(parts), b"".join(reversed(parts))):
        found = read_certificate_file(text)
        assert found.certificate == x509.load_der_x509_certificate(cer)
        assert found.issuers == (portal().intermediate,)
        assert found.key is not None


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (own_request(), "This is the request"),
        (b"", "neither a certificate"),
        (b"PK\x03\x04 a pass", "neither a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "neither a certificate"),
        (b"0" * (LARGEST_FILE_BYTES + 1), "too large"),
    ],
)
def test_other_files_are_refused_with_what_they_are(file: bytes, reason: str) -> None:
    with pytest.raises(BadIdentity, match=reason):
        read_certificate_file(file)


def test_a_p12_without_a_key_is_refused() -> None:
    certificate = x509.load_der_x509_certificate(_cer())
    alone = serialization.pkcs12.serialize_key_and_certificates(None, None, certificate, None, _PLAIN)
    with pytest.raises(BadIdentity, match=r"no (private key|certificate)"):
        read_certificate_file(alone)


def test_a_p12_with_a_key_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    odd = serialization.pkcs12.serialize_key_and_certificates(None, key, None, [portal().intermediate], _PLAIN)
    with pytest.raises(BadIdentity):
        read_certificate_file(odd)


def test_intermediates_are_read_as_pem_and_der() -> None:
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        assert read_certificates(portal().intermediate.public_bytes(encoding)) == (portal().intermediate,)
    with pytest.raises(BadIdentity, match="intermediate"):
        read_certificates(b"nothing")


def test_a_push_key_is_a_p256_key() -> None:
    assert read_push_key(push_key_file()).curve.name == "secp256r1"
    others: tuple[PrivateKeyTypes, ...] = (
        ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate(), own_key(),
    )  # fmt: skip
    files = [key.private_bytes(serialization.Encoding.PEM, _PKCS8, _PLAIN) for key in others]
    for file in (*files, b"", _pem(_cer()), b"x" * (LARGEST_FILE_BYTES + 1)):
        with pytest.raises(BadPushKey):
            read_push_key(file)
