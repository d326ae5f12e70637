"""Whatever the bytes, a file is taken or refused with a reason; it never breaks."""

from contextlib import suppress
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.certificate_files import BadPushKey, read_certificate_file, read_certificates, read_push_key
from passes.apple.identity import BadIdentity, Identity
from passes.sandbox.portal import push_key_file
from tests.support.certificates import own_key, own_request, portal


@cache
def files() -> tuple[bytes, ...]:
    cer = portal().issue(own_request(), nfc=True)
    pem = x509.load_der_x509_certificate(cer).public_bytes(serialization.Encoding.PEM)
    return cer, pem, portal().p12(cer, own_key()), portal().p12(cer, own_key(), "secret"), push_key_file()


@given(st.data())
def test_a_damaged_file_is_refused_or_still_makes_an_identity(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(files())))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw[: data.draw(st.integers(0, len(raw)))]) if data.draw(st.booleans()) else bytes(raw)
    tried(damaged)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    tried(raw)


def tried(raw: bytes) -> None:
    """Raises whatever is not a refusal."""
    with suppress(BadIdentity):
        found = read_certificate_file(raw)
        Identity.of(found.certificate, found.key or own_key(), portal().intermediate)
    with suppress(BadIdentity):
        read_certificates(raw)
    with suppress(BadPushKey):
        read_push_key(raw)
