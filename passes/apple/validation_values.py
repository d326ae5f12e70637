"""Forms that values of a pass have, and the faults that any part of it can have."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a phone would not take as it was meant. `path` is its place in pass.json, or a file's name;
    `says` is a sentence in English, for those who design passes.
    """

    path: str
    says: str


def _form(pattern: str) -> Callable[[Any], bool]:
    fits = re.compile(pattern).fullmatch
    return lambda value: isinstance(value, str) and fits(value) is not None


_BYTE: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
COLOUR: Final = _form(rf"rgb\(\s*{_BYTE}\s*,\s*{_BYTE}\s*,\s*{_BYTE}\s*\)")
CURRENCY: Final = _form(r"[A-Z]{3}")
DECIMAL: Final = _form(r"-?\d+(?:\.\d+)?")
BEACON_ID: Final = _form(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# A compressed point on P-256 with its header (SubjectPublicKeyInfo), in base64.
TAP_KEY: Final = _form(r"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgA[CD][A-Za-z0-9+/]{43}=")


def moment_of(value: Any) -> datetime | None:
    """The moment of an ISO 8601 text with zone, at least to the minute, without fractions; None for anything else."""
    if not isinstance(value, str) or "T" not in value or "." in value or len(value) < len("2026-06-30T12:00Z"):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def is_https(url: str) -> bool:
    """Whether this is an absolute https address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.netloc)


def is_number(value: Any) -> bool:
    """Whether JSON would have this as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def nulls(value: Any, path: str = "") -> Iterator[Fault]:
    """A fault for each null, however deep."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from nulls(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from nulls(part, f"{path}[{number}]")
    elif value is None:
        yield Fault(path, "iOS does not take null: leave the key out.")


def text_faults(holder: Mapping[str, Any], keys: Iterable[str], path: str = "") -> Iterator[Fault]:
    """A fault for each of these keys that is there and is not text."""
    for key in keys:
        if holder.get(key) is not None and not isinstance(holder[key], str):
            yield Fault(f"{path}.{key}" if path else key, "This must be text: iOS would refuse the pass.")


def flag_faults(holder: Mapping[str, Any], keys: Iterable[str], path: str = "") -> Iterator[Fault]:
    """A fault for each of these keys that is there and is neither true nor false."""
    for key in keys:
        if holder.get(key) is not None and not isinstance(holder[key], bool):
            yield Fault(f"{path}.{key}" if path else key, "This must be true or false: iOS would refuse the pass.")


def semantics_faults(holder: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Faults of the `semantics` of a document or a field."""
    semantics = holder.get("semantics")
    if semantics is None:
        return
    path = f"{path}.semantics" if path else "semantics"
    if not isinstance(semantics, Mapping):
        yield Fault(path, "This must be an object: iOS would refuse the pass.")
        return
    for key in ("balance", "totalPrice"):
        money = semantics.get(key)
        if key not in semantics:
            continue
        if not (isinstance(money, Mapping) and DECIMAL(money.get("amount")) and CURRENCY(money.get("currencyCode"))):
            yield Fault(f"{path}.{key}", "This is an amount as text (“12.50”) and a currency: iOS would ignore it.")
