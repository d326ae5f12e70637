"""The seal: hashes, signature and archive that make a pass document a .pkpass file.

A file is sealed each time a phone asks for a new version, so all that stays the same is worked out once: certificates
and the frame around them per identity, images with their hashes and archive entries per brand. What is left for each
pass is its document, its manifest and one RSA signature.

Rules: https://developer.apple.com/documentation/walletpasses/building-a-pass (manifest of SHA-1 hashes, detached
PKCS #7 signature with a signing time), RFC 5652 sections 5 and 11 (SignedData, signed attributes), PKWARE APPNOTE 4.3
(archive).
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from kernel.errors import Invalid
from passes.apple.identity import Identity

_PKCS1 = PKCS1v15()
_SHA256 = hashes.SHA256()

# DER object identifiers, tag and length included.
_OID_DATA = bytes.fromhex("06092a864886f70d010701")
_OID_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_OID_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_OID_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_OID_SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
_SHA256_ALGORITHM = bytes.fromhex("300d06096086480165030402010500")
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")

# 1980-01-01 00:00, the earliest an archive can say: equal contents make equal bytes.
_DOS_TIME, _DOS_DATE = 0, 0x21
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")

_RESERVED = frozenset({"pass.json", "manifest.json", "signature"})


class BadImages(Invalid):
    """The images of a pass break a rule of the package format."""

    code = "apple_images_invalid"
    title = "The images of the pass cannot be used"


@dataclass(frozen=True, slots=True)
class Template:
    """The unchanging part of a brand's passes, hashed and laid out once by `Sealer.template`."""

    manifest_head: bytes
    entries: bytes
    directory: bytes
    count: int


class Sealer:
    """Signs manifests and packs files for one identity."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._frames = {length: _Frame.around(identity, length) for length in (13, 15)}

    def template(self, images: Mapping[str, bytes]) -> Template:
        """Prepare images (path in the package -> PNG bytes). Raises BadImages: no icon, or a reserved name."""
        if "icon.png" not in images:
            raise BadImages("A pass without icon.png is refused by every phone.")
        if reserved := _RESERVED & images.keys():
            raise BadImages(f"These names belong to the package itself: {', '.join(sorted(reserved))}.")
        entries, directory = bytearray(), bytearray()
        for name, data in sorted(images.items()):
            _append(entries, directory, name.encode("ascii"), data)
        lines = "".join(f'"{name}":"{_sha1(data)}",' for name, data in sorted(images.items()))
        return Template(b"{" + lines.encode(), bytes(entries), bytes(directory), len(images))

    def seal(self, template: Template, document: bytes, at: datetime | None = None) -> bytes:
        """The .pkpass bytes of a pass document (UTF-8 JSON), signed with the time `at` (default: now)."""
        manifest = b'%b"pass.json":"%b"}' % (template.manifest_head, _sha1(document).encode())
        entries, directory = bytearray(template.entries), bytearray(template.directory)
        _append(entries, directory, b"pass.json", document)
        _append(entries, directory, b"manifest.json", manifest)
        _append(entries, directory, b"signature", self.sign(manifest, at))
        count = template.count + 3
        end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(entries), 0)
        return b"".join((entries, directory, end))

    def sign(self, content: bytes, at: datetime | None = None) -> bytes:
        """A detached CMS SignedData (DER) over `content`, with both certificates embedded byte for byte."""
        time = _time(at or datetime.now(UTC))
        frame = self._frames[len(time) - 2]
        attributes = frame.attributes(time, hashlib.sha256(content).digest())
        # RFC 5652 section 5.4: signed is the set with its own tag, 0x31, not the implicit one it is stored under.
        signature = self.identity.key.sign(b"\x31" + attributes, _PKCS1, _SHA256)
        return b"".join((frame.before, b"\xa0", attributes, frame.between, signature))


@dataclass(frozen=True, slots=True)
class _Frame:
    """The constant bytes of a signature, for one length of the signing time."""

    before: bytes
    attributes_head: bytes
    attributes_tail: bytes
    between: bytes

    @classmethod
    def around(cls, identity: Identity, time_length: int) -> "_Frame":
        certificate, intermediate = (
            c.public_bytes(serialization.Encoding.DER) for c in (identity.certificate, identity.intermediate)
        )
        content_type = _der(0x30, _OID_CONTENT_TYPE + _der(0x31, _OID_DATA))
        time_value = bytes(2 + time_length)
        time_attribute = _der(0x30, _OID_SIGNING_TIME + _der(0x31, time_value))
        digest_attribute = _der(0x30, _OID_MESSAGE_DIGEST + _der(0x31, _der(0x04, bytes(32))))
        # DER orders a set by its members' bytes; these three begin 30 18, 30 1c (or 1e) and 30 2f.
        attributes = _der(0x31, content_type + time_attribute + digest_attribute)[1:]
        time_at = attributes.index(time_attribute) + len(time_attribute) - len(time_value)
        digest_head = digest_attribute[:-32]
        signature_size = (identity.key.key_size + 7) // 8
        between = _RSA_ALGORITHM + _der(0x04, bytes(signature_size))[:-signature_size]
        signer_fixed = (
            b"\x02\x01\x01"
            + _der(0x30, identity.certificate.issuer.public_bytes() + _integer(identity.certificate.serial_number))
            + _SHA256_ALGORITHM
        )
        signer = _der(0x30, signer_fixed + b"\xa0" + attributes + between + bytes(signature_size))
        signed_data = _der(
            0x30,
            b"\x02\x01\x01"
            + _der(0x31, _SHA256_ALGORITHM)
            + _der(0x30, _OID_DATA)
            + _der(0xA0, b"".join(sorted((certificate, intermediate))))
            + _der(0x31, signer),
        )
        whole = _der(0x30, _OID_SIGNED_DATA + _der(0xA0, signed_data))
        before = whole[: -(signature_size + len(between) + len(attributes) + 1)]
        return cls(before, attributes[:time_at], digest_head, between)

    def attributes(self, time: bytes, digest: bytes) -> bytes:
        return b"".join((self.attributes_head, time, self.attributes_tail, digest))


def _append(entries: bytearray, directory: bytearray, name: bytes, data: bytes) -> None:
    """Add one stored (uncompressed: PNG and signatures do not shrink) member to the archive."""
    checksum, size = zlib.crc32(data), len(data)
    shared = (0, 0, _DOS_TIME, _DOS_DATE, checksum, size, size, len(name), 0)
    directory += _CENTRAL.pack(b"PK\x01\x02", 20, 10, *shared, 0, 0, 0, 0, len(entries)) + name
    entries += _LOCAL.pack(b"PK\x03\x04", 10, *shared) + name + data


def _sha1(data: bytes) -> str:
    # The manifest's hash is Apple's choice; what protects the pass is the SHA-256 signature over the manifest.
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _time(at: datetime) -> bytes:
    """RFC 5652 section 11.3: UTCTime through 2049, GeneralizedTime from 2050."""
    at = at.astimezone(UTC)
    if at.year < 2050:
        return b"\x17\x0d" + at.strftime("%y%m%d%H%M%SZ").encode()
    return b"\x18\x0f" + at.strftime("%Y%m%d%H%M%SZ").encode()


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
