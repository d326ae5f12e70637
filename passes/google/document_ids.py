"""Ids of classes and objects at Google: they live for ever, and are seen in save links.

An id is `issuer.suffix`; suffixes are opaque and say nothing of a member.
"""

import hashlib

import msgspec

from passes.card import Card, Words

_TAG_DIGITS = 12


def class_id_of(issuer_id: str, brand_id: str) -> str:
    """The id of a brand's class: `issuer.brand`."""
    return f"{issuer_id}.{brand_id}"


def offer_class_id_of(issuer_id: str, card: Card) -> str:
    """The id of the class of coupons for one thing: `issuer.brand.tag`.

    The tag follows from what the thing is called on the coupon. So coupons that were issued before the programme gave
    it another name keep their class, and nothing goes to and fro between two names.
    """
    names = msgspec.json.encode(reward_of(card), order="sorted")
    return f"{issuer_id}.{card.brand_id}.{hashlib.sha256(names).hexdigest()[:_TAG_DIGITS]}"


def object_id_of(issuer_id: str, pass_id: str) -> str:
    """The id of a pass's object, card or coupon: `issuer.pass`."""
    return f"{issuer_id}.{pass_id}"


def reward_of(card: Card) -> Words:
    """What a coupon is for; {} on a member's card."""
    shown = card.values.get("reward")
    return shown.text if shown else {}
