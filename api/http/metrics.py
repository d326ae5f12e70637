"""/metrics: figures for Prometheus (text format 0.0.4 or OpenMetrics). Each one is explained in docs/metrics.md.

What comes from the database is the same whichever process is asked; what one process counts carries its number.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from api.auth import requires
from api.http.metric_rows import counter, gauge
from api.http.metrics_google import GoogleFigureParts, google_figures
from passes.apple.health import Health, Overview
from passes.apple.identities import Held
from passes.apple.identity import Identity
from passes.apple.push_state import PushState
from passes.google.health import GoogleHealth
from passes.google.health import Overview as GoogleOverview

_STANDINGS: Final = ("open", "waiting", "stopped")


class Sealing(Protocol):
    """What the press counts since the process started."""

    sealed: int
    reused: int
    sampled: int
    faulty: int


class Pushing(Protocol):
    """What pushes pass types to Apple in this process."""

    def states(self) -> Sequence[PushState]: ...


class Tapping(Protocol):
    """What takes taps; what came of them is counted by reason."""

    @property
    def counts(self) -> Mapping[str, int]: ...


class Serving(Protocol):
    """What answers phones; answers are counted by call and status."""

    @property
    def answers(self) -> Mapping[tuple[str, int], int]: ...


class MetricsParts(GoogleFigureParts, Protocol):
    """The parts that this route uses."""

    @property
    def health(self) -> Health: ...
    @property
    def google_health(self) -> GoogleHealth: ...
    @property
    def press(self) -> Sealing: ...
    @property
    def pushes(self) -> Pushing: ...
    @property
    def taps(self) -> Tapping: ...
    @property
    def apple(self) -> Serving: ...


Parts = NamedDependency[SkipValidation[MetricsParts]]


@get("/metrics", guards=[requires("network:read", operator=True)], include_in_schema=False)
async def metrics(request: Request[None, None, State], parts: Parts) -> Response[bytes]:
    """For a scraper with an operator's key that may `network:read`."""
    seen, google = await parts.health.seen(), await parts.google_health.seen()
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Figures(figures(seen, google, parts)))
    return Response(encode(registry), headers={"content-type": media_type, "cache-control": "no-store"})


def figures(seen: Overview, google: GoogleOverview, parts: MetricsParts, process: str = "") -> Iterator[Metric]:
    """All figures of our own. `process` tells processes apart; default: this one's number."""
    yield from _certificates(seen)
    yield from _notes(seen)
    yield from _phones(seen)
    yield from _counted(parts, process or str(os.getpid()))
    yield from google_figures(google, parts, process or str(os.getpid()))


