"""Members: joining, with or without a name; naming, finding."""

from dataclasses import dataclass
from datetime import datetime

from kernel.bulk import insert_many
from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Invalid
from kernel.i18n import LANGUAGES
from kernel.ids import new_code, new_id
from points.answers import KeyReused, UnknownMember
from points.tables import Idempotency, Member, Profile

LONGEST_NAME = 60


class BadName(Invalid):
    """A name that cannot be shown on a card."""

    code = "bad_name"
    title = "The name cannot be used"


class BadLanguage(Invalid):
    """A language that the cards do not speak."""

    code = "bad_language"
    title = "Unknown language"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with what their card says of them."""

    id: str
    code: str
    partner_id: str
    joined_at: datetime
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The member, and whether the same request had made them before."""

    member: MemberRow
    replayed: bool


async def join(
    unit: Unit,
    clock: Clock,
    partner_id: str,
    name: str,
    language: str,
    key: str | None = None,
    fingerprint: bytes = b"",
    *,
    anonymous: bool = False,
) -> Joined:
    """A new member who joins at `partner_id`; with a key, the same request again gives the same member.

    An `anonymous` one has the name "" until they tell it. Raises BadName, BadLanguage, KeyReused.
    """
    if not (anonymous and name == ""):
        check_name(name)
    if language not in LANGUAGES:
        raise BadLanguage(f"The language must be one of {', '.join(LANGUAGES)}.")
    member = MemberRow(new_id("mbr"), new_code(), partner_id, clock.now(), name, language)
    if key is not None and not await _take_key(unit.connection, partner_id, key, fingerprint, member.id):
        return await _replay(unit.connection, partner_id, key, fingerprint)
    await _insert(unit.connection, member)
    return Joined(member, replayed=False)


async def rename(connection: Connection, member_id: str, name: str) -> None:
    """What the member's card calls them from now on. Raises BadName, UnknownMember."""
    check_name(name)
    status = await connection.execute(
        "INSERT INTO profile (member_id, name) SELECT id, $2 FROM member WHERE id = $1"
        " ON CONFLICT (member_id) DO UPDATE SET name = excluded.name",
        member_id,
        name,
    )
    if status != "INSERT 0 1":
        raise UnknownMember(f"There is no member '{member_id}'.")


def check_name(name: str) -> None:
    """Refuse a name that a card cannot show. Raises BadName."""
    if not name.strip() or len(name) > LONGEST_NAME or any(not c.isprintable() for c in name):
        raise BadName(f"A name has 1 to {LONGEST_NAME} printable characters.")


async def find(connection: Connection, member_id: str) -> MemberRow | None:
    """The member with this id, or None."""
    row = await connection.fetchrow(f"{_SELECT} WHERE member.id = $1", member_id)
    return MemberRow(**row) if row else None


async def find_by_code(connection: Connection, code: str) -> MemberRow | None:
    """The member whose card says `code`, or None."""
    row = await connection.fetchrow(f"{_SELECT} WHERE member.code = $1", code)
    return MemberRow(**row) if row else None


async def find_many(connection: Connection, member_ids: list[str]) -> dict[str, MemberRow]:
    """Those of the members that exist, by id."""
    rows = await connection.fetch(f"{_SELECT} WHERE member.id = ANY($1::text[])", member_ids)
    return {row["id"]: MemberRow(**row) for row in rows}


_SELECT = """
SELECT member.id, member.code, member.partner_id, member.joined_at,
       coalesce(profile.name, '') AS name, coalesce(profile.language, 'en') AS language
FROM member LEFT JOIN profile ON profile.member_id = member.id
"""


async def _insert(connection: Connection, member: MemberRow) -> None:
    await connection.execute(
        insert_many(Member, ("id", "code", "partner_id", "joined_at")),
        [member.id],
        [member.code],
        [member.partner_id],
        [member.joined_at],
    )
    await connection.execute(
        insert_many(Profile, ("member_id", "name", "language")), [member.id], [member.name], [member.language]
    )
    await connection.execute(
        "INSERT INTO account (id, member_id, standing) VALUES"
        " ($1 || '/spendable', $1, jsonb_build_object('joined', $2::int)), ($1 || '/arrears', $1, '{}')",
        member.id,
        member.joined_at.date().toordinal(),
    )


async def _take_key(connection: Connection, partner_id: str, key: str, fingerprint: bytes, member_id: str) -> bool:
    """Whether the key was free. Its row is the lock: a concurrent twin waits here for the first to commit."""
    sql = insert_many(Idempotency, ("partner_id", "key", "fingerprint", "effect_id", "answer"))
    sql += " ON CONFLICT (partner_id, key) DO NOTHING"
    status = await connection.execute(sql, [partner_id], [key], [fingerprint], [member_id], [b""])
    return status == "INSERT 0 1"


async def _replay(connection: Connection, partner_id: str, key: str, fingerprint: bytes) -> Joined:
    known = await connection.fetchrow(
        "SELECT fingerprint, effect_id FROM idempotency WHERE partner_id = $1 AND key = $2", partner_id, key
    )
    member = await find(connection, known["effect_id"]) if known and known["fingerprint"] == fingerprint else None
    if member is None:
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return Joined(member, replayed=True)
