"""Publishing a programme: its content under its hash, and from when it is in force where. Nothing is ever edited.

A partner's own publications come before the coalition's; where neither is in force yet, the default programme is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict, Invalid
from kernel.ids import new_id
from points.programme.canonical import canonical, from_canonical, id_of
from points.programme.fair_change import reasons_against
from points.programme.schema.programme import Programme
from points.programme.shelf import default_version
from points.programme.version import InForce, Version

_COLUMNS = "p.id, p.partner_id, p.version_id, p.effective_from, p.ids, p.created_at, v.content"
_FROM = "programme_publication p JOIN programme_version v ON v.id = p.version_id"
# Any fixed number: publications are compared with their neighbours, so they are made one at a time.
_PUBLISH_LOCK = 0x7075626C697368


class PublicationInPast(Invalid):
    """A programme cannot take effect earlier than now: what was earned under the old one stays."""

    code = "publication_in_past"
    title = "Programmes cannot take effect in the past"


class PublicationCollides(Conflict):
    """Another programme starts there at the very same moment."""

    code = "publication_collides"
    title = "A programme already starts at that moment"


class NamesUnbound(Invalid):
    """The names of partners and places in the file do not match those that were given ids."""

    code = "programme_names_unbound"
    title = "Names of the file are not bound"


class ChangeUnfair(Invalid):
    """The version would take something from points that members already have. `reasons` lists what."""

    code = "programme_change_unfair"
    title = "The change is unfair to members"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons), reasons=list(reasons))
        self.reasons = tuple(reasons)


class ProgrammeCurrency(Conflict):
    """Programmes of one coalition count in one currency."""

    code = "programme_currency"
    title = "The coalition's programmes are in another currency"


class ProgrammeNameTaken(Conflict):
    """Budgets, stocks and boards are kept under the programme's name, so each partner's has its own."""

    code = "programme_name_taken"
    title = "Another partner's programme has this name"


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that takes effect at a partner (None: in the whole coalition); `ids`: name in the file -> id."""

    id: str
    partner_id: str | None
    effective_from: datetime
    version: Version
    ids: Mapping[str, str]
    created_at: datetime


async def publish(
    unit: Unit,
    clock: Clock,
    programme: Programme,
    ids: Mapping[str, str],
    partner_id: str | None,
    effective_from: datetime | None = None,
) -> Publication:
    """Put a programme in force at a partner, or with None in the whole coalition, at `effective_from` (unset: now).

    The same content again is the same version; if it also is what would be in force at that moment, with the same
    `ids`, the publication that says so is returned. Whether the ids exist is for the caller to check.

    Raises PublicationInPast, PublicationCollides, NamesUnbound, ChangeUnfair, ProgrammeCurrency, ProgrammeNameTaken.
    """
    now = clock.now()
    starts = effective_from or now
    if starts < now:
        raise PublicationInPast("The programme would take effect in the past.")
    _check_names(programme, ids)
    await unit.connection.execute("SELECT pg_advisory_xact_lock($1)", _PUBLISH_LOCK)
    content = canonical(programme)
    version = _version(id_of(content), content)
    others = await _publications_of(unit.connection, partner_id)
    before = next((one for one in others if one.effective_from <= starts), None)
    after = next((one for one in reversed(others) if one.effective_from > starts), None)
    if before is not None and before.version.id == version.id and dict(before.ids) == dict(ids):
        return before
    if before is not None and before.effective_from == starts:
        raise PublicationCollides(f"Another programme starts there at {starts.isoformat()}.")
    await _check_coalition(unit.connection, programme, partner_id)
    await _check_fair(unit.connection, partner_id, version, starts, before, after)
    made = Publication(new_id("pub"), partner_id, starts, version, dict(ids), now)
    await _write(unit.connection, made, content)
    return made


async def publications(connection: Connection, partner_id: str | None) -> list[Publication]:
    """What was published for a partner: its own, then the coalition's; in each the one that starts last comes first."""
    own = await _publications_of(connection, partner_id) if partner_id is not None else []
    return own + await _publications_of(connection, None)


