"""What a phone checks before it accepts a pass file. Shares no code with the seal, so that a fault there is seen here.

Signature: detached CMS SignedData over the manifest (RFC 5652), chain to a given root, signing time present. Hashes:
each member against the manifest, both ways. Contents: identifiers of the signer, required keys, images, languages, and
taps only where the certificate allows them.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from passes.sandbox.apple_strings import read_strings

_STYLES = frozenset({"storeCard", "generic", "coupon", "eventTicket", "boardingPass"})
_REQUIRED = ("passTypeIdentifier", "teamIdentifier", "serialNumber", "organizationName", "description")
_MEMBERS_LIMIT: Final = 200
_SIZE_LIMIT: Final = 10 * 1024 * 1024

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_DIGEST = bytes.fromhex("2a864886f70d010904")
_TIME = bytes.fromhex("2a864886f70d010905")
# What Apple's certificates for passes with taps carry.
_NFC = x509.ObjectIdentifier("1.2.840.113635.100.6.1.26")
_SHA256 = bytes.fromhex("608648016503040201")


class Refused(Exception):
    """The phone does not open this pass; says why, which a real phone would write to its console only."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, according to the certificate, and whether Apple allows them taps."""

    pass_type: str
    team: str
    nfc: bool


@dataclass(frozen=True, slots=True)
class Package:
    """An opened pass: its document, and the other files (path -> bytes) without manifest and signature."""

    document: dict[str, Any]
    files: dict[str, bytes]

    def texts(self, language: str) -> dict[str, str]:
        """What a phone of this language shows in place of the literal texts; {} if the pass does not speak it."""
        written = self.files.get(f"{language}.lproj/pass.strings")
        return read_strings(written) if written is not None else {}


