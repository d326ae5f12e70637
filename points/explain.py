"""Why an entry is what it is, in words, from what the entry pinned and the version that it was decided under."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from points.explain_earning import explain_earning, explain_refund, terms_of_lots, within
from points.programme.version import Version
from points.proofs import Way
from points.recompute import recompute
from points.wording import Wording

__all__ = ["explain", "recompute"]

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An entry to be explained; `points` is signed as the member sees it."""

    words: Wording
    kind: str
    facts: Facts
    points: int
    amount_minor: int | None
    currency: str

    @property
    def size(self) -> str:
        """The points without a sign, with their unit."""
        return self.words.points(abs(self.points))

    @property
    def reward(self) -> str:
        """The name of the reward that the entry is about."""
        version = self.words.version
        return self.words.name(version.programme.rewards if version else (), str(self.facts.get("reward", "")))


def explain(
    version: Version | None,
    kind: str,
    facts: Facts,
    points: int,
    amount_minor: int | None,
    currency: str | None,
    language: str = "en",
) -> list[str]:
    """Sentences about an entry in `language` (en, fi, hu; else English). `version` is the one that `facts` name, None
    if they name none; `points` is signed as the member sees it, `amount_minor` the entry's money."""
    of_programme = version.programme.currency if version is not None else "EUR"
    told = Told(Wording(version, language), kind, facts, points, amount_minor, currency or of_programme)
    return _KINDS.get(kind, _marked)(told)


def _earned(told: Told) -> list[str]:
    if told.words.version is None or "event" not in told.facts:
        return [told.words.say("why.in_all", points=told.words.points(told.points, signed=True))]
    return explain_earning(told.words, told.words.version, told.facts, told.points, told.currency)


def _spent(told: Told) -> list[str]:
    lines = [told.words.say("why.redeem", points=told.size)]
    if told.facts.get("reward"):
        lines.append(told.words.say("why.reward", reward=told.reward))
    if told.facts.get("offline"):
        lines.append(told.words.say("why.short", points=told.words.points(int(told.facts.get("short", 0)))))
    return lines + _worth(told) + _proved(told)


def _proved(told: Told) -> list[str]:
    way = told.facts.get("proof", {}).get("way")
    return [told.words.say(f"why.proof.{way}")] if way in get_args(Way) else []


def _judged_by_somebody(told: Told) -> list[str]:
    verdict = told.facts.get("verdict")
    return [] if verdict is None else [told.words.say("why.approved" if verdict["approved"] else "why.rejected")]


def _worth(told: Told) -> list[str]:
    worth = told.facts.get("worth_minor")
    return [told.words.say("why.worth", money=told.words.money(worth, told.currency))] if worth else []


def _reversed(told: Told) -> list[str]:
    words, version = told.words, told.words.version
    if told.facts.get("retracted"):
        what = _what(told, str(told.facts["retracted"]))
        return [words.say("why.retracted", what=what), words.say("why.taken_back", points=told.size)]
    if version is not None and "lots" in told.facts:
        lines = explain_refund(words, version, told.facts, told.points, told.amount_minor, told.currency)
        return [*_judged_by_somebody(told), *lines]
    return [*_judged_by_somebody(told), words.say("why.given_back", points=told.size)]


def _about_reward(told: Told) -> list[str]:
    return [told.words.say(f"why.{told.kind}", reward=told.reward, points=told.size), *_worth(told), *_proved(told)]


def _granted(told: Told) -> list[str]:
    words, facts = told.words, told.facts
    reason, about = str(facts.get("reason", "")), str(facts.get("about", ""))
    if reason == "total":
        rule, _, period = about.partition("/")
        lines = [words.say("why.grant.total", what=_rule(told, rule), period=period)]
    elif reason in _REASONS:
        lines = [words.say(f"why.grant.{reason}", **({"what": _what(told, about)} if reason in _NAMED else {}))]
    else:
        lines = [words.say("why.grant.other", what=reason)]
    if told.points:
        lines.append(words.say("why.in_all", points=words.points(told.points, signed=True)))
    if facts.get("reward"):
        lines.append(words.say("why.reward", reward=told.reward))
    return lines + terms_of_lots(words, facts)


