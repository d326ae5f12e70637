"""Why an entry has the points that it has, in words of the member's language."""

from typing import Any

import msgspec
import pytest

from points.explain import explain
from points.programme.events import Event, Line
from points.programme.version import TermsRate, Version
from tests.support.evaluating import Bought, Member, version

NAMES = "unit: {names: {en: [star, stars], fi: [tähti, tähteä], hu: [csillag, csillag]}}\n"
SPEND = (
    NAMES
    + """earn:
  - {id: base, kind: spend, per: 1.00, points: 1.2,
     names: {en: Every purchase, fi: Jokainen ostos, hu: Minden vásárlás}}
campaigns:
  - {id: friday, stacking: stack, times: 2, names: {en: Happy Friday, fi: Iloinen perjantai, hu: Boldog péntek}}
"""
)


def facts_of(bought: Bought, **more: Any) -> dict[str, Any]:
    """Facts as an entry pins them."""
    facts = {
        "version": "v",
        "event": bought.event,
        "context": bought.context,
        "lots": [[given.rule, given.campaign, given.issuer_id, given.points] for given in bought.given],
        **more,
    }
    pinned: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(facts))
    return pinned


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "The purchase was 12.34 EUR, of which 11.34 EUR counts.",
                "Every purchase (1.2 stars for every 1.00 EUR): 13.608 stars.",
                "Campaign Happy Friday: 13.608 stars more.",
                "Carried over from before: 0 stars; kept for the next time: 1.216 stars.",
                "In all: +26 stars.",
            ],
        ),
        (
            "fi",
            [
                "Ostoksen summa oli 12,34 EUR, josta otetaan huomioon 11,34 EUR.",
                "Jokainen ostos (1,2 tähteä jokaista 1,00 EUR kohti): 13,608 tähteä.",
                "Kampanja Iloinen perjantai: lisäksi 13,608 tähteä.",
                "Aiemmasta siirtyi 0 tähteä; seuraavaan kertaan jää 1,216 tähteä.",
                "Yhteensä: +26 tähteä.",
            ],
        ),
        (
            "hu",
            [
                "A vásárlás összege 12,34 EUR volt, ebből 11,34 EUR számít.",
                "Minden vásárlás (1,2 csillag minden 1,00 EUR után): 13,608 csillag.",
                "Boldog péntek kampány: további 13,608 csillag.",
                "Korábbról áthozva: 0 csillag; a következő alkalomra marad: 1,216 csillag.",
                "Összesen: +26 csillag.",
            ],
        ),
    ],
)
def test_an_earning_says_what_counted_what_each_rule_gave_and_what_is_kept(language: str, said: list[str]) -> None:
    member = Member(version(SPEND))
    bought = member.does(Event(amount_minor=1234, discount_minor=100))
    assert explain(member.version, "earn", facts_of(bought), bought.points, 1234, "EUR", language) == said


def test_terms_pieces_and_visits_are_told_in_their_own_way() -> None:
    text = """earn:
      - {id: terms, kind: terms}
      - {id: cut, kind: item, points: 25, match: {categories: [cut]}, adds: true, names: {en: Haircut}}
      - {id: visit, kind: visit, points: 1, min_gap: PT1H}"""
    member = Member(version(text), terms=TermsRate("trm_1", 1, 300))
    event = Event(amount_minor=1000, lines=(Line(amount_minor=1000, category="cut"),))
    first, second = member.does(event), member.does(event)
    assert explain(member.version, "earn", facts_of(first), first.points, 1000, "EUR") == [
        "The purchase was 10.00 EUR.",
        "Rate of the shop, trm_1 (1 point for every 3.00 EUR): ~3.333333 points.",
        "Haircut (25 points for a quantity of 1): 25 points.",
        "visit: 1 point.",
        "Carried over from before: 0 points; kept for the next time: ~0.333333 points.",
        "In all: +29 points.",
    ]
    told = explain(
        member.version, "earn", facts_of(second, carries_before={"prt_a/terms": [1, 3]}), second.points, 1000, "EUR"
    )
    assert told[-3:] == [
        "Carried over from before: ~0.333333 points; kept for the next time: ~0.666667 points.",
        "In all: +28 points.",
        "visit gave nothing: too soon after the last time.",
    ]


