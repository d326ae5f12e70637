"""Who signs: the pass certificate, its key and the intermediate that issued it, parsed once and checked.

Certificates of pass types carry the pass type identifier as the subject's UID and the team identifier as its OU
(https://developer.apple.com/documentation/walletpasses/building-a-pass). A mistake here would show only on a phone,
as a pass that silently refuses to open, so every one of them is named before anything is sealed. A certificate that is
out of date is no mistake: the service starts and serves everything else, and says so wherever it can.
"""

import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from kernel.errors import Invalid

_PEM_MARK = b"-----BEGIN"
# Certificates that Apple calls "Pass Type ID with NFC" carry this extension, the others do not. Without it a phone
# refuses every pass that has an `nfc` dictionary or a personalization.json.
NFC_EXTENSION: Final = x509.ObjectIdentifier("1.2.840.113635.100.6.1.26")

# Apple's intermediate that issues pass certificates: "Worldwide Developer Relations", G4, until 2030-12-10
# (https://www.apple.com/certificateauthority/). It is public; a file of it lies beside this one.
_WWDR_FILE = Path(__file__).with_name("wwdr_g4.pem")
WWDR_FINGERPRINTS: Final = frozenset({"ea4757885538dd8cb59ff4556f676087d83c85e70902c122e42c0808b5bce14c"})
_SMALLEST_KEY_BITS = 2048


class BadIdentity(Invalid):
    """Certificate, key and intermediate do not make a signing identity."""

    code = "apple_identity_invalid"
    title = "The Apple pass certificate cannot be used"


@dataclass(frozen=True, slots=True)
class Identity:
    """A checked signing identity of one pass type; `nfc` says whether Apple allows taps with it.

    It may be out of date: ask `in_date` before sealing. `key` stays out of the representation.
    """

    pass_type: str
    team: str
    certificate: x509.Certificate
    intermediate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)
    nfc: bool = False

    @classmethod
    def load(
        cls,
        certificate: Path,
        key: Path,
        intermediate: Path,
        *,
        pass_type: str | None = None,
        team: str | None = None,
        password: str | None = None,
    ) -> "Identity":
        """Read PEM or DER files. Raises BadIdentity naming the file or the rule that is broken."""
        try:
            raw = [path.read_bytes() for path in (certificate, key, intermediate)]
        except OSError as error:
            raise BadIdentity(f"{error.filename}: {error.strerror}.") from error
        return cls.from_bytes(*raw, pass_type=pass_type, team=team, password=password)

    @classmethod
    def from_bytes(
        cls,
        certificate: bytes,
        key: bytes,
        intermediate: bytes,
        *,
        pass_type: str | None = None,
        team: str | None = None,
        password: str | None = None,
    ) -> "Identity":
        """Parse PEM or DER and check. `pass_type` and `team`, when given, must equal what the certificate says."""
        return cls.of(
            parse_certificate(certificate, "pass certificate"),
            parse_key(key, password),
            parse_certificate(intermediate, "intermediate (WWDR) certificate"),
            pass_type=pass_type,
            team=team,
        )

    @classmethod
    def of(
        cls,
        certificate: x509.Certificate,
        key: RSAPrivateKey,
        intermediate: x509.Certificate,
        *,
        pass_type: str | None = None,
        team: str | None = None,
    ) -> "Identity":
        """Put parsed parts together. Raises BadIdentity naming the rule that is broken."""
        try:
            identity = cls(
                pass_type=pass_type_of(certificate),
                team=team_of(certificate),
                certificate=certificate,
                intermediate=intermediate,
                key=key,
                nfc=allows_taps(certificate),
            )
            _check(identity, pass_type, team)
        except (ValueError, UnsupportedAlgorithm) as error:  # certificates are parsed as far as they are looked at
            raise BadIdentity("A certificate is damaged: its contents cannot be read.") from error
        return identity

    @property
    def ends_at(self) -> datetime:
        """When the first of the two certificates ends."""
        return min(self.certificate.not_valid_after_utc, self.intermediate.not_valid_after_utc)

    @property
    def begins_at(self) -> datetime:
        """When the last of the two certificates begins to be valid."""
        return max(self.certificate.not_valid_before_utc, self.intermediate.not_valid_before_utc)

    def in_date(self, now: datetime | None = None) -> bool:
        """Whether phones accept what is signed now: no certificate has ended, and none is yet to begin."""
        return self.begins_at <= (now or datetime.now(UTC)) <= self.ends_at

    @property
    def expired(self) -> bool:
        """Whether one of the two certificates has ended."""
        return datetime.now(UTC) > self.ends_at

    @property
    def by_apple(self) -> bool:
        """Whether the intermediate is the one of Apple's that we know; others are test authorities, or newer."""
        return fingerprint(self.intermediate) in WWDR_FINGERPRINTS

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days until the first of the two certificates ends; negative afterwards."""
        return (self.ends_at - (now or datetime.now(UTC))) // timedelta(days=1)

    def tls_context(self, ca_file: Path | None = None) -> ssl.SSLContext:
        """A client context showing this certificate; servers are checked against `ca_file`, else the system roots."""
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        # `ssl` takes key material from files only: it goes through one that nobody else can read or decrypt.
        password = secrets.token_hex(32)
        with tempfile.TemporaryDirectory(prefix="commonpoint-") as folder:
            chain = Path(folder, "chain.pem")
            chain.touch(mode=0o600)
            chain.write_bytes(
                self.certificate.public_bytes(serialization.Encoding.PEM)
                + self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.BestAvailableEncryption(password.encode()),
                )
            )
            context.load_cert_chain(chain, password=password)
        return context


def pass_type_of(certificate: x509.Certificate) -> str:
    """The pass type identifier that a certificate is for. Raises BadIdentity when it is for something else."""
    pass_type = _subject(certificate, NameOID.USER_ID, "UID (pass type identifier)")
    if not pass_type.startswith("pass."):  # certificates for an app's notifications are shaped alike
        raise BadIdentity(f"The certificate is for {pass_type}, which is not a pass type.")
    return pass_type


def team_of(certificate: x509.Certificate) -> str:
    """The team that a pass certificate was issued to. Raises BadIdentity."""
    return _subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME, "OU (team identifier)")


def allows_taps(certificate: x509.Certificate) -> bool:
    """Whether the certificate is of the kind that Apple grants for NFC."""
    return any(extension.oid == NFC_EXTENSION for extension in certificate.extensions)


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate, in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def wwdr_g4() -> x509.Certificate:
    """Apple's public intermediate, which need not be downloaded."""
    return parse_certificate(_WWDR_FILE.read_bytes(), "WWDR intermediate")


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has the issuer's name and signed the certificate."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:
        return False
    return True


