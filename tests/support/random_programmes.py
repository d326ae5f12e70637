"""Random programmes and events for properties: every kind of rule, limit and stacking, written as files are."""

import json
from typing import Any

from hypothesis import strategies as st

from points.programme.canonical import version_of
from points.programme.events import VISIT, Event, Line, Tender
from points.programme.text import read_programme
from points.programme.version import TermsRate, Version

CATEGORIES = ("tea", "cake", "books", "gift_cards")
TENDERS = ("card", "cash", "points")
EVENTS = ("review", "loaded")

# The rate of the partner for rules of kind `terms`.
TERMS = TermsRate("trm_1", 2, 300)

Json = dict[str, Any]


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Any of the fields, or none."""
    return st.fixed_dictionaries({}, optional=fields)


def _list_of(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


matches = _some(categories=_list_of(*CATEGORIES[:3]), tenders=_list_of(*TENDERS[:2]), channels=st.just(["web"]))
whens = _some(
    tiers=st.just(["gold"]),
    segments=st.just(["regulars"]),
    first_purchase=st.just(True),
    nth=st.just({"at_least": 2, "within": "P7D"}),
).filter(lambda when: not {"first_purchase", "nth"} <= set(when))
periods = st.sampled_from(["day", "month", "ever"])
rates = st.sampled_from([0.3, 1, 1.2, 2, 3.75])
roundings = st.sampled_from(["carry", "floor", "half_up", "ceil"])
limits = _some(
    adds=st.booleans(),
    minimum_basket=st.sampled_from([1, 5.5, 20]),
    min_gap=st.sampled_from(["PT10M", "P1D"]),
    max_per=st.dictionaries(periods, st.integers(1, 3), min_size=1, max_size=2),
    max_points=st.dictionaries(periods, st.integers(1, 40), min_size=1, max_size=2),
    once_per=st.sampled_from(["subject", "member"]),
)
kinds = st.one_of(
    st.just({"kind": "terms"}),
    st.fixed_dictionaries(
        {"kind": st.just("spend"), "per": st.sampled_from([1, 0.7, 3]), "points": rates, "rounding": roundings},
        optional={"tiers": st.just({"gold": 2.5})},
    ),
    st.fixed_dictionaries({"kind": st.just("visit"), "points": st.integers(1, 9)}),
    st.fixed_dictionaries(
        {"kind": st.just("item"), "points": rates, "per_quantity": st.sampled_from([1, 2.5]), "rounding": roundings}
    ),
    st.fixed_dictionaries({"kind": st.just("event"), "event": st.just("review"), "points": st.integers(1, 9)}),
    st.just({"kind": "event", "event": "loaded", "steps": [{"from": 10, "points": 4}, {"from": 20, "points": 9}]}),
    st.just({"kind": "period_total", "period": "month", "per": 1, "steps": [{"from": 0, "points": 1}]}),
)


@st.composite
def rules(draw: st.DrawFn) -> list[Json]:
    """One to five rules; a period total takes what it may take."""
    made = []
    for index in range(draw(st.integers(1, 5))):
        rule: Json = {"id": f"r{index}", **draw(kinds), "match": draw(matches), "when": draw(whens)}
        if rule["kind"] != "period_total":
            rule |= draw(limits)
        if rule["kind"] == "event":
            rule["match"], rule["when"] = {}, {}
        made.append(rule)
    return made


@st.composite
def campaigns(draw: st.DrawFn, ids: list[str]) -> list[Json]:
    """Up to four campaigns about some of the rules."""
    made = []
    for index in range(draw(st.integers(0, 4))):
        campaign: Json = {
            "id": f"c{index}",
            "stacking": draw(st.sampled_from(["exclusive", "best_of", "stack"])),
            "match": draw(matches),
            "when": draw(whens),
        }
        campaign |= draw(st.sampled_from([{"times": 2}, {"times": 1.3}, {"adds": 7}]))
        campaign |= draw(
            _some(
                budget=st.fixed_dictionaries({"points": st.integers(1, 60), "per": periods}),
                per_member=_some(times=st.integers(1, 3), points=st.integers(1, 30), per=periods).filter(
                    lambda limit: "times" in limit or "points" in limit
                ),
                sponsor=st.just("s"),
                applies_to=st.lists(st.sampled_from(ids), min_size=1, max_size=2, unique=True),
            )
        )
        made.append(campaign)
    return made


def version_from(earn: list[Json], pushes: list[Json], **more: Any) -> Version:
    """The version of a file with these rules and campaigns. Raises ProgrammeFaults."""
    file = {
        "programme": "random",
        "names": {"en": "Random"},
        "zone": "Europe/Helsinki",
        "currency": "EUR",
        "partners": {"a": {"name": "A"}, "s": {"name": "S", "roles": ["sponsor"]}},
        "tiers": {
            "measure": "points",
            "window": {"kind": "lifetime"},
            "levels": [
                {"id": "plain", "names": {"en": "P"}, "from": 0},
                {"id": "gold", "names": {"en": "G"}, "from": 50},
            ],
        },
        "segments": [{"id": "regulars", "where": {"purchases_at_least": 2}}],
        "earn": earn,
        "campaigns": pushes,
        **more,
    }
    return version_of(read_programme(json.dumps(file)))


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """A version with every kind of rule and campaign."""
    earn = draw(rules())
    pushes = draw(campaigns([rule["id"] for rule in earn]))
    base = draw(_some(minimum_basket=st.just(2), tax=st.just("excluded"), visit_gap=st.just("PT10M")))
    return version_from(earn, pushes, earn_base=base)


@st.composite
def purchases(draw: st.DrawFn) -> Event:
    """A purchase with or without lines, tenders, discounts, taxes."""
    lines: tuple[Line, ...] = ()
    if draw(st.booleans()):
        made = []
        for _ in range(draw(st.integers(1, 4))):
            amount = draw(st.integers(1, 3000))
            made.append(
                Line(
                    amount_minor=amount,
                    category=draw(st.sampled_from((*CATEGORIES, None))),
                    tax_minor=draw(st.integers(0, amount // 4)),
                    quantity_milli=draw(st.integers(1, 4000)),
                )
            )
        lines = tuple(made)
    amount = sum(line.amount_minor for line in lines) or draw(st.integers(1, 6000))
    discount, reward = draw(st.integers(0, amount // 2)), draw(st.sampled_from([0, 0, amount // 3, amount]))
    tenders = draw(
        st.lists(st.builds(Tender, kind=st.sampled_from(TENDERS), amount_minor=st.integers(1, amount)), max_size=3)
    )
    return Event(
        amount_minor=amount,
        tax_minor=draw(st.integers(0, amount // 4)),
        discount_minor=discount,
        reward_minor=reward,
        lines=lines,
        tenders=tuple(tenders),
        subject=draw(st.sampled_from([None, "one", "two"])),
        channel=draw(st.sampled_from([None, "web"])),
    )


events = st.one_of(
    purchases(),
    purchases(),
    st.just(Event(name=VISIT)),
    st.builds(Event, name=st.just("review"), subject=st.sampled_from([None, "one", "two"])),
    st.builds(Event, name=st.just("loaded"), amount_minor=st.integers(1, 4000)),
)
