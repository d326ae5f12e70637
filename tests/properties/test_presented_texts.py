"""Rotating codes of phones with wrong clocks, and texts of every kind, as a till reads them."""

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kernel.secrets import Keyring
from passes.live_code import LiveCode, genuine, live_code, read_live
from passes.live_uses import STEPS, steps_off
from passes.presentation_shown import CardUnknown, Chain, ReceiptShown, StaticCode, meaning

KEYRING = Keyring(b"a test master secret of 32 bytes")
MOMENTS = st.integers(0, 4_000_000_000)
SUBJECTS = st.from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True)


def _steps(now: int, off: int) -> int:
    code = read_live(live_code(KEYRING, "x", max(now + off, 0)))
    assert code is not None
    return steps_off(code, datetime.fromtimestamp(now, UTC))


@given(MOMENTS, st.integers(-20, 20), st.integers(0, 9))
def test_a_phone_that_is_at_most_20_seconds_off_is_within_a_step(now: int, off: int, on_the_way: int) -> None:
    assert abs(_steps(now + 100, off - on_the_way)) <= STEPS


@given(MOMENTS, st.one_of(st.integers(60, 10**6), st.integers(-(10**6), -60)))
def test_a_phone_that_is_a_minute_off_is_not(now: int, off: int) -> None:
    assert abs(_steps(now + 10**6, off)) > STEPS


@given(SUBJECTS, MOMENTS)
def test_a_code_is_genuine_and_with_one_digit_changed_it_is_not(subject: str, now: int) -> None:
    code = read_live(live_code(KEYRING, subject, now))
    assert code is not None
    assert (code.subject, code.unix_s) == (subject, now)
    assert genuine(KEYRING, code)
    changed = str((int(code.digits[3]) + 1) % 10)
    assert not genuine(KEYRING, LiveCode(subject, now, code.digits[:3] + changed + code.digits[4:]))


@given(st.one_of(st.text(max_size=600), st.from_regex(r"(CPL1|CPR1|0x|ethereum:)[ -~]{0,60}")))
def test_every_text_means_something_or_is_refused(text: str) -> None:
    with suppress(CardUnknown, ReceiptShown):
        assert isinstance(meaning(text), LiveCode | StaticCode | Chain)


@given(st.data(), st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=12, max_size=12))
def test_a_code_typed_by_hand_is_the_code_on_the_card(data: st.DataObject, code: str) -> None:
    misread = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.sampled_from(misread.get(letter, letter + letter.lower())))
        + data.draw(st.sampled_from(["", "", " ", "-", "\N{EN DASH}"]))
        for letter in code
    )
    assert meaning(f" {typed}\r\n") == StaticCode(code)
