"""Figures side by side: as rows of text for people, and as plain values for programs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from kernel.money import decimals
from points.programme.simulation.figures import Figures, Wait, share

UNKNOWN = "not stated"
NONE = "–"


@dataclass(frozen=True, slots=True)
class Compared:
    """A row: which group it is in, what it says, a value for each programme, and (for two) what the second has more."""

    group: str
    label: str
    values: tuple[str, ...]
    difference: str = ""


Value = int | Fraction | None
Show = Callable[[Value, Figures], str]


def compare(figures: Sequence[Figures]) -> list[Compared]:
    """All rows for one or several programmes over the same history."""
    return [*_totals(figures), *_waits(figures), *_rewards(figures), *_tiers(figures), *_refusals(figures)]


def plain(figures: Figures) -> dict[str, Any]:
    """Figures as values that JSON has: points and counts are numbers, exact money and shares texts (`n/d` in `exact`,
    in whole currency units or as a share in `value`)."""
    return {
        "programme": figures.programme,
        "version": figures.version_id,
        "currency": figures.currency,
        "history": {
            "first": _iso(figures.first), "last": _iso(figures.last), "members": figures.members,
            "purchases": figures.purchases, "events": figures.events, "refunds": figures.refunds,
            "refused": dict(sorted(figures.refused.items())), "revenue": _money_plain(figures.revenue_minor, figures),
        },
        "points": {
            "issued": figures.issued, "withdrawn": figures.withdrawn, "redeemed": figures.redeemed,
            "expired": figures.expired, "open": figures.open, "owed": figures.owed,
        },
        "cost": _money_plain(figures.cost_minor, figures),
        "liability": _money_plain(figures.liability_minor, figures),
        "breakage": _share_plain(figures.breakage),
        "redemption_rate": _share_plain(figures.redemption_rate),
        "effective_reward_rate": _share_plain(figures.reward_rate),
        "promised_reward_rate": _share_plain(figures.promised_rate),
        "first_reward": {
            "claimable": _wait_plain(figures.to_claimable, figures),
            "redeemed": _wait_plain(figures.to_redeemed, figures),
        },
        "rewards": [
            {
                "id": reward.id, "reached": reward.reached, "members": reward.members, "times": reward.times,
                "points": reward.points, "cost": _money_plain(reward.cost_minor, figures),
                "share": _share_plain(share(reward.reached, figures.members)),
            }
            for reward in figures.rewards
        ],
        "tiers": [
            {
                "id": tier.id, "reached": tier.reached, "at_end": tier.at_end,
                "share": _share_plain(share(tier.reached, figures.members)),
            }
            for tier in figures.tiers
        ],
        "days": [
            {
                "day": day.day.isoformat(), "issued": day.issued, "withdrawn": day.withdrawn, "redeemed": day.redeemed,
                "expired": day.expired, "open": day.open, "owed": day.owed,
            }
            for day in figures.days
        ],
    }  # fmt: skip


def _totals(figures: Sequence[Figures]) -> Iterator[Compared]:
    history, points, money = "History", "Points", "Money and rates"
    yield _row(history, "Members", figures, lambda f: f.members, _count)
    yield _row(history, "Purchases", figures, lambda f: f.purchases, _count)
    yield _row(history, "Other events", figures, lambda f: f.events, _count)
    yield _row(history, "Refunds", figures, lambda f: f.refunds, _count)
    yield _row(history, "Paid by members", figures, lambda f: f.revenue_minor, _money)
    yield _row(points, "Issued", figures, lambda f: f.issued, _count)
    yield _row(points, "Taken back by refunds", figures, lambda f: f.withdrawn, _count)
    yield _row(points, "Redeemed", figures, lambda f: f.redeemed, _count)
    yield _row(points, "Expired", figures, lambda f: f.expired, _count)
    yield _row(points, "Open at the end", figures, lambda f: f.open, _count)
    yield _row(points, "Owed by members", figures, lambda f: f.owed, _count)
    yield _row(points, "Redemption rate", figures, lambda f: f.redemption_rate, _percent)
    yield _row(points, "Breakage", figures, lambda f: f.breakage, _percent)
    yield _row(money, "Cost of rewards", figures, lambda f: f.cost_minor, _money)
    yield _row(money, "Liability at the end", figures, lambda f: f.liability_minor, _money)
    yield _row(money, "Effective reward rate", figures, lambda f: f.reward_rate, _percent)
    yield _row(money, "If every point were used", figures, lambda f: f.promised_rate, _percent)


def _waits(figures: Sequence[Figures]) -> Iterator[Compared]:
    group = "Days to the first reward"
    for said, wait in (("can be claimed", _claimable), ("redeemed", _redeemed)):
        yield _row(group, f"{said}, p50", figures, lambda f, wait=wait: wait(f).p50_days, _count)  # type: ignore[misc]
        yield _row(group, f"{said}, p90", figures, lambda f, wait=wait: wait(f).p90_days, _count)  # type: ignore[misc]
        reached = f"{said}, share of members"
        yield _row(group, reached, figures, lambda f, w=wait: share(w(f).reached, f.members), _percent)  # type: ignore[misc]


def _rewards(figures: Sequence[Figures]) -> Iterator[Compared]:
    group = "Members who reach a reward (had it, times)"
    found = [{reward.id: reward for reward in each.rewards} for each in figures]
    for reward_id in dict.fromkeys(reward_id for rewards in found for reward_id in rewards):
        said = [rewards.get(reward_id) for rewards in found]
        name = next(reward.name for reward in said if reward is not None)
        values = tuple(
            NONE
            if reward is None
            else f"{_percent(share(reward.reached, each.members), each)} ({reward.members:,}, {reward.times:,})"
            for reward, each in zip(said, figures, strict=True)
        )
        shares = [None if r is None else share(r.reached, f.members) for r, f in zip(said, figures, strict=True)]
        yield Compared(group, name, values, _difference(shares, figures, _percent))


def _tiers(figures: Sequence[Figures]) -> Iterator[Compared]:
    group = "Members who reach a tier (there at the end)"
    found = [{tier.id: tier for tier in each.tiers} for each in figures]
    for tier_id in dict.fromkeys(tier_id for tiers in found for tier_id in tiers):
        said = [tiers.get(tier_id) for tiers in found]
        name = next(tier.name for tier in said if tier is not None)
        values = tuple(
            NONE if tier is None else f"{_percent(share(tier.reached, each.members), each)} ({tier.at_end:,})"
            for tier, each in zip(said, figures, strict=True)
        )
        shares = [None if t is None else share(t.reached, f.members) for t, f in zip(said, figures, strict=True)]
        yield Compared(group, name, values, _difference(shares, figures, _percent))


def _refusals(figures: Sequence[Figures]) -> Iterator[Compared]:
    for code in sorted({code for each in figures for code in each.refused}):
        yield _row("Refused", code, figures, lambda f, code=code: f.refused.get(code, 0), _count)  # type: ignore[misc]


def _claimable(figures: Figures) -> Wait:
    return figures.to_claimable


def _redeemed(figures: Figures) -> Wait:
    return figures.to_redeemed


def _row(group: str, label: str, figures: Sequence[Figures], value: Callable[[Figures], Value], show: Show) -> Compared:
    values = [value(each) for each in figures]
    shown = tuple(show(found, each) for found, each in zip(values, figures, strict=True))
    return Compared(group, label, shown, _difference(values, figures, show))


def _difference(values: Sequence[Value], figures: Sequence[Figures], show: Show) -> str:
    if len(values) != 2:
        return ""
    first, second = values
    if first is None or second is None or (show is _money and figures[0].currency != figures[1].currency):
        return ""
    more = Fraction(second) - Fraction(first)
    if more == 0:
        return "="
    shown = show(abs(more), figures[1])
    if shown == show(Fraction(0), figures[1]):
        return "≈"
    # The difference of two shares is in percentage points.
    return ("+" if more > 0 else "−") + (shown.replace("%", "pp") if show is _percent else shown)


def _count(value: Value, _: Figures) -> str:
    return NONE if value is None else f"{int(value):,}"


def _money(value: Value, figures: Figures) -> str:
    if value is None:
        return UNKNOWN
    return f"{_decimal(Fraction(value) / _minor(figures), decimals(figures.currency)):,} {figures.currency}"


def _percent(value: Value, _: Figures) -> str:
    return NONE if value is None else f"{_decimal(Fraction(value) * 100, 2):,} %"


def _decimal(value: Fraction, places: int) -> Decimal:
    """Rounded half to even, from the exact value."""
    return Decimal(round(value * 10**places)).scaleb(-places)


def _minor(figures: Figures) -> int:
    return int(10 ** decimals(figures.currency))


def _money_plain(value: Value, figures: Figures) -> dict[str, str] | None:
    if value is None:
        return None
    units = Fraction(value) / _minor(figures)
    return {"value": str(_decimal(units, decimals(figures.currency))), "exact": _ratio(units)}


def _share_plain(value: Fraction | None) -> dict[str, str] | None:
    return None if value is None else {"value": str(_decimal(value, 6)), "exact": _ratio(value)}


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _wait_plain(wait: Wait, figures: Figures) -> dict[str, Any]:
    return {
        "reached": wait.reached,
        "share": _share_plain(share(wait.reached, figures.members)),
        "p50_days": wait.p50_days,
        "p90_days": wait.p90_days,
    }


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()
