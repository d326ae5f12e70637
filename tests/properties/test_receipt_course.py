"""Any course of claiming, voiding, dying in between and waiting: a receipt earns once at most, and everybody agrees."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from kernel.ids import new_code
from kernel.secrets import Keyring
from points.ledger import Ledger
from points.members import join
from points.receipts import Made, Sale, claim, make, present, receipt, void
from points.teller import Teller
from tests.support.ledger import START, earn
from tests.support.receipts import Died, DiesAfter

MEMBERS = 3
KEYRING = Keyring(b"r" * 32)
members = st.integers(0, MEMBERS - 1)
moves = st.one_of(
    st.tuples(st.sampled_from(["claim", "claim", "die"]), members),
    st.tuples(st.just("void"), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 23, 24])),
)
# What is in one tuple happens at the same moment.
courses = st.lists(st.lists(moves, min_size=1, max_size=3), min_size=1, max_size=6)
_keys = count(1)


@dataclass
class Shop:
    """A ledger, its clock and three members."""

    db: Database
    clock: MovableClock
    teller: Teller
    members: list[str]

    async def printed(self) -> Made:
        """A receipt of ten."""
        sale = Sale(
            partner_id="ptn_a",
            key=f"{new_code()}-{next(_keys)}",
            fingerprint=b"sale",
            kind="receipt",
            told={},
            amount_minor=1_000,
            currency="EUR",
            terminal=None,
            occurred_at=self.clock.now(),
        )
        return await make(self.db, self.clock, KEYRING, sale)

    async def move(self, made: Made, what: str, which: int) -> str:
        """What came of it: `earned`, `void`, `died`, or the code of a refusal."""
        try:
            if what == "void":
                return (await void(self.db, self.clock, made.receipt.id, "ptn_a")).state
            if what == "wait":
                self.clock.advance(timedelta(hours=which))
                return "waited"
            member = self.members[which]
            found = await present(self.db, self.clock, KEYRING, made.token, member)
            ledger = DiesAfter(self.teller) if what == "die" else self.teller
            await claim(self.db, self.clock, ledger, found, earn(member, 1_000))
        except Died:
            return "died"
        except CommonpointError as refused:
            return refused.code
        return "earned"

    async def earnings(self, made: Made) -> list[str]:
        """Whose journals stand under the receipt's key."""
        async with self.db.read() as read:
            rows = await read.connection.fetch(
                "SELECT member_id FROM journal JOIN idempotency ON effect_id = journal.id WHERE key = $1",
                f"receipt/{made.receipt.id}",
            )
        return [row["member_id"] for row in rows]


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    """One ledger for all examples; each has a receipt of its own."""
    clock = MovableClock(START)
    teller = Teller(db, Ledger(clock))
    await teller.start()
    async with db.unit() as unit:
        joined = [(await join(unit, clock, "ptn_a", f"Member {n}", "en")).member.id for n in range(MEMBERS)]
    yield Shop(db, clock, teller, joined)
    await teller.stop()


@settings(max_examples=60)
@given(course=courses)
async def test_a_receipt_earns_once_at_most_whatever_happens_to_it(
    shop: Shop, course: list[list[tuple[str, int]]]
) -> None:
    made = await shop.printed()
    owner: str | None = None
    voided = False
    for moment in course:
        now, waits = shop.clock.now(), [move for move in moment if move[0] == "wait"]
        moment = waits[:1] or moment  # time passes between what happens, not during it
        came = await asyncio.gather(*(shop.move(made, *move) for move in moment))
        for (what, which), answer in zip(moment, came, strict=True):
            if answer in ("earned", "died"):
                assert owner in (None, shop.members[which])
                assert not voided
                assert owner is not None or now <= made.receipt.good_until
                owner = shop.members[which]
            elif answer == "voided":
                assert owner is None
                voided = True
            elif what in ("claim", "die"):
                assert answer in ("receipt_claimed", "receipt_voided", "receipt_expired")
    async with shop.db.read() as read:
        known = await receipt(read.connection, made.receipt.id, "ptn_a", shop.clock.now())
    assert await shop.earnings(made) == ([owner] if owner else [])
    late = shop.clock.now() > made.receipt.good_until
    expected = "claimed" if owner else "voided" if voided else "expired" if late else "open"
    assert (known.state, known.member_id) == (expected, owner)
