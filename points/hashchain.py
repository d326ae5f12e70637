"""A tamper-evident chain over the ledger: what a journal's digest covers, and how a batch of them is sealed.

Within a batch the digests chain, beginning from 32 zero bytes: `digest = sha256(digest before || content)`. Content is
the JSON array `[journal, occurred_at, recorded_at, facts, entries, lots, arrears, allocations]`: compact, object keys
sorted, moments in UTC (RFC 3339, `Z`), rows as arrays of the columns listed here, sorted. A batch is sealed with its
last digest: `hash = sha256(hash before || digest)`, `height + 1`, in the statement that writes it. Facts hold no
floats: jsonb may give them back in another form.

What may change later in a row (what remains of a lot, whether it is active, when it expires) is not covered; the audit
derives it from journals, entries and allocations, which are.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from kernel.bulk import unnest_of
from points.tables import Journal

NOTHING = bytes(32)

# The covered columns, in the order in which rows are handed over.
JOURNAL = (
    "id", "kind", "member_id", "partner_id", "location_id", "points", "amount_minor", "currency", "reverses_id",
    "cause_id", "by_member_id",
)  # fmt: skip
ENTRY = ("account_id", "member_id", "amount")
LOT = ("id", "member_id", "issuer_id", "original", "issued_at", "version_id", "moved_from")
ARREAR = ("id", "member_id", "creditor_id", "original")
ALLOCATION = ("id", "lot_id", "member_id", "issuer_id", "acceptor_id", "points", "purpose")

# Two expressions for the statement that writes a batch, as `head` and `seals`: $1 is the last digest, $2 the number of
# journals. The first batch makes the head; concurrent ones wait in line for it until the one before has committed.
HEAD = """
INSERT INTO chain_head AS head (id, height, hash) VALUES (1, 1, sha256('\\x{nothing}'::bytea || $1::bytea))
ON CONFLICT (id) DO UPDATE SET height = head.height + 1, hash = sha256(head.hash || $1::bytea)
RETURNING height, hash
""".replace("{nothing}", NOTHING.hex())
SEAL = "INSERT INTO seal (height, digest, hash, journals) SELECT height, $1::bytea, hash, $2::int FROM head"

Row = tuple[Any, ...]

_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Content(NamedTuple):
    """What a digest covers: rows of the columns above, and the facts as `canonical_facts` writes them.

    Moments inside rows are in UTC.
    """

    journal: Row
    occurred_at: datetime
    recorded_at: datetime
    facts: bytes
    entries: Sequence[Row]
    lots: Sequence[Row] = ()
    arrears: Sequence[Row] = ()
    allocations: Sequence[Row] = ()


def canonical_facts(facts: object) -> bytes:
    """JSON with sorted keys: the same for a value and for what jsonb gives back for it."""
    return canonical_text(_encode(facts))


def canonical_text(text: str | bytes) -> bytes:
    """The same for facts that are JSON text already."""
    return _sorted(_decode(text))


def digests(batch: Iterable[Content]) -> list[bytes]:
    """The digest of each journal of a batch, in the order of writing; the last one seals the batch."""
    digest, chain = NOTHING, []
    for content in batch:
        digest = digest_after(digest, content)
        chain.append(digest)
    return chain


def digest_after(before: bytes, content: Content) -> bytes:
    """The digest of a journal that follows the one with digest `before`."""
    journal, occurred_at, recorded_at, facts, entries, lots, arrears, allocations = content
    body = (
        journal,
        occurred_at.astimezone(UTC),
        recorded_at.astimezone(UTC),
        msgspec.Raw(facts),
        sorted(entries),
        sorted(lots),
        sorted(arrears),
        sorted(allocations),
    )
    return sha256(before + _encode(body)).digest()


def insert_journals(columns: tuple[str, ...], first_parameter: int) -> str:
    """`insert_many` for journals whose `columns` include `digest` and `place`; their height is the head's."""
    names = ", ".join(f'"{name}"' for name in columns)
    rows = unnest_of(Journal, columns, first_parameter)
    return f"INSERT INTO journal ({names}, height) SELECT new.*, head.height FROM {rows} AS new, head"
