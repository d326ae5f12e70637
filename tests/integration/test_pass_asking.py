"""A till's question to a member is on their card while an answer helps."""

from datetime import timedelta

from kernel.database import Database
from kernel.outbox import LIVE
from points.confirmations import Question, answer, ask
from tests.support.cards import Town, town


async def asked(the: Town, member_id: str, points: int, key: str = "q1") -> str:
    """A question of the town's partner."""
    question = Question(
        partner_id=the.partner_id, key=key, fingerprint=key.encode(), member_id=member_id, points=points
    )
    made = await ask(the.db, the.clock, question, ("pass",))
    return made.confirmation.id


async def test_the_card_says_what_the_till_asks_and_leads_to_the_answer(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 500)
    await the.looks_again()
    await the.notes()
    await asked(the, aino, 300)
    await the.looks_again()
    told = await the.news(pass_id)
    assert told.startswith("Bistro asks until ")
    assert told.endswith(": may 300 points be spent?")
    assert ("apple.push", pass_id, LIVE) in await the.notes()


async def test_a_question_that_is_over_is_put_on_no_card(db: Database) -> None:
    the = await town(db)
    aino = await the.member()
    pass_id = await the.wallet(aino)
    await the.buys(aino, 500)
    await the.looks_again()
    question_id = await asked(the, aino, 300)
    assert (await answer(the.db, the.clock, question_id, aino, False)).state == "declined"
    await the.looks_again()
    assert "asks" not in await the.news(pass_id)
    await asked(the, aino, 200, "q2")
    the.clock.advance(timedelta(minutes=4))
    await the.looks_again()
    assert "asks" not in await the.news(pass_id)
