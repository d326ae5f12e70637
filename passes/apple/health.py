"""How the Apple side is doing: what an operator has to know, for the terminal, the page and the metrics alike."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from cryptography.x509.oid import NameOID

from kernel.database import Connection, Database
from kernel.i18n import translate
from kernel.outbox import Waiting, waiting
from kernel.shared import Shared
from passes.apple.certificate_requests import Request, open_requests
from passes.apple.health_texts import date_text, left_text
from passes.apple.identities import WARNINGS_DAYS, Held, Identities, stage
from passes.apple.identity import Identity, fingerprint
from passes.apple.push_keys import KeptKey, PushKeys
from passes.apple.reports import Reported, reported

Level = Literal["ok", "note", "warn", "bad"]

_COMMAND = "commonpoint apple"
_INSTALL = f"{_COMMAND} install FILE.cer"
_ORDER: dict[Level, int] = {"bad": 0, "warn": 1, "note": 2, "ok": 3}
_WARN_DAYS, _BAD_DAYS = 30, WARNINGS_DAYS[-1]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an operator should know, and the command that mends it ("" when none does)."""

    level: Level
    rule: str
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict)
    command: str = ""

    def says(self, language: str = "en") -> str:
        """The finding as a sentence."""
        return translate(
            f"apple.health.{self.rule}", language, **{k: _said(k, v, language) for k, v in self.facts.items()}
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether Apple takes our pushes for a pass type, as the process that pushes last found it."""

    pass_type: str
    authentication: str
    standing: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """The Apple side at one moment. `unfetched` are passes that were pushed as part of many and not fetched yet."""

    at: datetime
    held: Sequence[Held]
    requests: Sequence[Request]
    push_keys: Sequence[KeptKey]
    standings: Sequence[Standing]
    notes: Sequence[Waiting]
    reports: Sequence[Reported]
    unfetched: int
    partners: Mapping[str, str]
    findings: Sequence[Finding]

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        return min((finding.level for finding in self.findings), key=_ORDER.__getitem__, default="ok")


class Health:
    """Looks at most once every `max_age_s` seconds, however many ask: a long line of notes takes a while to count."""

    def __init__(
        self, db: Database, identities: Identities, push_keys: PushKeys, *, live: bool, max_age_s: float = 2.0
    ) -> None:
        self._look = lambda: overview(db, identities, push_keys, live=live)
        self._max_age_s = max_age_s
        self._kept: tuple[float, Overview] | None = None
        self._reading = Shared[Overview]()

    async def seen(self) -> Overview:
        """The Apple side, a moment old at most. Raises DatabaseAway."""
        if self._kept is None or time.monotonic() - self._kept[0] > self._max_age_s:
            self._kept = await self._reading.of("", self._look)
        return self._kept[1]


async def overview(
    db: Database, identities: Identities, push_keys: PushKeys, *, live: bool, now: datetime | None = None
) -> Overview:
    """What is stored, as of one snapshot, and what follows from it. `live`: a test authority is a fault, not a note."""
    async with db.read() as read:
        requests = await open_requests(read.connection)
        standings = await _standings(read.connection)
        notes = await waiting(read.connection)
        reports = await reported(read.connection)
        unfetched = await read.connection.fetchval("SELECT count(*) FROM apple_wave")
        taps = await read.connection.fetchval("SELECT EXISTS (SELECT FROM apple_tap_key WHERE state = 'current')")
        partners = await _partners(read.connection, [held.partner_id for held in identities.held()])
    at = now or datetime.now(UTC)
    findings = [
        *findings_of(identities, requests, live=live, taps=taps, now=at),
        *_of_push(push_keys, standings),
        *_of_notes(notes),
    ]
    findings.sort(key=lambda finding: _ORDER[finding.level])
    return Overview(
        at, identities.held(), requests, push_keys.kept(), standings, notes, reports, unfetched, partners, findings
    )


def findings_of(
    identities: Identities, requests: Sequence[Request], *, live: bool, taps: bool, now: datetime
) -> list[Finding]:
    """What there is to say of certificates and requests. Pure."""
    out = {request.pass_type for request in requests}
    found: list[Finding] = []
    for held in identities.held():
        if held.identity is None:
            found.append(Finding("bad", "locked", held.pass_type, {"reason": held.fault}))
        else:
            found += _of_identity(held.identity, held.pass_type in out, now)
    tested = [one.pass_type for one in identities.all() if not one.by_apple and not _named_apple(one)]
    if tested:
        found.append(Finding("bad" if live else "note", "test_authority", ", ".join(tested)))
    found += _of_choice(identities, requested=bool(requests), live=live, taps=taps)
    told = {finding.subject for finding in found if finding.rule == "ends_requested"}
    for request in requests:
        if request.pass_type not in told:
            facts = {"date": request.created_at.date()}
            found.append(Finding("note", "request_open", request.pass_type, facts, _INSTALL))
    return found


def _of_identity(identity: Identity, requested: bool, now: datetime) -> Iterator[Finding]:
    name = identity.pass_type
    leaf_ends, issuer_ends = identity.certificate.not_valid_after_utc, identity.intermediate.not_valid_after_utc
    next_one = _INSTALL if requested else f"{_COMMAND} rotate --pass-type {name}"
    if now < identity.begins_at:
        yield Finding("bad", "early", name, {"date": identity.begins_at.date()})
    for ends, rule in ((leaf_ends, "end"), (issuer_ends, "issuer_end")):
        days = (ends - now).days
        if days < 0:
            yield Finding("bad", f"{rule}ed", name, {"date": ends.date()}, next_one)
        elif stage(days) is not None:
            facts = {"date": ends.date(), "left": days}
            known = "ends_requested" if rule == "end" and requested else f"{rule}s"
            yield Finding(level_of(days), known, name, facts, next_one)
    if not identity.by_apple and _named_apple(identity):
        yield Finding("warn", "issuer_unknown", name, {"fingerprint": fingerprint(identity.intermediate)})


def level_of(days: int) -> Level:
    """How urgent a certificate with so many days left is."""
    if stage(days) is None:
        return "ok"
    return "bad" if days <= _BAD_DAYS else "warn" if days <= _WARN_DAYS else "note"


def _named_apple(identity: Identity) -> bool:
    """Whether the issuer calls itself Apple; that it is, only the fingerprint shows."""
    said = identity.intermediate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return [one.value for one in said] == ["Apple Inc."]


def _of_choice(identities: Identities, *, requested: bool, live: bool, taps: bool) -> Iterator[Finding]:
    usable = identities.all()
    preferred = identities.preferred
    if not identities.held():
        begin = "" if requested else f"{_COMMAND} csr --pass-type {preferred or 'pass.com.example.loyalty'}"
        yield Finding("bad" if live else "note", "nothing", preferred, {}, begin)
    elif usable and preferred and identities.of(preferred) is None:
        yield Finding("warn", "not_the_settings", preferred)
    if identities.overridden:
        yield Finding("note", "overridden", identities.overridden)
    if taps:
        for identity in usable:
            if not identity.nfc:
                yield Finding("warn", "no_taps", identity.pass_type)


def _of_push(push_keys: PushKeys, standings: Sequence[Standing]) -> Iterator[Finding]:
    for key in push_keys.kept():
        if key.fault:
            yield Finding("bad", "push_key_locked", key.team, {"key_id": key.key_id, "reason": key.fault})
    for one in standings:
        if one.standing == "stopped":
            yield Finding("bad", "push_stopped", one.pass_type, {"reason": one.reason})
        elif one.standing == "waiting":
            yield Finding("warn", "push_waiting", one.pass_type, {"reason": one.reason})


def _of_notes(notes: Sequence[Waiting]) -> Iterator[Finding]:
    for one in notes:
        if one.stuck and one.kind.startswith(("pass", "apple.")):
            facts = {"kind": one.kind, "stuck": one.stuck, "reason": one.error or ""}
            yield Finding("warn", "notes_stuck", one.kind, facts)


def _said(name: str, value: object, language: str) -> object:
    if isinstance(value, date):
        return date_text(value, language)
    return left_text(value, language) if name == "left" and isinstance(value, int) else value


async def _standings(connection: Connection) -> list[Standing]:
    rows = await connection.fetch(
        "SELECT pass_type, authentication, standing, reason, since FROM apple_push_state ORDER BY pass_type LIMIT 1000"
    )
    return [Standing(*row) for row in rows]


async def _partners(connection: Connection, ids: Sequence[str | None]) -> dict[str, str]:
    rows = await connection.fetch("SELECT id, name FROM partner WHERE id = ANY($1::text[])", [i for i in ids if i])
    return {row["id"]: row["name"] for row in rows}