def parse_certificate(raw: bytes, name: str) -> x509.Certificate:
    """A PEM or DER certificate; `name` says in the error which one it was to be. Raises BadIdentity."""
    try:
        return x509.load_pem_x509_certificate(raw) if _PEM_MARK in raw else x509.load_der_x509_certificate(raw)
    except ValueError as error:
        raise BadIdentity(f"The {name} is neither a PEM nor a DER certificate.") from error


def parse_key(raw: bytes, password: str | None = None) -> RSAPrivateKey:
    """A PEM or DER private key. Raises BadIdentity."""
    secret = password.encode() if password else None
    load = serialization.load_pem_private_key if _PEM_MARK in raw else serialization.load_der_private_key
    try:
        key = load(raw, password=secret)
    except (ValueError, TypeError) as error:
        raise BadIdentity("The private key cannot be read: wrong format or wrong password.") from error
    return rsa_key(key)


def rsa_key(key: object) -> RSAPrivateKey:
    """The key, if it is one that pass certificates are made for. Raises BadIdentity."""
    if not isinstance(key, RSAPrivateKey):
        raise BadIdentity("Pass certificates have RSA keys; this key is of another kind.")
    if key.key_size < _SMALLEST_KEY_BITS:
        raise BadIdentity(f"Pass certificates have keys of {_SMALLEST_KEY_BITS} bits; this one has {key.key_size}.")
    return key


def _check(identity: Identity, pass_type: str | None, team: str | None) -> None:
    leaf, intermediate = identity.certificate, identity.intermediate
    if leaf.public_key() != identity.key.public_key():
        raise BadIdentity("The private key does not belong to the pass certificate.")
    if pass_type is not None and pass_type != identity.pass_type:
        raise BadIdentity(f"The certificate is for pass type {identity.pass_type}, the settings say {pass_type}.")
    if team is not None and team != identity.team:
        raise BadIdentity(f"The certificate belongs to team {identity.team}, the settings say {team}.")
    if leaf.issuer != intermediate.subject:
        raise BadIdentity(
            f"The pass certificate was issued by “{leaf.issuer.rfc4514_string()}”, "
            f"but the intermediate is “{intermediate.subject.rfc4514_string()}”."
        )
    if not issued_by(leaf, intermediate):
        raise BadIdentity("The intermediate has the issuer's name but did not sign the pass certificate.")
    if leaf.issuer.public_bytes() not in leaf.tbs_certificate_bytes:
        raise BadIdentity("The issuer's name in the pass certificate is written in a way that cannot be reproduced.")


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier, name: str) -> str:
    values = certificate.subject.get_attributes_for_oid(oid)
    if len(values) != 1 or not isinstance(values[0].value, str):
        raise BadIdentity(f"The subject of the pass certificate has no single {name}.")
    return values[0].value
