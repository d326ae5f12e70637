"""What opens the push service is refused: pushes stop, the operator sees it, and a new one starts them again."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from passes.apple.push_clients import PushClients
from passes.apple.push_verdict import PushStopped, TokenWaits
from passes.sandbox.apns import Said
from passes.sandbox.authority import PASS_TYPE, TEAM, Authority
from tests.support.apple_cards import OTHER_PASS_TYPE, other_identity
from tests.support.apple_push import Safe, made_identity, made_key, post_office


@pytest.mark.parametrize(
    "said",
    [Said(403, "BadCertificate"), Said(403, "BadCertificateEnvironment"), Said(400, "TopicDisallowed")],
)
async def test_a_refused_certificate_stops_the_pushes_of_its_pass_type_alone(said: Said) -> None:
    async with post_office() as post:
        post.safe.identities[OTHER_PASS_TYPE] = other_identity()
        tokens = post.enrolled(20)
        post.server.answer_with(said)
        first = await post.push(tokens)
        assert sum(isinstance(one, PushStopped) for one in first) == 1
        assert post.state().standing == "stopped"
        assert said.reason in post.state().reason
        before = post.server.delivered
        assert all(isinstance(one, PushStopped) for one in await post.push(tokens))
        assert post.server.delivered == before
        assert await post.push(tokens, OTHER_PASS_TYPE) == [None] * 20
        assert post.state(OTHER_PASS_TYPE).open


async def test_a_new_certificate_starts_the_pushes_at_once() -> None:
    async with post_office() as post:
        tokens = post.enrolled(5)
        post.server.answer_with(Said(403, "BadCertificate"))
        await post.push(tokens)
        post.safe.identities[PASS_TYPE] = made_identity()
        assert await post.push(tokens) == [None] * 5
        assert (post.state().standing, post.state().reason) == ("open", "")


async def test_whoever_asks_for_a_trial_gets_one_push_and_the_rest_if_it_is_accepted() -> None:
    async with post_office() as post:
        tokens = post.enrolled(5)
        post.server.answer_with(Said(403, "BadCertificate"), times=5)
        await post.push(tokens)
        post.server.answer_with(Said(403, "BadCertificate"))
        assert all(isinstance(one, PushStopped) for one in await post.push(tokens, trial=True))
        assert post.server.answers["403 BadCertificate"] == 6
        assert await post.push(tokens, trial=True) == [None] * 5
        assert post.state().open


async def test_what_a_stopped_push_is_told_says_when_to_come_again() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        post.server.answer_with(Said(403, "BadCertificate"))
        for said in (await post.push_one(token), await post.push_one(token)):
            assert isinstance(said, PushStopped)
            assert 0 < (said.retry_after_s or 0) <= 60


def turn_away(listener: socket.socket, context: ssl.SSLContext) -> None:
    """One handshake on a plain blocking socket, which says why it refuses as OpenSSL does (asyncio's just closes)."""
    connection, _ = listener.accept()
    with suppress(ssl.SSLError), connection, context.wrap_socket(connection, server_side=True) as secured:
        secured.read(1)


async def test_a_certificate_that_the_server_turns_away_in_the_handshake_stops_the_pushes(tmp_path: Path) -> None:
    other = Authority.at(tmp_path)  # does not know the authority of our certificate
    context = other.server_context(require_client=True)
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        turning_away = asyncio.create_task(asyncio.to_thread(turn_away, listener, context))
        host, port = listener.getsockname()
        clients = PushClients(Safe({PASS_TYPE: made_identity()}), host, port, other.root, timeout_s=5.0)
        (said,) = await clients.push_all(PASS_TYPE, ["ab" * 32])
        await turning_away
    assert isinstance(said, PushStopped)
    assert "UNKNOWN_CA" in said.detail
    assert clients.states()[0].standing == "stopped"
    await clients.close()


async def test_without_a_certificate_nothing_is_pushed_until_there_is_one() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        kept = post.safe.identities.pop(PASS_TYPE)
        assert isinstance(await post.push_one(token), PushStopped)
        assert post.state().standing == "stopped"
        post.safe.identities[PASS_TYPE] = kept
        assert await post.push_one(token) is None
        assert post.state().open


async def test_a_push_key_opens_the_service_without_any_certificate() -> None:
    async with post_office(key=made_key()) as post:
        post.safe.identities[PASS_TYPE] = made_identity(days=-1)  # ended: passes cannot be sealed, phones still hear
        tokens = post.enrolled(300)
        assert await post.push(tokens) == [None] * 300
        assert post.server.topics == {PASS_TYPE: 300}
        assert post.state().authentication == "token"


async def test_with_a_push_key_one_push_goes_ahead_until_the_server_allows_more() -> None:
    async with post_office(key=made_key()) as post:
        tokens = post.enrolled(300)
        most: list[int] = []
        post.server.enrol(tokens[0], lambda _: most.append(post.server.most_at_once))
        assert await post.push(tokens) == [None] * 300
        assert most == [1]
        assert post.server.most_at_once > 100
        assert post.server.connections == 1


async def test_one_push_key_serves_all_pass_types_of_its_team() -> None:
    async with post_office(key=made_key()) as post:
        post.safe.identities[OTHER_PASS_TYPE] = other_identity()
        (token,) = post.enrolled(1)
        assert await post.push_one(token) is None
        assert await post.push_one(token, OTHER_PASS_TYPE) is None
        assert post.server.topics == {PASS_TYPE: 1, OTHER_PASS_TYPE: 1}


async def test_a_push_key_that_apple_does_not_know_stops_the_pushes_until_another_is_there() -> None:
    async with post_office(key=made_key()) as post:
        (token,) = post.enrolled(1)
        post.safe.keys[TEAM] = made_key("OTHERKEY01")
        said = await post.push_one(token)
        assert isinstance(said, PushStopped)
        assert "InvalidProviderToken" in said.detail
        del post.safe.keys[TEAM]
        assert await post.push_one(token) is None
        assert (post.state().standing, post.state().authentication) == ("open", "certificate")


async def test_a_key_for_other_pass_types_stops_the_pushes() -> None:
    key = made_key()
    async with post_office(key=key) as post:
        post.server.tokens.trust(key.key_id, key.team, key.key.public_key(), topics=[OTHER_PASS_TYPE])
        (token,) = post.enrolled(1)
        said = await post.push_one(token)
        assert isinstance(said, PushStopped)
        assert "TopicDisallowed" in said.detail


async def test_a_provider_token_that_has_expired_is_sent_again_once() -> None:
    async with post_office(key=made_key()) as post:
        (token,) = post.enrolled(1)
        post.server.answer_with(Said(403, "ExpiredProviderToken"))
        assert await post.push_one(token) is None
        post.server.answer_with(Said(403, "ExpiredProviderToken"), times=10)
        said = await post.push_one(token)
        assert isinstance(said, PushStopped)
        assert "clock" in said.detail
        assert post.server.answers["403 ExpiredProviderToken"] == 3


async def test_provider_tokens_that_changed_too_often_pause_the_pass_type_for_twenty_minutes() -> None:
    async with post_office(key=made_key()) as post:
        tokens = post.enrolled(3)
        await post.push(tokens)
        post.server.answer_with(Said(429, "TooManyProviderTokenUpdates"))
        await post.push(tokens)
        (said, *_) = await post.push(tokens)
        assert isinstance(said, TokenWaits)
        assert 1100 < (said.retry_after_s or 0) <= 1200
        assert post.state().standing == "waiting"
        assert post.server.answers["429 TooManyProviderTokenUpdates"] == 1
