"""Whatever is scanned or typed, reading it for a token ends, with a token or with none."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.secrets import Keyring
from points.receipt_tokens import address_of, printed, token_in, token_of

KEYRING = Keyring(b"r" * 32)


@given(st.text() | st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZOILU -.CPR/r?#"))
def test_any_text_has_a_token_of_26_characters_or_none(said: str) -> None:
    found = token_in(said)
    assert found is None or (len(found) == 26 and found.isascii() and token_in(found) == found)


@given(st.text(), st.booleans())
def test_the_token_of_any_receipt_is_read_from_what_is_printed(receipt_id: str, lower: bool) -> None:
    token = token_of(KEYRING, receipt_id)
    for said in (printed(token), address_of("https://points.example", token)):
        assert token_in(said.lower() if lower else said) == token
