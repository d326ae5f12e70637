"""What phones complain of, read from the lines that they post: pure.

The wording is that of iOS; what follows "encountered error:" may be in the phone's language. Anyone can post here, so a
line is never trusted: it is cut, cleaned, and sorted into one of a fixed number of kinds.
https://developer.apple.com/documentation/walletpasses/log-a-message
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

LINE_LENGTH: Final = 300


class Complaint(NamedTuple):
    """One line of a phone: its kind, what it is about ("get 404", or ""), and the line itself, cleaned."""

    kind: str
    subject: str
    sample: str


class _Report(msgspec.Struct):
    logs: list[str]


# Kinds by the words that only they have, in the order in which they are looked for.
_SAID: Final = (
    ("unchanged", "Server requested update to serial number"),
    ("ignored_date", "Server ignored the 'if-modified-since' header"),
    ("missing_date", "did not provide a 'last-modified' header"),
    ("spurious_push", "Device received spurious push"),
    ("unregistered", "Update requested for unregistered serial number"),
    ("missing_tag", "omitted a lastUpdated tag"),
    ("same_tag", "remained the same"),
    ("not_personalised", "Personalization request was issued for serial number"),
)
_FAILED: Final = (
    ("refused", "Authentication failure"),
    ("malformed_list", "Server response was malformed"),
    ("invalid_pass", "Received invalid pass data"),
    ("invalid_pass", "Invalid pass"),
)
_TASK = re.compile(r"(Get pass|Get serial #s|Register|Unregister|Personalize|Personalization|Log) task\b")
_TASKS: Final = {"Get serial #s": "list", "Get pass": "get", "Personalization": "personalize"}
_STATUS = re.compile(r"Unexpected response code ([1-5][0-9]{2})(?![0-9])")
_STATUSES: Final = frozenset(str(status.value) for status in HTTPStatus)
_STAMP = re.compile(r"\[[0-9][0-9: +-]{9,40}\] *")
# The id of a device is all it needs to ask for its passes: it is not kept.
_DEVICE = re.compile(r"(for device |Device = )[0-9A-Za-z._-]+")

# A fixed set, so that nobody can fill a table with inventions.
KINDS: Final = (*(kind for kind, _ in _SAID), "refused", "malformed_list", "invalid_pass", "status", "failed", "other")


def lines_of(body: bytes) -> list[str] | None:
    """The lines in the body of a log call; None if it is not `{"logs": [text, ...]}`."""
    try:
        return msgspec.json.decode(body, type=_Report).logs
    except (msgspec.DecodeError, RecursionError):
        return None


def complaint(line: str) -> Complaint:
    """What a line says. Takes time in proportion to `LINE_LENGTH`, whatever its length."""
    cleaned = _clean(line)
    kind, subject = _sorted(cleaned)
    return Complaint(kind, subject, _DEVICE.sub(r"\1…", cleaned))


def _clean(line: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in line[: LINE_LENGTH + 50])
    return _STAMP.sub("", shown, count=1).strip()[:LINE_LENGTH]


def _sorted(line: str) -> tuple[str, str]:
    for kind, words in _SAID:
        if words in line:
            return kind, ""
    task = _TASK.search(line)
    if task is None:
        return "other", ""
    name = _TASKS.get(task.group(1), task.group(1).lower())
    status = _STATUS.search(line)
    if status is not None:
        return "status", f"{name} {status.group(1) if status.group(1) in _STATUSES else '?'}"
    return next((kind for kind, words in _FAILED if words in line), "failed"), name
