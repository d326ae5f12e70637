"""An Android phone held to a reader: it answers the commands of Smart Tap (version 2.1) as Google Wallet does.

It believes a reader whose signature fits a public key that Google knows, and hands out a pass that the reader's
merchant may redeem, encrypted for this reader and this tap. The keys are derived by hand here (RFC 5869), apart from
how the service opens the answer.
"""

import hashlib
import hmac
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from passes.google.smart_tap_ndef import BadNdef, Record, external, message, named
from passes.sandbox.apple_tap import APPLICATION, tlv

SMART_TAP: Final = bytes.fromhex("a000000476d0000111")
DONE, MORE, MORE_AS_TABLED, NO_PASS, CHOOSE, TOO_MANY = 0x9000, 0x9100, 0x9091, 0x9001, 0x9302, 0x9406
UNKNOWN_COMMAND, UNKNOWN_APPLICATION, OUT_OF_TURN = 0x6D00, 0x6A82, 0x6985
_OK, _BAD_FORM, _UNKNOWN_MERCHANT = 0x01, 0x02, 0x05
_ALL, _LOYALTY, _OFFER = 0x00, 0x03, 0x04
_CODES: Final = {"ly": _LOYALTY, "of": _OFFER}
_MOST_ASKED = 4  # times that a phone hands out a pass before it wants to be held anew


@dataclass
class Merchants:
    """What Google knows of redemption issuers, as `PATCH issuer/{id}` tells it: the collector id by issuer, and the
    public keys (PEM) by collector id and version."""

    collectors: dict[str, int] = field(default_factory=dict)
    keys: dict[int, dict[int, str]] = field(default_factory=dict)

    def publish(self, issuer: str, collector_id: int, version: int, public_key: str) -> None:
        """Add a key of an issuer."""
        self.collectors[issuer] = collector_id
        self.keys.setdefault(collector_id, {})[version] = public_key

    def withdraw(self, collector_id: int, version: int) -> None:
        """Take a key away: phones believe it no longer."""
        del self.keys[collector_id][version]


@dataclass(frozen=True, slots=True)
class _Held:
    value: str
    service: Literal["ly", "of"]
    issuers: frozenset[str]


@dataclass
class _Tap:
    """What phone and reader have agreed on since the phone was held to it."""

    nonce: bytes
    once: EllipticCurvePrivateKey
    session: bytes = b""
    keys: bytes = b""
    collector_id: int = 0
    asked: int = 0
    pending: bytes = b""


