"""Goals, languages, notices, consent: what is easily forgotten."""

from collections.abc import Iterator

from points.programme.checks.parts import parts
from points.programme.lints.advice import Advice
from points.programme.periods import span
from points.programme.schema.lifecycle import Rolling
from points.programme.schema.programme import Programme
from points.programme.schema.segments import Predicate


def goal(programme: Programme) -> Iterator[Advice]:
    """A programme is for something."""
    if programme.goal is None:
        yield Advice("no_goal", ("goal",), "say what the programme is for (`goal`), and when to look whether it helps")


def languages(programme: Programme) -> Iterator[Advice]:
    """Whatever has a name should have it in all languages of the programme."""
    for place, part in parts(programme):
        given = getattr(part, "names", None)
        missing = [language for language in programme.names if language not in (given or ())]
        if place and given and missing:
            yield Advice("language_missing", (*place, "names"), f"there is no name in {', '.join(missing)}")


def notices(programme: Programme) -> Iterator[Advice]:
    """A notice ahead of an expiry must not come before the point."""
    expiry = programme.lots.expiry
    if not isinstance(expiry, Rolling):
        return
    for number, ahead in enumerate(programme.lots.notices):
        if span(ahead).upper_days >= span(expiry.length).upper_days:
            text = f"a notice {ahead} ahead comes before points that live {expiry.length} are earned"
            yield Advice("notice_too_early", ("lots", "notices", number), text)


def proofs(programme: Programme) -> Iterator[Advice]:
    """A proof that is asked above what can be spent in a day is never asked."""
    limits = programme.redemptions
    most = limits.max_points_per_day
    if limits.proof is not None and most is not None and limits.proof.above >= most:
        text = f"at most {most} points are spent in a day, so no proof is ever asked for"
        yield Advice("proof_never_asked", ("redemptions", "proof", "above"), text)


def sensitive(programme: Programme) -> Iterator[Advice]:
    """Who looks at sensitive categories finds only members who consented."""
    for number, segment in enumerate(programme.segments):
        looked_at = {part.category for _, part in parts(segment) if isinstance(part, Predicate)}
        named = sorted(category for category in looked_at if category in programme.sensitive_categories)
        if named and segment.consent != "sensitive":
            text = (
                f"`{', '.join(named)}` is sensitive; only members who consented are in it (write `consent: sensitive`)"
            )
            yield Advice("sensitive_segment", ("segments", number), text)
