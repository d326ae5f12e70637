"""Sales that nobody showed a card for: a printed token lets one member claim each, once, within its window.

Who claimed a receipt is the ledger's to decide: the earning's key is derived from the receipt, and a receipt is voided
by taking that very key. So of a claim and a void, or of two claims, at the same moment one wins, and a process that
dies after the earning leaves nothing to guess: what the row does not say yet, the ledger does.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

import asyncpg
import msgspec

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import is_id, new_id
from kernel.secrets import Keyring
from points.answers import Done, KeyReused, UnknownMember
from points.commands import INTERNAL, Command, Earn
from points.members import find
from points.receipt_guesses import count_guess, forgive_guess, may_guess
from points.receipt_tokens import token_hash, token_in, token_of

Kind = Literal["receipt", "counter"]
State = Literal["open", "claimed", "voided", "expired"]

# How long a token is good for at most, which is also what it gets unless less is asked for.
LONGEST: Final[dict[Kind, timedelta]] = {"receipt": timedelta(hours=24), "counter": timedelta(seconds=60)}

_KEY = "receipt/"


class ReceiptUnknown(NotFound):
    """No receipt has this token or id, or not one of this partner."""

    code = "receipt_unknown"
    title = "There is no such receipt"


class ReceiptClaimed(Conflict):
    """A member has claimed it; the partner's facts: `entry_id`, to be reversed if the sale was undone."""

    code = "receipt_claimed"
    title = "The receipt was claimed before"


class ReceiptVoided(Conflict):
    """The partner took it back."""

    code = "receipt_voided"
    title = "The receipt is void"


class ReceiptExpired(Conflict):
    """Nobody claimed it in time; facts: `good_until`."""

    code = "receipt_expired"
    title = "The receipt can no longer be claimed"


class SaleTooOld(Invalid):
    """The sale was longer ago than its receipt would be good for."""

    code = "sale_too_old"
    title = "The sale is too old for a receipt"


class BadWindow(Invalid):
    """A receipt is good for a second at least, and at most for what its kind allows; facts: `longest_s`."""

    code = "bad_window"
    title = "A receipt cannot be good for so long"


class TerminalMissing(Invalid):
    """A counter code is bound to the terminal that shows it."""

    code = "terminal_missing"
    title = "A counter code needs its terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What is known of a sale when its receipt is made. `told` is the purchase as the till told it, ready for JSON."""

    partner_id: str
    key: str
    fingerprint: bytes
    kind: Kind
    told: dict[str, Any]
    amount_minor: int
    currency: str
    terminal: str | None
    occurred_at: datetime
    good_for: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A sale without a member, as it is now; `member_id` and `journal_id` are whose it became, by which earning."""

    id: str
    partner_id: str
    kind: Kind
    state: State
    sale: dict[str, Any]
    amount_minor: int
    currency: str
    terminal: str | None
    occurred_at: datetime
    good_until: datetime
    created_at: datetime
    member_id: str | None
    journal_id: str | None
    claimed_at: datetime | None
    marked: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A receipt and its token; `replayed` when the same request had made it before."""

    receipt: Receipt
    token: str
    replayed: bool


class Asks(Protocol):
    """The ledger: the teller."""

    async def ask(self, command: Command) -> Done:
        """The outcome, durable when it returns; raises the ledger's errors."""
        ...


# The row, with what the ledger knows of it: a journal under the receipt's key is the earning of whoever claimed it.
_FIND = f"""
SELECT receipt.*, coalesce(receipt.journal_id, journal.id) AS earning_id,
       coalesce(receipt.member_id, journal.by_member_id, journal.member_id) AS earner_id,
       coalesce(receipt.claimed_at, journal.recorded_at) AS earned_at
FROM receipt
LEFT JOIN idempotency ON idempotency.partner_id = '{INTERNAL}' AND idempotency.key = '{_KEY}' || receipt.id
LEFT JOIN journal ON journal.id = idempotency.effect_id
"""

