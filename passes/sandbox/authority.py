"""A test authority: certificates shaped like Apple's, for the sandbox only.

Root, an intermediate that looks like WWDR G4, a pass certificate (UID = pass type identifier, OU = team identifier)
that also serves as the push client certificate, and a TLS server certificate for loopback. Every subject says that it
is a test authority; real phones trust none of it. Made once per directory and kept there, readable by the owner only.
"""

import datetime as dt
import os
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PASS_TYPE: Final = "pass.test.commonpoint.sandbox"
TEAM: Final = "TESTTEAM01"

_ORGANISATION = "Commonpoint Test Authority (not Apple, trusted by nobody)"
# What Apple's pass certificates are believed to carry; phones are not known to need it.
_PASS_USAGE = x509.ObjectIdentifier("1.2.840.113635.100.4.14")
_PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the files of a test authority are; `pass_*` and `intermediate` make the pass identity."""

    directory: Path

    @classmethod
    def at(cls, directory: Path, pass_type: str = PASS_TYPE, team: str = TEAM) -> "Authority":
        """The authority kept in `directory`; created there at first use, and again when a certificate nears its end."""
        authority = cls(directory)
        if not authority._usable(pass_type, team):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(authority, pass_type, team)
        return authority

    @property
    def root(self) -> Path:
        return self.directory / "root.pem"

    @property
    def intermediate(self) -> Path:
        return self.directory / "intermediate.pem"

    @property
    def pass_certificate(self) -> Path:
        return self.directory / "pass.pem"

    @property
    def pass_key(self) -> Path:
        return self.directory / "pass.key"

    @property
    def server_certificate(self) -> Path:
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.directory / "server.key"

    def server_context(self, require_client: bool = True) -> ssl.SSLContext:
        """A TLS server context for 127.0.0.1 and localhost; clients must show a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server_certificate, self.server_key)
        if require_client:
            context.verify_mode = ssl.CERT_REQUIRED
            # Clients send their leaf alone, as they do to Apple, so the intermediate has to be known here.
            context.load_verify_locations(self.root)
            context.load_verify_locations(self.intermediate)
        return context

    def _usable(self, pass_type: str, team: str) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self.pass_certificate.read_bytes())
        except (OSError, ValueError):
            return False
        # server.pem is written last: an interrupted creation is begun again.
        complete = all(p.exists() for p in (self.root, self.intermediate, self.pass_key, self.server_key))
        names = certificate.subject
        return (
            complete
            and self.server_certificate.exists()
            and certificate.not_valid_after_utc > dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
            and [a.value for a in names.get_attributes_for_oid(NameOID.USER_ID)] == [pass_type]
            and [a.value for a in names.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)] == [team]
        )


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def _create(authority: Authority, pass_type: str, team: str) -> None:
    root = _issue(_name("Commonpoint Test Root"), None, years=10, authority=True)
    intermediate = _issue(_name("Commonpoint Test Developer Relations", unit="G4"), root, years=8, authority=True)
    leaf = _issue(
        _name(f"Commonpoint Test Pass Type ID: {pass_type}", unit=team, user_id=pass_type),
        intermediate,
        years=1,
        extensions=[
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, _PASS_USAGE]), True),
            (x509.UnrecognizedExtension(_PASS_TYPE_EXTENSION, _utf8(pass_type)), False),
        ],
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    server = _issue(
        _name("Commonpoint Test Push Server"),
        root,
        years=2,
        extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), (names, False)],
    )
    _write(authority.root, _pem(root))
    _write(authority.intermediate, _pem(intermediate))
    _write(authority.pass_key, _key_pem(leaf))
    _write(authority.pass_certificate, _pem(leaf))
    _write(authority.server_key, _key_pem(server))
    _write(authority.server_certificate, _pem(server))


def _issue(
    subject: x509.Name,
    issuer: _Issued | None,
    *,
    years: int,
    authority: bool = False,
    extensions: list[tuple[x509.ExtensionType, bool]] | None = None,
) -> _Issued:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = issuer.key if issuer else key
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions or []:
        builder = builder.add_extension(extension, critical)
    return _Issued(builder.sign(signer, hashes.SHA256()), key)


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


def _name(common: str, unit: str | None = None, user_id: str | None = None) -> x509.Name:
    parts = [
        (NameOID.USER_ID, user_id),
        (NameOID.COMMON_NAME, common),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.ORGANIZATION_NAME, _ORGANISATION),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value is not None])


def _utf8(text: str) -> bytes:
    raw = text.encode()
    return bytes((0x0C, len(raw))) + raw


def _pem(issued: _Issued) -> bytes:
    return issued.certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(issued: _Issued) -> bytes:
    return issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    """Owner-only from the first byte on, and whole or not at all."""
    draft = path.with_suffix(f"{path.suffix}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
