"""Whatever stands wherever in a body, faults are found and nothing breaks; what the check refuses is always told."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from passes.coupons import coupon_look
from passes.design.sample import sample_card
from passes.google.document import (
    ClassOptions,
    ClassPictures,
    LiveBarcode,
    Ticket,
    class_body,
    object_body,
    offer_class_body,
    offer_object_body,
    reward_of,
)
from passes.google.schema.check import Resource, WalletBodyInvalid, check
from passes.google.validation import faults
from passes.look import Action, BackText, Look, LookLink

WORDS = {"en": "Hours", "fi": "Ajat", "hu": "Idők"}
LOOK = Look(
    id="dsn_1", partner_id="ptn_1", brand_name="Café", taps=True, texts=(BackText("hours", WORDS, WORDS),),
    links=(LookLink(WORDS, "https://shop.example"),), actions=(Action("shop", "https://shop.example"),),
)  # fmt: skip
TICKET = Ticket(
    object_id="338.p",
    class_id="338.c",
    tap_code="t4p",
    live=LiveBarcode("{totp_value_0}", "00" * 20),
    linked=("338.o",),
)
PICTURES = ClassPictures(*[f"https://points.example/{name}.png" for name in ("logo", "hero", "image")])
OPTIONS = ClassOptions(callback_url="https://points.example/google", smart_tap_issuers=("338",))
COUPON = sample_card(coupon_look(LOOK), "fi")
BODIES: dict[Resource, dict[str, Any]] = {
    "loyaltyClass": class_body(LOOK, "338.c", PICTURES, OPTIONS),
    "loyaltyObject": object_body(sample_card(LOOK, "fi"), LOOK, TICKET),
    "offerClass": offer_class_body(LOOK, "338.c", reward_of(COUPON), PICTURES, OPTIONS),
    "offerObject": offer_object_body(COUPON, coupon_look(LOOK), TICKET),
}
Step = str | int

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any, path: tuple[Step, ...] = ()) -> list[tuple[Step, ...]]:
    """Every place in a body."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for step, part in inner for place in places(part, (*path, step)))]


PLACES = [(resource, place) for resource, body in BODIES.items() for place in places(body) if place]


def test_the_bodies_are_good_before() -> None:
    for resource, body in BODIES.items():
        assert not faults(resource, body)


@given(where=st.sampled_from(PLACES), what=junk)
def test_a_body_with_anything_anywhere(where: tuple[Resource, tuple[Step, ...]], what: Any) -> None:
    resource, (*path, last) = where
    body = copy.deepcopy(BODIES[resource])
    node: Any = body
    for step in path:
        node = node[step]
    node[last] = what
    found = faults(resource, body)
    try:
        check(resource, body)
    except WalletBodyInvalid:
        assert any(one.refused for one in found)
    else:
        assert all(one.path and one.says for one in found)
