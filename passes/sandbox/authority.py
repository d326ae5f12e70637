"""A test authority: certificates shaped like Apple's, for the sandbox only.

Root, an intermediate that looks like WWDR G4, a pass certificate (UID = pass type identifier, OU = team identifier)
that also serves as the push client certificate and allows taps, and a TLS server certificate for loopback. Every
subject says that it is a test authority; real phones trust none of it. Made once per directory and kept there, readable
by the owner only. Certificates of other kinds are issued by `passes/sandbox/portal.py`.
"""

import datetime as dt
import os
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from passes.sandbox.issuing import issue, name, pass_extensions, pass_name

PASS_TYPE: Final = "pass.test.commonpoint.sandbox"
TEAM: Final = "TESTTEAM01"


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
    def intermediate_key(self) -> Path:
        return self.directory / "intermediate.key"

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
        needed = (self.root, self.intermediate, self.intermediate_key, self.pass_key, self.server_key)
        complete = all(path.exists() for path in needed)
        names = certificate.subject
        return (
            complete
            and self.server_certificate.exists()
            and certificate.not_valid_after_utc > dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
            and [a.value for a in names.get_attributes_for_oid(NameOID.USER_ID)] == [pass_type]
            and [a.value for a in names.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)] == [team]
        )


def _create(authority: Authority, pass_type: str, team: str) -> None:
    root = issue(name("Commonpoint Test Root"), None, days=3650, authority=True)
    relations = name("Commonpoint Test Developer Relations", unit="G4")
    intermediate = issue(relations, root, days=2920, authority=True)
    subject, marks = pass_name(pass_type, team, nfc=True), pass_extensions(pass_type, nfc=True)
    leaf = issue(subject, intermediate, days=365, extensions=marks)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    server = issue(
        name("Commonpoint Test Push Server"),
        root,
        days=730,
        extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), (names, False)],
    )
    _write(authority.root, root.certificate_pem)
    _write(authority.intermediate, intermediate.certificate_pem)
    _write(authority.intermediate_key, intermediate.key_pem)
    _write(authority.pass_key, leaf.key_pem)
    _write(authority.pass_certificate, leaf.certificate_pem)
    _write(authority.server_key, server.key_pem)
    _write(authority.server_certificate, server.certificate_pem)


def _write(path: Path, data: bytes) -> None:
    """Owner-only from the first byte on, and whole or not at all."""
    draft = path.with_suffix(f"{path.suffix}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
