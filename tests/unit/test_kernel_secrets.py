"""Secrets that are derived, and compared without telling."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.secrets import Keyring, SealBroken, WeakSecret, constant_time_equals

MASTER = bytes(range(32))
KEYRING = Keyring(MASTER)

PARTS = st.lists(st.text(max_size=4), max_size=4).map(tuple)


def test_the_same_words_give_the_same_secret() -> None:
    assert KEYRING.derive("pass", "m1", version=3) == Keyring(MASTER).derive("pass", "m1", version=3)


def test_the_derivation_never_changes_as_passes_live_on_it() -> None:
    label = b"\0\0\0\4pass" + b"\0\0\0\2m1"
    expected = hmac.new(MASTER, b"\0\0\0\1" + b"\0\0\0\1" + label, hashlib.sha256).digest()
    assert KEYRING.derive("pass", "m1") == expected


@given(PARTS, PARTS)
def test_other_parts_give_another_secret_however_they_join(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert (KEYRING.derive("x", *left) == KEYRING.derive("x", *right)) == (left == right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("p", "ab", "c"), ("p", "a", "bc")),
        (("p", "ab"), ("pa", "b")),
        (("p", ""), ("p",)),
        (("p", "a", ""), ("p", "", "a")),
    ],
)
def test_parts_do_not_run_into_each_other(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert KEYRING.derive(*one) != KEYRING.derive(*other)


def test_version_and_master_secret_count() -> None:
    secrets = {KEYRING.derive("p", version=1), KEYRING.derive("p", version=2), Keyring(MASTER[::-1]).derive("p")}
    assert len(secrets) == 3


@pytest.mark.parametrize("length", [1, 16, 32, 33, 64, 100])
def test_a_secret_is_as_long_as_asked_and_does_not_repeat_itself(length: int) -> None:
    secret = KEYRING.derive("p", length=length)
    assert len(secret) == length
    assert secret[32:64] != secret[:32]


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_short_master_secret_is_refused_without_being_shown(length: int) -> None:
    with pytest.raises(WeakSecret) as refused:
        Keyring(b"s" * length)
    assert "s" * 31 not in str(refused.value)
    assert refused.value.facts == {"length": length}


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("abc", "abc", True),
        ("abc", b"abc", True),
        ("abc", "abd", False),
        ("abc", "ab", False),
        ("", "", True),
        ("é", "é", True),
        ("é", "e", False),
        ("\ud800", "\ud800", True),
        ("\ud800", "x", False),
    ],
)
def test_texts_and_bytes_are_compared(left: str | bytes, right: str | bytes, equal: bool) -> None:
    assert constant_time_equals(left, right) is equal


@given(st.binary(max_size=200))
def test_what_is_sealed_can_be_opened_and_shows_nothing(plain: bytes) -> None:
    sealed = KEYRING.seal("apple.key", "idn_1", plain)
    assert KEYRING.open("apple.key", "idn_1", sealed) == plain
    assert len(plain) < 8 or plain not in sealed
    assert KEYRING.seal("apple.key", "idn_1", plain) != sealed


def test_a_sealed_secret_belongs_to_its_purpose_owner_and_master_secret() -> None:
    sealed = KEYRING.seal("apple.key", "idn_1", b"secret")
    flipped = [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))]
    for keyring, purpose, owner, shown in (
        (KEYRING, "apple.key", "idn_2", sealed),
        (KEYRING, "tap.key", "idn_1", sealed),
        (Keyring(MASTER[::-1]), "apple.key", "idn_1", sealed),
        (KEYRING, "apple.key", "idn_1", sealed[:-1]),
        (KEYRING, "apple.key", "idn_1", b""),
        *((KEYRING, "apple.key", "idn_1", other) for other in flipped),
    ):
        with pytest.raises(SealBroken):
            keyring.open(purpose, owner, shown)
