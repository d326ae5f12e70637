"""Requests to a shaped ledger in one line each."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from kernel.errors import CommonpointError
from points.answers import Done
from points.commands import Capture, Claim, Command, Earn, Mature, Redeem, Release, Reverse, Transfer
from points.outcome import Outcome
from points.programme.events import Event, Line
from tests.support.programme_shapes import SPECIAL, Shape, version_for
from tests.support.shaped_ledger import PARTNERS, Room, ShapedLedger

# One point for each 1.00, carried; a reward for 10; nothing else.
PLAIN = Shape(
    points=Fraction(1), per_minor=100, rounding="carry", visit=None, campaign=None, gold=None, ladder=None,
    pending_days=None, expiry=("never", 0), end_of="day", zone="Europe/Helsinki", consume=("oldest",), cost=10,
    stock=None, voucher=False, transfers=1_000,
)  # fmt: skip


class Desk:
    """A till: asks a ledger under a shape and keeps going when it is refused."""

    def __init__(self, room: Room, shape: Shape = PLAIN) -> None:
        self.ledger = ShapedLedger(room, version_for(shape))
        self.here = PARTNERS[0]

    def ask(self, command: Command) -> Outcome | CommonpointError:
        """The outcome, or why not."""
        answer = self.ledger.do(command)
        return answer.outcome if isinstance(answer, Done) else answer

    def done(self, command: Command) -> Outcome:
        """The outcome; being refused is an error."""
        answer = self.ask(command)
        assert isinstance(answer, Outcome), answer
        return answer

    def buy(self, amount: int, member: int = 0, kind: str | None = SPECIAL) -> Outcome:
        event = Event(amount_minor=amount, lines=(Line(amount_minor=amount, category=kind),))
        asked = self.ledger.asked(self.here, str(amount))
        return self.done(
            Earn(**asked, member_id=self.who(member), event=event, currency="EUR", in_force=self.ledger.in_force)
        )

    def refund(self, bill: Outcome, amount: int | None = None) -> Outcome:
        return self.done(Reverse(**self.ledger.asked(self.here), journal_id=bill.id, amount_minor=amount))

    def spend(self, points: int, member: int = 0) -> Outcome:
        return self.done(self.redemption(points, member))

    def redemption(self, points: int, member: int = 0) -> Redeem:
        asked = self.ledger.asked(self.here, str(points))
        return Redeem(**asked, member_id=self.who(member), points=points, in_force=self.ledger.in_force)

    def give_back(self, redemption: Outcome) -> Outcome:
        return self.done(Reverse(**self.ledger.asked(self.here), journal_id=redemption.id))

    def claim(self, member: int = 0) -> Outcome | CommonpointError:
        asked = self.ledger.asked(self.here)
        return self.ask(Claim(**asked, member_id=self.who(member), reward="prize", in_force=self.ledger.in_force))

    def capture(self, claim: Outcome) -> Outcome | CommonpointError:
        return self.ask(Capture(**self.ledger.asked(self.here), claim_id=claim.id))

    def release(self, claim: Outcome) -> Outcome | CommonpointError:
        return self.ask(Release(**self.ledger.asked(self.here), claim_id=claim.id))

    def send(self, points: int, member: int = 0, to: int = 1) -> Outcome:
        asked = self.ledger.asked(self.here)
        return self.done(
            Transfer(
                **asked, member_id=self.who(member), to_member_id=self.who(to), points=points,
                in_force=self.ledger.in_force,
            )
        )  # fmt: skip

    def wait(self, member: int = 0, **time: float) -> Outcome:
        """Let time pass, and look at what it did to a member."""
        self.ledger.clock.advance(timedelta(**time))
        asked = self.ledger.asked(self.here)
        return self.done(Mature(**asked, member_id=self.who(member), in_force=self.ledger.in_force))

    def who(self, member: int) -> str:
        return self.ledger.members[member]

    def balance(self, member: int = 0) -> int:
        account = f"{self.who(member)}/spendable"
        return int(self.ledger.rows("SELECT balance FROM account WHERE id = $1", account)[0][0])


def shaped(**other: object) -> Shape:
    """The plain shape with some other words."""
    return replace(PLAIN, **other)  # type: ignore[arg-type]
