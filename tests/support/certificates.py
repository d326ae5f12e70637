"""Certificates as operators bring them, from a test authority that is made once per test process."""

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import CertificateSigningRequestBuilder, Name

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.secrets import Keyring
from network.partners import Brand, add_partner
from passes.apple import certificate_requests
from passes.apple.certificate_files import read_certificate_file
from passes.apple.certificates import Installed, install
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.sandbox.authority import Authority
from passes.sandbox.issuing import new_key
from passes.sandbox.portal import Portal
from tests.support.apple_cards import authority

KEYRING = Keyring(b"only for tests, at least 32 bytes")
_FOLDER = tempfile.TemporaryDirectory(prefix="cp-authority-")  # gone when the process ends
LOYALTY = "pass.com.example.loyalty"


@cache
def portal() -> Portal:
    """Apple's pages, played by the test authority."""
    return Portal(authority())


@cache
def other_portal() -> Portal:
    """Another authority, whose names are the same and whose keys are not."""
    return Portal(Authority.at(Path(_FOLDER.name)))


@cache
def own_key() -> rsa.RSAPrivateKey:
    """A key that was made elsewhere."""
    return new_key()


def own_request(key: rsa.RSAPrivateKey | None = None) -> bytes:
    """A request made elsewhere, for a key that this service does not have."""
    asked = CertificateSigningRequestBuilder().subject_name(Name([])).sign(key or own_key(), hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM)


def signing(pass_type: str = LOYALTY, **kind: Any) -> Identity:
    """An identity with a certificate of this kind (see `Portal.issue`)."""
    certificate = portal().issue(own_request(), pass_type=pass_type, **kind)
    file = read_certificate_file(certificate)
    return Identity.of(file.certificate, own_key(), portal().intermediate)


async def asked(db: Database, pass_type: str = LOYALTY, **said: Any) -> certificate_requests.Request:
    """A request made by the service."""
    return await certificate_requests.request(db, KEYRING, pass_type, **said)


async def brought(db: Database, certificate: bytes, **said: Any) -> Installed:
    """A downloaded certificate is installed; the test authority's intermediate is given along."""
    return await install(db, KEYRING, read_certificate_file(certificate), intermediates=[portal().intermediate], **said)


async def obtained(db: Database, pass_type: str = LOYALTY, partner_id: str | None = None, **kind: Any) -> Installed:
    """From the request to the installed certificate."""
    made = await asked(db, pass_type, partner_id=partner_id)
    return await brought(db, portal().issue(made.pem.encode(), pass_type=pass_type, **kind))


async def in_use(db: Database, files: Identity | None = None, pass_type: str = "") -> Identities:
    """What a process that starts now signs with."""
    identities = Identities(db, KEYRING, files, pass_type)
    await identities.load()
    return identities


async def a_partner(db: Database, name: str = "Café") -> str:
    """A partner's id."""
    async with db.unit() as unit:
        return (await add_partner(unit, SystemClock(), name, Brand(name))).id


async def states(db: Database, pass_type: str = LOYALTY) -> list[str]:
    """The states of what is stored for a pass type, the eldest first."""
    async with db.read() as read:
        rows: Iterable[Any] = await read.connection.fetch(
            "SELECT state FROM apple_identity WHERE pass_type = $1 ORDER BY created_at, id", pass_type
        )
    return [row["state"] for row in rows]
