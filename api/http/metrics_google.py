"""Figures of the Google side, and of what is presented at tills."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from prometheus_client.core import Metric

from api.http.metric_rows import counter, gauge
from passes.google.health import Overview

_STANDINGS: Final = ("open", "waiting", "stopped")
_LEVELS: Final = ("note", "warn", "bad")


class Counting(Protocol):
    """What counts outcomes since the process started."""

    @property
    def counts(self) -> Mapping[str, int]: ...


class GoogleFigureParts(Protocol):
    """The parts that count."""

    @property
    def google_callbacks(self) -> Counting: ...
    @property
    def google_reconcile(self) -> Counting: ...
    @property
    def smart_taps(self) -> Counting: ...
    @property
    def presentations(self) -> Counting: ...


def google_figures(seen: Overview, parts: GoogleFigureParts, process: str) -> Iterator[Metric]:
    """All figures of this subject; what `process` counted itself carries its number."""
    yield from _calls(seen)
    yield from _cards(seen)
    yield from _callbacks(seen)
    levels = [((level,), sum(f.level == level for f in seen.findings)) for level in _LEVELS]
    yield gauge(
        "google_findings", "What is found on the Google side without asking Google, by level.", ("level",), levels
    )
    for name, says, what in (
        ("google_callbacks", "Callbacks by what came of them.", parts.google_callbacks),
        ("google_reconciled", "What came of asking Google about cards and classes.", parts.google_reconcile),
        ("smart_taps", "Taps of Android phones (Smart Tap) by what came of them.", parts.smart_taps),
        ("presentations", "What was presented at tills, by what came of it.", parts.presentations),
    ):
        rows = [((outcome, process), count) for outcome, count in sorted(what.counts.items())]
        yield counter(name, says, ("outcome", "process"), rows)


def _calls(seen: Overview) -> Iterator[Metric]:
    one = seen.standing
    yield gauge(
        "google_push_standing", "1 for the standing that Google has given our calls.", ("standing",),
        [((name,), one.standing == name) for name in _STANDINGS] if one is not None else [],
    )  # fmt: skip
    yield gauge(
        "google_calls_per_second", "The pace of calls to Google at present.", (),
        [((), one.rate_per_s)] if one is not None else [],
    )  # fmt: skip


def _cards(seen: Overview) -> Iterator[Metric]:
    objects = seen.objects
    unknown = objects.known - objects.saved - objects.deleted
    yield gauge(
        "google_objects", "Cards and coupons at Google, by whether somebody holds them.", ("held",),
        [(("saved",), objects.saved), (("deleted",), objects.deleted), (("unknown",), unknown)],
    )  # fmt: skip
    yield gauge(
        "google_objects_refused", "Cards that Google does not take as they are.", (), [((), objects.refused)]
    )  # fmt: skip
    yield gauge(
        "google_objects_unasked", "Cards that Google was not asked about for three days.", (), [((), objects.unasked)]
    )  # fmt: skip
    reviews = Counter(one.review or "unknown" for one in seen.classes)
    yield gauge(
        "google_classes", "Classes by what Google thinks of them.", ("review",),
        [((review,), count) for review, count in sorted(reviews.items())],
    )  # fmt: skip


def _callbacks(seen: Overview) -> Iterator[Metric]:
    newest = seen.callbacks.newest
    yield gauge(
        "google_callback_timestamp_seconds", "When the newest callback that was believed arrived.", (),
        [((), newest.timestamp())] if newest is not None else [],
    )  # fmt: skip
    yield gauge(
        "google_holders_found", "Cards held by somebody though no callback ever said so.", (),
        [((), seen.objects.found)],
    )  # fmt: skip
