"""What is left of an event when something came back. Pure.

What came back is written into the event itself, so that what is left keeps its exact share of discounts, rewards, tax
and tenders, and refunds in any order end at the same remainder.
"""

from collections.abc import Mapping

import msgspec

from points.programme.events import Event


def without(event: Event, returned: Mapping[int, int], amount_minor: int) -> Event:
    """`event` without what came back of its lines (index -> minor units) and `amount_minor` that names no line.

    The latter is spread over what is left of the lines in proportion, by largest remainder (of equals the first line).
    More than there was is all there was.
    """
    if not returned and amount_minor <= 0:
        return event
    if not event.lines:
        back = min(event.amount_minor, amount_minor + sum(returned.values()))
        return msgspec.structs.replace(event, returned_minor=back)
    left = [
        line.amount_minor - min(max(line.amount_minor, 0), returned.get(index, 0))
        for index, line in enumerate(event.lines)
    ]
    spread = _spread(min(amount_minor, sum(left)), left)
    lines = tuple(
        msgspec.structs.replace(line, returned_minor=line.amount_minor - rest + share)
        for line, rest, share in zip(event.lines, left, spread, strict=True)
    )
    return msgspec.structs.replace(event, lines=lines)


def whole_of(event: Event) -> Event:
    """The event as it was before anything came back."""
    if not event.returned_minor and not any(line.returned_minor for line in event.lines):
        return event
    lines = tuple(msgspec.structs.replace(line, returned_minor=0) for line in event.lines)
    return msgspec.structs.replace(event, returned_minor=0, lines=lines)


def _spread(amount: int, over: list[int]) -> list[int]:
    """`amount` in proportion to `over`, whole units that sum to it; never more than is there."""
    total = sum(over)
    if amount <= 0 or total <= 0:
        return [0] * len(over)
    shares = [amount * part // total for part in over]
    by_remainder = sorted(range(len(over)), key=lambda i: (-(amount * over[i] % total), i))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares
