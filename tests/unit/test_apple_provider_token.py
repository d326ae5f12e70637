"""The token that a push key shows: made once in a half hour, the same by everybody, and what Apple asks for."""

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.provider_token import RENEWED_EVERY_S, ProviderToken, issued_at, provider_token
from passes.sandbox.apns_tokens import ProviderTokens

TOPIC = "pass.org.example"
NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Key:
    key_id: str
    team: str
    key: EllipticCurvePrivateKey


KEY = Key("ABCDE12345", "TEAM123456", generate_private_key(SECP256R1()))


class Apple:
    """A push service with a clock, which knows the key."""

    def __init__(self) -> None:
        self.now = NOW
        self.tokens = ProviderTokens(lambda: self.now)
        self.tokens.trust(KEY.key_id, KEY.team, KEY.key.public_key(), [TOPIC])

    def refusal(self, bearer: str, topic: str = TOPIC) -> tuple[int, str] | None:
        return self.tokens.refusal(f"bearer {bearer}", topic)


def signed(issued: float, key: Key = KEY) -> str:
    return provider_token(key.key_id, key.team, key.key, int(issued))


@given(st.floats(0, 2**33))
def test_a_token_is_never_dated_ahead_and_never_too_old(now: float) -> None:
    age_s = int(now) - issued_at(now)
    assert 60 <= age_s < 60 + RENEWED_EVERY_S


def test_processes_that_start_at_any_moment_of_a_half_hour_show_the_same_token() -> None:
    begin = issued_at(NOW) + 60.0
    shown = {ProviderToken(KEY, lambda at=at: begin + at).bearer() for at in (0.0, 1.0, 900.0, 1799.0)}  # type: ignore[misc]
    assert len(shown) == 1


def test_a_day_of_pushes_is_let_in_with_every_renewal() -> None:
    apple = Apple()
    token = ProviderToken(KEY, lambda: apple.now)
    shown = set()
    for _ in range(24 * 60):
        apple.now += 60.0
        shown.add(token.bearer())
        assert apple.refusal(token.bearer()) is None
    assert len(shown) in (48, 49)


@pytest.mark.parametrize(
    ("authorization", "topic", "refusal"),
    [
        (None, TOPIC, (403, "MissingProviderToken")),
        ("bearer x.y.z", TOPIC, (403, "InvalidProviderToken")),
        (f"basic {signed(NOW)}", TOPIC, (403, "InvalidProviderToken")),
        (f"bearer {signed(NOW)[:-2]}AA", TOPIC, (403, "InvalidProviderToken")),
        (f"bearer {signed(NOW, Key('OTHERKEY01', KEY.team, KEY.key))}", TOPIC, (403, "InvalidProviderToken")),
        (f"bearer {signed(NOW, Key(KEY.key_id, 'OTHERTEAM1', KEY.key))}", TOPIC, (403, "InvalidProviderToken")),
        (f"bearer {signed(NOW + 120)}", TOPIC, (403, "InvalidProviderToken")),
        (f"bearer {signed(NOW - 3700)}", TOPIC, (403, "ExpiredProviderToken")),
        (f"bearer {signed(NOW)}", "", (400, "MissingTopic")),
        (f"bearer {signed(NOW)}", "pass.org.other", (400, "TopicDisallowed")),
        (f"bearer {signed(NOW)}", TOPIC, None),
    ],
)
def test_the_sandbox_checks_a_token_as_apple_does(
    authorization: str | None, topic: str, refusal: tuple[int, str] | None
) -> None:
    assert Apple().tokens.refusal(authorization, topic) == refusal


def test_a_token_that_is_renewed_again_within_twenty_minutes_is_refused() -> None:
    apple = Apple()
    assert apple.refusal(signed(NOW - 100)) is None
    assert apple.refusal(signed(NOW - 50)) is None
    apple.now += 1100
    assert apple.refusal(signed(NOW)) == (429, "TooManyProviderTokenUpdates")
    apple.now += 101
    assert apple.refusal(signed(NOW)) is None


def test_a_withdrawn_key_opens_nothing() -> None:
    apple = Apple()
    apple.tokens.revoke(KEY.key_id)
    assert apple.refusal(signed(NOW)) == (403, "InvalidProviderToken")
