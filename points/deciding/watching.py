"""What a programme watches: limits on how often and how much, and cashiers who serve their own account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from points.book import Book
from points.commands import Asked, Claim, Command, Earn, Redeem, Till, Transfer
from points.deciding.errors import ApprovalNeeded, OwnAccountServed, TooOften
from points.decision import Ground
from points.programme.velocity import On, Watch, watches_of
from points.programme.version import InForce

# What lots await whose earning somebody must look at; followed by what they await besides, if anything.
REVIEW: Final = "review"
_AND: Final = "+"

_NOBODY: Final = Till()


@dataclass(frozen=True, slots=True)
class Watched:
    """What the limits say: `reasons` for which somebody must look, and on which meters it counts (id -> points)."""

    reasons: tuple[str, ...] = ()
    meters: Mapping[str, int] = field(default_factory=dict)


_UNWATCHED: Final = Watched()


def watch_earning(book: Book, command: Asked, in_force: InForce, points: int, ground: Ground) -> Watched:
    """What is said of an earning of `points`. Raises TooOften, OwnAccountServed."""
    watched = _watch("earn", book, command, in_force, points, ground)
    till = command.till
    if till is None:
        return watched
    own = in_force.version.programme.misuse.own_account
    if till.own_account and own == "refuse":
        raise OwnAccountServed("A cashier does not serve the account that they use themselves.")
    reasons = (*(("own_account",) if till.own_account and own == "review" else ()), *watched.reasons)
    # Where there are no points there is nothing to wait for.
    return Watched(reasons if points and till.approved_by is None else (), watched.meters)


def watch_spending(
    book: Book, command: Asked, in_force: InForce | None, points: int, ground: Ground, *, happened: bool = False
) -> Watched:
    """What is said of spending: it cannot wait, so above a limit somebody has to approve on the spot. What has
    `happened` only counts. Raises TooOften, OwnAccountServed, ApprovalNeeded."""
    if in_force is None:
        return _UNWATCHED
    watched = _watch("spend", book, command, in_force, points, ground, happened=happened)
    till = command.till or _NOBODY
    if happened:
        return Watched((), watched.meters)
    if till.own_account and in_force.version.programme.misuse.own_account == "refuse":
        raise OwnAccountServed("A cashier does not serve the account that they use themselves.")
    if watched.reasons and till.approved_by is None:
        raise ApprovalNeeded("A manager has to approve this.", reasons=list(watched.reasons))
    return Watched((), watched.meters)


def _watch(
    on: On, book: Book, command: Asked, in_force: InForce, points: int, ground: Ground, *, happened: bool = False
) -> Watched:
    watches = watches_of(in_force.version, on)
    if not watches:
        return _UNWATCHED
    reasons: list[str] = []
    meters: dict[str, int] = {}
    for watch in watches:
        meter_id = _meter_id(watch, book, command)
        meters[meter_id] = points
        meter = ground.meters.get(meter_id)
        if meter is None:
            meter = ground.meters[meter_id] = watch.meter(meter_id)
        beyond = list(watch.beyond(meter.used(ground.now), points))
        if beyond and watch.refuses and not happened:
            most = {what: getattr(watch, what) for what in beyond}
            raise TooOften("This was done too often.", of=watch.of, on=on, within=watch.within, **most)
        if not watch.refuses:
            reasons += [f"{watch.of}_{what}" for what in beyond]
    return Watched(tuple(dict.fromkeys(reasons)), meters)


def meters_asked(book: Book, command: Command, in_force: InForce | None) -> Iterator[tuple[str, Watch]]:
    """The meters that a command will be judged by."""
    on = watched_on(command)
    if in_force is not None and on is not None:
        for watch in watches_of(in_force.version, on):
            yield _meter_id(watch, book, command), watch


def watched_on(command: Command) -> On | None:
    """Whether the command earns or spends, as limits see it."""
    if isinstance(command, Earn):
        return "earn"
    return "spend" if isinstance(command, Redeem | Claim | Transfer) else None


def _meter_id(watch: Watch, book: Book, command: Asked) -> str:
    till = command.till or _NOBODY
    return watch.meter_id(book.member_id, command.partner_id, till.cashier, till.terminal)


def said_by(till: Till | None, *, place: bool) -> dict[str, Any] | None:
    """What a journal keeps of a till: what is not as it is everywhere; terminal and cashier only with `place`."""
    if till is None:
        return None
    said: dict[str, Any] = {
        "terminal": till.terminal if place else "",
        "cashier": till.cashier if place else "",
        "own_account": till.own_account,
        "staff": till.staff,
        "approved_by": till.approved_by,
    }
    return {name: value for name, value in said.items() if value} or None


def awaiting_review(awaits: str | None) -> str:
    """What a lot under review awaits that would await `awaits` without it."""
    return REVIEW if awaits is None else f"{REVIEW}{_AND}{awaits}"


def after_review(awaits: str | None) -> str | None:
    """The inverse: what a lot awaits when its review is over."""
    return (awaits or "").partition(_AND)[2] or None


def is_under_review(awaits: str | None) -> bool:
    """Whether a lot of a reviewed earning awaits the review's end (and perhaps more)."""
    return (awaits or "").partition(_AND)[0] == REVIEW
