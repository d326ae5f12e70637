"""The push client and a push server over real HTTP/2 and real TLS: streams, connections, goodbyes, silence."""

import asyncio
from pathlib import Path

import pytest

from passes.apple.push_clients import PushClients
from passes.apple.push_verdict import DeviceWaits, Gone, PushStopped, PushUnanswered, PushWaits
from passes.sandbox.apns import PushServer, Said
from passes.sandbox.authority import PASS_TYPE, Authority
from tests.support.apple_cards import OTHER_PASS_TYPE, authority, other_identity
from tests.support.apple_push import Safe, made_identity, post_office


async def test_many_pushes_share_one_connection_and_keep_to_the_streams_allowed() -> None:
    async with post_office(streams=7) as post:
        assert await post.push(post.enrolled(200)) == [None] * 200
        assert (post.server.connections, post.server.delivered) == (1, 200)
        assert 1 < post.server.most_at_once <= 7


async def test_when_the_server_allows_few_streams_another_connection_helps() -> None:
    async with post_office(streams=5, connections=3) as post:
        tokens = post.enrolled(100)
        for _ in range(4):
            assert await post.push(tokens) == [None] * 100
        assert 1 < post.server.connections <= 3
        assert post.state().connections == post.server.connections


async def test_pushes_for_a_campaign_let_those_that_somebody_waits_for_go_first() -> None:
    async with post_office(streams=1) as post:
        order: list[str] = []
        many, (urgent,) = post.enrolled(100), post.enrolled(1, first=1000)
        for token in (*many, urgent):
            post.server.enrol(token, order.append)
        await post.push(many[:1])
        campaign = asyncio.create_task(post.push(many, urgent=False))
        await asyncio.sleep(0)
        await post.push([urgent])
        await campaign
        assert order.index(urgent) < 5


async def test_pass_types_have_a_connection_and_a_certificate_each() -> None:
    async with post_office() as post:
        post.safe.identities[OTHER_PASS_TYPE] = other_identity()
        (token,) = post.enrolled(1)
        for _ in range(3):
            assert await post.push_one(token) is None
            assert await post.push_one(token, OTHER_PASS_TYPE) is None
        assert post.server.connections == 2
        assert post.server.topics == {PASS_TYPE: 3, OTHER_PASS_TYPE: 3}


async def test_each_answer_comes_back_to_the_push_it_belongs_to() -> None:
    async with post_office(streams=9) as post:
        tokens = post.enrolled(60)
        post.server.withdraw(tokens[7], 1_700_000_000_000)
        post.server.answer_with(Said(429, "TooManyRequests"), token=tokens[31])
        post.server.answer_with(Said(400, "BadDeviceToken"), token=tokens[59])
        said = await post.push(tokens)
        told = {place: type(one) for place, one in enumerate(said) if one is not None}
        assert told == {7: Gone, 31: DeviceWaits, 59: Gone}


async def test_a_server_that_says_goodbye_finishes_what_it_has_and_the_next_goes_over_a_new_connection() -> None:
    async with post_office() as post:
        tokens = post.enrolled(50)
        await post.push(tokens)
        post.server.latency_s = 0.1
        under_way = asyncio.create_task(post.push(tokens))
        await asyncio.sleep(0.05)
        post.server.go_away(finish=True)
        assert await under_way == [None] * 50
        assert (post.server.connections, post.server.delivered) == (1, 100)
        assert await post.push(tokens) == [None] * 50
        assert post.server.connections == 2


async def test_what_a_server_that_leaves_did_not_look_at_is_sent_again() -> None:
    async with post_office() as post:
        tokens = post.enrolled(50)
        await post.push(tokens)
        post.server.latency_s = 0.1
        under_way = asyncio.create_task(post.push(tokens))
        await asyncio.sleep(0.05)
        post.server.go_away()
        assert await under_way == [None] * 50
        assert (post.server.connections, post.server.delivered) == (2, 100)


