"""The seal: hashes, signature and archive that make a pass document a .pkpass file.

A file is sealed each time a phone asks for a new version, so all that stays the same is worked out once: certificates
and the frame around them per identity, images with their hashes and archive entries per look. What is left for each
pass is its document with its strings, its manifest and one RSA signature, and each byte is copied once. The signature
is made without holding the interpreter's lock, so two threads seal almost twice as many.

Rules: https://developer.apple.com/documentation/walletpasses/building-a-pass (manifest of SHA-1 hashes, detached
PKCS #7 signature with a signing time), RFC 5652 sections 5 and 11 (SignedData, signed attributes).
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from kernel.errors import Invalid
from passes.apple.archive import append, end, packed
from passes.apple.document import Paper
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

_RESERVED = re.compile(r"pass\.json|manifest\.json|signature|personalization\.json|[^/]+\.lproj/pass\.strings")
_NO_STRINGS: Mapping[str, bytes] = {}
_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.lproj/)?[A-Za-z0-9][A-Za-z0-9@._-]*")


class BadImages(Invalid):
    """The images of a pass break a rule of the package format."""

    code = "apple_images_invalid"
    title = "The images of the pass cannot be used"


@dataclass(frozen=True, slots=True)
class Template:
    """The unchanging part of a look's passes, hashed and laid out once by `Sealer.template`, for any identity.

    `strings` are the files that are no pictures: when a pass says the same in them, they are here already.
    """

    manifest_head: bytes
    entries: bytes
    directory: bytes
    names: frozenset[str]
    strings: Mapping[str, bytes]


class Sealer:
    """Signs manifests and packs files for one identity. Threads may share it."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._frames = {length: _Frame.around(identity, length) for length in (13, 15)}
        self._second: tuple[int, bytes] = (0, _time(datetime.fromtimestamp(0, UTC)))

    @staticmethod
    def template(images: Mapping[str, bytes], strings: Mapping[str, bytes] = _NO_STRINGS) -> Template:
        """Prepare images (path in the package -> PNG bytes), and what all passes of this template have in `strings`.

        Raises BadImages: no icon, or a name that cannot be.
        """
        if "icon.png" not in images:
            raise BadImages("A pass without icon.png is refused by every phone.")
        for name in images:
            if _RESERVED.fullmatch(name) or not _NAME.fullmatch(name):
                raise BadImages(f"“{name}” cannot be the name of an image: the package needs it, or phones refuse it.")
        files = {**images, **strings}
        lines = "".join(f'"{name}":"{_sha1(data)}",' for name, data in sorted(files.items()))
        entries, directory = packed(files)
        return Template(b"{" + lines.encode(), entries, directory, frozenset(files), dict(strings))

    def seal(self, template: Template, paper: Paper, at: datetime | None = None) -> bytes:
        """The .pkpass bytes of what a pass says, signed with the time `at` (default: now).

        Raises BadImages when the template's strings are not the pass's.
        """
        known = template.strings
        strings = [(name, data) for name, data in paper.strings.items() if known.get(name) != data]
        if len(strings) + len(known) != len(paper.strings):
            raise BadImages("The strings of the template are not those of the pass.")
        # Names were checked (images) or are ours: none of them needs an escape in JSON.
        lines = "".join([f',"{name}":"{_sha1(data)}"' for name, data in strings])
        manifest = b'%b"pass.json":"%b"%b}' % (template.manifest_head, _sha1(paper.body).encode(), lines.encode())
        pieces, directory = [template.entries], [template.directory]
        at_byte = append(pieces, directory, b"pass.json", paper.body, len(template.entries))
        for name, data in strings:
            at_byte = append(pieces, directory, name.encode(), data, at_byte)
        at_byte = append(pieces, directory, b"manifest.json", manifest, at_byte)
        at_byte = append(pieces, directory, b"signature", self.sign(manifest, at), at_byte)
        listed = b"".join(directory)
        pieces += (listed, end(len(template.names) + len(strings) + 3, len(listed), at_byte))
        return b"".join(pieces)

    def sign(self, content: bytes, at: datetime | None = None) -> bytes:
        """A detached CMS SignedData (DER) over `content`, with both certificates embedded byte for byte."""
        moment = self._now() if at is None else _time(at)
        frame = self._frames[len(moment) - 2]
        attributes = frame.attributes(moment, hashlib.sha256(content).digest())
        # RFC 5652 section 5.4: signed is the set with its own tag, 0x31, not the implicit one it is stored under.
        signature = self.identity.key.sign(b"\x31" + attributes, _PKCS1, _SHA256)
        return b"".join((frame.before, b"\xa0", attributes, frame.between, signature))

    def _now(self) -> bytes:
        """The time now, written once a second."""
        second, kept = int(time.time()), self._second
        if kept[0] != second:
            kept = self._second = (second, _time(datetime.fromtimestamp(second, UTC)))
        return kept[1]


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


def _sha1(data: bytes) -> str:
    # The manifest's hash is Apple's choice; what protects the pass is the SHA-256 signature over the manifest.
    return hashlib.sha1(data).hexdigest()


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
