"""Apple's developer pages, as far as pass certificates go: a request goes in, a certificate comes out.

It issues what Apple issues, and also what an operator may bring by mistake: expired, too early, for another pass type
or another team.
"""

import datetime as dt
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from passes.sandbox.authority import PASS_TYPE, TEAM, Authority
from passes.sandbox.issuing import certify, pass_extensions, pass_name

DAYS: Final = 396  # Apple's pass certificates are valid for a year and a month


class Portal:
    """Issues certificates of a test authority."""

    def __init__(self, authority: Authority) -> None:
        self.intermediate = x509.load_pem_x509_certificate(authority.intermediate.read_bytes())
        key = serialization.load_pem_private_key(authority.intermediate_key.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    @classmethod
    def at(cls, directory: Path) -> "Portal":
        """The portal of the test authority kept in `directory`."""
        return cls(Authority.at(directory))

    def issue(
        self,
        request: bytes,
        *,
        pass_type: str = PASS_TYPE,
        team: str = TEAM,
        nfc: bool = False,
        days: float = DAYS,
        begins_in_days: float = 0.0,
    ) -> bytes:
        """The .cer (DER) for a certificate signing request (PEM or DER), valid until `days` from now.

        As at Apple, what the request says of its sender is ignored: pass type and team come from the account. Raises
        ValueError for a request that is broken or not signed with its own key.
        """
        load = x509.load_pem_x509_csr if b"-----BEGIN" in request else x509.load_der_x509_csr
        asked = load(request)
        public_key = asked.public_key()
        if not asked.is_signature_valid or not isinstance(public_key, rsa.RSAPublicKey):
            raise ValueError("the request is not signed with its own RSA key")
        now = dt.datetime.now(dt.UTC)
        begins = now + dt.timedelta(days=begins_in_days) - dt.timedelta(hours=1)
        certificate = certify(
            pass_name(pass_type, team, nfc),
            public_key,
            self.intermediate.subject,
            self._key,
            min(begins, now + dt.timedelta(days=days - DAYS)) if days <= 0 else begins,
            now + dt.timedelta(days=days),
            extensions=pass_extensions(pass_type, nfc),
        )
        return certificate.public_bytes(serialization.Encoding.DER)

    def p12(self, certificate: bytes, key: rsa.RSAPrivateKey, password: str = "", *, chain: bool = True) -> bytes:
        """What a keychain exports: certificate (DER) and key, with `chain` the intermediate, locked by `password`."""
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            lock = serialization.BestAvailableEncryption(password.encode())
        issuers = [self.intermediate] if chain else None
        leaf = x509.load_der_x509_certificate(certificate)
        return pkcs12.serialize_key_and_certificates(b"Pass Type ID", key, leaf, issuers, lock)


def push_key_file() -> bytes:
    """An authentication key (.p8) as it is downloaded, once: PKCS #8 PEM of a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