async def test_a_goodbye_that_names_the_certificate_stops_the_pushes() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        await post.push_one(token)
        post.server.latency_s = 0.1
        under_way = asyncio.create_task(post.push_one(token))
        await asyncio.sleep(0.05)
        post.server.go_away("BadCertificate")
        assert isinstance(await under_way, PushStopped)
        assert post.state().standing == "stopped"


async def test_a_silent_server_is_given_up_on_and_tried_again_later() -> None:
    async with post_office(timeout_s=0.5) as post:
        (token,) = post.enrolled(1)
        post.server.fall_silent()
        assert isinstance(await post.push_one(token), PushUnanswered)
        post.server.fall_silent(False)
        assert await post.push_one(token) is None
        assert post.server.connections == 2  # the silent connection was not trusted again


async def test_one_push_without_an_answer_does_not_take_the_others_down() -> None:
    async with post_office(timeout_s=0.5) as post:
        first, second = post.enrolled(2)
        post.server.answer_with(Said(0), token=first)
        unanswered = asyncio.create_task(post.push_one(first))
        while not unanswered.done():
            assert await post.push_one(second) is None
            await asyncio.sleep(0.05)
        assert isinstance(await unanswered, PushUnanswered)
        assert await post.push_one(first) is None
        assert post.server.connections == 1


async def test_a_caller_that_gives_up_takes_nobody_else_down() -> None:
    async with post_office(streams=1) as post:
        tokens = post.enrolled(30)
        post.server.latency_s = 0.02
        given_up = asyncio.create_task(post.push(tokens))
        await asyncio.sleep(0.1)
        given_up.cancel()
        assert await post.push(tokens[:3]) == [None] * 3
        assert post.server.delivered < 20


async def test_an_idle_connection_that_the_server_closed_is_replaced() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        post.server.answer_with(Said(400, "IdleTimeout"))
        assert await post.push_one(token) is None
        assert post.server.connections == 2


async def test_after_a_fault_of_the_server_the_next_push_uses_a_new_connection() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        post.server.answer_with(Said(503, "ServiceUnavailable"))
        assert isinstance(await post.push_one(token), PushWaits)
        assert post.state().standing == "waiting"
        assert await post.push_one(token) is None
        assert (post.state().standing, post.server.connections) == ("open", 2)


async def test_a_fault_that_lasts_is_tried_with_one_push_of_a_batch() -> None:
    async with post_office() as post:
        tokens = post.enrolled(50)
        post.server.answer_with(Said(500, "InternalServerError"), times=1000)
        for _ in range(3):
            assert all(isinstance(one, PushWaits) for one in await post.push(tokens))
        assert post.server.answers["500 InternalServerError"] == 50 + 1 + 1


async def test_a_server_that_is_down_is_not_asked_over_and_over() -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        await post.server.stop()
        first, second = await post.push_one(token), await post.push_one(token)
        assert isinstance(first, PushUnanswered)
        assert isinstance(second, PushUnanswered)
        assert "Waiting" in str(second)
        assert (second.retry_after_s or 0) > 0


async def test_a_push_server_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    server = PushServer(Authority.at(tmp_path))
    await server.start()
    clients = PushClients(Safe({PASS_TYPE: made_identity()}), server.host, server.port, authority().root, timeout_s=2.0)
    assert [type(one) for one in await clients.push_all(PASS_TYPE, ["ab" * 32])] == [PushUnanswered]
    assert server.answers == {}
    await clients.close()
    await server.stop()


@pytest.mark.parametrize("days", [-1.0, -300.0])
async def test_a_certificate_that_has_ended_is_not_even_shown(days: float) -> None:
    async with post_office() as post:
        (token,) = post.enrolled(1)
        post.safe.identities[PASS_TYPE] = made_identity(days=days)
        assert isinstance(await post.push_one(token), PushStopped)
        assert (post.state().standing, post.server.connections) == ("stopped", 0)
