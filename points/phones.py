"""Telephone numbers in one form, so that a number said at a till finds whoever told it in another spelling. Pure.

The form is that of ITU-T E.164: `+`, country code, number. What is typed without a country code is read as a number of
the country that the service is set to, without the digits that are dialled before numbers at home (the trunk prefix).
"""

import re
from typing import Final

_SPACING = re.compile(r"[\s()./\N{NO-BREAK SPACE}\N{EN DASH}-]")
# `+44 (0)20 …`: the digit that callers from abroad leave out.
_AT_HOME_ONLY = re.compile(r"\(0\)")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIGITS = re.compile(r"[0-9]{4,15}")

# Where it is not 0: the national numbering plans that ITU-T publishes under E.129.
_TRUNK: Final = {"+36": "06", "+7": "8", "+1": "1"}
# Where a leading 0 belongs to the number itself.
_KEEPS_ZERO: Final = frozenset({"+39", "+378", "+379", "+225", "+241", "+242"})


def without_spacing(number: str) -> str:
    """The number as it is dialled: without blanks, brackets, dots and strokes."""
    international = number.lstrip().startswith(("+", "00"))
    return _SPACING.sub("", _AT_HOME_ONLY.sub("", number) if international else number)


def e164(number: str, prefix: str) -> str | None:
    """The number in its one form, or None if it has none: too short, or without a country code while `prefix` (such as
    `+358`, or "" for none) gives none either."""
    dialled = without_spacing(number)
    abroad = ("011", "00") if prefix == "+1" else ("00",)
    for code in abroad:
        if dialled.startswith(code):
            dialled = "+" + dialled.removeprefix(code)
    if not dialled.startswith("+"):
        dialled = prefix + _national(dialled, prefix) if prefix and _DIGITS.fullmatch(dialled) else ""
    return dialled if _E164.fullmatch(dialled) else None


def _national(dialled: str, prefix: str) -> str:
    if prefix in _KEEPS_ZERO:
        return dialled
    trunk = _TRUNK.get(prefix, "0")
    # A lone digit may also be the first of the number; with eleven digits it is dialled before ten.
    lone = trunk not in ("0", "06")
    return dialled.removeprefix(trunk) if not lone or len(dialled) == 11 else dialled