class Verifier:
    """Checks passes against one trusted root. Chains that were checked once are remembered until a certificate ends."""

    def __init__(self, root: bytes) -> None:
        """`root` is the PEM of the trusted root."""
        self._root = x509.load_pem_x509_certificate(root)
        self._trusted: dict[bytes, tuple[x509.Certificate, datetime]] = {}

    def open(self, file: bytes) -> dict[str, Any]:
        """The pass document of a good file. Raises Refused."""
        return self.unpack(file).document

    def unpack(self, file: bytes) -> Package:
        """A good file, taken apart. Raises Refused."""
        members = _members(file)
        manifest = members.pop("manifest.json", None)
        signature = members.pop("signature", None)
        if manifest is None or signature is None:
            raise Refused("manifest.json or signature is missing")
        signer = self._signer(signature, manifest)
        _compare_hashes(_object(manifest, "manifest.json"), members)
        if "icon.png" not in members:
            raise Refused("icon.png is missing")
        paper = _object(members.pop("pass.json"), "pass.json") if "pass.json" in members else {}
        _check_document(paper, signer)
        _check_files(paper, members, signer)
        return Package(paper, members)

    def check_signature(self, signature: bytes, content: bytes) -> Signer:
        """Who signed `content` with this detached signature, of a manifest or of a token. Raises Refused."""
        return self._signer(signature, content)

    def _signer(self, signature: bytes, content: bytes) -> Signer:
        try:
            leaf = self._check_signature(signature, content)
        except (IndexError, ValueError, StopIteration) as error:
            raise Refused(f"the signature is not readable: {error!r}") from error
        nfc = any(extension.oid == _NFC for extension in leaf.extensions)
        return Signer(_subject(leaf, NameOID.USER_ID), _subject(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME), nfc)

    def _check_signature(self, signature: bytes, content: bytes) -> x509.Certificate:
        outer = list(_children(next(_children(signature)).value))
        if outer[0].value != _SIGNED_DATA:
            raise Refused("the signature is not CMS SignedData")
        _, _, encapsulated, *rest = _children(next(_children(outer[1].value)).value)
        if [part.value for part in _children(encapsulated.value)] != [_DATA]:
            raise Refused("the signature is not detached")
        certificates = [bytes(c.whole) for part in rest if part.tag == 0xA0 for c in _children(part.value)]
        (signer,) = _children(next(part for part in rest if part.tag == 0x31).value)
        _, sid, digest_algorithm, attributes, _, value = _children(signer.value)
        if next(_children(digest_algorithm.value)).value != _SHA256:
            raise Refused("the digest is not SHA-256")
        _check_attributes(attributes.value, content)
        leaf = self._chain(certificates, sid)
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Refused("the signer's key is not RSA")
        try:
            key.verify(value.value, b"\x31" + attributes.whole[1:], PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise Refused("the signature does not fit the manifest") from error
        return leaf

    def _chain(self, certificates: list[bytes], sid: "_Tlv") -> x509.Certificate:
        key = hashlib.sha256(b"".join(certificates) + sid.whole).digest()
        known = self._trusted.get(key)
        now = datetime.now(UTC)
        if known is not None and now <= known[1]:
            return known[0]
        issuer, serial = _children(sid.value)
        parsed = [x509.load_der_x509_certificate(raw) for raw in certificates]
        number = int.from_bytes(serial.value, "big")
        leaf = next((c for c in parsed if c.serial_number == number and c.issuer.public_bytes() == issuer.whole), None)
        between = next((c for c in parsed if leaf is not None and c.subject == leaf.issuer), None)
        if leaf is None or between is None:
            raise Refused("the signer's certificate or its intermediate is not in the signature")
        for certificate, above in ((leaf, between), (between, self._root)):
            _check_link(certificate, above, now)
        if len(self._trusted) >= 100:
            self._trusted.clear()
        self._trusted[key] = leaf, min(leaf.not_valid_after_utc, between.not_valid_after_utc)
        return leaf


@dataclass(frozen=True, slots=True)
class _Tlv:
    """One element of DER: tag, contents, and all of its bytes."""

    tag: int
    value: bytes
    whole: bytes


def _children(data: bytes) -> Iterator[_Tlv]:
    at = 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("length form")
            size, start = int.from_bytes(data[start : start + count], "big"), start + count
        if start + size > len(data):
            raise ValueError("element runs over the end")
        yield _Tlv(tag, data[start : start + size], data[at : start + size])
        at = start + size


def _check_attributes(raw: bytes, content: bytes) -> None:
    found: dict[bytes, bytes] = {}
    for attribute in _children(raw):
        oid, values = _children(attribute.value)
        found[oid.value] = next(_children(values.value)).value
    if found.get(_CONTENT_TYPE) != _DATA:
        raise Refused("the content type is not signed")
    if _TIME not in found:
        raise Refused("the signature has no signing time")
    if found.get(_DIGEST) != hashlib.sha256(content).digest():
        raise Refused("the signature is over another manifest")


def _check_link(certificate: x509.Certificate, above: x509.Certificate, now: datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refused(f"a certificate is out of date: {certificate.subject.rfc4514_string()}")
    try:
        certificate.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise Refused("the chain does not lead to the trusted root") from error


def _members(file: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            entries = archive.infolist()
            if len(entries) > _MEMBERS_LIMIT or sum(entry.file_size for entry in entries) > _SIZE_LIMIT:
                raise Refused("the package is too large")
            members = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Refused("the file is not a zip archive") from error
    if len(members) != len(entries):
        raise Refused("a member is in the package twice")
    return members


def _compare_hashes(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    if extra := members.keys() - manifest.keys():
        raise Refused(f"not in the manifest: {sorted(extra)}")
    if missing := manifest.keys() - members.keys():
        raise Refused(f"in the manifest but not in the package: {sorted(missing)}")
    for name, data in members.items():
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != manifest[name]:
            raise Refused(f"{name} does not match the manifest")


def _check_document(paper: dict[str, Any], signer: Signer) -> None:
    if paper.get("formatVersion") != 1:
        raise Refused("formatVersion is not 1")
    if missing := [key for key in _REQUIRED if not isinstance(paper.get(key), str) or not paper[key]]:
        raise Refused(f"required keys are missing: {missing}")
    if (paper["passTypeIdentifier"], paper["teamIdentifier"]) != (signer.pass_type, signer.team):
        raise Refused("the signer's certificate is for another pass type or team")
    if len(_STYLES & paper.keys()) != 1:
        raise Refused("there is not exactly one style")
    if ("webServiceURL" in paper) != ("authenticationToken" in paper):
        raise Refused("webServiceURL and authenticationToken go together")
    if len(paper.get("authenticationToken", "x" * 16)) < 16:
        raise Refused("the authentication token is too short")
    _check_fields(paper)


def _check_files(paper: dict[str, Any], files: dict[str, bytes], signer: Signer) -> None:
    if ("nfc" in paper or "personalization.json" in files) and not signer.nfc:
        raise Refused("the signer's certificate does not allow taps")
    if "personalization.json" in files:
        _object(files["personalization.json"], "personalization.json")
        if "nfc" not in paper:
            raise Refused("only a pass with taps may ask for personal details")
    for name, written in files.items():
        if name.endswith(".strings"):
            try:
                read_strings(written)
            except ValueError as error:
                raise Refused(f"{name} is not readable: {error}") from error


def _check_fields(paper: dict[str, Any]) -> None:
    style = next(iter(_STYLES & paper.keys()))
    keys = [field["key"] for fields in paper[style].values() if isinstance(fields, list) for field in fields]
    if len(keys) != len(set(keys)):
        raise Refused("two fields have the same key")
    if len(paper[style].get("secondaryFields", [])) + len(paper[style].get("auxiliaryFields", [])) > 4:
        raise Refused("more than four secondary and auxiliary fields would not be shown")
    if _has_null(paper):
        raise Refused("a key has the value null")


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return any(map(_has_null, value)) if isinstance(value, list) else value is None


def _object(raw: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise Refused(f"{name} is not JSON") from error
    if not isinstance(value, dict):
        raise Refused(f"{name} is not an object")
    return value


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    values = certificate.subject.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""
