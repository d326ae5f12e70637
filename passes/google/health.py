"""How the Google side is doing: what an operator has to know, for the terminal, the page and the metrics alike."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from kernel.database import Connection, Database
from kernel.i18n import translate
from kernel.outbox import Waiting, waiting
from kernel.shared import Shared
from passes.google import health_texts  # noqa: F401 (registers the words)

Level = Literal["ok", "note", "warn", "bad"]

COMMAND: Final = "commonpoint google"
APPROVED: Final = "APPROVED"
# How long callbacks may be silent though cards are saved, and objects unasked, before somebody should look.
SILENT_AFTER: Final = timedelta(days=3)
UNASKED_AFTER: Final = timedelta(days=3)
ORDER: Final[Mapping[Level, int]] = {"bad": 0, "warn": 1, "note": 2, "ok": 3}
_MOST_LISTED: Final = 20
_MOST_CLASSES: Final = 1000

_OBJECTS = """
SELECT count(*) AS known, count(*) FILTER (WHERE held = 'saved') AS saved,
       count(*) FILTER (WHERE held = 'deleted') AS deleted,
       count(*) FILTER (WHERE held = 'saved' AND held_at IS NULL) AS found,
       count(*) FILTER (WHERE refused IS NOT NULL) AS refused,
       count(*) FILTER (WHERE checked_at < $1 OR (checked_at IS NULL AND pushed_at < $1)) AS unasked
FROM google_object
"""
_REFUSED = "SELECT pass_id, refused FROM google_object WHERE refused IS NOT NULL ORDER BY pass_id LIMIT $1"
_CLASSES = "SELECT id, review, updated_at FROM google_class ORDER BY id LIMIT $1"
_CALLBACKS = """
SELECT max(received_at) AS newest, count(*) AS kept, count(*) FILTER (WHERE taken_at IS NULL) AS unknown
FROM google_callback
"""
_STANDING = "SELECT standing, reason, since, rate_per_s FROM google_push_state WHERE issuer_id = $1"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an operator should know, and the command or step that mends it ("" when none does)."""

    level: Level
    rule: str
    subject: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    command: str = ""

    def says(self, language: str = "en") -> str:
        """The finding as a sentence."""
        return translate(f"google.health.{self.rule}", language, **self.facts)


@dataclass(frozen=True, slots=True)
class Standing:
    """How calls to Google go, as the process that makes them last found it; `rate_per_s` is its pace."""

    standing: str
    reason: str
    since: datetime
    rate_per_s: float


@dataclass(frozen=True, slots=True)
class ClassSeen:
    """A class, and what Google said of it when it was last asked (None: not yet)."""

    id: str
    review: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Objects:
    """How many objects are known at Google, and of these: held by somebody, put away, held though no callback ever said
    so (`found`), refused by Google, and not asked about for long."""

    known: int
    saved: int
    deleted: int
    found: int
    refused: int
    unasked: int


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The callbacks that were kept: the newest, how many, and how many of them are about no card of ours."""

    newest: datetime | None
    kept: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The Google side at one moment. `refused` are the first of the cards that Google refuses, and why."""

    at: datetime
    issuer_id: str
    standing: Standing | None
    classes: Sequence[ClassSeen]
    objects: Objects
    callbacks: Callbacks
    refused: Sequence[tuple[str, str]]
    notes: Sequence[Waiting]
    findings: Sequence[Finding]

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        return worst(self.findings)


class GoogleHealth:
    """Looks at most once every `max_age_s` seconds, however many ask: counting all objects takes a while."""

    def __init__(self, db: Database, issuer_id: str, *, max_age_s: float = 10.0) -> None:
        self._look = lambda: overview(db, issuer_id)
        self._max_age_s = max_age_s
        self._kept: tuple[float, Overview] | None = None
        self._reading = Shared[Overview]()

    async def seen(self) -> Overview:
        """The Google side, a moment old at most. Raises DatabaseAway."""
        if self._kept is None or time.monotonic() - self._kept[0] > self._max_age_s:
            self._kept = await self._reading.of("", self._look)
        return self._kept[1]