async def publications_of_version(connection: Connection, version_id: str) -> list[Publication]:
    """Where a version was put in force, the latest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.version_id = $1 ORDER BY p.effective_from DESC, p.id DESC", version_id
    )
    return [_publication(row) for row in rows]


def in_force(publications: Iterable[Publication], when: datetime) -> InForce:
    """What holds at a moment, of publications in the order of `publications`; the default programme if none does."""
    found = next((one for one in publications if one.effective_from <= when), None)
    if found is None:
        return InForce(default_version())
    return InForce(found.version, found.ids, {id_: name for name, id_ in found.ids.items()})


async def versions(connection: Connection, ids: Iterable[str]) -> list[Version]:
    """The versions with these ids, as far as they were published."""
    rows = await connection.fetch("SELECT id, content FROM programme_version WHERE id = ANY($1)", [*ids])
    return [_version(row["id"], row["content"]) for row in rows]


def _check_names(programme: Programme, ids: Mapping[str, str]) -> None:
    """All names of the file and no others must be bound, each to an id of its own."""
    wanted = {*programme.partners, *programme.locations}
    missing, extra = sorted(wanted - {*ids}), sorted({*ids} - wanted)
    if missing or extra:
        said = [f"without an id: {', '.join(missing)}"] if missing else []
        said += [f"not in the file: {', '.join(extra)}"] if extra else []
        raise NamesUnbound(f"Names {'; '.join(said)}.", missing=missing, extra=extra)
    if len(set(ids.values())) < len(ids):
        raise NamesUnbound("Two names of the file are bound to the same id.", missing=[], extra=[])


async def _check_coalition(connection: Connection, programme: Programme, partner_id: str | None) -> None:
    """One currency for all, a name of its own for each."""
    for other in await _elsewhere(connection, partner_id):
        used = other.version.programme
        if used.currency != programme.currency:
            detail = f"Programmes of this coalition are in {used.currency}."
            raise ProgrammeCurrency(detail, currency=used.currency)
        if used.programme == programme.programme:
            raise ProgrammeNameTaken(f"Another partner's programme is called '{used.programme}'; choose another name.")
    if programme.programme == default_version().programme.programme:
        raise ProgrammeNameTaken(f"The built-in programme is called '{programme.programme}'; choose another name.")


async def _elsewhere(connection: Connection, partner_id: str | None) -> list[Publication]:
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.partner_id IS DISTINCT FROM $1 ORDER BY p.id", partner_id
    )
    return [_publication(row) for row in rows]


async def _check_fair(
    connection: Connection,
    partner_id: str | None,
    version: Version,
    starts: datetime,
    before: Publication | None,
    after: Publication | None,
) -> None:
    """Against what was published until then, and what follows against it. Before any points are out nothing is owed,
    and the built-in programme, which nobody published, binds nobody."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM lot WHERE remaining > 0)"):
        return
    coalition = await _publications_of(connection, None) if before is None and partner_id is not None else []
    old = before or next((one for one in coalition if one.effective_from <= starts), None)
    reasons = reasons_against(old.version.programme, version.programme) if old else []
    if after is not None:
        later = reasons_against(version.programme, after.version.programme)
        reasons += [f"against what is in force from {after.effective_from:%Y-%m-%d %H:%M} UTC: {one}" for one in later]
    if reasons:
        raise ChangeUnfair(reasons)


async def _write(connection: Connection, made: Publication, content: bytes) -> None:
    await connection.execute(
        "INSERT INTO programme_version (id, content, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        made.version.id,
        content,
        made.created_at,
    )
    await connection.execute(
        "INSERT INTO programme_publication (id, partner_id, version_id, effective_from, ids, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        made.id,
        made.partner_id,
        made.version.id,
        made.effective_from,
        msgspec.json.encode(made.ids, order="sorted").decode(),
        made.created_at,
    )


async def _publications_of(connection: Connection, partner_id: str | None) -> list[Publication]:
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.partner_id IS NOT DISTINCT FROM $1"
        " ORDER BY p.effective_from DESC, p.id DESC",
        partner_id,
    )
    return [_publication(row) for row in rows]


def _publication(row: Any) -> Publication:
    version = _version(row["version_id"], row["content"])
    return Publication(row["id"], row["partner_id"], row["effective_from"], version, row["ids"], row["created_at"])


@lru_cache(maxsize=512)
def _version(version_id: str, content: bytes) -> Version:
    """One object per version in a process, so that what is compiled from it is compiled once."""
    return Version(version_id, from_canonical(content))
