"""The presets by kind of business, through the door: live at once, and a typical reward can be had (row R7)."""

import pytest

from tests.support.acceptance import Street, days, line

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

# preset, a purchase, points of it, and (when those can be spent) the reward to claim.
PRESETS = [
    ("grocery", line("food", 60_000), 600, "home_delivery"),
    ("bookshop", line("used_books", 10_000), 400, "five_off"),
    ("cosmetics", line("new", 20_000), 800, "workshop"),
    ("car_dealer", line("service", 40_000), 800, "wash"),
    ("education", line("courses", 30_000), 300, "course_discount"),
    ("clothing", line("shoes", 30_000), 600, "ten_off"),
    ("tech", line("devices", 150_000), 1500, "accessory"),
]


@pytest.mark.parametrize(("preset", "purchase", "points", "reward"), PRESETS, ids=[row[0] for row in PRESETS])
async def test_R7_the_preset_earns_and_its_reward_can_be_claimed(
    street: Street, preset: str, purchase: dict[str, object], points: int, reward: str
) -> None:
    guest = await (await street.shop(preset)).member()
    assert (await guest.buys(purchase))["points"] == points
    await street.later(days(15))  # some wait for the time of return
    claim = await guest.claims(reward)
    assert claim["state"] in ("held", "captured")
    assert await guest.balance() == points - claim["points"]


async def test_R7_points_of_a_journey_can_be_spent_after_it_was_made(street: Street) -> None:
    shop = await street.shop("travel")
    guest = await shop.member()
    entry = await guest.buys(amount=250_000)
    assert (await guest.balance(), (await guest.points())["pending"]) == (0, 2500)
    await street.later(days(30))
    await guest.does("journey.completed", entry_id=entry["id"])
    assert (await guest.balance(), (await guest.points())["pending"]) == (2500, 0)
    claim = await guest.claims("advance_cabin")
    assert claim["points"] == 1500


async def test_R7_a_course_discount_is_ten_per_cent_of_a_course(street: Street) -> None:
    shop = await street.shop("education")
    guest = await shop.member()
    await guest.buys(line("courses", 30_000))
    await street.later(days(15))
    await guest.claims("course_discount")
    (voucher,) = await guest.vouchers()
    used = await shop.uses(voucher["code"], basket=25_000)
    assert (used.status_code // 100, used.json()["taken"]) == (2, 2500)


async def test_R8_a_gift_comes_once_after_five_hundred_euros(street: Street) -> None:
    guest = await (await street.shop("bookshop")).member()
    for total, gifts in ((48_000, 0), (5_000, 1), (7_000, 1)):
        await guest.buys(amount=total)
        assert [voucher["reward"] for voucher in await guest.vouchers()] == ["gift_book"] * gifts


async def test_P2_who_buys_greens_often_earns_double_for_them(street: Street) -> None:
    guest = await (await street.shop("grocery")).member()
    got = []
    for _ in range(6):
        got.append((await guest.buys(line("vegetables", 1000)))["points"])
        await street.later(days(2))
    assert got[0] == 10
    assert got[-1] == 20


async def test_E7_an_answered_survey_brings_twenty_points_and_is_kept_apart(street: Street) -> None:
    shop = await street.shop("tech")
    guest = await shop.member()
    await shop.does("/v1/surveys/how_likely/answers", {"member_id": guest.id, "score": 9})
    await shop.does("/v1/surveys/how_likely/answers", {"member_id": (await shop.member()).id, "score": 3})
    assert await guest.balance() == 20
    again = {"member_id": guest.id, "score": 10}
    assert await shop.is_refused("/v1/surveys/how_likely/answers", again) == (409, "already_answered")
    assert await guest.balance() == 20
    result = await shop.reads("/v1/surveys/how_likely")
    assert (result["kind"], result["answers"], result["score"], result["counts"]) == ("nps", 2, "0.0", {"3": 1, "9": 1})
