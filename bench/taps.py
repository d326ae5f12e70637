"""How fast taps are decrypted on one thread, against the bare arithmetic and against `openssl speed`.

    python -m bench.taps [rounds]

Half of the taps are of the first variant and half of the second, which is found after the first has failed. The bare
arithmetic is the point, the key agreement and one AES-GCM, each called as directly as Python can. Reported is CPU time;
all take turns, and the median of the rounds counts.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from passes.apple.tap import decrypt
from passes.sandbox.apple_tap import cryptogram

_PASS_TYPE = "pass.org.commonpoint.test"
_TAPS = 2_000
_WANTED = 8_000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    key = generate_private_key(SECP256R1())
    blobs = [_blob(key, number) for number in range(_TAPS)]
    taps, points = cycle(blobs), cycle(blob[4:36] for blob in blobs)
    sealer, sealed = _sealer()

    def ours() -> None:
        decrypt(key, _PASS_TYPE, next(taps))

    def bare() -> None:
        key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), b"\x02" + next(points)))
        sealer.decrypt(bytes(16), sealed, None)

    taken = [(per_cpu_second(ours), per_cpu_second(bare), openssl_agreements_per_s()) for _ in range(rounds)]
    mine, floor, raw = (median(column) for column in zip(*taken, strict=True))
    ratios = sorted(one / other for one, other, _ in taken)
    print(f"openssl speed ecdhp256   {raw:8,.0f} agreements/s (no decompression of the point, no cipher)")
    print(f"bare ECDH + AES-GCM      {floor:8,.0f} /CPU-s")
    print(f"Commonpoint, whole tap   {mine:8,.0f} /CPU-s   {median(ratios):.2f} of the bare arithmetic", end=" ")
    print(f"[{ratios[0]:.2f}-{ratios[-1]:.2f}, {rounds} rounds]   {mine / _WANTED:.2f} of the wanted {_WANTED:,}")


def per_cpu_second(work: Callable[[], None], seconds: float = 1.0) -> float:
    """Calls per second of CPU time, measured for about `seconds` after a short warm-up."""
    for _ in range(100):
        work()
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(100):
            work()
        done += 100
    return done / spent


def openssl_agreements_per_s() -> float:
    """ECDH agreements on P-256 per second of CPU time on one core, by `openssl speed`."""
    run = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-mr", "ecdhp256"], capture_output=True, text=True, check=True
    )
    # Machine-readable line: +F5:<number>:<bits>:<operations per second>:<seconds per operation>
    line = next(line for line in run.stdout.splitlines() if line.startswith("+F5:"))
    return max(float(part) for part in line.split(":")[3:])


def _blob(key: EllipticCurvePrivateKey, number: int) -> bytes:
    message, now = b"7K3M9QXA2BCD7K3M9QXA", datetime.now(UTC)
    return cryptogram(key.public_key(), _PASS_TYPE, message, now, variant=1 if number % 2 == 0 else 2)


def _sealer() -> tuple[AESGCM, bytes]:
    cipher = AESGCM(os.urandom(32))
    return cipher, cipher.encrypt(bytes(16), bytes(24), None)


if __name__ == "__main__":
    main()
