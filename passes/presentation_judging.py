"""What comes of something that was shown: a proof at most once, whoever sends it and however often. Steps in somebody's
transaction, in this order of locks: the message, the code or the tap, the proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kernel.database import Connection
from passes import live_uses
from passes.live_code import LiveCode
from passes.presentation_limits import code_was_right, lookup_found
from passes.presentation_lookups import Holder
from passes.presentation_records import (
    Message,
    Presented,
    answered,
    judge,
    new_presentation_id,
    same_as,
    taken_first,
    tap_message,
)
from passes.presentation_shown import Proves, ShownBy, WhyNot
from points.proofs import make_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whose card something is, and what there is for and against their being here.

    `ways` are what proves it, the one that counts most in front. `live` is the rotating code, `tap` what the tap is
    known by, `looked_up` says that they were found by what is no secret, `place` is where the terminal stands.
    """

    holder: Holder
    way: ShownBy
    reasons: tuple[WhyNot, ...] = ()
    ways: tuple[Proves, ...] = ()
    live: LiveCode | None = None
    tap: str | None = None
    looked_up: bool = False
    place: str | None = None

    def without(self, way: Proves) -> "Found":
        """The same where this does not prove it."""
        return replace(self, ways=tuple(one for one in self.ways if one != way))


async def settled(
    connection: Connection, message: Message, one: Presented, found: Found, phones_now: datetime
) -> Presented:
    """The answer to the message: `one`, once it is known whether the code or the tap was shown before. Of two who send
    the same at the same moment the second waits here for the first, and gets its answer. Raises KeyReused."""
    if not await taken_first(connection, message, one):
        twin = await answered(connection, message)
        assert twin is not None
        return twin
    if found.looked_up:
        await lookup_found(connection, message.partner_id)
    if found.live is not None:
        await code_was_right(connection, found.live.subject)
        if not await live_uses.first_showing(connection, found.live, phones_now):
            found = found.without("rotating_code")
            one = replace(one, reasons=found.reasons or ("shown_before", "show_again"))
            await judge(connection, one, [one.id])
    tap = None if found.tap is None else tap_message(one.partner_id, found.tap)
    if tap is None or tap == message:
        return await _proved(connection, one, found, [one.id])
    return await _tapped(connection, tap, one, found)


async def _tapped(connection: Connection, tap: Message, one: Presented, found: Found) -> Presented:
    """A tap is known by its own number besides the request's key: what came of it first, holds for every request."""
    of_tap = replace(one, id=new_presentation_id())
    if await taken_first(connection, tap, of_tap):
        return await _proved(connection, one, found, [one.id, of_tap.id])
    first = await answered(connection, tap)
    assert first is not None
    one = same_as(first, one)
    await judge(connection, one, [one.id])
    return one if first.proof_id else await _proved(connection, one, found.without("tap"), [one.id])


async def _proved(connection: Connection, one: Presented, found: Found, ids: Sequence[str]) -> Presented:
    """The same with a proof, if anything proves it; noted for these messages."""
    if not found.ways:
        return one
    way = found.ways[0]
    proof_id = await make_proof(connection, one.member_id, one.partner_id, way, one.shown_at)
    proved = replace(one, way=way, reasons=(), proof_id=proof_id)
    await judge(connection, proved, ids)
    return proved
