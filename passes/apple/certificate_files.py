"""The files that operators bring: Apple's .cer, a keychain's .p12, PEM, an authentication key (.p8). Pure parsing."""

import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12

from passes.apple.identity import BadIdentity, parse_key, rsa_key

LARGEST_FILE_BYTES: Final = 256 * 1024

_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PEM_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
# RFC 7292 section 4: a PFX is a sequence that begins with the version, the integer 3.
_PFX_VERSION = b"\x02\x01\x03"


class PasswordNeeded(BadIdentity):
    """The file is locked, and the password given does not open it, or none was given."""

    code = "apple_password_needed"
    title = "The file asks for its password"


class BadPushKey(BadIdentity):
    """The file is no authentication key as Apple hands them out."""

    code = "apple_push_key_invalid"
    title = "The push key cannot be used"


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """What a file held: the pass certificate, the key if it was there, and the certificates of issuers."""

    certificate: x509.Certificate
    key: RSAPrivateKey | None
    issuers: tuple[x509.Certificate, ...]


def read_certificate_file(raw: bytes, password: str | None = None) -> CertificateFile:
    """Take apart a .cer (DER), a .p12 or PEM text. Raises BadIdentity, and PasswordNeeded for a locked file."""
    if len(raw) > LARGEST_FILE_BYTES:
        raise BadIdentity(f"The file is too large for a certificate ({len(raw)} bytes).")
    if b"-----BEGIN CERTIFICATE REQUEST" in raw or b"-----BEGIN NEW CERTIFICATE REQUEST" in raw:
        raise BadIdentity(
            "This is the request. Upload it to Apple, then install the certificate that Apple gives back."
        )
    try:
        if _PEM_CERTIFICATE in raw:
            found = _from_pem(raw, password)
        elif raw[:1] == b"\x30" and _PFX_VERSION in raw[2:9]:
            found = _from_p12(raw, password)
        else:
            found = CertificateFile(x509.load_der_x509_certificate(raw), None, ())
        _read_through(found.certificate)
        return found
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadIdentity("The file is neither a certificate (.cer, .pem) nor a .p12.") from error


def read_certificates(raw: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM or DER file, as of an intermediate's. Raises BadIdentity."""
    try:
        if _PEM_CERTIFICATE in raw:
            return tuple(x509.load_pem_x509_certificates(raw))
        return (x509.load_der_x509_certificate(raw),)
    except ValueError as error:
        raise BadIdentity("The intermediate is neither a PEM nor a DER certificate.") from error


def read_push_key(raw: bytes) -> EllipticCurvePrivateKey:
    """The key of a .p8 file: PKCS #8 PEM of a P-256 key. Raises BadPushKey."""
    if len(raw) > LARGEST_FILE_BYTES:
        raise BadPushKey(f"The file is too large for a key ({len(raw)} bytes).")
    try:
        key = serialization.load_pem_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadPushKey("The file is not a .p8 key as Apple's developer pages hand it out.") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise BadPushKey("Apple's authentication keys are P-256 keys; this key is of another kind.")
    return key


def _read_through(certificate: x509.Certificate) -> None:
    """Parts of a certificate are parsed when they are looked at: a damaged one raises ValueError here already."""
    certificate.public_key()
    for part in (certificate.subject, certificate.issuer, certificate.extensions, certificate.not_valid_after_utc):
        str(part)


def _from_pem(raw: bytes, password: str | None) -> CertificateFile:
    certificates = x509.load_pem_x509_certificates(raw)
    found = _PEM_KEY.search(raw)
    key = parse_key(found[0], password) if found else None
    return _sorted(certificates, key)


def _from_p12(raw: bytes, password: str | None) -> CertificateFile:
    opened = _opened(raw, password)
    if opened.cert is None:
        raise BadIdentity("The .p12 holds no certificate: choose certificate and key together when you export it.")
    if opened.key is None:
        raise BadIdentity("The .p12 holds no private key: choose certificate and key together when you export it.")
    others = [other.certificate for other in opened.additional_certs]
    return CertificateFile(opened.cert.certificate, rsa_key(opened.key), tuple(others))


def _opened(raw: bytes, password: str | None) -> pkcs12.PKCS12KeyAndCertificates:
    # Without a password means one of two things, and exporting programs choose either.
    tries = [password.encode()] if password else [None, b""]
    for secret in tries:
        try:
            return pkcs12.load_pkcs12(raw, secret)
        except UnsupportedAlgorithm as error:
            raise BadIdentity("The .p12 is locked with a cipher that is not supported: export it again.") from error
        except (ValueError, TypeError):
            continue
    said = "The password does not open the .p12, or it is damaged." if password else "The .p12 asks for its password."
    raise PasswordNeeded(said)


def _sorted(certificates: list[x509.Certificate], key: RSAPrivateKey | None) -> CertificateFile:
    """The one that issued none of the others is the pass certificate."""
    leaves = [one for one in certificates if not any(other.issuer == one.subject for other in certificates)]
    leaf = leaves[0] if len(leaves) == 1 else certificates[0]
    return CertificateFile(leaf, key, tuple(one for one in certificates if one is not leaf))
