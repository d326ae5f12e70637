"""Chance that can be checked: every draw follows from a seed that was fixed, and its hash published, before. Pure.

The outcome of a draw is HMAC-SHA256(seed, subject) read as a number from 0 (included) to 1 (excluded), compared exactly
with the odds. The seed is told when its window is over; with the list of subjects anybody can repeat the draws.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from fractions import Fraction

SEED_BYTES = 32
_RANGE = 2**256


def commitment(seed: bytes) -> str:
    """What is published before: the SHA-256 of the seed, in hex."""
    return hashlib.sha256(seed).hexdigest()


def draw(seed: bytes, subject: str) -> Fraction:
    """The number drawn for a subject: 0 <= n < 1, exact, the same whenever it is drawn."""
    return Fraction(int.from_bytes(hmac.digest(seed, subject.encode(), hashlib.sha256), "big"), _RANGE)


def won(seed: bytes, subject: str, chance: Fraction) -> bool:
    """Whether a subject wins at this chance."""
    return draw(seed, subject) < chance


def winners(seed: bytes, subjects: Iterable[str], chance: Fraction) -> list[str]:
    """Which of the subjects win, in their order."""
    return [subject for subject in subjects if won(seed, subject, chance)]


def pick(value: Fraction, odds: Sequence[tuple[str, Fraction]]) -> str | None:
    """Which of the outcomes a drawn number falls on: they lie side by side from 0 on, in their order; None beyond."""
    edge = Fraction(0)
    for outcome, share in odds:
        edge += share
        if value < edge:
            return outcome
    return None
