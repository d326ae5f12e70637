"""Vouchers: what a claim turns into, how long it is good, and what using it is worth.

A voucher with a value is used in part as often as `uses` allows; what is left after the last use is forfeited. Validity
ends with the business day, or to the second where the span has hours.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import floor

from kernel.errors import Conflict, Forbidden, Invalid
from points.book import VoucherState
from points.programme.periods import day_ends, later, moment_after, span
from points.programme.reward_price import minor_of, most_of_basket
from points.programme.reward_refusals import BasketNeeded, BasketTooSmall, Elsewhere, OrderNeeded, OrderRewarded
from points.programme.rewards import Priced, find_reward
from points.programme.schedule import holds
from points.programme.schema.rewards import Boost, Reward
from points.programme.version import Version


class VoucherSpent(Conflict):
    """The code was used as often, or for as much, as it is good for."""

    code = "voucher_used"
    title = "The voucher is used"


class VoucherVoided(Conflict):
    """The code was cancelled, for instance because what paid for it was refunded."""

    code = "voucher_voided"
    title = "The voucher was cancelled"


class VoucherExpired(Conflict):
    """The code's validity is over; facts: `valid_until`."""

    code = "voucher_expired"
    title = "The voucher has expired"


class VoucherOfAnother(Forbidden):
    """The code is good for the member it was issued to alone."""

    code = "voucher_of_another_member"
    title = "The voucher belongs to another member"


class MoreThanValue(Conflict):
    """The amount asked is more than the voucher has left or the purchase takes; facts: `most_minor`."""

    code = "more_than_voucher_value"
    title = "More than the voucher is worth"


class NoValue(Invalid):
    """An amount was asked of a voucher that is not money."""

    code = "voucher_has_no_value"
    title = "The voucher is not money"


class NotExchangeable(Conflict):
    """The voucher cannot be exchanged for a code of this partner now."""

    code = "voucher_not_exchangeable"
    title = "The voucher cannot be exchanged here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A code shown at a till: `amount_minor` is the wish for a part of its value; `taken_by` the rewards that the order
    has already. `member_id` is who showed it, as far as the till knows; `partner` and `location` are names in the file.
    """

    at: datetime
    member_id: str | None = None
    basket_minor: int | None = None
    amount_minor: int | None = None
    order: str | None = None
    taken_by: tuple[str, ...] = ()
    partner: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """The voucher after the use, and what the use takes off the purchase (None: it is not money)."""

    voucher: VoucherState
    money_minor: int | None


def valid_until(version: Version, valid: str | None, at: datetime) -> datetime | None:
    """The moment from which a right issued at `at` is void; None: never."""
    if valid is None:
        return None
    length = span(valid)
    if length.seconds:
        return moment_after(at, length, version.zone)
    return day_ends(later(version.day(at), length), version.zone, version.day_starts)


def voucher_of(
    version: Version, priced: Priced, *, voucher_id: str, code: str, partner_id: str, journal_id: str, at: datetime,
    automatic: bool = False,
) -> VoucherState:  # fmt: skip
    """The code that a claim, an automatic issue or a gain turns into; `journal_id` is what paid for it."""
    return VoucherState(
        id=voucher_id,
        code=code,
        reward=priced.reward.id,
        version_id=version.id,
        partner_id=partner_id,
        journal_id=journal_id,
        state="issued",
        valid_until=valid_until(version, priced.reward.valid, at),
        uses_left=priced.reward.uses,
        value_minor=priced.worth_minor,
        automatic=automatic,
    )


def use_voucher(version: Version, voucher: VoucherState, owner_id: str, use: Use) -> Used:
    """One use of the code, under the version it was issued under. `owner_id` is the member it was issued to.

    Raises VoucherVoided, VoucherSpent, VoucherExpired, VoucherOfAnother, Elsewhere, OrderNeeded, OrderRewarded,
    BasketNeeded, BasketTooSmall, MoreThanValue, NoValue.
    """
    check_good(voucher, use.at)
    reward = find_reward(version, voucher.reward)
    if reward is not None:
        _check_reward(version, reward, owner_id, use)
    money = _money(version, voucher, reward, use)
    left = None if voucher.value_minor is None else voucher.value_minor - (money or 0)
    uses_left = voucher.uses_left - 1
    spent = uses_left == 0 or left == 0
    after = replace(
        voucher, uses_left=0 if spent else uses_left, value_minor=left, used=True, state="used" if spent else "issued"
    )
    return Used(after, money)


def check_good(voucher: VoucherState, at: datetime) -> None:
    """Refuse a code that is over. Raises VoucherVoided, VoucherSpent, VoucherExpired."""
    if voucher.state == "voided":
        raise VoucherVoided("The voucher was cancelled.")
    if voucher.state == "used" or voucher.uses_left < 1:
        raise VoucherSpent("The voucher was used before.")
    if voucher.valid_until is not None and at >= voucher.valid_until:
        raise VoucherExpired("The voucher has expired.", valid_until=voucher.valid_until.isoformat())


def void(voucher: VoucherState) -> VoucherState:
    """The code cancelled; one that is cancelled already stays so. Raises VoucherSpent."""
    if voucher.state == "used":
        raise VoucherSpent("The voucher was used before.")
    return replace(voucher, state="voided", uses_left=0)


def boost_at(version: Version, partner: str | None, is_issuer: bool, at: datetime) -> Boost | None:
    """The exchange that the programme's conversion offers at a partner now (the first written that holds)."""
    conversion = version.programme.conversion
    for boost in conversion.boosts if conversion is not None else ():
        here = not is_issuer if boost.partner is None else boost.partner == partner
        if here and holds(boost.schedule, at, version.zone):
            return boost
    return None


