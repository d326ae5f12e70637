"""What an event gives under a version of a programme, from the event and the pinned context. Pure.

Nothing else is looked at, so quote, effect, explanation and refund are one computation. A refund is what the remaining
event gives by the same context, less what it gave before.
"""

from datetime import date
from fractions import Fraction

from points.programme import campaigns
from points.programme.basket import Basket, basket, remaining_minor
from points.programme.campaigns import Push, Stage
from points.programme.context import Context, Evaluation, Part
from points.programme.earning import Gain, Taken, gains_of
from points.programme.events import PURCHASE, Event
from points.programme.horizons import horizons
from points.programme.pinning import caps_of, context_of
from points.programme.plan import Asked, Plan, plan_of
from points.programme.returns import whole_of, without
from points.programme.tally import difference, tally
from points.programme.version import Version

__all__ = ["caps_of", "context_of", "evaluate", "horizons", "less", "without"]

_NOTHING = Evaluation()

Refusals = list[tuple[str, str]]


def evaluate(version: Version, event: Event, context: Context) -> Evaluation:
    """What the event gives, exactly, and what it adds to the standing. Total for every checked version.

    Of an event of which something came back only the rest counts; which campaigns are used, and which rules' shares
    they are about, is as it was for the whole. Where nothing is left, nothing is given.
    """
    if remaining_minor(event) <= 0 and (event.amount_minor > 0 or event.name == PURCHASE):
        return _NOTHING
    plan = plan_of(version)
    asked = plan.asked(event.name)
    refusals: Refusals = []
    whole = whole_of(event)
    stage = _stage(plan, asked, whole, context, refusals, None)
    used = _chosen(asked, stage, refusals)
    if whole is not event:
        refusals.clear()
        stage = _stage(plan, asked, event, context, refusals, campaigns.taken(stage.runs))
    if stage.enough:
        for push in used:
            campaigns.apply(push, stage)
    return Evaluation(tuple(stage.parts), tally(plan, event, stage.basket, stage), _uses(asked, stage), tuple(refusals))


def less(version: Version, before: Event, after: Event, context: Context) -> Evaluation:
    """The difference that a return makes: what `after` gives less what `before` gave.

    Parts are 0 or less, but where a rule's own minimum is not reached any more and another rule takes its place.
    """
    then, now = evaluate(version, before, context), evaluate(version, after, context)
    exact: dict[tuple[str, str | None, str], Fraction] = {}
    sample: dict[tuple[str, str | None, str], Part] = {}
    for sign, parts in ((-1, then.parts), (1, now.parts)):
        for part in parts:
            key = (part.rule, part.campaign, part.issuer_id)
            exact[key] = exact.get(key, Fraction(0)) + sign * part.exact
            sample[key] = part
    uses = {cap: n for cap in {**then.uses, **now.uses} if (n := now.uses.get(cap, 0) - then.uses.get(cap, 0))}
    return Evaluation(
        parts=tuple(
            Part(part.rule, part.issuer_id, exact[key], part.rounding, part.campaign)
            for key, part in sample.items()
            if exact[key]
        ),
        change=difference(then.change, now.change),
        uses=uses,
        refusals=now.refusals,
    )


def _stage(plan: Plan, asked: Asked, event: Event, context: Context, refusals: Refusals, taken: Taken | None) -> Stage:
    """The rules' part of an evaluation."""
    base = _counting(plan, asked, event)
    enough = event.name != PURCHASE or base.total >= max(1, plan.base.minimum * base.money)
    gains: list[Gain] = []
    if enough:
        gains = gains_of(asked.ways, event, context, base, refusals, taken)
    else:
        refusals.extend((way.id, "minimum_basket" if base.total else "earn_base") for way in asked.ways)
    runs = campaigns.runs_of(gains, context)
    parts = [
        Part(run.gain.way.id, context.partner, _exact(run.base), run.rounding) for run in runs if run.paid and run.base
    ]
    return Stage(event, context, base, runs, taken, enough, parts)


def _chosen(asked: Asked, stage: Stage, refusals: Refusals) -> list[Push]:
    return campaigns.chosen(asked.pushes, stage, refusals) if stage.enough and asked.pushes else []


def _counting(plan: Plan, asked: Asked, event: Event) -> Basket:
    """What of the event counts: the basket of a purchase, else the amount that came with the event."""
    if event.name == PURCHASE:
        return basket(plan.base, event, asked.by_tender)
    amount = max(0, remaining_minor(event))
    return Basket((), 1, 1, amount, amount)


def _exact(points: Fraction | int) -> Fraction:
    return points if isinstance(points, Fraction) else Fraction(points)


def _uses(asked: Asked, stage: Stage) -> dict[str, int]:
    if not stage.used or not asked.budgeted:
        return {}
    day = date.fromordinal(stage.context.day)
    return {push.budget(day): n for push, _ in asked.budgeted if (n := stage.used.get(push.id, 0))}
