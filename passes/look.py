"""How a card looks: colours, pictures, which values stand where.

It is a partner's data (`passes/design`), or made of the partner's brand.

A look never changes: another design has another id. So everything worked out from it may be kept under its id.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from passes.card import Words

Style = Literal["store_card", "generic", "coupon", "event_ticket"]
Barcode = Literal["qr", "aztec", "pdf417", "code128"]
# `strip` and the like may be given per language as `strip.fi`.
Slot = Literal["logo", "icon", "strip", "thumbnail", "background", "personalization_logo"]
# What a card can say of its member; a coupon says what stands in the second list.
ValueKey = Literal[
    "balance", "tier", "next_reward", "rewards_ready", "vouchers", "pending", "held", "owed", "expiring", "progress",
    "holder", "member_code", "joined",
    "reward", "worth", "uses_left", "valid_until",
]  # fmt: skip


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which values stand where on the front and the back. Apple names these areas; Google's rows follow them.

    Header values are seen on stacked passes too. On the back `news` and the member's page come by themselves.
    """

    header: tuple[ValueKey, ...] = ("balance",)
    primary: tuple[ValueKey, ...] = ()
    secondary: tuple[ValueKey, ...] = ("holder", "tier")
    auxiliary: tuple[ValueKey, ...] = ("next_reward",)
    back: tuple[ValueKey, ...] = ()


class BackText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text of the partner on the back: terms, opening hours. `key` is unique and stays over versions."""

    key: str
    label: Words
    text: Words


class LookLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link of the partner on the back."""

    label: Words
    url: str


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tile under the pass on systems that know them (Apple's `featuredActions`, at most two)."""

    kind: Literal["membership_benefits", "view_offers_rewards", "add_to_balance", "order", "shop", "call"]
    url: str


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a ticket is relevant: from `start` to `end` (at most a day), or at `start` alone."""

    start: datetime
    end: datetime | None = None


class SignUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What Wallet asks a new member for (Apple's reward enrolment; needs taps and a certificate that allows them)."""

    fields: tuple[Literal["name", "email", "phone", "postal_code"], ...]
    description: Words
    terms: Words = {}


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner draws of a card. Colours are `#rrggbb`.

    `pictures` maps a slot (or `slot.language`) to the SHA-256 of a stored picture; without a logo a monogram is drawn.
    `labels` replaces what stands above a value. `taps` asks for NFC; `unlock_to_tap` wants the phone unlocked for it.
    `live_code` lets the code of Android's cards rotate. `store_ids` and `app_url` name a companion app on iPhones,
    `user_info` is for it alone; `android_app` is the package name of one on Android.
    """

    logo_text: str = ""
    style: Style = "store_card"
    background: str = "#1f2937"
    foreground: str = "#ffffff"
    label_colour: str = "#cbd5e1"
    layout: Layout = Layout()
    labels: dict[str, Words] = {}
    texts: tuple[BackText, ...] = ()
    links: tuple[LookLink, ...] = ()
    pictures: dict[str, str] = {}
    barcode: Barcode = "qr"
    sharing: bool = False
    taps: bool = False
    unlock_to_tap: bool = False
    sign_up: SignUp | None = None
    actions: tuple[Action, ...] = ()
    relevant: tuple[Span, ...] = ()
    store_ids: tuple[int, ...] = ()
    app_url: str = ""
    user_info: dict[str, Any] = {}
    live_code: bool = True
    android_app: str = ""


class Look(Drawn, frozen=True, kw_only=True):
    """Everything about a card that is the same for all members of a brand."""

    id: str
    partner_id: str
    brand_name: str