def test_an_earning_says_from_when_and_until_when_its_points_can_be_used() -> None:
    member = Member(version(SPEND))
    bought = member.buys(1000)
    issued = {"lot_1": ["2027-11-30T22:00:00Z", "2026-11-30T10:00:00Z", None], "lot_2": [None, None, "order.delivered"]}
    told = explain(member.version, "earn", facts_of(bought, issued=issued), 24, 1000, "EUR", "fi")
    assert told[-3:] == [
        "Käytettävissä 30.11.2026 alkaen.",
        "Voimassa 30.11.2027 asti.",
        "Käytettävissä heti, kun tämä on tapahtunut: order.delivered.",
    ]


def test_a_refund_says_what_it_takes_back_and_from_which_rule() -> None:
    facts = {
        "lots": [["base", None, "prt_a", -5], ["base", "friday", "prt_a", -6]],
        "carries_before": {"prt_a/base": [1, 4]},
        "change": {"carries": {"prt_a/base": [1, 2]}},
    }
    assert explain(version(SPEND), "reverse", facts, -11, 500, "EUR") == [
        "5.00 EUR was refunded; points are what the rest of the purchase gives.",
        "Every purchase: -5 stars.",
        "Campaign Happy Friday: -6 stars more.",
        "Carried over from before: 0.25 stars; kept for the next time: 0.5 stars.",
        "Taken back: 11 stars.",
    ]


PLACE = version(
    NAMES
    + """rewards: [{id: cup, kind: product, cost: 10, names: {en: A cup, fi: Kupillinen, hu: Egy csésze}}]
engagement: {challenges: [{id: five, names: {en: Five visits, fi: Viisi käyntiä, hu: Öt látogatás}, per: week,
  goal: {count: 5}, gain: {points: 1}}]}
tiers: {measure: points, window: {kind: lifetime}, levels: [{id: plain, names: {en: Plain}, from: 0},
  {id: gold, names: {en: Gold, fi: Kulta, hu: Arany}, from: 500}]}"""
)


@pytest.mark.parametrize(
    ("kind", "facts", "points", "said"),
    [
        ("redeem", {}, -25, ["Käytetty: 25 tähteä."]),
        (
            "redeem",
            {"reward": "cup", "worth_minor": 250},
            -1,
            ["Käytetty: 1 tähti.", "Etu: Kupillinen.", "Arvo 2,50 EUR."],
        ),
        ("reverse", {}, 25, ["Palautettu: 25 tähteä."]),
        (
            "reverse",
            {"retracted": "five"},
            -1,
            ["Viisi käyntiä: ehto ei enää täyty palautuksen jälkeen.", "Peruttu: 1 tähti."],
        ),
        ("claim", {"reward": "cup"}, -10, ["Varattu etuun Kupillinen: 10 tähteä."]),
        ("capture", {"reward": "cup"}, -10, ["Kupillinen on luovutettu, hinta 10 tähteä."]),
        ("release", {"reward": "cup"}, 10, ["Kupillinen: varaus peruttiin, 10 tähteä on taas käytettävissä."]),
        ("time_out", {"reward": "cup"}, 10, ["Kupillinen: varaus vanheni, 10 tähteä on taas käytettävissä."]),
        (
            "grant",
            {"reason": "challenge", "about": "five", "reward": "cup"},
            1,
            ["Haaste suoritettu: Viisi käyntiä.", "Yhteensä: +1 tähti.", "Etu: Kupillinen."],
        ),
        ("grant", {"reason": "birthday", "about": "2026"}, 0, ["Hyvää syntymäpäivää!"]),
        ("grant", {"reason": "kindness", "about": ""}, 2, ["Peruste: kindness.", "Yhteensä: +2 tähteä."]),
        (
            "total",
            {"reason": "total", "about": "bonus/2026-11"},
            7,
            ["bonus: laskettu koko jaksolta 2026-11.", "Yhteensä: +7 tähteä."],
        ),
        (
            "adjust",
            {"reason": "Kortti unohtui.", "actor": "anna", "approved_by": "pekka"},
            -3,
            ["Korjattu käsin: Kortti unohtui.", "Tekijä: anna.", "Hyväksyjä: pekka.", "Yhteensä: -3 tähteä."],
        ),
        ("transfer_out", {}, -3, ["Annettu toiselle jäsenelle: 3 tähteä."]),
        ("transfer_in", {}, 3, ["Saatu toiselta jäseneltä: 3 tähteä."]),
        ("merge_out", {}, -3, ["Siirretty tilille, jota käytät tästä lähtien: 3 tähteä."]),
        ("merge_in", {}, 3, ["Siirretty toiselta tililtä: 3 tähteä."]),
        ("activate", {"lots": ["lot_1"]}, 3, ["Käytettävissä tästä lähtien: 3 tähteä."]),
        ("expire", {}, -3, ["Voimassaolo päättyi: 3 tähteä."]),
        (
            "expire",
            {"prolonged": {"lot_1": "2026-12-31T22:00:00Z"}},
            0,
            ["Voimassaolo jatkuu 1.1.2027 asti, koska olet ollut aktiivinen."],
        ),
        ("convert", {"worth_minor": 150}, -150, ["150 tähteä vaihtui arvosetelin arvoksi 1,50 EUR."]),
        ("tier", {"change": {"tier": {"level": "gold", "since": 1}}}, 0, ["Taso: Kulta."]),
        (
            "notice",
            {"notice": "expiry", "points": 5, "ends_at": "2026-12-30T22:00:00Z"},
            0,
            ["Vanhenee 31.12.2026: 5 tähteä."],
        ),
        (
            "notice",
            {"notice": "tier", "level": "gold", "to": "plain", "falls_on": "2026-12-31"},
            0,
            ["Kulta on voimassa 31.12.2026 asti; sen jälkeen taso on Plain."],
        ),
        ("mark", {"reason": "consent"}, 0, ["Kirjattu: consent."]),
        ("mark", {"frozen": True}, 0, ["Tili on jäädytetty."]),
        ("mark", {"frozen": False}, 0, ["Tili on taas käytössä."]),
    ],
)
def test_every_kind_of_entry_explains_itself(kind: str, facts: dict[str, Any], points: int, said: list[str]) -> None:
    assert explain(PLACE, kind, facts, points, None, None, "fi") == said
    for language in ("en", "hu", "de"):
        told = explain(PLACE, kind, facts, points, None, None, language)
        assert len(told) == len(said)
        assert all(line[0].isupper() or line[0].isdigit() or line.startswith("bonus") for line in told)