class _Figures(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _certificates(seen: Overview) -> Iterator[Metric]:
    def each(name: str, says: str, value: Callable[[Identity], float]) -> Metric:
        rows = [(_named(held), value(held.identity)) for held in seen.held if held.identity is not None]
        return gauge(f"apple_certificate_{name}", says, ("pass_type", "source"), rows)

    yield each(
        "days_left", "Whole days until the certificate or its intermediate ends; negative afterwards.",
        lambda identity: identity.days_left(seen.at),
    )  # fmt: skip
    yield each(
        "expiry_timestamp_seconds", "When the certificate or its intermediate ends, whichever is first.",
        lambda identity: identity.ends_at.timestamp(),
    )  # fmt: skip
    yield each("taps_allowed", "1 if Apple allows taps with the certificate.", lambda identity: identity.nfc)
    yield each(
        "issued_by_apple", "1 if the intermediate is Apple's that we know, 0 for a test authority or a newer one.",
        lambda identity: identity.by_apple,
    )  # fmt: skip
    usable = [
        (_named(held), held.identity is not None and held.identity.in_date(seen.at)) for held in seen.held
    ]  # fmt: skip
    yield gauge(
        "apple_certificate_usable", "1 if passes can be signed: the key opens and the certificate is in date.",
        ("pass_type", "source"), usable,
    )  # fmt: skip
    yield gauge(
        "apple_request_timestamp_seconds", "Since when a request waits for Apple's certificate.", ("pass_type",),
        [((one.pass_type,), one.created_at.timestamp()) for one in seen.requests],
    )  # fmt: skip
    yield gauge(
        "apple_push_key_usable", "1 if the stored push key (.p8) opens.", ("team", "key_id"),
        [((key.team, key.key_id), not key.fault) for key in seen.push_keys],
    )  # fmt: skip
    counted = [((level,), sum(f.level == level for f in seen.findings)) for level in ("note", "warn", "bad")]
    yield gauge("apple_findings", "What `commonpoint apple doctor` finds, by level.", ("level",), counted)


def _notes(seen: Overview) -> Iterator[Metric]:
    notes = seen.notes
    yield gauge(
        "notes_waiting", "Changes that wait for a follower.", ("kind",), [((n.kind,), n.waiting) for n in notes]
    )
    yield gauge(
        "notes_stuck", "Waiting changes that failed again and again.", ("kind",), [((n.kind,), n.stuck) for n in notes]
    )
    yield gauge(
        "notes_oldest_seconds", "How long ago the longest waiting change was last touched.", ("kind",),
        [((n.kind,), max(0.0, (seen.at - n.oldest).total_seconds())) for n in notes],
    )  # fmt: skip


def _phones(seen: Overview) -> Iterator[Metric]:
    yield gauge(
        "apple_push_standing", "1 for the standing that Apple's push service has given us, by pass type.",
        ("pass_type", "standing", "authentication"),
        [
            ((one.pass_type, standing, one.authentication), one.standing == standing)
            for one in seen.standings
            for standing in _STANDINGS
        ],
    )  # fmt: skip
    yield gauge(
        "apple_passes_unfetched", "Passes pushed as part of many at once that phones have not fetched yet.", (),
        [((), seen.unfetched)],
    )  # fmt: skip
    reports: dict[tuple[str, ...], float] = {}
    for one in seen.reports:
        reports[one.kind,] = reports.get((one.kind,), 0) + one.reports
    yield counter("apple_reports", "Complaints of phones, by kind.", ("kind",), sorted(reports.items()))


def _counted(parts: MetricsParts, process: str) -> Iterator[Metric]:
    press, pushes = parts.press, parts.pushes.states()
    here = (process,)
    for name, says, value in (
        ("apple_seals", "Pass files that were signed.", press.sealed),
        ("apple_files_reused", "Pass files that were handed out again without signing.", press.reused),
        ("apple_documents_checked", "Pass documents of the sample that is checked before signing.", press.sampled),
        ("apple_documents_faulty", "Checked documents in which a phone would leave something out.", press.faulty),
    ):
        yield counter(name, says, ("process",), [(here, value)])
    outcomes = [
        ((state.pass_type, outcome, process), getattr(state, outcome))
        for state in pushes
        for outcome in ("pushed", "refused", "forgotten")
    ]
    yield counter("apple_pushes", "Pushes by what came of them.", ("pass_type", "outcome", "process"), outcomes)
    yield gauge(
        "apple_push_connections", "Open connections to Apple's push service.", ("pass_type", "process"),
        [((state.pass_type, process), state.connections) for state in pushes],
    )  # fmt: skip
    yield counter(
        "apple_taps", "Taps by what came of them.", ("outcome", "process"),
        [((outcome, process), count) for outcome, count in sorted(parts.taps.counts.items())],
    )  # fmt: skip
    yield counter(
        "apple_phone_answers", "Answers to phones, by call and HTTP status.", ("call", "status", "process"),
        [((call, str(status), process), count) for (call, status), count in sorted(parts.apple.answers.items())],
    )  # fmt: skip


def _named(held: Held) -> tuple[str, ...]:
    return held.pass_type, held.source


metrics_router = Router("/", route_handlers=[metrics])
