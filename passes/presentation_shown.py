"""What can be shown at a till, and what a scanned or typed text is. Pure: whose it is, is looked up later."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from kernel.errors import Invalid, NotFound
from passes.live_code import MARK, LiveCode, read_live

# How somebody is known: by what identifies, or by what proves that they are there.
ShownBy = Literal[
    "static_code", "typed_code", "phone_number", "wallet_address", "tapped_value", "rotating_code", "tap", "pin"
]
# What proves that they are there.
Proves = Literal["rotating_code", "tap", "pin"]
# Why it is not proved that they are there. The first five say that what was shown can be copied.
WhyNot = Literal[
    "static_code", "typed_code", "phone_number", "wallet_address", "unknown_reader",
    "shown_before", "clocks_differ", "show_again", "too_many_tries", "pin_wrong", "offline", "delivered_late",
]  # fmt: skip

LONGEST: Final = 512  # of a text: nothing that is shown here comes near
_MEMBER_CODE = re.compile(r"[0-9A-Z]{4,64}")
_SPACING = re.compile(r"[\s.\N{EN DASH}-]+")
# Crockford's base32 has no letters that are read as digits; who types one means the digit.
_MISREAD = str.maketrans("OIL", "011")
_RECEIPT = re.compile(r"CPR1\.|https?://\S+/r/")
_ADDRESS = re.compile(r"(?:ethereum:(?:pay-)?)?(0[xX][0-9a-fA-F]{40})(?:@[0-9]{1,20})?(?:[/?].*)?")


class CardUnknown(NotFound):
    """No card says this, or not any more; a rotating code with wrong digits is no card's either."""

    code = "card_unknown"
    title = "No such card"

    def __init__(self) -> None:
        super().__init__("No card says this. Scan it again, or ask for another way to identify.")


class VoucherShown(Invalid):
    """The code is a voucher's: it is used, not presented. Facts: `code`."""

    code = "voucher_shown"
    title = "This is a voucher, not a card"


class ReceiptShown(Invalid):
    """The code is a receipt's, which a member claims."""

    code = "receipt_shown"
    title = "This is a receipt, not a card"


@dataclass(frozen=True, slots=True)
class Scan:
    """The content of a barcode."""

    content: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A code that somebody read out or typed."""

    code: str


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number."""

    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the member's mirrored points on the chain."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleTap:
    """What an enrolled reader was told by an iPhone; see `passes.apple.taps.Reading`."""

    sequence: int
    blob: bytes
    read_at: datetime
    offline: bool = False
    pass_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartTap:
    """The value that a reader which does Smart Tap by itself got from an Android phone."""

    value: str
    sequence: int
    read_at: datetime
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartTapSession:
    """An Android phone's answers in a session of Smart Tap that we hold the keys of."""

    session_id: str
    negotiated: bytes
    answer: bytes


What = Scan | Typed | Phone | Address | AppleTap | SmartTap | SmartTapSession


@dataclass(frozen=True, slots=True)
class StaticCode:
    """Text that may be a member's code, or a voucher's."""

    code: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Text that is an address on the chain, its checksum not yet looked at."""

    address: str


Text = LiveCode | StaticCode | Chain


def meaning(text: str) -> Text:
    """What a scanned or typed text is. Keyboards and scanners that pretend to be one add spaces, lines and lower case.

    Raises CardUnknown, ReceiptShown.
    """
    told = text.strip()
    if len(told) > LONGEST:
        raise CardUnknown
    if told.startswith(MARK):
        code = read_live(told)
        if code is None:
            raise CardUnknown
        return code
    if _RECEIPT.match(told):
        raise ReceiptShown("Claim it for a member with POST /v1/receipts/claims.")
    on_chain = _ADDRESS.fullmatch(told)
    if on_chain is not None:
        return Chain(on_chain[1])
    code_typed = _SPACING.sub("", told).upper().translate(_MISREAD)
    if _MEMBER_CODE.fullmatch(code_typed) is None:
        raise CardUnknown
    return StaticCode(code_typed)


def address_in(text: str) -> str:
    """The address that somebody typed, or that a wallet's code says (EIP-681). Raises CardUnknown."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise CardUnknown
    return found[1]
