"""A patch brings whatever Google holds to exactly the newest state: nothing of an earlier one stays behind."""

from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from kernel.i18n import LANGUAGES
from passes.card import Card, Link, Place, Value, Words
from passes.coupons import coupon_look
from passes.google.document import (
    ClassOptions,
    ClassPictures,
    LiveBarcode,
    Ticket,
    class_body,
    class_patch,
    object_body,
    object_patch,
    offer_class_body,
    offer_class_patch,
    offer_object_body,
    offer_object_patch,
)
from passes.google.schema.check import Resource
from passes.google.validation import faults
from passes.look import Action, BackText, Barcode, Layout, Look, LookLink, ValueKey
from passes.sandbox.google_resources import Resources

ISSUER = "3388000000022000000"
CLASS, OBJECT = f"{ISSUER}.ptn_cafe", f"{ISSUER}.pass_01"
LINKED = tuple(f"{ISSUER}.offer_{number}" for number in range(3))
LIVE = LiveBarcode("CPL1.p.{totp_timestamp_seconds}.{totp_value_0}", "00" * 20)

texts = st.sampled_from(["", "Gold", "Kulta", "Arany", "12 points"])
words: st.SearchStrategy[Words] = st.one_of(
    st.sampled_from([{"en": "Points"}, {"en": "Points", "fi": "Pisteet", "hu": "Pont"}]),
    st.dictionaries(st.sampled_from(LANGUAGES), texts),
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
values = st.one_of(
    st.builds(Value, label=words, text=words),
    st.builds(Value, label=words, number=st.integers(-(2**40), 2**40)),
    st.builds(Value, label=words, minor=st.integers(-(10**9), 10**9), currency=st.sampled_from(["EUR", "JPY"])),
    st.builds(Value, label=words, moment=moments),
)
places = st.builds(Place, text=words, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
urls = st.sampled_from(["https://a.example", "https://b.example", "tel:+358401234567"])
cards = st.builds(
    Card,
    brand_id=st.just("ptn_cafe"), design=st.just("dsn_1"), language=st.sampled_from([*LANGUAGES, "sv"]),
    description=words, code=st.sampled_from(["", "ABC234", "ÄÖ"]),
    values=st.builds(
        dict[str, Value].__or__,
        st.dictionaries(st.sampled_from([*get_args(ValueKey), "news"]), values),
        st.fixed_dictionaries({"balance": values}),
    ),
    links=st.lists(st.builds(Link, words, urls), max_size=2).map(tuple),
    places=st.lists(places, max_size=2).map(tuple), valid_until=st.none() | moments,
)  # fmt: skip
keys = st.lists(st.sampled_from(get_args(ValueKey)), max_size=3, unique=True).map(tuple)
looks = st.builds(
    Look,
    id=st.just("dsn_1"), partner_id=st.just("ptn_cafe"), brand_name=st.just("Café"),
    logo_text=st.sampled_from(["", "C"]),
    layout=st.builds(Layout, header=keys, primary=keys, secondary=keys, auxiliary=keys, back=keys),
    labels=st.dictionaries(st.sampled_from(["holder", "member_code"]), words),
    texts=st.lists(st.builds(BackText, st.just("hours"), words, words), max_size=1).map(tuple),
    links=st.lists(st.builds(LookLink, words, urls), max_size=1).map(tuple),
    actions=st.lists(st.builds(Action, st.sampled_from(["shop", "call"]), urls), max_size=2).map(tuple),
    barcode=st.sampled_from(get_args(Barcode)), taps=st.booleans(), sharing=st.booleans(), live_code=st.booleans(),
    android_app=st.sampled_from(["", "org.example.cafe"]),
)  # fmt: skip
tickets = st.builds(
    Ticket,
    object_id=st.just(OBJECT), class_id=st.just(CLASS), tap_code=st.sampled_from(["", "t4pc0de"]),
    live=st.sampled_from([None, LIVE]), voided=st.booleans(), places=st.booleans(),
)  # fmt: skip
pictures = st.builds(
    ClassPictures,
    st.sampled_from(["https://p.example/1.png", "https://p.example/2.png"]),
    st.sampled_from([None, "https://p.example/hero.png"]),
    st.sampled_from([None, "https://p.example/image.png"]),
)
options = st.builds(
    ClassOptions,
    callback_url=st.sampled_from([None, "https://p.example/google"]),
    smart_tap_issuers=st.sampled_from([(), (ISSUER,)]),
    places=st.lists(places, max_size=1).map(tuple),
)


def a_google(resource: Resource) -> Resources:
    """One that has an approved class."""
    google = Resources(ISSUER)
    logo = ClassPictures("https://p.example/1.png")
    look = Look(id="dsn_1", partner_id="ptn_cafe", brand_name="Café")
    if resource == "loyaltyObject":
        google.insert("loyaltyClass", class_body(look, CLASS, logo))
    else:
        google.insert("offerClass", offer_class_body(look, CLASS, {"en": "Coffee"}, logo))
    return google


def refused(resource: Resource, body: dict[str, Any]) -> list[str]:
    return [one.says for one in faults(resource, body) if one.refused]


@given(before=st.tuples(cards, looks, tickets), after=st.tuples(cards, looks, tickets))
def test_a_card_is_patched_to_exactly_its_state(
    before: tuple[Card, Look, Ticket], after: tuple[Card, Look, Ticket]
) -> None:
    google = a_google("loyaltyObject")
    google.insert("loyaltyObject", object_body(*before))
    google.patch("loyaltyObject", OBJECT, object_patch(*after))
    assert google.get("loyaltyObject", OBJECT) == object_body(*after)
    assert not refused("loyaltyObject", object_body(*after))


@given(before=st.tuples(cards, looks, tickets), after=st.tuples(cards, looks, tickets))
def test_a_coupon_is_patched_to_exactly_its_state(
    before: tuple[Card, Look, Ticket], after: tuple[Card, Look, Ticket]
) -> None:
    google = a_google("offerObject")
    google.insert("offerObject", offer_object_body(before[0], coupon_look(before[1]), before[2]))
    google.patch("offerObject", OBJECT, offer_object_patch(after[0], coupon_look(after[1]), after[2]))
    assert google.get("offerObject", OBJECT) == offer_object_body(after[0], coupon_look(after[1]), after[2])


@given(before=st.tuples(looks, pictures, options), after=st.tuples(looks, pictures, options))
def test_a_class_is_patched_to_exactly_the_newest_look(
    before: tuple[Look, ClassPictures, ClassOptions], after: tuple[Look, ClassPictures, ClassOptions]
) -> None:
    google = Resources(ISSUER)
    google.insert("loyaltyClass", class_body(before[0], CLASS, *before[1:]))
    google.patch("loyaltyClass", CLASS, class_patch(*after))
    assert google.get("loyaltyClass", CLASS) == {
        **class_body(after[0], CLASS, *after[1:]), "reviewStatus": "APPROVED",
    }  # fmt: skip
    assert not refused("loyaltyClass", class_body(after[0], CLASS, *after[1:]))


@given(
    before=st.tuples(looks, words, pictures, options),
    after=st.tuples(looks, words, pictures, options),
)
def test_a_class_of_coupons_is_patched_to_exactly_the_newest_look(
    before: tuple[Look, Words, ClassPictures, ClassOptions], after: tuple[Look, Words, ClassPictures, ClassOptions]
) -> None:
    google = Resources(ISSUER)
    google.insert("offerClass", offer_class_body(before[0], CLASS, *before[1:]))
    google.patch("offerClass", CLASS, offer_class_patch(*after))
    assert google.get("offerClass", CLASS) == {
        **offer_class_body(after[0], CLASS, *after[1:]), "reviewStatus": "APPROVED",
    }  # fmt: skip


@given(before=st.sets(st.sampled_from(LINKED)), after=st.sets(st.sampled_from(LINKED)), card=cards, look=looks)
def test_what_was_linked_stays_linked(before: set[str], after: set[str], card: Card, look: Look) -> None:
    google = a_google("loyaltyObject")
    google.insert("offerClass", offer_class_body(look, CLASS, {}, ClassPictures("https://p.example/1.png")))
    for offer in LINKED:
        ticket = Ticket(object_id=offer, class_id=CLASS)
        google.insert("offerObject", offer_object_body(card, coupon_look(look), ticket))
    first, second = (
        Ticket(object_id=OBJECT, class_id=CLASS, linked=tuple(sorted(linked))) for linked in (before, after)
    )
    google.insert("loyaltyObject", object_body(card, look, first))
    google.patch("loyaltyObject", OBJECT, object_patch(card, look, second))
    assert set(google.get("loyaltyObject", OBJECT).get("linkedObjectIds", ())) == before | after
