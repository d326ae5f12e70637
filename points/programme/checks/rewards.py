"""Rewards, conversion and benefits."""

from collections.abc import Iterator

from points.programme.checks.parts import Found
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Conversion, Reward

# Kind -> the fields it needs. What is listed for no kind is free for all.
_NEEDS = {
    "amount_off": ("amount",),
    "percent_off": ("percent",),
    "donation": ("partner",),
    "partner": ("partner", "price"),
}
_ONLY_FOR = {
    "amount": ("amount_off",),
    "percent": ("percent_off",),
    "max_share": ("points_as_money",),
    "partner": ("donation", "partner"),
    "price": ("partner",),
    "multiple_of": ("points_as_money", "donation"),
}
_BY_POINTS = ("points_as_money", "donation")


def reward(part: Reward, programme: Programme) -> Iterator[Found]:
    """The fields of its kind and no others."""
    for name in _NEEDS.get(part.kind, ()):
        if getattr(part, name) is None:
            yield (), f"a reward of kind `{part.kind}` needs `{name}`"
    for name, kinds in _ONLY_FOR.items():
        if part.kind not in kinds and getattr(part, name) not in (None, 1):
            yield (name,), f"`{name}` belongs to {' and '.join(f'`{one}`' for one in kinds)}, not to `{part.kind}`"
    if part.kind in _BY_POINTS:
        yield from _by_points(part, programme)
    else:
        yield from _by_cost(part)
    roles = programme.partners[part.partner].roles if part.partner in programme.partners else ()
    if roles and not {"acceptor", "charity"} & {*roles}:
        yield ("partner",), f"partner `{part.partner}` has neither the role `acceptor` nor `charity`"


def _by_points(part: Reward, programme: Programme) -> Iterator[Found]:
    if part.cost is not None or part.cost_by_tier:
        yield ("cost",), f"kind `{part.kind}` takes as many points as the member chooses; leave `cost` out"
    if part.voucher or part.auto_issue:
        name = "voucher" if part.voucher else "auto_issue"
        yield (name,), f"kind `{part.kind}` happens at once; there is no voucher"
    if part.kind == "points_as_money" and programme.unit.value is None:
        yield ("kind",), "points as money need the value of a point (`unit.value`)"


def _by_cost(part: Reward) -> Iterator[Found]:
    if part.cost is None:
        if part.auto_issue:
            yield ("auto_issue",), "what comes by itself at a balance needs that balance as `cost`"
        if part.cost_by_tier:
            yield ("cost_by_tier",), "`cost_by_tier` needs the `cost` for everybody else"
    if part.uses > 1 and not (part.voucher or part.auto_issue or part.cost is None):
        yield ("uses",), "only a voucher can be used several times; give `voucher: true`"


def conversion(part: Conversion, _: Programme) -> Iterator[Found]:
    """Months that exist, and steps of whole points."""
    if not part.months:
        yield ("months",), "at least one month is needed"
    for number, month in enumerate(part.months):
        if not 1 <= month <= 12:
            yield ("months", number), f"there is no month {month}"
        elif month in part.months[:number]:
            yield ("months", number), f"month {month} is written twice"
    if part.money > 0 and part.step > 0 and (part.step * part.points) % part.money != 0:
        yield ("step",), f"{part.step} is not worth a whole number of points"
    for number, boost in enumerate(part.boosts):
        if boost.times == 1 and boost.valid is None:
            yield ("boosts", number, "times"), "times 1 changes nothing"
