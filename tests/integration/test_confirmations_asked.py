"""Questions to members: asked by a till, answered on the member's own page, once; a yes is a proof."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from kernel.clock import SystemClock
from kernel.database import Database
from passes import refresh
from points.confirmations import (
    MOST_OPEN,
    Confirmation,
    ConfirmationEnded,
    Question,
    UnknownConfirmation,
    answer,
    ask,
    waiting_for,
)
from points.members import join
from tests.support.receipts import Counter, counter
from tests.support.service import Till


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def _ask(shop: Counter, member_id: str, key: str | None = None, **more: Any) -> Response:
    body = {"member_id": member_id, "points": 500, **more}
    return await shop.door.move("/v1/confirmations", shop.shop.key, body, key)


async def _asked(shop: Counter, member_id: str, **more: Any) -> dict[str, Any]:
    response = await _ask(shop, member_id, **more)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def _say(shop: Counter, asked: dict[str, Any], member_id: str, yes: bool) -> Confirmation:
    parts = shop.door.parts
    return await answer(parts.db, parts.clock, asked["id"], member_id, yes, (refresh.KIND,))


async def _seen(shop: Counter, asked: dict[str, Any], till: Till | None = None) -> Response:
    return await shop.door.ask("GET", f"/v1/confirmations/{asked['id']}", (till or shop.shop).key)


async def _waiting(shop: Counter, member_id: str) -> list[str]:
    parts = shop.door.parts
    async with parts.db.read() as read:
        return [one.id for one in await waiting_for(read.connection, member_id, parts.clock.now())]


async def test_a_yes_on_the_members_page_is_a_proof_for_the_till_that_asked(shop: Counter) -> None:
    member = await shop.member()
    asked = await _asked(shop, member, reward="drink", terminal="Till 1")
    assert (asked["state"], asked["proof_id"], asked["points"]) == ("asked", None, 500)
    assert await _waiting(shop, member) == [asked["id"]]
    said = await _say(shop, asked, member, yes=True)
    seen = (await _seen(shop, asked)).json()
    assert (seen["state"], seen["proof_id"]) == ("confirmed", said.proof_id)
    async with shop.door.parts.db.read() as read:
        proof = await read.connection.fetchrow("SELECT * FROM proof")
    assert proof is not None
    assert (proof["id"], proof["member_id"], proof["partner_id"]) == (said.proof_id, member, shop.shop.partner_id)
    assert (proof["way"], proof["used_by"]) == ("confirmation", None)
    assert proof["good_until"] - proof["made_at"] == timedelta(minutes=5)
    assert await _waiting(shop, member) == []


async def test_a_no_makes_no_proof_and_stays_a_no(shop: Counter) -> None:
    member = await shop.member()
    asked = await _asked(shop, member)
    await _say(shop, asked, member, yes=False)
    assert (await _say(shop, asked, member, yes=False)).state == "declined"
    with pytest.raises(ConfirmationEnded):
        await _say(shop, asked, member, yes=True)
    seen = (await _seen(shop, asked)).json()
    assert (seen["state"], seen["proof_id"]) == ("declined", None)
    assert await shop.count("SELECT count(*) FROM proof") == 0


async def test_a_yes_that_is_sent_many_times_at_once_makes_one_proof(shop: Counter) -> None:
    member = await shop.member()
    asked = await _asked(shop, member)
    said = await asyncio.gather(*(_say(shop, asked, member, yes=True) for _ in range(8)))
    assert len({one.proof_id for one in said}) == 1
    assert await shop.count("SELECT count(*) FROM proof") == 1


async def test_of_a_yes_and_a_no_at_once_one_holds(shop: Counter) -> None:
    member = await shop.member()
    for _ in range(10):
        asked = await _asked(shop, member)
        said = await asyncio.gather(
            *(_say(shop, asked, member, yes=yes) for yes in (True, False)), return_exceptions=True
        )
        held = [one for one in said if isinstance(one, Confirmation)]
        assert [type(one) for one in said if not isinstance(one, Confirmation)] == [ConfirmationEnded]
        assert (await _seen(shop, asked)).json()["state"] == held[0].state


async def test_a_question_is_open_for_three_minutes(shop: Counter) -> None:
    member = await shop.member()
    in_time, late = await _asked(shop, member), await _asked(shop, member)
    await shop.later(timedelta(minutes=3))
    assert (await _say(shop, in_time, member, yes=True)).state == "confirmed"
    await shop.later(timedelta(seconds=1))
    assert await _waiting(shop, member) == []
    with pytest.raises(ConfirmationEnded):
        await _say(shop, late, member, yes=True)
    assert (await _seen(shop, late)).json()["state"] == "expired"
    assert (await _seen(shop, in_time)).json()["state"] == "confirmed"
    assert (await _say(shop, in_time, member, yes=True)).state == "confirmed"
    assert await shop.count("SELECT count(*) FROM proof") == 1


async def test_nobody_else_can_answer_or_see_a_question(shop: Counter) -> None:
    member, other = await shop.member(), await shop.member("Bo")
    asked = await _asked(shop, member)
    assert await _waiting(shop, other) == []
    with pytest.raises(UnknownConfirmation):
        await _say(shop, asked, other, yes=True)
    assert (await _seen(shop, asked, shop.other)).status_code == 404
    assert (await _seen(shop, {"id": "cnf_nothing"})).status_code == 404
    assert (await _seen(shop, asked)).json()["state"] == "asked"


async def test_a_card_that_was_merged_into_the_member_answers_for_them(shop: Counter) -> None:
    old, new = await shop.member(), await shop.member("Bo")
    merged = await shop.door.move(f"/v1/members/{old}/merge", shop.door.operator_key, {"into": new})
    assert merged.status_code == 201, merged.text
    asked = await _asked(shop, new)
    assert await _waiting(shop, old) == [asked["id"]]
    assert (await _say(shop, asked, old, yes=True)).state == "confirmed"
    assert await shop.count(f"SELECT count(*) FROM proof WHERE member_id = '{new}'") == 1


async def test_a_housemate_does_not_answer_for_another(shop: Counter) -> None:
    member, mate = await shop.member(), await shop.member("Bo")
    async with shop.door.parts.db.unit() as unit:  # as the ledger leaves two members of a household
        await unit.connection.execute(
            "UPDATE account SET pool_id = 'hsh_1' WHERE id = ANY($1::text[])",
            [f"{one}/spendable" for one in (member, mate)],
        )
    asked = await _asked(shop, member)
    assert await _waiting(shop, mate) == []
    with pytest.raises(UnknownConfirmation):
        await _say(shop, asked, mate, yes=True)
    assert await _waiting(shop, member) == [asked["id"]]


async def test_the_same_question_sent_again_is_the_same_question(shop: Counter) -> None:
    member = await shop.member()
    answers = await asyncio.gather(*(_ask(shop, member, key="ask-1") for _ in range(6)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    await _say(shop, answers[0].json(), member, yes=True)
    again = await _ask(shop, member, key="ask-1")
    assert (again.json()["state"], again.headers["idempotent-replayed"]) == ("confirmed", "true")
    other = await _ask(shop, member, key="ask-1", points=501)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await shop.count("SELECT count(*) FROM confirmation") == 1


async def test_a_till_cannot_heap_questions_on_a_member(shop: Counter) -> None:
    member = await shop.member()
    answers = await asyncio.gather(*(_ask(shop, member) for _ in range(MOST_OPEN + 4)))
    assert sorted(one.status_code for one in answers) == [201] * MOST_OPEN + [409] * 4
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"too_many_questions"}
    assert len(await _waiting(shop, member)) == MOST_OPEN
    elsewhere = await shop.door.move("/v1/confirmations", shop.other.key, {"member_id": member, "points": 1})
    assert elsewhere.status_code == 201
    await shop.later(timedelta(minutes=4))
    assert (await _ask(shop, member)).status_code == 201


async def test_who_shows_cards_hears_when_a_question_comes_and_when_it_is_answered(db: Database) -> None:
    clock = SystemClock()
    async with db.unit() as unit:
        member = (await join(unit, clock, "ptn_1", "Alex", "en")).member.id
        merged = (await join(unit, clock, "ptn_1", "Bo", "en")).member.id
        await unit.connection.execute("UPDATE account SET pool_id = $1 WHERE member_id = $2", member, merged)

    async def noted() -> set[str]:
        async with db.unit() as unit:
            rows = await unit.connection.fetch("DELETE FROM outbox WHERE kind = 'shows_cards' RETURNING subject")
        return {row["subject"] for row in rows}

    question = Question(partner_id="ptn_1", key="k", fingerprint=b"f", member_id=member, points=5)
    asked = await ask(db, clock, question, ("shows_cards",))
    assert await noted() == {member, merged}
    await ask(db, clock, question, ("shows_cards",))
    assert await noted() == set()
    await answer(db, clock, asked.confirmation.id, member, True, ("shows_cards",))
    assert await noted() == {member, merged}
    await answer(db, clock, asked.confirmation.id, member, True, ("shows_cards",))
    assert await noted() == set()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"points": 0}, "body_invalid"),
        ({"points": "5"}, "body_invalid"),
        ({"reward": "No Such!"}, "body_invalid"),
        ({"member_id": "mbr_nobody"}, "unknown_member"),
    ],
)
async def test_what_cannot_be_asked_is_refused(shop: Counter, more: dict[str, Any], code: str) -> None:
    body = {"member_id": await shop.member(), "points": 500, **more}
    refused = await shop.door.move("/v1/confirmations", shop.shop.key, body)
    assert (refused.json()["code"], refused.status_code < 500) == (code, True)
    assert await shop.count("SELECT count(*) FROM confirmation") == 0
