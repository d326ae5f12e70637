"""What a person sees of a pass: its fields in the phone's language, and the sentence that a change brings.

https://developer.apple.com/documentation/walletpasses/pass (fields, changeMessage), and "Localize" of the same pages.
"""

import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

_STYLES: Final = ("storeCard", "generic", "coupon", "eventTicket", "boardingPass")
_MARK: Final = "\u200b"  # makes two equal texts different keys; nobody sees it
_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees on a pass, and how to know its version. `labels` are the words above the fields, by key."""

    serial: str
    balance: int
    holder: str
    tier: str
    next_reward: str
    organisation: str
    code: str
    voided: bool
    last_modified: str
    news: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Telling:
    """A field that announces its changes: what it says now, and the sentence with `%@` in the value's place."""

    says: str
    message: str


def shown(document: Mapping[str, Any], texts: Mapping[str, str], last_modified: str) -> Shown:
    """A pass as a person sees it. `texts` are the strings file of the phone's language, if the pass has one."""
    values = {one["key"]: _said(one["value"], texts) for one in fields(document)}
    return Shown(
        serial=document["serialNumber"],
        balance=int(values.get("balance", "0")),
        holder=values.get("holder", ""),
        tier=values.get("tier", ""),
        next_reward=values.get("next_reward", ""),
        organisation=_said(document["organizationName"], texts),
        code=document["barcodes"][0]["message"],
        voided=document.get("voided", False),
        last_modified=last_modified,
        news=values.get("news", ""),
        labels={one["key"]: _said(one["label"], texts) for one in fields(document) if "label" in one},
    )


def tellings(document: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Telling]:
    """The fields with a change message, by key."""
    return {
        one["key"]: Telling(_said(one["value"], texts), _said(one["changeMessage"], texts))
        for one in fields(document)
        if one.get("changeMessage")
    }


def notice(before: Mapping[str, Telling], after: Mapping[str, Telling]) -> str | None:
    """The text on the lock screen: of the one field that changed and says so, else a general one."""
    changed = [
        telling.message.replace("%@", telling.says)
        for key, telling in after.items()
        if key not in before or before[key].says != telling.says
    ]
    if len(changed) > 1:
        return "Pass updated"
    return changed[0] if changed else None


def fields(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every field of the pass, in any of its places."""
    for style in _STYLES:
        for group in document.get(style, {}).values():
            if isinstance(group, list):
                yield from group


def _said(value: object, texts: Mapping[str, str]) -> str:
    literal = str(value)
    return texts.get(literal, literal).removesuffix(_MARK)


def peek(file: bytes, names: Collection[str]) -> dict[str, bytes]:
    """Some members of a package, unchecked: for phones of a fleet whose files are verified elsewhere.

    Raises ValueError, zlib.error or struct.error when the package cannot be read.
    """
    end = file.rfind(b"PK\x05\x06")
    if end < 0:
        raise ValueError("the file is not a zip archive")
    _, _, _, _, entries, _, at, _ = _END.unpack_from(file, end)
    found = {}
    for _ in range(entries):
        entry = _ENTRY.unpack_from(file, at)
        method, packed, local = entry[4], entry[8], entry[16]
        name_length, extra_length, comment_length = entry[10], entry[11], entry[12]
        name = file[at + _ENTRY.size : at + _ENTRY.size + name_length].decode()
        if name in names:
            found[name] = _member(file, local, method, packed)
        at += _ENTRY.size + name_length + extra_length + comment_length
    return found


def _member(file: bytes, local: int, method: int, packed: int) -> bytes:
    name_length, extra_length = struct.unpack_from("<2H", file, local + 26)
    start = local + 30 + name_length + extra_length
    data = file[start : start + packed]
    return data if method == 0 else zlib.decompress(data, -15)


def document_of(raw: bytes) -> dict[str, Any]:
    """pass.json. Raises msgspec.DecodeError."""
    return msgspec.json.decode(raw, type=dict[str, Any])
