"""What phones say in their log calls, sorted into a few kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.i18n import LANGUAGES, translate
from passes.apple.device_log import KINDS, LINE_LENGTH, complaint, lines_of
from passes.apple.report_texts import meaning_of
from passes.apple.reports import DROPPED

STAMP = "[2026-03-22 11:10:28 -0700] "
SERVICE = "Web service error for pass.com.example.card (https://example.com/apple): "
DEVICE = "2be6579fae0e4a16590a3243387881f7"
WHERE = "pass type pass.com.example.card, serial number 614369; with web service url https://example.com/apple)"

SAID = [
    ("unchanged", "", SERVICE + "Server requested update to serial number '614369', but the pass was unchanged."),
    ("ignored_date", "", SERVICE + "Server ignored the 'if-modified-since' header (Tue, 23 Aug 2016 16:54:10 GMT) and "
     "returned the full unchanged pass data for serial number '614369'."),
    ("missing_date", "", SERVICE + "Server returned the pass data for serial number '614369' but did not provide a "
     "'last-modified' header."),
    ("spurious_push", "", SERVICE + "Device received spurious push. Request for passesUpdatedSince '1.7' returned no "
     f"serial numbers. (Device = {DEVICE})"),
    ("unregistered", "", SERVICE + "Update requested for unregistered serial number 614369"),
    ("missing_tag", "", SERVICE + "Response to 'What changed?' request included 2 serial numbers but omitted a "
     "lastUpdated tag."),
    ("same_tag", "", SERVICE + "Response to 'What changed?' request included 1 serial numbers but the lastUpdated tag "
     "(1.7) remained the same."),
    ("not_personalised", "", SERVICE + "Personalization request was issued for serial number '614369', but the pass "
     "was unchanged."),
    ("refused", "register", f"Register task (for device {DEVICE}, {WHERE} encountered error: Authentication failure"),
    ("refused", "unregister", f"Unregister task (for device {DEVICE}, {WHERE} encountered error: Authentication "
     "failure"),
    ("status", "unregister 404", f"Unregister task (for device {DEVICE}, {WHERE} encountered error: Unexpected "
     "response code 404"),
    ("status", "list 401", f"Get serial #s task (for device {DEVICE}, pass type pass.com.example.card, last updated "
     "(null); with web service url https://example.com/) encountered error: Unexpected response code 401"),
    ("status", "get ?", f"Get pass task ({WHERE} encountered error: Unexpected response code 599"),
    ("invalid_pass", "get", f"Get pass task ({WHERE} encountered error: Received invalid pass data (Картата не може да "
     "бъде прочетена.)"),
    ("malformed_list", "list", f"Get serial #s task (for device {DEVICE}) encountered error: Server response was "
     "malformed (Missing response data)"),
    ("failed", "get", f"Get pass task ({WHERE} encountered error: 서버를 찾을 수 없습니다."),
    ("other", "", "the moon is full"),
    ("other", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subject", "line"), SAID, ids=[f"{kind} {subject}" for kind, subject, _ in SAID])
def test_a_line_is_understood_with_and_without_its_date(kind: str, subject: str, line: str) -> None:
    assert complaint(STAMP + line)[:2] == (kind, subject)
    assert complaint(line)[:2] == (kind, subject)


def test_every_kind_was_tried_and_has_a_meaning_in_every_language() -> None:
    assert {kind for kind, _, _ in SAID} == set(KINDS)
    for kind in (*KINDS, DROPPED, "never heard of"):
        for language in LANGUAGES:
            assert translate(meaning_of(kind), language)


def test_the_id_of_a_device_is_a_secret_and_is_not_kept() -> None:
    for _, _, line in SAID:
        assert DEVICE not in complaint(STAMP + line).sample


def test_lines_are_cut_and_cleaned() -> None:
    said = complaint(STAMP + "first\n\x1b[31mline\x00\u202e" + "x" * 10_000).sample
    assert said.startswith("first  [31mline  xxx")
    assert len(said) == LINE_LENGTH


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"logs": 5}', b'{"logs": [5]}', b'{"logs": ["\\ud800"]}', b"[" * 40_000,
             b'{"logs": [' + b"[" * 40_000, b"\xff\xfe"],
)  # fmt: skip
def test_a_body_that_is_no_log_is_told_apart(body: bytes) -> None:
    assert lines_of(body) is None


@given(st.text(max_size=400))
def test_whatever_a_line_says_it_is_of_a_known_kind_short_and_storable(line: str) -> None:
    found = complaint(line)
    assert found.kind in KINDS
    assert len(found.subject) <= 20
    assert len(found.sample) <= LINE_LENGTH
    assert "\x00" not in found.sample
    assert found.sample.isprintable()
