"""The rules of the ledger: (book, command, ground) -> journals. Pure: no clock, database or randomness of its own.

`decide` folds what it decides into the book as it goes, so that what follows from a journal sees it; when it raises,
nothing was folded since the last decision it returned (`mature` comes first and stands on its own).
"""

from dataclasses import dataclass, replace

from points.book import Book, Past
from points.commands import (
    Act,
    Adjust,
    Capture,
    Claim,
    Command,
    Earn,
    Grant,
    Judge,
    Mark,
    Mature,
    Merge,
    Redeem,
    Release,
    Reverse,
    Transfer,
)
from points.deciding.calendar import by_calendar
from points.deciding.claims import capture, claim, release
from points.deciding.earn import earn
from points.deciding.errors import MoreThanLeft, NotReversible, UnknownJournal
from points.deciding.granted import act, adjust, approve, grant, mark, verdict_of
from points.deciding.journal import finish, make, pin
from points.deciding.mature import mature
from points.deciding.moving import merge, transfer
from points.deciding.reactions import follow, retract
from points.deciding.redeem import redeem, restore
from points.deciding.refund import pinned, refund
from points.decision import Decision, Ground
from points.programme.version import InForce

# Reversing these gives back what was spent.
_SPENT = ("redeem", "capture")


@dataclass(frozen=True, slots=True)
class Effects:
    """All journals of a command in order; `main` is the one that answers it (None: nothing was due)."""

    journals: tuple[Decision, ...]
    main: Decision | None


def decide(book: Book, command: Command, ground: Ground) -> Effects:
    """What `command` does. Raises a CommonpointError when it may not be done."""
    main, journals = _decide(book, command, ground)
    in_force = in_force_of(command)
    if in_force is not None and main is not None and not isinstance(command, Merge):
        journals += follow(book, command, ground, in_force, main.journal_id)
    if isinstance(command, Reverse | Release | Judge):
        # Points that come back to a lot whose time is over end at once.
        journals += mature(book, command, ground, None)
    return Effects(tuple(journals), main)


def is_due(book: Book, ground: Ground) -> bool:
    """Whether time may have changed something since the book was last decided on."""
    return book.due_at is not None and book.due_at <= ground.now


def ripen(book: Book, command: Command, ground: Ground) -> list[Decision]:
    """What is due before the command is looked at; `Mature` is that command itself."""
    return [] if isinstance(command, Mature) else mature(book, command, ground, in_force_of(command))


def in_force_of(command: Command) -> InForce | None:
    """The programme that the command comes under, if it names one."""
    found: InForce | None = getattr(command, "in_force", None)
    return found


def _decide(book: Book, command: Command, ground: Ground) -> tuple[Decision | None, list[Decision]]:
    match command:
        case Earn():
            one = earn(book, command, ground)
        case Redeem():
            one = redeem(book, command, ground)
        case Reverse():
            return _reverse(book, command, ground)
        case Claim():
            one = claim(book, command, ground)
        case Capture():
            one = capture(book, command, ground)
        case Release():
            one = release(book, command, command.claim_id, ground)
        case Grant():
            one = grant(book, command, ground)
        case Adjust():
            one = adjust(book, command, ground)
        case Mark():
            one = mark(book, command, ground)
        case Act():
            one = act(book, command, _past(book, command.journal_id, command.partner_id), ground)
        case Judge():
            return _judge(book, command, ground)
        case Transfer():
            both = transfer(book, command, ground)
            return both[0], both
        case Merge():
            both = merge(book, command, ground)
            return both[0], both
        case Mature():
            due = [*mature(book, command, ground, command.in_force), *by_calendar(book, command, ground)]
            return (due[0] if due else None), due
    return one, [one]


def _past(book: Book, journal_id: str, partner_id: str) -> Past:
    past = book.past.get(journal_id)
    if past is None or past.partner_id != partner_id:
        raise UnknownJournal(f"There is no earning or redemption '{journal_id}'.")
    return past


def _judge(book: Book, command: Judge, ground: Ground) -> tuple[Decision, list[Decision]]:
    """What was decided on a review. Of an earning that was returned in the meantime nothing is left to undo."""
    past = _past(book, command.journal_id, command.partner_id)
    if command.approve:
        approved = approve(book, command, past, ground)
        return approved, [approved]
    undo = Reverse(
        partner_id=command.partner_id,
        key=command.key,
        fingerprint=command.fingerprint,
        occurred_at=command.occurred_at,
        key_owner=command.key_owner,
        journal_id=command.journal_id,
    )
    facts = {"verdict": verdict_of(command)}
    try:
        main, journals = _reverse(book, undo, ground)
    except MoreThanLeft:
        nothing = make(book, command, ground, "mark", facts=pin(None, reason="review", **facts))
        return nothing, [finish(book, nothing, ground, None)]
    undone = replace(main, facts={**main.facts, **facts})
    return undone, [undone if journal is main else journal for journal in journals]


def _reverse(book: Book, command: Reverse, ground: Ground) -> tuple[Decision, list[Decision]]:
    past = _past(book, command.journal_id, command.partner_id)
    if past.kind == "earn":
        journals = refund(book, command, past, ground)
        version = pinned(past, ground)[0]
        main = journals[-1]
        return main, [*journals, *retract(book, command, ground, version, version.day(ground.now), main.journal_id)]
    if past.kind in _SPENT:
        one = restore(book, command, past, ground)
        return one, [one]
    raise NotReversible("Only earnings and redemptions can be reversed; post a new one instead.")
