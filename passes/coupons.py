"""Vouchers as coupons in the wallet: pure, from the voucher, the version it was issued under and the brand's design.

A coupon says what its voucher says, and nothing of the clock: one that expires is greyed by the phone itself at
`valid_until`, so that nobody is woken for it. One that is used up, exchanged or cancelled is voided.
"""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

import msgspec

from passes import coupon_texts as coupon_texts  # registers the words
from passes import texts as texts  # and the labels
from passes.card import Card, Link, Value, Words
from passes.look import Layout, Look, ValueKey
from passes.speech import in_each, money, phrase
from points.book import VoucherState
from points.members import MemberRow
from points.programme.face import in_language
from points.programme.rewards import find_reward
from points.programme.version import Version
from points.wording import Wording

# What a coupon's look has behind the id of the brand's look that it is made from.
COUPON_MARK: Final = "#coupon"
LAYOUT: Final = Layout(
    header=("worth",), primary=("reward",), secondary=("valid_until", "uses_left"), auxiliary=("holder",)
)
_PICTURES = frozenset({"logo", "icon", "strip"})


def coupon_look(look: Look) -> Look:
    """The brand's look as its coupons have it: colours, texts and pictures are the same, taps and sign-up are the
    card's alone, and a file that carries a code is not passed on by a button."""
    if look.id.endswith(COUPON_MARK):
        return look
    return msgspec.structs.replace(
        look,
        id=look.id + COUPON_MARK,
        style="coupon",
        layout=LAYOUT,
        pictures={slot: picture for slot, picture in look.pictures.items() if slot.partition(".")[0] in _PICTURES},
        taps=False,
        unlock_to_tap=False,
        sign_up=None,
        sharing=False,
        actions=(),
        relevant=(),
    )


def coupon_card(
    voucher: VoucherState, version: Version, look: Look, member: MemberRow, links: tuple[Link, ...] = ()
) -> Card:
    """What the coupon says. `look` is that of the brand that issued the voucher, `member` the one in whose wallet it
    is."""
    shown = coupon_look(look)
    values: dict[str, Value] = {
        key: _labelled(key, shown, value) for key, value in _values(voucher, version, member).items()
    }
    return Card(
        brand_id=look.partner_id,
        design=shown.id,
        language=member.language,
        description=phrase("coupon.description", brand=look.brand_name, reward=reward_names(version, voucher.reward)),
        code=voucher.code,
        values=values | {"news": Value(label=phrase("card.news"), text=news(voucher, version))},
        links=links,
        valid_until=voucher.valid_until,
    )


def is_over(voucher: VoucherState) -> bool:
    """Whether the code was used up, exchanged or cancelled. Expiry is the clock's business."""
    return voucher.state != "issued" or voucher.uses_left < 1


def reward_names(version: Version, reward_id: str) -> Words:
    """What the reward, or the statement's voucher, is called in each of our languages."""
    reward, conversion = find_reward(version, reward_id), version.programme.conversion
    names = reward.names if reward is not None else conversion.names if conversion is not None else None
    return in_each(lambda language: in_language(names, language, reward_id))


def worth(voucher: VoucherState, version: Version) -> Words:
    """What the coupon takes off a purchase, in words; none when that is no sum and no share."""
    if voucher.value_minor is not None:
        return money(voucher.value_minor, version.programme.currency)
    reward = find_reward(version, voucher.reward)
    if reward is None or reward.kind != "percent_off" or reward.percent is None:
        return {}
    share = Fraction(reward.percent) * 100
    return in_each(lambda language: _per_cent(Wording(version, language).number(share), language))


def news(voucher: VoucherState, version: Version) -> Words:
    """The one sentence of a coupon. It follows from the voucher's state alone, so that each change is told once."""
    reward = reward_names(version, voucher.reward)
    if voucher.state == "voided":
        return phrase("coupon.voided", reward=reward)
    if is_over(voucher):
        return phrase("coupon.used", reward=reward)
    if not voucher.used:
        return phrase("coupon.fresh")
    if voucher.value_minor is not None:
        return phrase("coupon.money_left", reward=reward, amount=worth(voucher, version))
    return phrase("coupon.times_left", reward=reward, uses=voucher.uses_left)


def _values(voucher: VoucherState, version: Version, member: MemberRow) -> dict[ValueKey, Value]:
    """What the voucher has, still without labels."""
    reward = find_reward(version, voucher.reward)
    values: dict[ValueKey, Value] = {"reward": Value(label={}, text=reward_names(version, voucher.reward))}
    if voucher.value_minor is not None:
        values["worth"] = Value(label={}, minor=voucher.value_minor, currency=version.programme.currency)
    elif share := worth(voucher, version):
        values["worth"] = Value(label={}, text=share)
    if voucher.valid_until is not None:
        values["valid_until"] = Value(label={}, moment=last_moment(voucher.valid_until, version))
    if reward is not None and reward.uses > 1:
        values["uses_left"] = Value(label={}, number=voucher.uses_left)
    if reward is not None and reward.personal and member.name:
        values["holder"] = Value(label={}, text={member.language: member.name})
    return values


def last_moment(valid_until: datetime, version: Version) -> datetime:
    """The last second in which the code is good, in the programme's zone: what is void from the midnight that ends a
    day is good until that day."""
    return (valid_until - timedelta(seconds=1)).astimezone(version.zone)


def _labelled(key: ValueKey, look: Look, value: Value) -> Value:
    return msgspec.structs.replace(value, label=look.labels.get(key) or phrase(f"card.{key}"))


def _per_cent(number: str, language: str) -> str:
    space = "\N{NO-BREAK SPACE}" if language == "fi" else ""
    return f"{number}{space}%"