async def overview(db: Database, issuer_id: str, now: datetime | None = None) -> Overview:
    """What is stored, as of one snapshot, and what follows from it."""
    at = now or datetime.now(UTC)
    async with db.read() as read:
        standing = await _standing(read.connection, issuer_id)
        classes = [ClassSeen(*row) for row in await read.connection.fetch(_CLASSES, _MOST_CLASSES)]
        counted = await read.connection.fetchrow(_OBJECTS, at - UNASKED_AFTER)
        told = await read.connection.fetchrow(_CALLBACKS)
        refused = [(row[0], row[1]) for row in await read.connection.fetch(_REFUSED, _MOST_LISTED)]
        notes = [note for note in await waiting(read.connection) if note.kind.startswith(("pass", "google."))]
    assert counted is not None
    assert told is not None
    objects, callbacks = Objects(*counted), Callbacks(*told)
    findings = findings_of(standing, classes, objects, callbacks, refused, notes, at)
    return Overview(at, issuer_id, standing, classes, objects, callbacks, refused, notes, findings)


def findings_of(
    standing: Standing | None,
    classes: Sequence[ClassSeen],
    objects: Objects,
    callbacks: Callbacks,
    refused: Sequence[tuple[str, str]],
    notes: Sequence[Waiting],
    at: datetime,
) -> list[Finding]:
    """What there is to say of all this, the worst first. Pure."""
    found = [
        *_of_standing(standing),
        *_of_classes(classes),
        *_of_objects(objects, refused),
        *_of_callbacks(objects, callbacks, at),
        *_of_notes(notes),
    ]
    return sorted(found, key=lambda finding: ORDER[finding.level])


def worst(findings: Sequence[Finding]) -> Level:
    """The level of the worst finding; "ok" without any."""
    return min((finding.level for finding in findings), key=ORDER.__getitem__, default="ok")


def of_review(class_id: str, review: str) -> Finding | None:
    """What there is to say of a class that Google thinks `review` of; nothing of one that it approved."""
    if review == APPROVED:
        return None
    levels: dict[str, Level] = {"REJECTED": "bad", "DRAFT": "bad", "UNDER_REVIEW": "warn"}
    if review not in levels:
        return Finding("warn", "class_unclear", class_id, {"review": review})
    return Finding(levels[review], f"class_{review.lower()}", class_id)


def _of_standing(standing: Standing | None) -> Iterator[Finding]:
    if standing is not None and standing.standing == "stopped":
        yield Finding("bad", "calls_stopped", "", {"reason": standing.reason}, f"{COMMAND} doctor")
    elif standing is not None and standing.standing == "waiting":
        yield Finding("warn", "calls_waiting", "", {"reason": standing.reason})


def _of_classes(classes: Sequence[ClassSeen]) -> Iterator[Finding]:
    for one in classes:
        finding = of_review(one.id, one.review) if one.review is not None else None
        if finding is not None:
            yield finding


def _of_objects(objects: Objects, refused: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    if objects.refused:
        yield Finding("warn", "cards_refused", "", {"count": objects.refused, "reason": refused[0][1][:300]})
    if objects.unasked:
        yield Finding("note", "cards_unasked", "", {"count": objects.unasked, "days": UNASKED_AFTER.days})


def _of_callbacks(objects: Objects, callbacks: Callbacks, at: datetime) -> Iterator[Finding]:
    silent = callbacks.newest is None or at - callbacks.newest > SILENT_AFTER
    if objects.found and silent:
        yield Finding("warn", "callbacks_silent", "", {"count": objects.found}, f"{COMMAND} doctor")
    if callbacks.unknown:
        yield Finding("note", "callbacks_unknown", "", {"count": callbacks.unknown})


def _of_notes(notes: Sequence[Waiting]) -> Iterator[Finding]:
    for one in notes:
        if one.stuck and one.kind.startswith("google."):
            facts = {"kind": one.kind, "stuck": one.stuck, "reason": one.error or ""}
            yield Finding("warn", "notes_stuck", one.kind, facts)


async def _standing(connection: Connection, issuer_id: str) -> Standing | None:
    row = await connection.fetchrow(_STANDING, issuer_id)
    return None if row is None else Standing(*row)
