"""Who signs: the pass certificate, its key and the intermediate that issued it, loaded once and checked at start.

Certificates of pass types carry the pass type identifier as the subject's UID and the team identifier as its OU
(https://developer.apple.com/documentation/walletpasses/building-a-pass). A mistake here would show only on a phone,
as a pass that silently refuses to open, so every one of them is named before the service starts.
"""

import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from kernel.errors import Invalid

_PEM_MARK = b"-----BEGIN"


class BadIdentity(Invalid):
    """Certificate, key and intermediate do not make a signing identity."""

    code = "apple_identity_invalid"
    title = "The Apple pass certificate cannot be used"


@dataclass(frozen=True, slots=True)
class Identity:
    """A checked signing identity of one pass type. `key` stays out of the representation."""

    pass_type: str
    team: str
    certificate: x509.Certificate
    intermediate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)

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
        leaf = _certificate(certificate, "pass certificate")
        identity = cls(
            pass_type=_subject(leaf, NameOID.USER_ID, "UID (pass type identifier)"),
            team=_subject(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME, "OU (team identifier)"),
            certificate=leaf,
            intermediate=_certificate(intermediate, "intermediate (WWDR) certificate"),
            key=_private_key(key, password),
        )
        _check(identity, pass_type, team)
        return identity

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days until the first of the two certificates ends; negative afterwards. Alarm at 30."""
        end = min(self.certificate.not_valid_after_utc, self.intermediate.not_valid_after_utc)
        return (end - (now or datetime.now(UTC))) // timedelta(days=1)

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
    try:
        leaf.verify_directly_issued_by(intermediate)
    except Exception as error:
        raise BadIdentity("The intermediate has the issuer's name but did not sign the pass certificate.") from error
    if leaf.issuer.public_bytes() not in leaf.tbs_certificate_bytes:
        raise BadIdentity("The issuer's name in the pass certificate is written in a way that cannot be reproduced.")
    now = datetime.now(UTC)
    for name, certificate in (("pass certificate", leaf), ("intermediate", intermediate)):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise BadIdentity(
                f"The {name} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} "
                f"to {certificate.not_valid_after_utc:%Y-%m-%d}, which is not now."
            )


def _certificate(raw: bytes, name: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(raw) if _PEM_MARK in raw else x509.load_der_x509_certificate(raw)
    except ValueError as error:
        raise BadIdentity(f"The {name} is neither a PEM nor a DER certificate.") from error


def _private_key(raw: bytes, password: str | None) -> RSAPrivateKey:
    secret = password.encode() if password else None
    load = serialization.load_pem_private_key if _PEM_MARK in raw else serialization.load_der_private_key
    try:
        key = load(raw, password=secret)
    except (ValueError, TypeError) as error:
        raise BadIdentity("The private key cannot be read: wrong format or wrong password.") from error
    if not isinstance(key, RSAPrivateKey):
        raise BadIdentity("Pass certificates have RSA keys; this key is of another kind.")
    return key


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier, name: str) -> str:
    values = certificate.subject.get_attributes_for_oid(oid)
    if len(values) != 1 or not isinstance(values[0].value, str):
        raise BadIdentity(f"The subject of the pass certificate has no single {name}.")
    return values[0].value
