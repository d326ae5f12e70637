"""What keeps members coming: referral, challenges, streaks, badges, boards, birthdays, surprises, games, staff."""

from typing import Annotated, Literal

import msgspec

from points.programme.schema.basics import (
    Budget,
    Count,
    Id,
    Limit,
    Match,
    Money,
    Node,
    Per,
    PointCount,
    Share,
    Span,
    When,
    Words,
)

Tally = Literal["visits", "purchases", "spend", "points", "items"]


class Gain(Node, frozen=True, kw_only=True):
    """What is won: points, a reward's voucher, a badge; any of them."""

    points: PointCount | None = None
    reward: Id | None = None
    badge: Id | None = None


class Referral(Node, frozen=True, kw_only=True):
    """Points for both sides after the friend's first purchase of at least `minimum_basket`, `hold` later if it was not
    returned; at most `max_friends` per member and period."""

    referrer: PointCount
    friend: PointCount
    minimum_basket: Money | None = None
    hold: Span = "P14D"
    max_friends: Count = 20
    per: Per = "year"


class Goal(Node, frozen=True, kw_only=True):
    """So much of a tally, or so many of an event."""

    count: Count | None = None
    amount: Money | None = None
    of: Tally = "visits"
    event: str | None = None
    match: Match = Match()


class Challenge(Node, frozen=True, kw_only=True):
    """Reach the goal within a calendar period or a rolling span and win; once, or once in each period (`repeat`).

    With `count` of `per: ever` and `repeat` it is a stamp card beside a points programme.
    """

    id: Id
    names: Words
    goal: Goal
    gain: Gain
    per: Per | None = None
    within: Span | None = None
    repeat: bool = False


class Streak(Node, frozen=True, kw_only=True):
    """`length` periods in a row with at least `minimum` visits each. A missed period uses a freeze, or resets."""

    id: Id
    names: Words
    per: Literal["day", "week", "month"]
    length: Count
    gain: Gain
    minimum: Count = 1
    freezes: Annotated[int, msgspec.Meta(ge=0, le=52)] = 0


class Milestone(Node, frozen=True, kw_only=True):
    """Once, when the lifetime total reaches the goal."""

    id: Id
    names: Words
    goal: Goal
    gain: Gain


class Badge(Node, frozen=True, kw_only=True):
    """An award without a value; earned again, its count rises."""

    id: Id
    names: Words


class Leaderboard(Node, frozen=True, kw_only=True):
    """Who did most in a period, among members who opted in under a pseudonym; of equals the earlier one leads."""

    id: Id
    names: Words
    of: Tally
    per: Literal["week", "month", "quarter", "year"]
    places: Count = 10


class Choice(Node, frozen=True, kw_only=True):
    """One of several gains, for those of whom `when` holds."""

    id: Id
    names: Words
    gain: Gain
    when: When = When()


class Yearly(Node, frozen=True, kw_only=True):
    """Once a year around a member's day: `gain`, from `before` it until `valid` after it; `by_tier` another gain.

    With `choices` the member picks one of them within that time, instead. Someone born on 29 February celebrates on
    `feb29` in other years. A new date counts `settle` after it was given.
    """

    gain: Gain = Gain()
    by_tier: dict[Id, Gain] = {}
    choices: tuple[Choice, ...] = ()
    before: Span = "P0D"
    valid: Span = "P14D"
    valid_by_tier: dict[Id, Span] = {}
    feb29: Literal["feb28", "mar01"] = "feb28"
    settle: Span = "P30D"


class Surprise(Node, frozen=True, kw_only=True):
    """A draw with `chance` at each purchase for `points`, within a budget. The seed's SHA-256 is `commitment`, told
    before; the seed is told after, and repeats the draws."""

    id: Id
    points: PointCount
    chance: Share
    budget: Budget


class Prize(Node, frozen=True, kw_only=True):
    """One outcome of a game, with its odds and how many there are."""

    id: Id
    odds: Share
    gain: Gain | None = None
    stock: Count | None = None


class Game(Node, frozen=True, kw_only=True):
    """A chance game: `cost` points a draw (none: free), published odds, prizes with stock."""

    id: Id
    names: Words
    prizes: tuple[Prize, ...]
    cost: PointCount | None = None
    per_member: Limit | None = None


class Survey(Node, frozen=True, kw_only=True):
    """Points for answering once; the answers are kept apart from the points."""

    id: Id
    kind: Literal["nps", "csat", "free"]
    points: PointCount | None = None


class StaffRecognition(Node, frozen=True, kw_only=True):
    """Customers nominate staff with the entry of a visit; counted in a unit of its own that cannot be spent."""

    unit: str = "RECOGNITION"
    max_per_member: Limit = Limit(times=1, per="day")
    monthly_award: bool = True


class Engagement(Node, frozen=True, kw_only=True):
    """All of it; whatever is absent does not exist."""

    referral: Referral | None = None
    challenges: tuple[Challenge, ...] = ()
    streaks: tuple[Streak, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    badges: tuple[Badge, ...] = ()
    leaderboards: tuple[Leaderboard, ...] = ()
    birthday: Yearly | None = None
    anniversary: Yearly | None = None
    surprises: tuple[Surprise, ...] = ()
    games: tuple[Game, ...] = ()
    surveys: tuple[Survey, ...] = ()
    staff: StaffRecognition | None = None
