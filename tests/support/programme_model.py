"""The ledger told a second time: every point is an object, sums are counted, time is looked at point by point.

Slow and simple on purpose, and written from the words of the programme, not from the code: no lots that are split, no
allocations, no remainders that are carried (the exact value of everything bought is kept, and floored), no standing.
"""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from tests.support.programme_points import Bill, Hold, Holder, Lines, Point, Spent
from tests.support.programme_shapes import ADJUST_LIMIT, HOLD_MINUTES, SPECIAL, Shape


class Refused(Exception):
    """The model would not do it."""


class Model:
    """All members under one programme."""

    def __init__(self, shape: Shape, members: list[str]) -> None:
        self.shape = shape
        self.zone = ZoneInfo(shape.zone)
        self.holders = {member: Holder() for member in members}
        self.alias: dict[str, str] = {}
        self.bills: dict[str, Bill] = {}
        self.spent: dict[str, Spent] = {}
        self.holds: dict[str, Hold] = {}
        self.value: defaultdict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        self.budget_used = 0
        self.stock_used = 0
        self._lots = 0

    # Who and when

    def who(self, member: str) -> str:
        """Whose account a member uses."""
        return self.alias.get(member, member)

    def day(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def ends(self, holder: Holder, point: Point) -> datetime | None:
        """The moment at which a point ends."""
        kind, days = self.shape.expiry
        if kind == "never":
            return None
        if kind == "inactivity":
            last = max(day for day in (point.earned, holder.active) if day is not None) + timedelta(days=days)
        else:
            last = point.earned + timedelta(days=days)
            while self.shape.end_of == "month" and (last + timedelta(days=1)).month == last.month:
                last += timedelta(days=1)
        following = last + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=self.zone).astimezone(UTC)

    def look(self, member: str, now: datetime, *, claims: bool = False) -> None:
        """Time has passed: claims time out (only when asked to look), waiting points come free, then points end."""
        name = self.who(member)
        holder = self.holders[name]
        if claims:
            for claim, hold in list(self.holds.items()):
                if hold.holder == name and hold.deadline <= now:
                    self.release(claim)
        coming = [p for p in holder.points if p.state == "pending" and p.free_on is not None and p.free_on <= now]
        for point in coming:
            point.state = "free"
        self._cure(holder, coming)
        for point in holder.points:
            end = self.ends(holder, point)
            if point.state == "free" and end is not None and end <= now:
                point.state = "ended"

    def free(self, name: str) -> list[Point]:
        """What can be spent, oldest lots first."""
        return sorted((p for p in self.holders[name].points if p.state == "free"), key=lambda p: p.lot)

    def next_lot(self) -> int:
        self._lots += 1
        return self._lots

    def _cure(self, holder: Holder, coming: list[Point]) -> None:
        for point in sorted((p for p in coming if p.state == "free"), key=lambda p: p.lot):
            if not holder.owed:
                return
            holder.owed.pop(0)
            point.state = "cured"

    def _in_order(self, name: str, partner: str) -> list[Point]:
        never = datetime.max.replace(tzinfo=UTC)

        def key(point: Point) -> tuple[object, ...]:
            keys: dict[str, object] = {
                "own_issuer_first": point.issuer != partner,
                "soonest_expiry": self.ends(self.holders[name], point) or never,
                "oldest": point.lot,
            }
            return (*(keys[word] for word in self.shape.consume), point.lot)

        return sorted(self.free(name), key=key)

    # Earning and refunding

    def earn(self, journal: str, member: str, partner: str, lines: Lines, now: datetime) -> int:
        """A purchase; answers how many points it gave."""
        name = self.who(member)
        holder, shape, today = self.holders[name], self.shape, self.day(now)
        gold = shape.gold is not None and holder.spend >= shape.gold[0]
        visit = shape.visit[0] if shape.visit and holder.visits[today] < shape.visit[1] else 0
        campaign = shape.campaign
        pushed = campaign is not None and campaign.weekday in (None, today.weekday())
        left = None if campaign is None or campaign.budget is None else campaign.budget - self.budget_used
        rate = Fraction(shape.gold[1] if gold and shape.gold else shape.points) / shape.per_minor
        bill = Bill(name, partner, lines, now, rate, visit, pushed, left)
        before = self._worth(bill, nothing=True)
        gave = self._move(name, bill, before, self._worth(bill))
        self.bills[journal] = bill
        holder.visits[today] += bool(visit)
        holder.spend += bill.remaining
        holder.active = max(today, holder.active or today)
        self._issue(holder, journal, bill, gave, now)
        return sum(gave.values())

    def _issue(self, holder: Holder, journal: str, bill: Bill, gave: dict[str, int], now: datetime) -> None:
        waits = now + timedelta(days=self.shape.pending_days) if self.shape.pending_days else None
        if waits is not None:
            local = now.astimezone(self.zone) + timedelta(days=self.shape.pending_days or 0)
            waits = local.astimezone(UTC)
        lots: dict[datetime | None, int] = {}
        new: list[Point] = []
        for what, n in gave.items():
            free_on = None if what == "visit" else waits
            if n and free_on not in lots:
                lots[free_on] = self.next_lot()
            state = "pending" if free_on else "free"
            new += [Point(bill.partner, journal, lots[free_on], self.day(now), state, free_on) for _ in range(n)]
        holder.points += new
        self._cure(holder, new)

    def _worth(self, bill: Bill, *, nothing: bool = False) -> dict[str, Fraction]:
        """What is left of a purchase is worth to each rule: exact if it is carried, else whole."""
        if nothing or not bill.remaining:
            return {"spend": Fraction(0), "visit": Fraction(0), "push": Fraction(0)}
        base = bill.remaining * bill.rate
        more = Fraction(0)
        if bill.pushed and self.shape.campaign is not None:
            special = sum(n for n, (_, kind) in zip(bill.of_lines(), bill.lines, strict=True) if kind == SPECIAL)
            more = special * bill.rate * (self.shape.campaign.times - 1)
        if bill.left_of_budget is not None:
            more = Fraction(min(floor(more), bill.left_of_budget))
        elif self.shape.rounding == "floor":
            more = Fraction(floor(base + more) - floor(base))
        if self.shape.rounding == "floor":
            base = Fraction(floor(base))
        return {"spend": base, "visit": Fraction(bill.visit), "push": more}

    def _move(self, name: str, bill: Bill, before: dict[str, Fraction], after: dict[str, Fraction]) -> dict[str, int]:
        """Whole points by rule that come (or go) when a purchase changes its worth."""
        moved = {}
        for what in after:
            key = (name, bill.partner, what)
            was = floor(self.value[key])
            self.value[key] += after[what] - before[what]
            moved[what] = floor(self.value[key]) - was
        if bill.left_of_budget is not None:
            self.budget_used += moved["push"]
        return moved

    def refund(self, journal: str, unnamed: int, lines: Counter[int]) -> int:
        """Part of a purchase comes back; answers how many points go. What has ended is gone already."""
        bill = self.bills[journal]
        name = self.who(bill.holder)
        before, had = self._worth(bill), bill.remaining
        bill.unnamed += unnamed
        bill.returned.update(lines)
        gone = -sum(self._move(name, bill, before, self._worth(bill)).values())
        holder = self.holders[name]
        holder.spend -= had - bill.remaining
        if not bill.remaining and bill.visit:
            holder.visits[self.day(bill.at)] -= 1
        ended = [p for p in holder.points if p.bill == journal and p.state == "ended"][:gone]
        taken = self._takable(name, journal, bill.partner)[: gone - len(ended)]
        self._use(ended, "forgone")
        self._use(taken, "taken")
        holder.owed += [bill.partner] * (gone - len(ended) - len(taken))
        return gone - len(ended)

    def _takable(self, name: str, journal: str, partner: str) -> list[Point]:
        own = [p for p in self.holders[name].points if p.state == "pending" and p.bill == journal]
        free = sorted(self.free(name), key=lambda p: (p.bill != journal, p.issuer != partner, p.lot))
        return sorted(own, key=lambda p: p.lot) + free

    # Spending

    def redeem(self, journal: str, member: str, partner: str, points: int, now: datetime) -> None:
        name = self.who(member)
        used = self._in_order(name, partner)[:points]
        if len(used) < points:
            raise Refused
        self._use(used, "spent")
        self.spent[journal] = Spent(name, used)
        self._spending(name, now)

    def _spending(self, name: str, now: datetime) -> None:
        holder = self.holders[name]
        holder.active = max(self.day(now), holder.active or self.day(now))

    def _use(self, points: list[Point], state: str) -> None:
        for point in points:
            point.state = state

    def restore(self, journal: str, points: int) -> None:
        """Points of a redemption come back, the last used first; a claimed reward comes back whole."""
        spent = self.spent[journal]
        if points > len(spent.points) or not spent.points or (spent.whole and points != len(spent.points)):
            raise Refused
        back, spent.points = spent.points[len(spent.points) - points :], spent.points[: len(spent.points) - points]
        self._use(back, "free")
        name = self.who(spent.holder)
        self._cure(self.holders[name], back if name == spent.holder else self._hand_over(name, back[::-1]))
        self.stock_used -= spent.stock
        spent.stock = 0

    def claim(self, journal: str, member: str, partner: str, now: datetime) -> bool:
        """A reward is chosen; answers whether it was paid for at once."""
        name = self.who(member)
        used = self._in_order(name, partner)[: self.shape.cost]
        none_left = self.shape.stock is not None and self.stock_used >= self.shape.stock
        if len(used) < self.shape.cost or none_left:
            raise Refused
        stock = int(self.shape.stock is not None)
        self.stock_used += stock
        if self.shape.voucher:
            self._use(used, "spent")
            self.spent[journal] = Spent(name, used, whole=True, stock=stock)
            self._spending(name, now)
            return True
        self._use(used, "held")
        self.holds[journal] = Hold(name, used, now + timedelta(minutes=HOLD_MINUTES))
        return False

    def capture(self, claim: str, journal: str, now: datetime) -> None:
        hold = self.holds.get(claim)
        if hold is None or hold.deadline <= now:
            raise Refused
        del self.holds[claim]
        self._use(hold.points, "spent")
        self.spent[journal] = Spent(hold.holder, hold.points, whole=True, stock=int(self.shape.stock is not None))
        self._spending(hold.holder, now)

    def release(self, claim: str) -> None:
        hold = self.holds.pop(claim, None)
        if hold is None:
            raise Refused
        self._use(hold.points, "free")
        self._cure(self.holders[hold.holder], hold.points)
        self.stock_used -= int(self.shape.stock is not None)

    # By hand, and between members

    def adjust(self, journal: str, member: str, partner: str, points: int, now: datetime) -> None:
        name = self.who(member)
        if abs(points) > ADJUST_LIMIT:
            raise Refused
        holder = self.holders[name]
        if points > 0:
            lot = self.next_lot()
            new = [Point(partner, journal, lot, self.day(now)) for _ in range(points)]
            holder.points += new
            self._cure(holder, new)
            return
        own = [p for p in self.free(name) if p.issuer == partner][:-points]
        if len(own) < -points:
            raise Refused
        self._use(own, "taken")

    def transfer(self, member: str, to: str, points: int, now: datetime) -> None:
        giver, taker, today = self.who(member), self.who(to), self.day(now)
        going = self.free(giver)[:points]
        sent = self.holders[giver].transferred
        if giver == taker or len(going) < points or sent[today] + points > self.shape.transfers:
            raise Refused
        sent[today] += points
        self._cure(self.holders[taker], self._hand_over(taker, going))

    def merge(self, member: str, to: str, now: datetime) -> None:
        giver, taker = self.who(member), self.who(to)
        if giver == taker or any(hold.holder == giver for hold in self.holds.values()):
            raise Refused
        holder, other = self.holders[giver], self.holders[taker]
        all_of_it = [p for p in holder.points if p.state in ("free", "pending")]
        other.owed += holder.owed
        other.points += [p for p in holder.points if p.state == "ended"]
        self._hand_over(taker, sorted(all_of_it, key=lambda p: p.lot))
        self._join_parts(giver, taker, now)
        self._cure(other, self.free(taker))
        other.spend += holder.spend
        other.visits.update(holder.visits)
        other.transferred.update(holder.transferred)
        other.active = max((day for day in (holder.active, other.active) if day is not None), default=None)
        self.alias = {who: taker if held == giver else held for who, held in self.alias.items()} | {giver: taker}
        self.holders[giver] = Holder()

    def _join_parts(self, giver: str, taker: str, now: datetime) -> None:
        """Parts of points of both are added up; what makes a whole one is a new point."""
        for key in sorted((key for key in self.value if key[0] == giver), key=lambda key: (key[1], key[2] == "push")):
            value, to = self.value.pop(key), (taker, *key[1:])
            whole = floor(self.value[to] + value) - floor(self.value[to]) - floor(value)
            self.value[to] += value
            new = [Point(key[1], "", self.next_lot(), self.day(now)) for _ in range(whole)]
            self.holders[taker].points += new

    def _hand_over(self, taker: str, going: list[Point]) -> list[Point]:
        lots: dict[int, int] = {}
        came = []
        for point in going:
            lot = lots.setdefault(point.lot, 0) or self.next_lot()
            lots[point.lot] = lot
            came.append(Point(point.issuer, "", lot, point.earned, point.state, point.free_on))
            point.state = "moved"
        self.holders[taker].points += came
        return came
