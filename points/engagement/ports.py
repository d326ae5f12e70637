"""What engagement needs from the rest: a ledger to ask and the programme in force at a partner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from kernel.database import Connection
from kernel.errors import NotFound
from points.answers import UnknownMember
from points.commands import Command
from points.programme.version import InForce


class NotOffered(NotFound):
    """The programme in force at this partner has no such thing."""

    code = "not_offered"
    title = "The programme does not have this"


class Effect(Protocol):
    """What came of a command."""

    @property
    def id(self) -> str:
        """The journal."""
        ...


class Answered(Protocol):
    """The ledger's answer."""

    @property
    def outcome(self) -> Effect:
        """What came of it."""
        ...


class Asks(Protocol):
    """The ledger as engagement sees it: the teller."""

    async def ask(self, command: Command) -> Answered:
        """The outcome of the command, durable when it returns; raises the ledger's errors."""
        ...


class Programmes(Protocol):
    """Which programme holds where."""

    async def in_force(self, partner_id: str, when: datetime) -> InForce:
        """The version in force at a partner and moment."""
        ...

    async def partners(self) -> Sequence[str]:
        """Ids of the partners whose programmes have daily work."""
        ...


async def home_of(connection: Connection, member_id: str) -> str:
    """The partner at which the member joined. Raises UnknownMember."""
    partner_id: str | None = await connection.fetchval("SELECT partner_id FROM member WHERE id = $1", member_id)
    if partner_id is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return partner_id
