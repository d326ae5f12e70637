"""Where and by whom a request was made: the terminal, the cashier, and the manager who lets it pass."""

import hashlib
from typing import Protocol

import msgspec

from api.http.purchases import ApprovalBody
from kernel.errors import Forbidden
from kernel.ids import is_id
from network.staff_desk import StaffDesk
from points.commands import Till
from points.pins import Pins
from points.programme.version import InForce


class ApprovalRefused(Forbidden):
    """Whoever approves must be a manager of the partner, not the cashier nor the member, and know their PIN."""

    code = "approval_refused"
    title = "The approval is not accepted"


class TillParts(Protocol):
    """The parts that are needed to know a till."""

    @property
    def staff_desk(self) -> StaffDesk: ...
    @property
    def pins(self) -> Pins: ...


class SaidAtTill(Protocol):
    """What a request says of where and by whom it was made."""

    @property
    def member_id(self) -> str: ...
    @property
    def cashier(self) -> str | None: ...
    @property
    def terminal(self) -> str | None: ...
    @property
    def approval(self) -> ApprovalBody | None: ...


async def till_of(parts: TillParts, partner_id: str, in_force: InForce, said: SaidAtTill) -> Till | None:
    """The till as the limits of the programme in force see it; None: nothing was said of it, and nothing is asked.

    A `cashier` who is one of the partner's staff (by id) is looked up, and any other name is a name. Raises
    ApprovalRefused, and what the PIN is refused with.
    """
    blind = not in_force.version.programme.misuse.staff_campaigns
    if said.cashier is None and said.terminal is None and said.approval is None and not blind:
        return None
    return Till(
        terminal=said.terminal or "",
        cashier=said.cashier or "",
        own_account=said.cashier is not None and await _is_own(parts, partner_id, said.cashier, said.member_id),
        staff=blind and await parts.staff_desk.works_here(partner_id, said.member_id),
        approved_by=await _approved(parts, partner_id, said, said.approval) if said.approval else None,
    )


async def _is_own(parts: TillParts, partner_id: str, staff_id: str, member_id: str) -> bool:
    if not is_id(staff_id, "stf"):
        return False
    person = await parts.staff_desk.who(partner_id, staff_id)
    if person is None or person.member_id is None:
        return False
    return await parts.staff_desk.same_account(person.member_id, member_id)


async def _approved(parts: TillParts, partner_id: str, said: SaidAtTill, approval: ApprovalBody) -> str:
    person = await parts.staff_desk.who(partner_id, approval.staff_id)
    if person is None or not person.active or person.role != "manager":
        raise ApprovalRefused("Only a manager of the partner can approve this.")
    if person.id == said.cashier or await _is_own(parts, partner_id, person.id, said.member_id):
        raise ApprovalRefused("Another person has to approve this.")
    if not await parts.pins.check(person.id, f"{partner_id}/{said.terminal or ''}", approval.pin):
        raise ApprovalRefused("The PIN is wrong.")
    return person.id


def print_of(operation: str, body: msgspec.Struct, *later: str) -> bytes:
    """The fingerprint of a request: SHA-256 of what is asked, in one spelling. How it was approved is no part of it,
    and no PIN is kept in any form.

    `later` are fields that came after others: where they say nothing, a request is known by what it was known by before
    there were any, so that one that is sent again is found.
    """
    if getattr(body, "approval", None) is not None:
        body = msgspec.structs.replace(body, approval=None)
    said = msgspec.json.encode(body, order="deterministic")
    for name in ("approval", *later):
        said = said.replace(f',"{name}":null'.encode(), b"")
    return hashlib.sha256(operation.encode() + b"\n" + said).digest()
