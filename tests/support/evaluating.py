"""Events evaluated under a programme text, one after the other, for a member whose standing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from points.book import CapState
from points.programme.canonical import version_of
from points.programme.context import Context, Evaluation
from points.programme.evaluation import caps_of, context_of, evaluate, less, without
from points.programme.events import Event
from points.programme.settlement import Given, settle
from points.programme.standing import Standing, fold
from points.programme.text import read_programme
from points.programme.version import InForce, TermsRate, Version

HEAD = """\
programme: test
names: {en: Test}
zone: Europe/Helsinki
currency: EUR
partners: {a: {name: A}, b: {name: B}, s: {name: S, roles: [sponsor]}}
locations: {station: Station, market: Market}
"""
MONDAY = datetime(2026, 11, 16, 10, tzinfo=UTC)
IDS = {"a": "prt_a", "b": "prt_b", "s": "prt_s", "station": "loc_s", "market": "loc_m"}


def version(rest: str) -> Version:
    """The version of HEAD and what follows it."""
    return version_of(read_programme(HEAD + rest))


@dataclass
class Bought:
    """An event with what it was decided on."""

    event: Event
    context: Context
    evaluation: Evaluation
    given: tuple[Given, ...]
    returned: dict[int, int] = field(default_factory=dict)
    amount_minor: int = 0

    @property
    def points(self) -> int:
        return sum(given.points for given in self.given)

    @property
    def refusals(self) -> dict[str, str]:
        return dict(self.evaluation.refusals)


@dataclass
class Member:
    """A member of a programme: events in, points out, standing and shared budgets kept."""

    version: Version
    standing: Standing = field(default_factory=Standing)
    member_id: str = "mbr_1"
    balance: int = 0
    caps: dict[str, CapState] = field(default_factory=dict)
    terms: TermsRate | None = None
    at: datetime = MONDAY

    def does(
        self,
        event: Event,
        *,
        at: datetime | None = None,
        partner: str = "a",
        location: str | None = None,
        after: timedelta = timedelta(),
    ) -> Bought:
        """The event happens (`after` the one before, or `at`)."""
        self.at = (at or self.at) + after
        in_force = InForce(self.version, IDS, {value: name for name, value in IDS.items()})
        for cap_id, size in caps_of(in_force, event, self.at).items():
            self.caps.setdefault(cap_id, CapState(cap_id, size))
        context = context_of(
            in_force,
            self.standing,
            event,
            at=self.at,
            partner_id=IDS[partner],
            location_id=IDS[location] if location else None,
            terms=self.terms,
            member_id=self.member_id,
            balance=self.balance,
            caps=self.caps,
        )
        evaluation = evaluate(self.version, event, context)
        return Bought(event, context, evaluation, self._take(evaluation, context))

    def buys(self, amount_minor: int, **how: object) -> Bought:
        """A purchase without lines."""
        return self.does(Event(amount_minor=amount_minor), **how)  # type: ignore[arg-type]

    def returns(
        self, bought: Bought, amount_minor: int = 0, lines: Mapping[int, int] | None = None
    ) -> tuple[Given, ...]:
        """Money or lines come back; what the member gets for it (0 or less) is returned."""
        before = without(bought.event, bought.returned, bought.amount_minor)
        for line, amount in (lines or {}).items():
            bought.returned[line] = bought.returned.get(line, 0) + amount
        bought.amount_minor += amount_minor
        after = without(bought.event, bought.returned, bought.amount_minor)
        return self._take(less(self.version, before, after, bought.context), bought.context)

    def _take(self, evaluation: Evaluation, context: Context) -> tuple[Given, ...]:
        settled = settle(evaluation.parts, self.standing.carries, context)
        fold(self.standing, evaluation.change)
        fold(self.standing, settled.change)
        for cap_id, used in evaluation.uses.items():
            self.caps[cap_id].used += used
        self.balance += sum(given.points for given in settled.points)
        return settled.points
