"""What each answer of the push service asks of us."""

from datetime import UTC, datetime

import pytest

from passes.apple.apns_connection import Answer
from passes.apple.push import Gone, PushRefused, PushWaits, verdict


def test_an_accepted_push_asks_nothing() -> None:
    assert verdict(Answer(200)) is None


@pytest.mark.parametrize("reason", ["BadDeviceToken", "DeviceTokenNotForTopic"])
def test_a_token_that_is_not_ours_is_forgotten(reason: str) -> None:
    assert verdict(Answer(400, reason)) == Gone(None)


def test_a_phone_that_is_gone_is_forgotten_as_of_when_it_went() -> None:
    assert verdict(Answer(410, "Unregistered", 1_700_000_000_000)) == Gone(datetime.fromtimestamp(1_700_000_000, UTC))
    assert verdict(Answer(410, "ExpiredToken")) == Gone(None)


@pytest.mark.parametrize(
    ("status", "reason", "wait_s"),
    [
        (429, "TooManyRequests", 60.0),
        (500, "InternalServerError", 900.0),
        (503, "ServiceUnavailable", 900.0),
        (503, "Shutdown", 1.0),
        (400, "IdleTimeout", 1.0),
    ],
)
def test_a_busy_service_is_waited_for(status: int, reason: str, wait_s: float) -> None:
    said = verdict(Answer(status, reason))
    assert isinstance(said, PushWaits)
    assert said.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "BadCertificate"), (403, "BadCertificateEnvironment"), (403, "Forbidden"), (400, "BadTopic"),
        (400, "TopicDisallowed"), (400, "MissingTopic"), (404, "BadPath"), (405, "MethodNotAllowed"),
        (413, "PayloadTooLarge"), (400, "SomethingNew"), (400, ""),
    ],
)  # fmt: skip
def test_our_own_mistakes_stop_the_pushes_and_keep_the_registrations(status: int, reason: str) -> None:
    assert isinstance(verdict(Answer(status, reason)), PushRefused)
