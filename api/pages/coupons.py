"""The coupons on the member's own page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.i18n import translate
from passes.card import said
from passes.coupons import last_moment, reward_names, worth
from passes.speech import day, phrase
from points.book import VoucherState
from points.programme.rewards import find_reward
from points.programme.version import Version


@dataclass(frozen=True, slots=True)
class CouponLine:
    """A voucher that can be used now, in the member's language. `facts` are what it is worth and until when."""

    code: str
    name: str
    facts: tuple[str, ...]


def coupon_lines(
    vouchers: Sequence[VoucherState], versions: Mapping[str, Version], language: str, now: datetime
) -> list[CouponLine]:
    """The lines in the order of the vouchers; `versions` holds those that they were issued under."""
    return [_line(voucher, versions[voucher.version_id], language, now) for voucher in vouchers]


def _line(voucher: VoucherState, version: Version, language: str, now: datetime) -> CouponLine:
    facts = [said(worth(voucher, version), language)]
    reward = find_reward(version, voucher.reward)
    if reward is not None and reward.uses > 1:
        facts.append(translate("page.coupon_uses", language, uses=voucher.uses_left))
    if voucher.valid_until is not None:
        last = last_moment(voucher.valid_until, version).date()
        when = day(last, now.astimezone(version.zone).date())
        facts.append(said(phrase("page.coupon_until", day=when), language))
    name = said(reward_names(version, voucher.reward), language)
    return CouponLine(voucher.code, name, tuple(fact for fact in facts if fact))
