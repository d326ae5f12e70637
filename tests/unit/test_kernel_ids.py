"""Ids that sort by time, and codes for people."""

import re
import threading
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import is_id, new_code, new_id

FORM = re.compile(r"mbr_[0-7][0-9a-hjkmnp-tv-z]{25}")


def uuid_of(id_: str) -> uuid.UUID:
    value = 0
    for letter in id_.partition("_")[2]:
        value = value * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    return uuid.UUID(int=value)


def test_an_id_is_a_prefix_and_a_uuid_of_version_7_of_now() -> None:
    before_ms = time.time_ns() // 1_000_000
    id_ = new_id("mbr")
    after_ms = time.time_ns() // 1_000_000
    value = uuid_of(id_)
    assert FORM.fullmatch(id_)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert before_ms <= value.int >> 80 <= after_ms + 1000  # other tests may have run the counter ahead


def test_later_ids_are_greater() -> None:
    made = [new_id("mbr") for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_stay_in_order_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id("mbr")
    hour_ago_ns = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago_ns)
    assert first < new_id("mbr") < new_id("mbr")


def test_threads_never_make_the_same_id_and_each_sees_its_own_in_order() -> None:
    made: list[list[str]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def make(into: list[str]) -> None:
        start.wait()
        into.extend(new_id("mbr") for _ in range(2000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [id_ for into in made for id_ in into]
    stamps = {uuid_of(id_).int >> 64 for id_ in everything}  # without the random part
    assert len(stamps) == len(everything)
    assert all(into == sorted(into) for into in made)


def test_an_id_is_known_by_its_own_prefix_only() -> None:
    id_ = new_id("mbr")
    assert is_id(id_, "mbr")
    assert not is_id(id_, "lot")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mbr_",
        "mbr",
        "_" + "0" * 26,
        "mbr_" + "0" * 25,
        "mbr_" + "0" * 27,
        "mbr_8" + "0" * 25,
        "mbr_" + "0" * 25 + "u",
        "mbr_" + "0" * 25 + "I",
        "mbr_" + "0" * 25 + "\n",
        "mbr_" + "0" * 26 + "\n",
        "MBR_" + "0" * 26,
        "mbr_" + "٠" * 26,
    ],
)
def test_other_texts_are_not_ids(text: str) -> None:
    assert not is_id(text, "mbr")


@given(st.text(max_size=40))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert is_id(text, "mbr") == bool(FORM.fullmatch(text))


@pytest.mark.parametrize("length", [1, 12, 40])
def test_a_code_is_short_random_and_easy_to_read_aloud(length: int) -> None:
    assert re.fullmatch(f"[0-9A-HJKMNP-TV-Z]{{{length}}}", new_code(length))


def test_codes_do_not_repeat_and_use_the_whole_alphabet() -> None:
    codes = [new_code() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert set("".join(codes)) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
