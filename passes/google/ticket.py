"""What one pass says of itself at Google, beside what its card says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveBarcode:
    """What the phone makes rotating codes of: `pattern` with Google's placeholders, `key_hex` in Base16."""

    pattern: str
    key_hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`object_id` and `class_id` may never change for a saved pass.

    With `tap_code` (ASCII) it can be tapped, and with `live` its code rotates, if its look wants that. `linked` are ids
    of other objects that Google puts beside the card, and never takes away again. `places` says that Google has allowed
    this issuer locations.
    """

    object_id: str
    class_id: str
    tap_code: str = ""
    live: LiveBarcode | None = None
    voided: bool = False
    linked: tuple[str, ...] = ()
    places: bool = False
