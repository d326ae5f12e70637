"""Fair change: a new version may not take anything from points that members already have.

Each lot keeps the version it was earned under, and with it its expiry: a shorter expiry touches only lots that are
issued later, and is allowed. What all points share regardless of their version is what they buy. So refused is:

- a lower value of the unit, a worse conversion, another currency;
- the same reward (by id) made worse: dearer, smaller, harder to get, valid for a shorter time;
- a lower worth of a point: the most money that any reward, the conversion or paying with points gives for one.

A catalogue may change: a reward may be withdrawn and another come under a new id, as long as the worth of a point does
not fall. Rates of earning, campaigns, tiers and limits concern what is earned later, and are free. A version is
compared with the one published before it; the built-in programme, which nobody published, binds nobody.
"""

from collections.abc import Iterator
from fractions import Fraction

from points.programme.periods import span
from points.programme.schema.basics import Schedule, When
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Conversion, Reward


def reasons_against(old: Programme, new: Programme) -> list[str]:
    """Why `new` may not follow `old`, a sentence each; empty if it may."""
    if old.currency != new.currency:
        return [f"the currency changes from {old.currency} to {new.currency}, so the worth of points cannot be kept"]
    return [*_unit(old, new), *_rewards(old, new), *_conversion(old, new), *_worth(old, new)]


def worth_of_a_point(programme: Programme) -> Fraction:
    """The most money (whole units) that one point can bring, over rewards with a money value, conversion and unit."""
    worths = [worth for reward in programme.rewards if (worth := reward_worth(programme, reward)) is not None]
    if (conversion := programme.conversion) is not None:
        worths.append(_rate(conversion))
    return max(worths, default=Fraction(0))


def reward_worth(programme: Programme, reward: Reward) -> Fraction | None:
    """Money per point that a reward gives, if that is known from the file."""
    if reward.kind == "points_as_money":
        return Fraction(programme.unit.value) if programme.unit.value is not None else None
    if reward.kind == "amount_off" and reward.amount is not None and reward.cost is not None:
        return Fraction(reward.amount) * reward.uses / reward.cost
    return None


def _unit(old: Programme, new: Programme) -> Iterator[str]:
    before, after = old.unit.value, new.unit.value
    if before is not None and (after is None or after < before):
        yield f"the value of a point falls from {before} to {after if after is not None else 'nothing'}"


def _rewards(old: Programme, new: Programme) -> Iterator[str]:
    later = {reward.id: reward for reward in new.rewards}
    tiers = [level.id for level in old.tiers.levels] if old.tiers else []
    for before in old.rewards:
        if (after := later.get(before.id)) is not None:
            for reason in _reward(before, after, tiers):
                yield f"reward {before.id}: {reason}"


def _reward(before: Reward, after: Reward, tiers: list[str]) -> Iterator[str]:
    if before.kind != after.kind:
        yield f"it turns from {before.kind} into {after.kind}; give the new one an id of its own"
        return
    yield from _dearer(before, after, tiers)
    yield from _smaller(before, after)
    if after.item != before.item and after.item != type(after.item)():
        yield "it is for other items; give the new one an id of its own"
    if after.partner != before.partner:
        yield "it goes to another partner; give the new one an id of its own"
    if _narrower(before.eligible, after.eligible):
        yield "fewer members may have it"
    if after.available not in (before.available, Schedule()) and not _extended(before.available, after.available):
        yield "it can be had at fewer or other times"


def _dearer(before: Reward, after: Reward, tiers: list[str]) -> Iterator[str]:
    if before.cost is not None and after.cost is not None and after.cost > before.cost:
        yield f"it costs {after.cost} points instead of {before.cost}"
    for tier in tiers:
        cost, now = (one.cost_by_tier.get(tier, one.cost) for one in (before, after))
        if (
            cost is not None
            and now is not None
            and now > cost
            and (tier in {*before.cost_by_tier, *after.cost_by_tier})
        ):
            yield f"it costs {now} points instead of {cost} in tier {tier}"
    if after.multiple_of > before.multiple_of:
        yield f"points are taken in steps of {after.multiple_of} instead of {before.multiple_of}"
    if (after.minimum_basket or 0) > (before.minimum_basket or 0):
        yield f"it needs a basket of {after.minimum_basket} instead of {before.minimum_basket or 'any'}"


def _smaller(before: Reward, after: Reward) -> Iterator[str]:
    for name, old, new in (
        ("amount", before.amount, after.amount),
        ("percent", before.percent, after.percent),
        ("max_share", before.max_share or 1, after.max_share or 1),
        ("uses", before.uses, after.uses),
    ):
        if old is not None and (new is None or new < old):
            yield f"{name} falls from {old} to {new if new is not None else 'nothing'}"
    if after.valid is not None and (before.valid is None or _length(after.valid) < _length(before.valid)):
        yield f"it is valid for {after.valid} instead of {before.valid or 'ever'}"
    if before.refundable and not after.refundable:
        yield "it can no longer be given back"
    if after.one_per_order and not before.one_per_order:
        yield "only one can be had per order"


def _narrower(before: When, after: When) -> bool:
    """Whether someone who could have it before might not now."""
    allowing = ("tiers", "segments", "memberships")
    for name in allowing:
        old, new = set(getattr(before, name)), set(getattr(after, name))
        if new and (not old or not old <= new):
            return True
        if not set(getattr(after, f"not_{name}")) <= set(getattr(before, f"not_{name}")):
            return True
    nth = after.nth not in (None, before.nth)
    return nth or (after.first_purchase and not before.first_purchase)


def _extended(before: Schedule, after: Schedule) -> bool:
    """Whether `after` holds whenever `before` did, as far as that is plain to see."""
    if after.rrule is not None and (after.rrule, after.starts, after.lasts) != (
        before.rrule,
        before.starts,
        before.lasts,
    ):
        return False
    earlier = after.from_ is None or (before.from_ is not None and after.from_ <= before.from_)
    later = after.until is None or (before.until is not None and after.until >= before.until)
    return earlier and later


def _conversion(old: Programme, new: Programme) -> Iterator[str]:
    before, after = old.conversion, new.conversion
    if before is None:
        return
    if after is None:
        yield "balances are no longer turned into vouchers"
        return
    if _rate(after) < _rate(before):
        rates = [f"{one.money} for {one.points} points" for one in (after, before)]
        yield f"the conversion falls: {rates[0]} instead of {rates[1]}"
    if after.min_points > before.min_points:
        yield f"the conversion needs {after.min_points} points instead of {before.min_points}"
    if after.step > before.step:
        yield f"the conversion goes in steps of {after.step} instead of {before.step}"
    if not {*before.months} <= {*after.months}:
        yield "the conversion happens in fewer or other months"
    if _length(after.valid) < _length(before.valid):
        yield f"converted vouchers are valid for {after.valid} instead of {before.valid}"


def _worth(old: Programme, new: Programme) -> Iterator[str]:
    before, after = worth_of_a_point(old), worth_of_a_point(new)
    if after < before:
        yield f"a point brings at most {_money(after)} {new.currency} instead of {_money(before)}"


def _rate(conversion: Conversion) -> Fraction:
    return Fraction(conversion.money) / conversion.points


def _money(amount: Fraction) -> str:
    """For reading only."""
    return f"{amount.numerator / amount.denominator:.4g}"


def _length(text: str) -> tuple[int, int]:
    """Comparable: longest possible days, then seconds."""
    length = span(text)
    return length.upper_days, length.seconds
