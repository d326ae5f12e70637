"""The coffee chain, through the door: levels, stars by level, a programme that was changed (vectors of template T2)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
DOUBLE_DAY = datetime(2026, 4, 3, 16, tzinfo=UTC)


def new_york(month: int, day: int, year: int = 2026, hour: int = 17) -> datetime:
    """A moment of a day in New York, by default about noon."""
    return datetime(year, month, day, hour, tzinfo=UTC)


async def _guest(street: Street, programme: str = "coffee_chain", **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop(programme, currency="USD", **parts)
    return shop, await shop.member()


async def _gold(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop, guest = await _guest(street, **parts)
    await guest.buys(amount=50_000)
    assert await guest.tier() == "gold"
    return shop, guest


def _rounded(how: str) -> list[dict[str, object]]:
    stars, reload = file_of("coffee_chain")["earn"]
    return [stars | {"rounding": how}, reload]


async def test_T2_green_gets_ten_stars_for_ten_dollars_in_two_purchases(street: Street) -> None:
    _, guest = await _guest(street)
    assert [(await guest.buys(amount=amount))["points"] for amount in (495, 505)] == [4, 6]


async def test_T2_gold_gets_twelve_stars_for_ten_dollars_in_two_purchases(street: Street) -> None:
    _, guest = await _gold(street)
    assert [(await guest.buys(amount=amount))["points"] for amount in (495, 505)] == [5, 7]


async def test_T2_dropping_fractions_would_give_less(street: Street) -> None:
    _, green = await _guest(street, earn=_rounded("floor"))
    assert [(await green.buys(amount=amount))["points"] for amount in (495, 505)] == [4, 5]
    _, gold = await _gold(street, earn=_rounded("floor"))
    assert [(await gold.buys(amount=amount))["points"] for amount in (495, 505)] == [5, 6]


async def test_T2_gold_gets_twenty_four_stars_for_ten_dollars_on_a_double_day(street: Street) -> None:
    _, gold = await _gold(street)
    _, green = await _guest(street)
    await street.at(DOUBLE_DAY)
    assert (await gold.buys(amount=1000))["points"] == 24
    assert (await green.buys(amount=1000))["points"] == 10


async def test_T2_the_level_changes_at_five_hundred_stars_at_once(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(amount=49_900)
    assert await guest.tier() == "green"
    await guest.buys(amount=100)
    assert await guest.tier() == "gold"
    assert (await guest.buys(amount=1000))["points"] == 12


async def test_R9_burning_four_hundred_stars_leaves_gold(street: Street) -> None:
    _, guest = await _gold(street)
    await guest.gets("merchandise", order="o1")
    assert (await guest.balance(), await guest.tier()) == (100, "gold")


async def test_R9_burning_everything_leaves_the_level(street: Street) -> None:
    _, guest = await _gold(street)
    await guest.gets("merchandise", order="o1")
    await guest.gets("brewed_or_bakery", order="o2")
    assert (await guest.balance(), await guest.tier()) == (0, "gold")


async def test_T2_one_order_has_one_redemption(street: Street) -> None:
    _, guest = await _gold(street)
    await guest.gets("addon", order="o1")
    assert await guest.is_refused("two_off", order="o1") == (409, "order_already_rewarded")
    await guest.gets("two_off", order="o2")
    assert await guest.balance() == 500 - 25 - 60


async def test_T2_a_year_after_it_was_reached_gold_goes_unless_it_was_earned_again(street: Street) -> None:
    _, idle = await _gold(street)
    _, busy = await _gold(street)
    await street.at(new_york(2, 1, 2027))
    await busy.buys(amount=45_000)  # times 1.2
    assert await idle.tier() == await busy.tier() == "gold"
    await street.at(new_york(3, 4, 2027))
    await eventually(idle.tier, "green")
    assert await busy.tier() == "gold"


async def test_T2_the_calendar_variant_holds_gold_to_the_end_of_the_next_year(street: Street) -> None:
    _, guest = await _guest(street, "coffee_chain_calendar")
    await guest.buys(amount=50_000)
    await street.at(datetime(2028, 1, 1, 4, 59, tzinfo=UTC))  # 23:59 on New Year's Eve in New York
    assert await guest.tier() == "gold"
    await street.at(datetime(2028, 1, 1, 5, 1, tzinfo=UTC))
    await eventually(guest.tier, "green")


async def test_T2_stars_of_green_live_six_months(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(amount=1000)
    await street.at(new_york(9, 2))
    assert await guest.balance() == 10
    await street.at(new_york(9, 3))
    await eventually(guest.balance, 0)


async def test_T2_stars_of_green_live_on_while_every_month_sees_a_purchase(street: Street) -> None:
    _, guest = await _guest(street)
    for month in range(3, 10):
        await street.at(new_york(month, 2, hour=18))
        await guest.buys(amount=1000)
    await street.at(new_york(9, 20))
    assert await guest.balance() == 70
    # October passes without a purchase: what is older than six months goes, the rest at its time.
    await street.at(new_york(11, 1))
    await eventually(guest.balance, 50)


async def test_T2_stars_of_gold_never_expire(street: Street) -> None:
    _, guest = await _gold(street)
    await guest.buys(amount=1000)
    await street.at(new_york(12, 1))
    assert (await guest.balance(), await guest.tier()) == (512, "gold")


@pytest.mark.parametrize(("loaded", "stars"), [(2999, 0), (3000, 10), (4999, 10), (5000, 25), (20_000, 25)])
async def test_T2_loading_the_card_gives_stars_by_steps(street: Street, loaded: int, stars: int) -> None:
    _, guest = await _guest(street)
    entry = await guest.does("card.reloaded", subject="load-1", amount=loaded, currency="USD")
    assert entry["points"] == stars


async def test_T2_the_older_terms_give_two_stars_on_the_share_paid_with_the_preloaded_card(street: Street) -> None:
    _, guest = await _guest(street, "coffee_chain_2019")
    tenders = [{"kind": "store_card", "amount": 600}, {"kind": "cash", "amount": 400}]
    assert (await guest.buys(amount=1000, tenders=tenders))["points"] == 16
    assert (await guest.buys(amount=1000, tenders=[{"kind": "cash", "amount": 1000}]))["points"] == 10
    assert (await guest.buys(amount=1000, tenders=[{"kind": "store_card", "amount": 1000}]))["points"] == 20


async def test_T2_a_refund_of_a_purchase_paid_in_two_ways_takes_back_both_shares(street: Street) -> None:
    shop, guest = await _guest(street, "coffee_chain_2019")
    tenders = [{"kind": "store_card", "amount": 600}, {"kind": "cash", "amount": 400}]
    entry = await guest.buys(amount=1000, tenders=tenders)
    await shop.takes_back(entry, amount=500)
    assert await guest.balance() == 8
    await shop.takes_back(entry)
    assert await guest.balance() == 0


async def test_V3_a_voucher_of_the_old_programme_is_still_good_under_the_new_one(street: Street) -> None:
    shop, guest = await _guest(street, "coffee_chain_2019")
    await guest.buys(amount=30_000)
    await guest.claims("drink_or_breakfast", order="o1")
    (voucher,) = await guest.vouchers()
    await street.at(new_york(3, 10))
    await shop.publishes("coffee_chain")
    assert await guest.is_refused("drink_or_breakfast", order="o2") == (404, "unknown_reward")
    assert (await shop.uses(voucher["code"], order="o3")).status_code == 200


async def test_Y8_stars_of_the_old_programme_pay_for_rewards_of_the_new_one_and_keep_their_six_months(
    street: Street,
) -> None:
    shop, guest = await _guest(street, "coffee_chain_2019")
    await guest.buys(amount=10_000)
    await street.at(new_york(3, 10))
    await shop.publishes("coffee_chain")
    assert (await guest.buys(amount=1000))["points"] == 10
    await guest.gets("two_off", order="o1")
    assert await guest.balance() == 50
    await street.at(new_york(9, 3))
    await eventually(guest.balance, 10)


async def test_Y8_a_programme_that_would_make_stars_worth_less_is_refused(street: Street) -> None:
    shop, guest = await _guest(street)
    await guest.buys(amount=1000)
    await street.later(days(1))
    dearer = [reward | {"cost": (reward.get("cost") or 0) + 10} for reward in file_of("coffee_chain")["rewards"][:-1]]
    refused = await shop.tries_to_publish("coffee_chain", rewards=dearer, engagement=None)
    assert (refused.status_code, refused.json()["code"]) == (400, "programme_change_unfair")


async def test_Y2_a_level_multiplies_what_is_earned(street: Street) -> None:
    _, gold = await _gold(street)
    _, green = await _guest(street)
    assert [(await guest.buys(amount=10_000))["points"] for guest in (gold, green)] == [120, 100]


@pytest.mark.parametrize(
    ("earned", "born", "ends"),
    [
        (0, (5, 20), "2026-05-22T04:00:00Z"),
        (50_000, (6, 10), "2026-06-18T04:00:00Z"),
        (250_000, (7, 1), "2026-08-01T04:00:00Z"),
    ],
    ids=["green", "gold", "reserve"],
)
async def test_T2_the_birthday_treat_is_good_for_longer_at_higher_levels(
    street: Street, earned: int, born: tuple[int, int], ends: str
) -> None:
    shop, guest = await _guest(street)
    await guest.was_born(1990, *born)
    if earned:
        await guest.buys(amount=earned)
    await street.at(new_york(*born))
    await eventually(lambda: _treats(guest), 1)
    (treat,) = await guest.vouchers()
    assert (await shop.reads(f"/v1/vouchers/{treat['code']}"))["valid_until"] == ends


async def _treats(guest: Guest) -> int:
    return len(await guest.vouchers())