@pytest.mark.parametrize(
    "kind", ["earn", "redeem", "reverse", "claim", "grant", "expire", "notice", "mark", "tier", "new"]
)
def test_an_entry_of_an_unknown_version_is_explained_as_far_as_it_can_be(kind: str) -> None:
    known: Version | None = None
    assert isinstance(explain(known, kind, {"reward": "cup", "ends_at": "2026-12-30T22:00:00Z"}, -5, None, None), list)


@pytest.mark.parametrize(
    ("kind", "facts", "points", "language", "said"),
    [
        ("redeem", {"proof": {"way": "tap"}}, -5, "en", "The phone was held to the reader."),
        ("claim", {"reward": "mug", "proof": {"way": "pin"}}, -5, "fi", "Vahvistettu PIN-koodilla."),
        ("redeem", {"offline": {"terminal": "t"}, "short": 3}, -5, "en", "3 points were not there."),
        ("activate", {"verdict": {"approved": True}}, 5, "en", "It was looked at and approved."),
        ("reverse", {"verdict": {"approved": False}}, -5, "hu", "A tételt ellenőriztük, és nem hagytuk jóvá."),
        ("mark", {"reason": "review", "verdict": {"approved": True}}, 0, "fi", "tarkistettu ja hyväksytty"),
        ("mark", {"reason": "acted", "about": "class.attended"}, 0, "en", "This has happened: class.attended."),
        ("mark", {"reason": "acted"}, 0, "en", "acted"),
    ],
)
def test_proofs_offline_spending_and_reviews_are_told(
    kind: str, facts: dict[str, Any], points: int, language: str, said: str
) -> None:
    lines = explain(None, kind, facts, points, None, None, language)
    assert any(said in line for line in lines), lines


def test_points_under_review_say_what_else_they_wait_for() -> None:
    buyer = Member(version(SPEND))
    bought = buyer.buys(500)
    for awaits, count in (("review", 1), ("review+class.attended", 2)):
        facts = facts_of(bought, review=["own_account"], issued={"lot_1": [None, None, awaits]})
        lines = explain(buyer.version, "earn", facts, 6, 500, "EUR", "en")
        assert "They can be used as soon as somebody has looked at this." in lines
        assert sum("as soon as" in line for line in lines) == count