class SmartTapPhone:
    """The passes of one phone, by Google's object id, as a reader meets them.

    `form` is how it says a value (a Text record, or a byte of format before it), `packs` whether it uses zlib for a
    reader that can; `early` whether it gives its nonce with the first SELECT, as newer phones do; `piece` how many
    bytes it says at once, and `more` the status word with which it says that there are more.
    """

    def __init__(
        self, merchants: Merchants, *, form: Literal["plain", "text"] = "text", packs: bool = True, early: bool = True,
        piece: int = 240, more: int = MORE,
    ) -> None:  # fmt: skip
        self.form, self.packs, self.early, self.piece, self.more = form, packs, early, piece, more
        self.chosen: str | None = None
        self._merchants = merchants
        self._held: dict[str, _Held] = {}
        self._tap: _Tap | None = None

    def add(self, body: Mapping[str, Any], look: Mapping[str, Any], service: Literal["ly", "of"] = "ly") -> None:
        """Take a pass by the bodies of its object and class; a newer body takes the place of the older."""
        value = body.get("smartTapRedemptionValue", "")
        if body["state"] == "ACTIVE" and look.get("enableSmartTap") and value:
            self._held[body["id"]] = _Held(value, service, frozenset(look.get("redemptionIssuers", ())))
        else:
            self._held.pop(body["id"], None)

    def answer(self, command: bytes, now: datetime | None = None) -> bytes:
        """The answer to a command (ISO 7816-4): data, then two bytes of status. A tap tells no time, so `now` is not
        looked at."""
        header, data = command[:4], command[5 : 5 + command[4]] if len(command) > 4 else b""
        try:
            if header == bytes.fromhex("00a40400"):
                return self._selected(data)
            if self._tap is None:
                return _reply(UNKNOWN_COMMAND)
            if header == bytes.fromhex("90530000"):
                return self._negotiated(self._tap, data)
            if header == bytes.fromhex("90500000"):
                return self._asked(self._tap, data)
            if header == bytes.fromhex("90c00000"):
                return self._piece(self._tap)
        except BadNdef:
            return _reply(DONE, message([external(b"nrs", message([_session(b"\x00" * 8, 0, _BAD_FORM)]))]))
        return _reply(UNKNOWN_COMMAND)

    def _selected(self, application: bytes) -> bytes:
        if application not in (APPLICATION, SMART_TAP):
            return _reply(UNKNOWN_APPLICATION)
        tap = self._tap = _Tap(os.urandom(32), generate_private_key(SECP256R1()))
        if application == SMART_TAP:
            nonce = Record(4, b"mdn", b"\x04" + tap.nonce, b"mdn")
            return _reply(DONE, bytes.fromhex("00000001") + message([nonce]))
        told = tlv(b"\x50", b"AndroidPay") + tlv(b"\xc0", b"\x00\x01")
        if self.early:
            told += tlv(b"\xc2", tap.nonce) + tlv(b"\xc3", _point(tap.once.public_key()))
        versions = tlv(b"\xdf\x6d", b"\x00\x00") + tlv(b"\xdf\x4d", b"\x00\x01") + tlv(b"\xdf\x62", b"\x03")
        entry = tlv(b"\x61", tlv(b"\x4f", SMART_TAP) + tlv(b"\x87", b"\x01") + tlv(b"\x73", versions))
        return _reply(DONE, tlv(b"\x6f", told + tlv(b"\xa5", tlv(b"\xbf\x0c", entry))))

    def _negotiated(self, tap: _Tap, data: bytes) -> bytes:
        inside = named(data, b"ngr")[2:]
        said, parameters = named(inside, b"ses"), named(inside, b"cpr")
        nonce, point, version = parameters[:32], parameters[33:66], int.from_bytes(parameters[66:70], "big")
        proof = parameters[70:]
        signature, collector = named(proof, b"sig")[1:], named(proof, b"cld")[1:]
        signed = nonce + tap.nonce + collector + point
        tap.session, tap.collector_id = said[:8], int.from_bytes(collector, "big")
        public = self._merchants.keys.get(tap.collector_id, {}).get(version)
        if public is None or not _signed_with(public, signature, signed):
            return _reply(DONE, message([external(b"nrs", message([_session(tap.session, 1, _UNKNOWN_MERCHANT)]))]))
        own = _point(tap.once.public_key())
        secret = tap.once.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point))
        tap.keys = _expanded(own, secret, signed + signature)
        return _reply(DONE, message([external(b"nrs", message([_session(tap.session, 1), external(b"dpk", own)]))]))

    def _asked(self, tap: _Tap, data: bytes) -> bytes:
        if not tap.keys:
            return _reply(OUT_OF_TURN)
        tap.asked += 1
        if tap.asked > _MOST_ASKED:
            return _reply(TOO_MANY)
        inside = named(data, b"srq")[2:]
        wanted = set(named(named(inside, b"slr"), b"str"))
        if int.from_bytes(named(named(inside, b"mer"), b"cld")[1:], "big") != tap.collector_id:
            return _reply(NO_PASS)
        fitting = self._fitting(tap.collector_id, wanted)
        if len(fitting) != 1:
            return _reply(CHOOSE if fitting else NO_PASS)
        can_unpack = bool(named(inside, b"pcr")[0] & 0x40)
        bundle = _sealed(tap.keys, self._said(fitting[0]), packed=self.packs and can_unpack)
        tap.pending = message([external(b"srs", message([_session(tap.session, 2), external(b"reb", bundle)]))])
        return self._piece(tap)

    def _fitting(self, collector_id: int, wanted: set[int]) -> list[_Held]:
        """The passes that this merchant may have; the one that its owner chose, once they did."""
        found = {
            object_id: held
            for object_id, held in self._held.items()
            if wanted & {_ALL, _CODES[held.service]}
            and any(self._merchants.collectors.get(issuer) == collector_id for issuer in held.issuers)
        }
        return [found[self.chosen]] if self.chosen in found else list(found.values())

    def _piece(self, tap: _Tap) -> bytes:
        if not tap.pending:
            return _reply(OUT_OF_TURN)
        piece, tap.pending = tap.pending[: self.piece], tap.pending[self.piece :]
        return _reply(self.more if tap.pending else DONE, piece)

    def _said(self, held: _Held) -> bytes:
        issuer = external(b"i", b"\x04" + bytes(5))
        text = Record(1, b"T", b"\x02en" + held.value.encode(), b"n")
        number = text if self.form == "text" else external(b"n", b"\x00" + held.value.encode())
        return message([external(b"asv", message([external(held.service.encode(), message([issuer, number]))]))])


def _sealed(keys: bytes, plain: bytes, *, packed: bool) -> bytes:
    """A record bundle: flags, IV, ciphertext, and the HMAC of the two before it."""
    iv = os.urandom(12)
    cipher = Cipher(AES(keys[:16]), CTR(iv + bytes(4))).encryptor()
    body = iv + cipher.update(zlib.compress(plain) if packed else plain) + cipher.finalize()
    return bytes([3 if packed else 1]) + body + hmac.new(keys[16:48], body, hashlib.sha256).digest()


def _expanded(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """48 bytes of HKDF (RFC 5869 sections 2.2 and 2.3) with SHA-256: two blocks, the second cut."""
    key = hmac.new(salt, secret, hashlib.sha256).digest()
    first = hmac.new(key, info + b"\x01", hashlib.sha256).digest()
    return first + hmac.new(key, first + info + b"\x02", hashlib.sha256).digest()[:16]


def _signed_with(public_key: str, signature: bytes, signed: bytes) -> bool:
    key = load_pem_public_key(public_key.encode())
    assert isinstance(key, EllipticCurvePublicKey)
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _session(session: bytes, sequence: int, status: int = _OK) -> Record:
    return external(b"ses", session + bytes([sequence, status]))


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _reply(status: int, data: bytes = b"") -> bytes:
    return data + status.to_bytes(2, "big")