def _adjusted(told: Told) -> list[str]:
    words, facts = told.words, told.facts
    lines = [words.say("why.adjust", reason=str(facts.get("reason", "")).rstrip("."))]
    if facts.get("actor"):
        lines.append(words.say("why.adjust_by", actor=facts["actor"]))
    if facts.get("approved_by"):
        lines.append(words.say("why.approved_by", actor=facts["approved_by"]))
    return [*lines, words.say("why.in_all", points=words.points(told.points, signed=True))]


def _moved(told: Told) -> list[str]:
    return [*_judged_by_somebody(told), told.words.say(f"why.{told.kind}", points=told.size), *_proved(told)]


def _expired(told: Told) -> list[str]:
    lines = [told.words.say("why.expire", points=told.size)] if told.points else []
    for moment in sorted({str(until) for until in told.facts.get("prolonged", {}).values()}):
        lines.append(told.words.say("why.prolonged", date=within(told.words, moment)))
    return lines


def _converted(told: Told) -> list[str]:
    worth = told.words.money(int(told.facts.get("worth_minor", 0)), told.currency)
    return [told.words.say("why.convert", points=told.size, money=worth)]


def _judged(told: Told) -> list[str]:
    tier = told.facts.get("change", {}).get("tier")
    return [told.words.say("why.tier", level=_level(told, tier["level"]))] if tier else []


def _noticed(told: Told) -> list[str]:
    words, facts = told.words, told.facts
    if facts.get("notice") == "tier":
        names = {"level": _level(told, facts["level"]), "to": _level(told, facts["to"])}
        return [words.say("why.notice.tier", date=within(words, facts["falls_on"]), **names)]
    points = words.points(int(facts.get("points", 0)))
    return [words.say("why.notice.expiry", date=within(words, facts["ends_at"]), points=points)]


def _marked(told: Told) -> list[str]:
    if told.facts.get("verdict"):
        return _judged_by_somebody(told)
    if told.facts.get("reason") == "acted" and "about" in told.facts:
        return [told.words.say("why.acted", event=told.facts["about"])]
    lines = (
        [told.words.say("why.mark", reason=str(told.facts["reason"]).rstrip("."))] if told.facts.get("reason") else []
    )
    if told.facts.get("frozen") is not None:
        lines.append(told.words.say("why.frozen" if told.facts["frozen"] else "why.thawed"))
    return lines


def _what(told: Told, about: str) -> str:
    """The name of what was won: a challenge, streak, milestone, or the prize of a game."""
    version = told.words.version
    if version is None:
        return about
    engagement = version.programme.engagement
    parts = (*engagement.challenges, *engagement.streaks, *engagement.milestones, *engagement.games)
    return told.words.name(parts, about.partition("/")[0])


def _rule(told: Told, rule_id: str) -> str:
    return told.words.name(told.words.version.programme.earn if told.words.version else (), rule_id)


def _level(told: Told, level_id: str) -> str:
    tiers = told.words.version.programme.tiers if told.words.version else None
    return told.words.name(tiers.levels if tiers else (), level_id)


_NAMED = frozenset({"challenge", "streak", "milestone", "game"})
_REASONS = _NAMED | {"birthday", "anniversary", "referral_referrer", "referral_friend", "survey", "surprise"}

_KINDS: dict[str, Callable[[Told], list[str]]] = {
    "earn": _earned,
    "redeem": _spent,
    "reverse": _reversed,
    "claim": _about_reward,
    "capture": _about_reward,
    "release": _about_reward,
    "time_out": _about_reward,
    "grant": _granted,
    "total": _granted,
    "adjust": _adjusted,
    "transfer_out": _moved,
    "transfer_in": _moved,
    "merge_out": _moved,
    "merge_in": _moved,
    "activate": _moved,
    "expire": _expired,
    "convert": _converted,
    "tier": _judged,
    "notice": _noticed,
    "mark": _marked,
}
