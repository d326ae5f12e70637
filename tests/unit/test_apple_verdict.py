"""What each answer of the push service asks of us."""

from datetime import UTC, datetime

import pytest

from passes.apple.apns_connection import Answer
from passes.apple.push_verdict import (
    Again,
    DeviceWaits,
    Gone,
    PushRefused,
    PushStopped,
    PushWaits,
    TokenWaits,
    parting,
    verdict,
)


def test_an_accepted_push_asks_nothing() -> None:
    assert verdict(Answer(200)) is None


@pytest.mark.parametrize("reason", ["BadDeviceToken", "DeviceTokenNotForTopic"])
def test_a_token_that_is_not_ours_is_forgotten(reason: str) -> None:
    assert verdict(Answer(400, reason)) == Gone(None)


def test_a_phone_that_is_gone_is_forgotten_as_of_when_it_went() -> None:
    assert verdict(Answer(410, "Unregistered", 1_700_000_000_000)) == Gone(datetime.fromtimestamp(1_700_000_000, UTC))
    assert verdict(Answer(410, "ExpiredToken")) == Gone(None)


def test_a_moment_that_no_calendar_has_is_no_moment() -> None:
    assert verdict(Answer(410, "Unregistered", 10**18)) == Gone(None)


@pytest.mark.parametrize(
    ("status", "reason", "wait_s"),
    [
        (500, "InternalServerError", 900.0),
        (503, "ServiceUnavailable", 900.0),
        (503, "Shutdown", 1.0),
    ],
)
def test_a_busy_service_is_waited_for(status: int, reason: str, wait_s: float) -> None:
    said = verdict(Answer(status, reason))
    assert type(said) is PushWaits
    assert said.retry_after_s == wait_s


def test_too_many_pushes_to_one_device_are_that_device_s_own_matter() -> None:
    said = verdict(Answer(429, "TooManyRequests"))
    assert isinstance(said, DeviceWaits)
    assert said.retry_after_s == 60.0


def test_provider_tokens_that_change_too_often_stop_all_pushes_for_twenty_minutes() -> None:
    said = verdict(Answer(429, "TooManyProviderTokenUpdates"))
    assert isinstance(said, TokenWaits)
    assert said.retry_after_s == 1200.0


@pytest.mark.parametrize(
    ("status", "reason", "otherwise"),
    [(400, "IdleTimeout", PushWaits), (403, "ExpiredProviderToken", PushStopped)],
)
def test_what_a_new_connection_may_mend_is_sent_again(status: int, reason: str, otherwise: type[Exception]) -> None:
    said = verdict(Answer(status, reason))
    assert isinstance(said, Again)
    assert isinstance(said.else_, otherwise)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "BadCertificate"), (403, "BadCertificateEnvironment"), (403, "Forbidden"), (400, "BadTopic"),
        (400, "TopicDisallowed"), (400, "MissingTopic"), (403, "InvalidProviderToken"), (403, "MissingProviderToken"),
        (403, "UnrelatedKeyIdInToken"), (403, "BadEnvironmentKeyIdInToken"), (404, "BadPath"),
        (405, "MethodNotAllowed"), (413, "PayloadTooLarge"), (400, "PayloadEmpty"), (400, "BadPriority"),
        (400, "BadExpirationDate"), (400, "BadCollapseId"), (400, "InvalidPushType"), (400, "DuplicateHeaders"),
        (400, "BadMessageId"), (400, "MissingDeviceToken"),
    ],
)  # fmt: skip
def test_our_own_mistakes_stop_the_pushes_and_keep_the_registrations(status: int, reason: str) -> None:
    said = verdict(Answer(status, reason))
    assert isinstance(said, PushStopped)
    assert said.facts["reason"] == reason


@pytest.mark.parametrize(("status", "reason"), [(400, "SomethingNew"), (400, ""), (302, "")])
def test_a_refusal_that_nobody_knows_stops_that_push_alone(status: int, reason: str) -> None:
    assert isinstance(verdict(Answer(status, reason)), PushRefused)


def test_a_goodbye_may_say_what_a_refusal_says() -> None:
    assert isinstance(parting("BadCertificate"), PushStopped)
    assert isinstance(parting("TooManyProviderTokenUpdates"), TokenWaits)
    for nothing_special in ("Shutdown", "IdleTimeout", "GOAWAY 0", ""):
        assert parting(nothing_special) is None