_INSERT = """
INSERT INTO receipt (id, token_hash, partner_id, key, fingerprint, kind, sale, amount_minor, currency, terminal,
                     occurred_at, good_until, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

# Two who void at the same moment name the same effect too, and either index may be the one that says so.
_TAKE_KEY = """
INSERT INTO idempotency (partner_id, key, fingerprint, effect_id, answer) VALUES ($1, $2, $3, $4, '')
ON CONFLICT DO NOTHING
"""

_MARK = """
UPDATE receipt SET state = 'claimed', member_id = $2, journal_id = $3, claimed_at = $4
WHERE id = $1 AND state = 'open'
"""


async def make(db: Database, clock: Clock, keyring: Keyring, sale: Sale) -> Made:
    """A receipt for a sale; the same request again gives the same one, with the same token.

    Raises BadWindow, SaleTooOld, TerminalMissing, KeyReused.
    """
    now, receipt_id = clock.now(), new_id("rcp")
    token = token_of(keyring, receipt_id)
    async with db.unit() as unit:
        connection = unit.connection
        if not await _took(connection, sale.partner_id, sale.key, sale.fingerprint, receipt_id):
            known = await _made_before(connection, sale, now)
            return Made(known, token_of(keyring, known.id), replayed=True)
        good_for = _window(sale, now)
        await connection.execute(
            _INSERT,
            receipt_id,
            token_hash(keyring, token),
            sale.partner_id,
            sale.key,
            sale.fingerprint,
            sale.kind,
            msgspec.json.encode(sale.told).decode(),
            sale.amount_minor,
            sale.currency,
            sale.terminal,
            sale.occurred_at,
            now + good_for,
            now,
        )
        return Made(await receipt(connection, receipt_id, sale.partner_id, now), token, replayed=False)


async def receipt(connection: Connection, receipt_id: str, partner_id: str | None, now: datetime) -> Receipt:
    """One of the partner's receipts (None: anybody's). Raises ReceiptUnknown."""
    row = None
    if is_id(receipt_id, "rcp"):
        row = await connection.fetchrow(
            f"{_FIND} WHERE receipt.id = $1 AND ($2::text IS NULL OR receipt.partner_id = $2)", receipt_id, partner_id
        )
    if row is None:
        raise ReceiptUnknown("There is no such receipt.")
    return _receipt(row, now)


async def look_up(connection: Connection, keyring: Keyring, text: str, now: datetime) -> Receipt | None:
    """The receipt whose token was scanned or typed, if there is one."""
    token = token_in(text)
    if token is None:
        return None
    row = await connection.fetchrow(f"{_FIND} WHERE receipt.token_hash = $1", token_hash(keyring, token))
    return _receipt(row, now) if row else None


async def present(
    db: Database, clock: Clock, keyring: Keyring, text: str, member_id: str, partner_id: str | None = None
) -> Receipt:
    """The receipt that a member wants to claim, on their page or (`partner_id`) at a till of the partner that made it.

    What is not a token, or another partner's, counts as a guess. Raises ReceiptUnknown, TooManyGuesses, UnknownMember.
    """
    guesser = f"{partner_id or 'page'}/{member_id}"
    async with db.unit() as unit:
        if await find(unit.connection, member_id) is None:
            raise UnknownMember(f"There is no member '{member_id}'.")
        # Counted before it is looked at, so that many at once do not get more guesses than one after the other.
        tries = await count_guess(unit.connection, guesser)
        found = await look_up(unit.connection, keyring, text, clock.now()) if may_guess(tries) else None
        if found is not None and partner_id not in (None, found.partner_id):
            found = None
        if found is not None:
            await forgive_guess(unit.connection, guesser)
    tries.check()
    if found is None:
        raise ReceiptUnknown("There is no such receipt.")
    return found


async def claim(db: Database, clock: Clock, ledger: Asks, claimed: Receipt, earning: Earn) -> Done:
    """The receipt's sale earns for `earning.member_id`, as it would have with their card; again: the same answer.

    Raises ReceiptClaimed (another member), ReceiptVoided, ReceiptExpired and the ledger's errors.
    """
    _check(claimed, earning.member_id)
    command = replace(
        earning,
        key_owner=INTERNAL,
        key=_KEY + claimed.id,
        fingerprint=hashlib.sha256(f"receipt\n{claimed.id}\n{earning.member_id}".encode()).digest(),
    )
    try:
        done = await ledger.ask(command)
    except KeyReused:
        await _lost(db, clock, claimed.id, earning.member_id)
        raise
    if not claimed.marked:
        async with db.unit() as unit:
            await unit.connection.execute(_MARK, claimed.id, earning.member_id, done.outcome.id, clock.now())
    return done


async def void(db: Database, clock: Clock, receipt_id: str, partner_id: str) -> Receipt:
    """Nobody can claim it from now on; twice is no error. Raises ReceiptUnknown, ReceiptClaimed."""
    now = clock.now()
    async with db.unit() as unit:
        connection = unit.connection
        known = await receipt(connection, receipt_id, partner_id, now)
        if known.state not in ("claimed", "voided"):
            # An earning under way holds the key until it is written: then it was claimed.
            if await _took(connection, INTERNAL, _KEY + receipt_id, b"void", f"{receipt_id}/void"):
                await connection.execute("UPDATE receipt SET state = 'voided' WHERE id = $1", receipt_id)
            known = await receipt(connection, receipt_id, partner_id, now)
        if known.state == "claimed" and not known.marked:
            await connection.execute(_MARK, known.id, known.member_id, known.journal_id, known.claimed_at)
    if known.state == "claimed":
        raise ReceiptClaimed(
            "A member has claimed the receipt; reverse the entry instead.", entry_id=str(known.journal_id)
        )
    return known


def _window(sale: Sale, now: datetime) -> timedelta:
    longest = LONGEST[sale.kind]
    good_for = longest if sale.good_for is None else sale.good_for
    if not timedelta(seconds=1) <= good_for <= longest:
        longest_s = int(longest.total_seconds())
        raise BadWindow(f"It is good for 1 to {longest_s} seconds.", field="good_for_s", longest_s=longest_s)
    if now - sale.occurred_at > good_for:
        raise SaleTooOld("The sale is longer ago than the receipt would be good for.", field="occurred_at")
    if sale.kind == "counter" and not sale.terminal:
        raise TerminalMissing("Name the terminal that shows the code.", field="terminal")
    return good_for


async def _took(connection: Connection, owner: str, key: str, fingerprint: bytes, effect_id: str) -> bool:
    """Whether the key was free. Whoever is just using it is waited for."""
    return await connection.execute(_TAKE_KEY, owner, key, fingerprint, effect_id) == "INSERT 0 1"


async def _made_before(connection: Connection, sale: Sale, now: datetime) -> Receipt:
    row = await connection.fetchrow(
        f"{_FIND} WHERE receipt.partner_id = $1 AND receipt.key = $2 AND receipt.fingerprint = $3",
        sale.partner_id,
        sale.key,
        sale.fingerprint,
    )
    if row is None:
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return _receipt(row, now)


async def _lost(db: Database, clock: Clock, receipt_id: str, member_id: str) -> None:
    """Another member, or a void, had the key first: say which."""
    async with db.read() as read:
        _check(await receipt(read.connection, receipt_id, None, clock.now()), member_id)


def _check(one: Receipt, member_id: str) -> None:
    if one.state == "voided":
        raise ReceiptVoided("The shop has taken the receipt back.")
    if one.state == "claimed" and one.member_id != member_id:
        raise ReceiptClaimed("The receipt was claimed before.")
    if one.state == "expired":
        raise ReceiptExpired("The receipt was not claimed in time.", good_until=one.good_until)


def _receipt(row: asyncpg.Record, now: datetime) -> Receipt:
    state: State = row["state"]
    if state == "open" and row["earning_id"] is not None:
        state = "claimed"
    elif state == "open" and row["good_until"] < now:
        state = "expired"
    return Receipt(
        id=row["id"],
        partner_id=row["partner_id"],
        kind=row["kind"],
        state=state,
        sale=row["sale"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        terminal=row["terminal"],
        occurred_at=row["occurred_at"],
        good_until=row["good_until"],
        created_at=row["created_at"],
        member_id=row["earner_id"],
        journal_id=row["earning_id"],
        claimed_at=row["earned_at"],
        marked=row["state"] == "claimed",
    )
