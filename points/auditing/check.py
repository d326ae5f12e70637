"""What a check is: a numbered invariant of the loyalty domain, and how to find what breaks it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kernel.database import Connection

# (subject, detail) of what breaks a rule, at most as many as asked.
Found = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not hold, and for what."""

    rule: str
    subject: str
    detail: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant by its number in the domain's list (one may have several checks), and how to look for breaks."""

    number: int
    name: str
    find: Callable[[Connection, int], Awaitable[Found]]


def by_sql(number: int, name: str, sql: str) -> Check:
    """A check whose breaks are rows (subject, detail)."""

    async def find(connection: Connection, most: int) -> Found:
        # Without parameters the plan is made once.
        rows = await connection.fetch(f"SELECT subject, detail FROM ({sql}) AS broken LIMIT {most:d}")
        return [(str(row["subject"]), str(row["detail"])) for row in rows]

    return Check(number, name, find)


async def run(connection: Connection, checks: Sequence[Check], most: int) -> list[Finding]:
    """Every broken rule with up to `most` examples, in the order of the checks."""
    return [
        Finding(check.name, subject, detail, check.number)
        for check in checks
        for subject, detail in (await check.find(connection, most))[:most]
    ]
