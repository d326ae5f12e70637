"""Bodies that bring Google to a state whatever it holds now.

PATCH merges the members of objects and removes what is null; lists are replaced whole
(https://developers.google.com/wallet/generic/resources/performance-tips). So everything that a state does not have and
an earlier one might have had is sent as null, however deep.
"""

from collections.abc import Mapping
from typing import Any, Final

Body = dict[str, Any]
# The members that an object may have or not, by name; {} for what is sent whole or not at all.
Shape = Mapping[str, Any]

WHOLE: Final[Shape] = {}
WORDS: Final[Shape] = {"defaultValue": WHOLE, "translatedValues": WHOLE}
PICTURE: Final[Shape] = {"sourceUri": WHOLE, "contentDescription": WORDS}
POINTS: Final[Shape] = {
    "label": WHOLE,
    "localizedLabel": WORDS,
    "balance": {"int": WHOLE, "string": WHOLE, "double": WHOLE, "money": WHOLE},
}
BARCODE: Final[Shape] = {"type": WHOLE, "value": WHOLE, "alternateText": WHOLE, "renderEncoding": WHOLE}
_TARGET: Final[Shape] = {
    "appTarget": {
        "packageName": WHOLE,
        "targetUri": {"uri": WHOLE, "description": WHOLE, "localizedDescription": WORDS},
    }
}
APP_LINK: Final[Shape] = {"displayText": WORDS, "androidAppLinkInfo": _TARGET, "webAppLinkInfo": _TARGET}


def absolute(state: Body, shape: Shape) -> Body:
    """`state` with a null for each member of `shape` that it lacks."""
    filled = {name: _filled(state.get(name), inner) for name, inner in shape.items()}
    return {**{name: value for name, value in state.items() if name not in shape}, **filled}


def without_absent(state: Body) -> Body:
    """`state` without the members that are None."""
    return {name: value for name, value in state.items() if value is not None}


def _filled(value: Any, shape: Shape) -> Any:
    return absolute(value, shape) if shape and isinstance(value, dict) else value
