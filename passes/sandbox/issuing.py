"""How the sandbox's certificates are made: shaped like Apple's, and saying in every subject that they are not."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANISATION: Final = "Commonpoint Test Authority (not Apple, trusted by nobody)"

# What Apple's pass certificates carry: the purpose, the pass type again, and a mark when taps are allowed.
_PASS_USAGE = x509.ObjectIdentifier("1.2.840.113635.100.4.14")
_PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
_NFC_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.26")
_DER_NULL = b"\x05\x00"

Extensions = list[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A fresh RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def issue(
    subject: x509.Name,
    issuer: Issued | None,
    *,
    days: int,
    authority: bool = False,
    extensions: Extensions | None = None,
) -> Issued:
    """A new key with a certificate of `issuer`; self-signed without one."""
    key = new_key()
    begins = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    ends = begins + dt.timedelta(days=days)
    named, signer = (issuer.certificate.subject, issuer.key) if issuer else (subject, key)
    return Issued(certify(subject, key.public_key(), named, signer, begins, ends, authority, extensions), key)


def certify(
    subject: x509.Name,
    public_key: rsa.RSAPublicKey,
    issuer: x509.Name,
    signer: rsa.RSAPrivateKey,
    begins: dt.datetime,
    ends: dt.datetime,
    authority: bool = False,
    extensions: Extensions | None = None,
) -> x509.Certificate:
    """A certificate for a public key."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions or []:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def name(common: str, unit: str | None = None, user_id: str | None = None) -> x509.Name:
    """A subject of this authority."""
    parts = [
        (NameOID.USER_ID, user_id),
        (NameOID.COMMON_NAME, common),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.ORGANIZATION_NAME, ORGANISATION),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value is not None])


def pass_name(pass_type: str, team: str, nfc: bool) -> x509.Name:
    """The subject of a pass certificate; Apple says in words, too, whether taps are allowed."""
    kind = "Pass Type ID with NFC" if nfc else "Pass Type ID"
    # A common name has room for 64 characters (RFC 5280, ub-common-name).
    return name(f"Commonpoint Test {kind}: {pass_type}"[:64], unit=team, user_id=pass_type)


def pass_extensions(pass_type: str, nfc: bool) -> Extensions:
    """What makes a certificate one for passes, and with `nfc` one that allows taps."""
    marks: Extensions = [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, _PASS_USAGE]), True),
        (x509.UnrecognizedExtension(_PASS_TYPE_EXTENSION, _utf8(pass_type)), False),
    ]
    return [*marks, (x509.UnrecognizedExtension(_NFC_EXTENSION, _DER_NULL), False)] if nfc else marks


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _utf8(text: str) -> bytes:
    raw = text.encode()
    return bytes((0x0C, len(raw))) + raw
