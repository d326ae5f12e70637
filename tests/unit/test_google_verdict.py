"""What each answer of the Wallet API asks of us."""

import json

import pytest

from kernel.errors import Invalid, Unavailable
from passes.google.push_verdict import (
    NoticesSpent,
    WalletBusy,
    WalletExists,
    WalletForbidden,
    WalletNotFound,
    WalletRefused,
    WalletUnanswered,
    WalletUnavailable,
    verdict,
)


def said(reason: str = "", message: str = "", status: str = "") -> bytes:
    return json.dumps({"error": {"message": message, "status": status, "errors": [{"reason": reason}]}}).encode()


@pytest.mark.parametrize(
    ("method", "status", "content", "expected"),
    [
        ("PATCH", 400, said("invalidResource", "bad colour"), WalletRefused),
        ("GET", 401, said("authError"), WalletForbidden),
        ("PATCH", 403, said("permissionDenied", "Permission denied."), WalletForbidden),
        ("PATCH", 403, said("insufficientPermissions"), WalletForbidden),
        ("PATCH", 403, said("rateLimitExceeded"), WalletBusy),
        ("PATCH", 403, said("userRateLimitExceeded"), WalletBusy),
        ("PATCH", 403, said(message="Quota exceeded for quota metric"), WalletBusy),
        ("PATCH", 429, b"", WalletBusy),
        ("PATCH", 429, said(status="RESOURCE_EXHAUSTED"), WalletBusy),
        ("PATCH", 403, said("quotaExceeded", "QuotaExceededException: no more"), NoticesSpent),
        ("POST", 400, said("QuotaExceededException"), NoticesSpent),
        ("PATCH", 404, said("resourceNotFound"), WalletNotFound),
        ("POST", 404, b"<html>nothing here</html>", WalletNotFound),
        ("POST", 409, said("resourceAlreadyExists"), WalletExists),
        ("PATCH", 409, said("aborted"), WalletUnavailable),
        ("PATCH", 412, b"", WalletUnavailable),
        ("PATCH", 408, b"", WalletUnanswered),
        ("PATCH", 504, b"<html>", WalletUnanswered),
        ("PATCH", 500, b"\xff\xfe", WalletUnavailable),
        ("PATCH", 503, b'{"error": "a string"}', WalletUnavailable),
        ("GET", 302, b"", WalletUnavailable),
        ("PATCH", 422, b"", WalletRefused),
    ],
)
def test_an_answer_is_told_apart(method: str, status: int, content: bytes, expected: type[Exception]) -> None:
    assert type(verdict(method, status, {}, content)) is expected


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_asks_for_nothing(status: int) -> None:
    assert verdict("POST", status, {}, b"whatever") is None


def test_a_wait_that_google_names_is_handed_on() -> None:
    busy = verdict("PATCH", 429, {"Retry-After": "17"}, b"")
    assert isinstance(busy, Unavailable)
    assert busy.retry_after_s == 17


def test_only_what_will_be_wrong_for_ever_parks_a_note() -> None:
    for status in (401, 403, 404, 408, 409, 429, 500, 502, 503, 504):
        assert not isinstance(verdict("PATCH", status, {}, b""), Invalid)


def test_a_long_message_of_a_stranger_is_cut() -> None:
    refused = verdict("PATCH", 400, {}, said(message="x" * 10_000))
    assert refused is not None
    assert len(refused.detail) < 400
