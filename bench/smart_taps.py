"""How fast Android phones are read on one thread: the reader's word signed, and the phone's answer opened.

    python -m bench.smart_taps [rounds]

A word is a new key of one use, the signature and the message for the phone; an answer is the key agreement, the check
of the tag, the decryption, unpacking and reading of a packed pass. The bare arithmetic is the same cryptography, called
as directly as Python can. Reported is CPU time; all take turns, and the median of the rounds counts.
"""

import hashlib
import hmac
import os
import sys
from itertools import cycle
from statistics import median
from typing import NamedTuple

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
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_der_private_key

from bench.taps import openssl_agreements_per_s, per_cpu_second
from passes.google.smart_tap import Signed, compressed, negotiate, opened, request, sign
from passes.google.smart_tap_keys import new_pair
from passes.google.smart_tap_ndef import named
from passes.sandbox.apple_tap import APPLICATION, tags
from passes.sandbox.nfc_terminal import command, content, select
from passes.sandbox.smart_tap_device import Merchants, SmartTapPhone

_TAPS = 500
_COLLECTOR, _VERSION = 20180608, 1
_SESSION, _NONCE = bytes(8), bytes(range(32))


class _Tap(NamedTuple):
    once: EllipticCurvePrivateKey
    word: Signed
    negotiated: bytes
    answer: bytes
    point: bytes


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    pair = new_pair()
    key = load_der_private_key(pair.private_key, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    merchants = Merchants()
    merchants.publish("1", _COLLECTOR, _VERSION, pair.public_key)
    taps = cycle([_tap(key, merchants) for _ in range(_TAPS)])

    def word() -> None:
        once = generate_private_key(SECP256R1())
        said = sign(key, _COLLECTOR, os.urandom(8), os.urandom(32), _NONCE, once.public_key())
        negotiate(said, _VERSION)
        request(said)

    def bare_word() -> None:
        key.sign(_NONCE * 2 + compressed(generate_private_key(SECP256R1()).public_key()), ECDSA(SHA256()))

    def answer() -> None:
        tap = next(taps)
        opened(tap.once, tap.word, tap.negotiated, tap.answer)

    def bare_answer() -> None:
        tap = next(taps)
        secret = tap.once.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), tap.point))
        keys = HKDF(SHA256(), 48, salt=tap.point, info=tap.word.signed + tap.word.signature).derive(secret)
        hmac.digest(keys[16:], tap.answer, hashlib.sha256)
        cipher = Cipher(AES(keys[:16]), CTR(bytes(16))).decryptor()
        cipher.update(tap.answer[:100])
        cipher.finalize()

    measured = [(*map(per_cpu_second, (word, bare_word, answer, bare_answer)), openssl_agreements_per_s())
                for _ in range(rounds)]  # fmt: skip
    words, bare_words, answers, bare_answers, raw = (median(column) for column in zip(*measured, strict=True))
    print(f"openssl speed ecdhp256     {raw:8,.0f} agreements/s")
    print(f"bare key and signature     {bare_words:8,.0f} /CPU-s")
    print(f"Commonpoint, a word        {words:8,.0f} /CPU-s   {words / bare_words:.2f} of the bare arithmetic")
    print(f"bare agreement and cipher  {bare_answers:8,.0f} /CPU-s")
    print(f"Commonpoint, an answer     {answers:8,.0f} /CPU-s   {answers / bare_answers:.2f} of the bare arithmetic")
    print(f"whole taps                 {1 / (1 / words + 1 / answers):8,.0f} /CPU-s   [{rounds} rounds]")


def _tap(key: EllipticCurvePrivateKey, merchants: Merchants) -> _Tap:
    phone = SmartTapPhone(merchants, piece=4096)
    body = {"id": "1.a", "state": "ACTIVE", "smartTapRedemptionValue": "7K3M9QXA2BCD7K3M9QXA"}
    phone.add(body, {"enableSmartTap": True, "redemptionIssuers": ["1"]})
    nonce = tags(tags(content(phone.answer(select(APPLICATION))))[b"\x6f"])[b"\xc2"]
    once = generate_private_key(SECP256R1())
    said = sign(key, _COLLECTOR, _SESSION, _NONCE, nonce, once.public_key())
    negotiated = content(phone.answer(command("90530000", negotiate(said, _VERSION))))
    answer = content(phone.answer(command("90500000", request(said))))
    return _Tap(once, said, negotiated, answer, named(named(negotiated, b"nrs"), b"dpk"))


if __name__ == "__main__":
    main()
