"""Links to achievements: what is behind one names the achievement and a referral code, and no person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict, NotFound
from kernel.ids import new_code
from points.engagement.ports import Programmes
from points.engagement.referral import code_of
from points.engagement.standings import known_of
from points.programme.schema.basics import Language
from points.programme.schema.engagement import Badge, Challenge, Milestone, Streak
from points.programme.version import InForce

TOKEN_LENGTH = 26


class NothingToShare(Conflict):
    """The member does not have this achievement."""

    code = "nothing_to_share"
    title = "The member does not have this achievement"


class ShareUnknown(NotFound):
    """There is no such link, or it was withdrawn."""

    code = "share_unknown"
    title = "Nothing is shared here"


@dataclass(frozen=True, slots=True)
class Shared:
    """What the page behind a link may show: words by language, how often it was won, and a referral code."""

    programme: dict[str, str]
    achievement: dict[str, str]
    times: int
    referral_code: str


async def share(unit: Unit, clock: Clock, in_force: InForce, partner_id: str, member_id: str, award: str) -> str:
    """The token of the link to something the member has won; asked again, the same token.

    Raises UnknownMember, NothingToShare.
    """
    known = await known_of(unit.connection, member_id)
    if _words(in_force, award) is None or not known.standing.awards.get(award):
        raise NothingToShare(f"The member has not won '{award}'.")
    token: str = await unit.connection.fetchval(
        "INSERT INTO share (token, member_id, partner_id, programme, award, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (member_id, programme, award) DO UPDATE SET withdrawn_at = NULL RETURNING token",
        new_code(TOKEN_LENGTH),
        member_id,
        partner_id,
        in_force.version.programme.programme,
        award,
        clock.now(),
    )
    await code_of(unit, clock, member_id)
    return token


async def withdraw(unit: Unit, clock: Clock, token: str) -> None:
    """The link shows nothing from now on."""
    await unit.connection.execute("UPDATE share SET withdrawn_at = $2 WHERE token = $1", token, clock.now())


async def shared(connection: Connection, programmes: Programmes, now: datetime, token: str) -> Shared:
    """What is behind a link. Raises ShareUnknown."""
    row = await connection.fetchrow(
        "SELECT share.*, referral_code.code FROM share JOIN referral_code USING (member_id)"
        " WHERE token = $1 AND withdrawn_at IS NULL",
        token,
    )
    if row is None:
        raise ShareUnknown("Nothing is shared here.")
    in_force = await programmes.in_force(row["partner_id"], now)
    words = _words(in_force, row["award"])
    won = (await known_of(connection, row["member_id"])).standing.awards.get(row["award"], [])
    if words is None or not won:
        raise ShareUnknown("Nothing is shared here.")
    return Shared(_plain(in_force.version.programme.names), words, len(won), row["code"])


def _words(in_force: InForce, award: str) -> dict[str, str] | None:
    """The names of a badge, challenge, streak or milestone: `badge/<id>`, as the standing keeps it."""
    engagement = in_force.version.programme.engagement
    shelves: dict[str, Sequence[Badge | Challenge | Streak | Milestone]] = {
        "badge": engagement.badges,
        "challenge": engagement.challenges,
        "streak": engagement.streaks,
        "milestone": engagement.milestones,
    }
    kind, _, name = award.partition("/")
    return next((_plain(one.names) for one in shelves.get(kind, ()) if one.id == name), None)


def _plain(names: Mapping[Language, str]) -> dict[str, str]:
    return {str(language): words for language, words in names.items()}
