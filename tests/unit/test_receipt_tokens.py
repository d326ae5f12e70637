"""Tokens of receipts: forms that are understood, and what of them is kept."""

import pytest

from kernel.ids import new_id
from kernel.secrets import Keyring
from points.receipt_tokens import address_of, printed, token_hash, token_in, token_of

KEYRING = Keyring(b"r" * 32)
TOKEN = token_of(KEYRING, "rcp_one")


@pytest.mark.parametrize(
    "said",
    [
        TOKEN,
        printed(TOKEN),
        printed(TOKEN).lower(),
        f"  {printed(TOKEN)}\n",
        "-".join(TOKEN[i : i + 4] for i in range(0, 26, 4)),
        " ".join(TOKEN[i : i + 4] for i in range(0, 26, 4)),
        TOKEN.replace("0", "O").replace("1", "l"),
        address_of("https://points.example", TOKEN),
        address_of("https://points.example/base", TOKEN) + "/",
        address_of("https://points.example", TOKEN.lower()) + "?lang=fi#top",
    ],
)
def test_a_token_is_understood_however_it_was_scanned_or_typed(said: str) -> None:
    assert token_in(said) == TOKEN


@pytest.mark.parametrize(
    "said",
    [
        "",
        "CPR1.",
        TOKEN[:-1],
        TOKEN + "0",
        "8" + TOKEN[1:],  # more than 128 bits
        "U" * 26,
        "CPL1.pas_1.1700000000.12345678",
        "CPR2." + TOKEN,
        "\0" * 26,
        TOKEN + "\0",
        "１" * 26,
        "https://points.example/c/" + TOKEN,
        "/r/" * 200,
        "A" * 10_000,
    ],
)
def test_what_is_no_token_is_none(said: str) -> None:
    assert token_in(said) is None


def test_a_token_follows_from_the_receipt_and_the_secret_alone() -> None:
    assert token_of(Keyring(b"r" * 32), "rcp_one") == TOKEN
    assert token_of(Keyring(b"s" * 32), "rcp_one") != TOKEN
    assert token_of(KEYRING, "rcp_two") != TOKEN


def test_no_two_of_ten_thousand_receipts_share_a_token_or_a_hash() -> None:
    tokens = {token_of(KEYRING, new_id("rcp")) for _ in range(10_000)}
    assert len(tokens) == 10_000
    assert len({token_hash(KEYRING, token) for token in tokens}) == 10_000


def test_the_hash_of_a_token_needs_the_secret() -> None:
    assert token_hash(KEYRING, TOKEN) == token_hash(KEYRING, TOKEN)
    assert token_hash(Keyring(b"s" * 32), TOKEN) != token_hash(KEYRING, TOKEN)