def exchange(
    version: Version, voucher: VoucherState, boost: Boost | None, *, voucher_id: str, code: str, partner_id: str,
    at: datetime,
) -> VoucherState:  # fmt: skip
    """The partner's own code, worth `times` what is left of a conversion's voucher. Its worth and validity are fixed by
    this exchange, whatever is published later. Raises VoucherVoided, VoucherSpent, VoucherExpired, NotExchangeable."""
    check_good(voucher, at)
    conversion = version.programme.conversion
    if boost is None or conversion is None or voucher.reward != conversion.id or not voucher.value_minor:
        raise NotExchangeable("The voucher cannot be exchanged here now.")
    return replace(
        voucher,
        id=voucher_id,
        code=code,
        version_id=version.id,
        partner_id=partner_id,
        state="issued",
        valid_until=voucher.valid_until if boost.valid is None else valid_until(version, boost.valid, at),
        uses_left=1,
        value_minor=voucher.value_minor * boost.times,
        automatic=False,
        used=False,
    )


def _check_reward(version: Version, reward: Reward, owner_id: str, use: Use) -> None:
    if reward.personal and use.member_id != owner_id:
        raise VoucherOfAnother("The voucher is personal: it is used by its member alone.")
    if use.partner is not None and reward.item.partners and use.partner not in reward.item.partners:
        raise Elsewhere("The voucher is used at other partners.", partners=list(reward.item.partners))
    if use.location is not None and reward.item.locations and use.location not in reward.item.locations:
        raise Elsewhere("The voucher is used at other places.", locations=list(reward.item.locations))
    _check_order(version, reward, use)
    if reward.minimum_basket is not None:
        needed = minor_of(version, reward.minimum_basket)
        if use.basket_minor is None:
            raise BasketNeeded("The voucher has a minimum purchase: tell its amount.", needed_minor=needed)
        if use.basket_minor < needed:
            short = needed - use.basket_minor
            raise BasketTooSmall(f"The purchase is {short} minor units short.", needed_minor=needed, short_minor=short)


def _check_order(version: Version, reward: Reward, use: Use) -> None:
    if reward.one_per_order and use.order is None:
        raise OrderNeeded("The voucher is used once per order: name the order.")
    others = [find_reward(version, name) for name in use.taken_by]
    if use.taken_by and (reward.one_per_order or any(other is not None and other.one_per_order for other in others)):
        raise OrderRewarded(f"The order has '{use.taken_by[0]}' already.", order=use.order, reward=use.taken_by[0])


def _money(version: Version, voucher: VoucherState, reward: Reward | None, use: Use) -> int | None:
    if voucher.value_minor is not None:
        room = use.basket_minor
        if room is not None and reward is not None and reward.kind == "points_as_money":
            room = most_of_basket(reward, room)
        most = voucher.value_minor if room is None else min(voucher.value_minor, room)
        if most == 0:
            raise BasketTooSmall("The purchase is too small for the voucher.", short_minor=1)
        if use.amount_minor is not None and use.amount_minor > most:
            raise MoreThanValue(f"At most {most} minor units.", most_minor=most)
        return most if use.amount_minor is None else use.amount_minor
    if use.amount_minor is not None:
        raise NoValue("The voucher is not money: leave the amount out.")
    if reward is not None and reward.kind == "percent_off" and reward.percent is not None:
        if use.basket_minor is None:
            raise BasketNeeded("The voucher is a share of a purchase: tell its amount.")
        return floor(use.basket_minor * Fraction(reward.percent))
    return None
