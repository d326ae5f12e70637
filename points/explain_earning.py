"""Why a purchase or event gave so many points, and what a refund of it takes back."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from points.deciding.watching import after_review
from points.programme.basket import basket
from points.programme.context import Context, Part
from points.programme.earning import minor
from points.programme.events import PURCHASE
from points.programme.plan import plan_of
from points.programme.schema.earning import ItemRule, SpendRule, TermsRule
from points.programme.version import Version
from points.recompute import Recomputed, carries_of, recomputed
from points.wording import Wording

# Refusals that a member can do something about; that a rule is about something else needs no words.
_TOLD = ("min_gap", "max_per", "max_points", "once", "budget", "minimum_basket", "earn_base", "staff")

Facts = Mapping[str, Any]


def explain_earning(words: Wording, version: Version, facts: Facts, points: int, currency: str) -> list[str]:
    """The purchase, what each rule and campaign gave exactly, what was carried, the sum, and until when it lasts."""
    again = recomputed(version, facts)
    lines = [*_purchase(words, version, again, currency)]
    for part in again.parts:
        lines.append(_part(words, version, part, again.context, currency))
    lines += _carried(words, again.before, again.after)
    lines.append(words.say("why.in_all", points=words.points(points, signed=True)))
    lines += _refused(words, version, again)
    return lines + terms_of_lots(words, facts)


def explain_refund(
    words: Wording, version: Version, facts: Facts, points: int, amount_minor: int | None, currency: str
) -> list[str]:
    """What came back, what each rule and campaign takes back in whole points, and the sum."""
    if amount_minor:
        lines = [words.say("why.refund", money=words.money(amount_minor, currency))]
    else:
        lines = [words.say("why.refund_whole")]
    for rule, campaign, _, given in facts["lots"]:
        lines.append(_named(words, version, rule, campaign, words.points(given, signed=True)))
    after = carries_of(facts.get("change", {}).get("carries"))
    before = sum((Fraction(*carry) for carry in carries_of(facts.get("carries_before")).values()), Fraction(0))
    lines += _carried(words, before, sum((Fraction(*carry) for carry in after.values()), Fraction(0)))
    return [*lines, words.say("why.taken_back", points=words.points(-points))]


def _purchase(words: Wording, version: Version, again: Recomputed, currency: str) -> list[str]:
    """How much the purchase was, and how much of it counts."""
    if again.event.name != PURCHASE:
        return []
    money = words.money(again.event.amount_minor, currency)
    counts = basket(plan_of(version).base, again.event, by_tender=False).whole_minor
    if counts == again.event.amount_minor:
        return [words.say("why.purchase", money=money)]
    return [words.say("why.purchase_in_part", money=money, counts=words.money(counts, currency))]


def terms_of_lots(words: Wording, facts: Facts) -> list[str]:
    """From when and until when the points of an entry can be used, as it pinned them."""
    lines: dict[str, None] = {}
    for expires_at, active_at, awaits in facts.get("issued", {}).values():
        event = awaits
        if awaits and facts.get("review"):
            lines[words.say("why.review")] = None
            event = after_review(awaits)
        if event:
            lines[words.say("why.awaits", event=event)] = None
        elif active_at:
            lines[words.say("why.usable_from", date=within(words, active_at))] = None
        if expires_at:
            lines[words.say("why.valid_until", date=within(words, expires_at, last=True))] = None
    return list(lines)


def within(words: Wording, moment: str, *, last: bool = False) -> str:
    """The day of a pinned moment (or a day) by the programme's clock; `last`: the day that ends with it."""
    if len(moment) == len("2026-11-22"):
        return words.date(date.fromisoformat(moment))
    at = datetime.fromisoformat(moment)
    local = at.astimezone(words.version.zone if words.version is not None else UTC)
    return words.date((local - timedelta(microseconds=1) if last else local).date())


def _part(words: Wording, version: Version, part: Part, context: Context, currency: str) -> str:
    """What one rule or campaign gave, with the rate if it has one."""
    points = words.points(part.exact)
    if part.campaign is not None:
        return _named(words, version, part.rule, part.campaign, points)
    rule = next((rule for rule in version.programme.earn if rule.id == part.rule), None)
    name = words.name(version.programme.earn, part.rule)
    match rule:
        case SpendRule():
            rate = words.points(Fraction(rule.tiers.get(context.tier or "", rule.points)))
            per = words.money(minor(rule.per, currency), currency)
            return words.say("why.rule_of_money", rule=name, rate=rate, per=per, points=points)
        case TermsRule() if context.terms is not None:
            terms, n, per_minor = context.terms
            name = name if rule.names else words.say("why.terms", terms=terms)
            per = words.money(per_minor, currency)
            return words.say("why.rule_of_money", rule=name, rate=words.points(n), per=per, points=points)
        case ItemRule():
            rate, per = words.points(Fraction(rule.points)), words.number(Fraction(rule.per_quantity))
            return words.say("why.rule_of_pieces", rule=name, rate=rate, per=per, points=points)
        case _:
            return words.say("why.rule", rule=name, points=points)


def _named(words: Wording, version: Version, rule: str, campaign: str | None, points: str) -> str:
    if campaign is None:
        return words.say("why.rule", rule=words.name(version.programme.earn, rule), points=points)
    return words.say("why.campaign", campaign=words.name(version.programme.campaigns, campaign), points=points)


def _carried(words: Wording, before: Fraction, after: Fraction) -> list[str]:
    if not before and not after:
        return []
    return [words.say("why.carried", before=words.points(before), after=words.points(after))]


def _refused(words: Wording, version: Version, again: Recomputed) -> list[str]:
    """Why rules and campaigns that the member may have counted on gave nothing."""
    parts = (*version.programme.earn, *version.programme.campaigns)
    lines = []
    for name, reason in again.refusals:
        told = next((known for known in _TOLD if reason.startswith(known)), None)
        told = "max_per" if reason == "per_member" else told
        if told is not None:
            lines.append(words.say("why.not", rule=words.name(parts, name), reason=words.say(f"why.not.{told}")))
    return lines
