"""The gym, through the door: visits, challenges, streaks, levels, the board (vectors of template T6)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of, helsinki

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _guest(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop("gym", **parts)
    return shop, await shop.member()


async def _visits(street: Street, guest: Guest, *moments: str) -> list[int]:
    """Visits at moments by the wall clock of Helsinki: the points of each."""
    got = []
    for moment in moments:
        await street.at(helsinki(moment))
        got.append((await guest.does("visit"))["points"])
    return got


async def _daily(street: Street, guest: Guest, n: int) -> None:
    """One visit on each of so many days."""
    for _ in range(n):
        await guest.does("visit")
        await street.later(days(1))


async def _progress(guest: Guest, of: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [one for one in (await guest.standing())["progress"] if one["id"] == of]
    return found


async def _badges(guest: Guest) -> dict[str, int]:
    return {badge["id"]: badge["count"] for badge in (await guest.standing())["badges"]}


async def test_E10_two_scans_two_hours_apart_give_10(street: Street) -> None:
    _, guest = await _guest(street)
    assert await _visits(street, guest, "2026-03-03 08:00", "2026-03-03 10:00") == [10, 0]


async def test_T6_two_scans_six_hours_apart_give_20(street: Street) -> None:
    _, guest = await _guest(street)
    assert await _visits(street, guest, "2026-03-03 08:00", "2026-03-03 14:00") == [10, 10]


async def test_T6_a_visit_within_the_gap_does_not_count_for_levels_either(street: Street) -> None:
    _, guest = await _guest(street)
    await _visits(street, guest, "2026-03-03 08:00", "2026-03-03 10:00", "2026-03-03 14:00")
    assert (await _progress(guest, "twelve_a_month"))["done"] == 2


async def test_T6_what_is_bought_at_the_bar_is_not_a_workout(street: Street) -> None:
    _, guest = await _guest(street)
    assert (await guest.buys(amount=590))["points"] == 0
    assert (await _progress(guest, "twelve_a_month"))["done"] == 0


async def test_Y3_classes_and_personal_bests_earn_without_a_purchase(street: Street) -> None:
    _, guest = await _guest(street)
    assert [(await guest.does("class.attended", subject=one))["points"] for one in ("c1", "c1", "c2")] == [15, 0, 15]
    assert [(await guest.does("personal_best.set"))["points"] for _ in range(5)] == [25, 25, 25, 25, 0]


async def test_T6_the_twelfth_visit_of_a_month_gives_fifty_once(street: Street) -> None:
    _, guest = await _guest(street)
    await _daily(street, guest, 11)
    assert await guest.balance() == 110
    await _daily(street, guest, 1)
    await eventually(guest.balance, 170)
    await _daily(street, guest, 3)
    assert await guest.balance() == 200
    await street.at(helsinki("2026-04-01 12:00"))
    await _daily(street, guest, 12)
    await eventually(guest.balance, 200 + 120 + 50)


async def test_G1_three_visits_within_seven_days_complete_the_challenge_once(street: Street) -> None:
    three = {
        "id": "three_in_seven", "names": {"en": "Three in seven"}, "goal": {"count": 3, "of": "visits"},
        "within": "P7D", "gain": {"points": 30},
    }  # fmt: skip
    engagement = {"challenges": [three]}
    shop, guest = await _guest(street, engagement=engagement)
    other = await shop.member()
    assert sum(await _visits(street, guest, "2026-03-03 12:00", "2026-03-05 12:00", "2026-03-11 12:00")) == 30
    assert await guest.balance() == 30
    await _visits(street, other, "2026-03-03 12:00", "2026-03-05 12:00", "2026-03-11 12:00")
    # The visit of the fifth day was written on paper, and comes later.
    await other.does("visit", occurred_at=helsinki("2026-03-07 12:00").isoformat())
    await eventually(other.balance, 40 + 30)


async def test_G3_progress_is_what_the_entries_say(street: Street) -> None:
    _, guest = await _guest(street)
    await _daily(street, guest, 7)
    progress = await _progress(guest, "twelve_a_month")
    assert (progress["done"], progress["goal"]) == (7, 12)


async def _weeks(street: Street, guest: Guest, *visits: int) -> None:
    """So many visits in each week from Monday, 2 March 2026."""
    monday = datetime(2026, 3, 2, 15)
    for week, n in enumerate(visits):
        for visit in range(n):
            moment = monday + timedelta(weeks=week, days=2 * visit)
            await street.at(helsinki(moment.isoformat()))
            await guest.does("visit")
    await street.at(helsinki((monday + timedelta(weeks=len(visits))).isoformat()))


async def test_G8_a_missed_week_with_a_freeze_keeps_the_streak(street: Street) -> None:
    _, guest = await _guest(street)
    await _weeks(street, guest, 2, 2, 0, 2)
    assert await _badges(guest) == {}
    await street.at(helsinki("2026-03-30 12:00"))
    for day in ("2026-03-30 12:00", "2026-04-01 12:00"):
        await street.at(helsinki(day))
        await guest.does("visit")
    await eventually(lambda: _badges(guest), {"steady": 1})


async def test_G8_a_second_missed_week_begins_the_streak_again_and_history_is_kept(street: Street) -> None:
    shop, guest = await _guest(street)
    await _weeks(street, guest, 2, 2, 0, 2, 1)
    assert (await _progress(guest, "steady_weeks"))["done"] == 0
    assert await _badges(guest) == {}
    assert len((await shop.reads(f"/v1/members/{guest.id}?limit=50"))["statement"]["data"]) == 7


async def test_G2_a_badge_earned_twice_is_one_badge_with_a_count(street: Street) -> None:
    _, guest = await _guest(street)
    await _weeks(street, guest, 2, 2, 2, 2)
    await eventually(lambda: _badges(guest), {"steady": 1})
    await _weeks(street, guest, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2)
    await eventually(lambda: _badges(guest), {"steady": 2})


async def test_T6_twenty_visits_in_ninety_days_are_silver_and_a_month_of_grace_follows(street: Street) -> None:
    _, guest = await _guest(street)
    await _daily(street, guest, 19)
    assert await guest.tier() == "bronze"
    await _daily(street, guest, 1)
    assert await guest.tier() == "silver"
    last = street.now()
    await street.at(last + days(85))
    assert await guest.tier() == "silver"  # measured for 90 days, then 30 of grace
    await street.at(last + days(125))
    await eventually(guest.tier, "bronze")


async def test_T6_gold_falls_one_level_at_a_time(street: Street) -> None:
    _, guest = await _guest(street)
    await _daily(street, guest, 40)
    assert await guest.tier() == "gold"
    last = street.now()
    await street.at(last + days(95))
    await eventually(guest.tier, "silver")


async def test_T6_a_free_month_is_to_be_had_twenty_times_a_month(street: Street) -> None:
    rewards = [
        reward | ({"cost": 10, "stock": {"count": 2, "per": "month"}} if reward["id"] == "free_month" else {})
        for reward in file_of("gym")["rewards"]
    ]
    shop, first = await _guest(street, rewards=rewards)
    guests = [first, *[await shop.member(f"Guest {n}") for n in range(4)]]
    for guest in guests:
        await guest.does("visit")
    answers = await asyncio.gather(
        *(shop.asks("/v1/claims", {"member_id": guest.id, "reward": "free_month"}) for guest in guests)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    await street.at(helsinki("2026-04-01 12:00"))
    lucky = [guest for guest in guests if await guest.balance()]
    await lucky[0].claims("free_month")


async def test_G4_of_two_with_equally_many_visits_the_earlier_one_leads(street: Street) -> None:
    shop, late = await _guest(street)
    early, shy = await shop.member("Early"), await shop.member("Shy")
    for guest, name in ((late, "Lark"), (early, "Owl")):
        await shop.does(f"/v1/members/{guest.id}/boards", {"pseudonym": name})
    for guest in (early, late, shy):
        await _visits(street, guest, "2026-03-03 12:00")
    await _visits(street, early, "2026-03-04 08:00")
    await _visits(street, late, "2026-03-04 09:00")
    await _visits(street, shy, "2026-03-05 09:00", "2026-03-06 09:00")
    board = await shop.reads("/v1/leaderboards/most_visits?period=2026-03")
    assert [(place["pseudonym"], place["count"]) for place in board["data"]] == [("Owl", 2), ("Lark", 2)]
    assert early.id not in str(board)


async def test_G6_a_shared_badge_tells_nothing_of_the_person(street: Street) -> None:
    shop, guest = await _guest(street)
    await _weeks(street, guest, 2, 2, 2, 2)
    await eventually(lambda: _badges(guest), {"steady": 1})
    made = await shop.does(f"/v1/members/{guest.id}/shares", {"award": "badge/steady"})
    seen = await street.door.client.get(made["path"])
    assert (seen.status_code, seen.json()["achievement"]["fi"]) == (200, "Tasainen tekijä")
    assert guest.id not in seen.text
    assert "Alex" not in seen.text
    assert "balance" not in seen.text
