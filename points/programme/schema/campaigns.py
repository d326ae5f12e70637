"""Campaigns change what rules give for a while. Their stacking is always written, never implied."""

from typing import Literal

from points.programme.schema.basics import Budget, Id, Limit, Match, Node, Number, PointCount, Schedule, When, Words


class Campaign(Node, frozen=True, kw_only=True):
    """`times` multiplies what the rules give for matching lines, or `adds` gives so many points per purchase or event.

    `stacking`, judged among the campaigns that hold: an `exclusive` one stands alone (the first written wins over all
    others), of all `best_of` ones the one that gives most is used, and `stack` ones are applied after it in written
    order. `budget` stops exactly; the last grant may be a part. Points beyond the rules' own are issued by `sponsor`.
    An offer (`activation`) holds for members who switched it on. `applies_to` names earn rules (default all).
    """

    id: Id
    stacking: Literal["exclusive", "best_of", "stack"]
    names: Words | None = None
    times: Number | None = None
    adds: PointCount | None = None
    schedule: Schedule = Schedule()
    match: Match = Match()
    when: When = When()
    applies_to: tuple[Id, ...] = ()
    events: tuple[str, ...] = ()
    budget: Budget | None = None
    per_member: Limit | None = None
    sponsor: Id | None = None
    activation: bool = False
    holdout: Id | None = None
