"""What Google was told, and which passes are to be told: steps in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from kernel.database import Connection
from passes.card import Card, card_from_json
from passes.google.push_told import NEVER, Told, read_told

PUSH_KIND: Final = "google.push"
CLASS_KIND: Final = "google.class"

# A coupon is linked to its member's card once Google has it; one that is over is not linked any more.
_PASSES = f"""
SELECT p.id, p.member_id, p.kind, p.card::text AS card, p.change_seq, p.voided, p.tap_code,
       p.told[cardinality(p.told)] AS told_at, clock_timestamp() AS now,
       o.pushed_hash, o.refused, o.refused_hash, coalesce(o.linked, '{{}}') AS linked,
       coalesce(o.held, 'unknown') AS held,
       CASE p.kind WHEN 'card' THEN ARRAY(
           SELECT c.id FROM wallet_pass c JOIN google_object known ON known.pass_id = c.id
           WHERE c.member_id = p.member_id AND c.wallet = 'google' AND c.kind = 'coupon' AND NOT c.voided
             AND known.pushed_hash <> '{NEVER}'
           ORDER BY c.id
       ) ELSE '{{}}' END AS coupons
FROM wallet_pass p LEFT JOIN google_object o ON o.pass_id = p.id
WHERE p.id = ANY($1::text[]) AND p.wallet = 'google'
"""

# When a newer state was recorded meanwhile, ours may have reached Google after it: then nobody knows what Google holds.
_SENT = """
INSERT INTO google_object AS known (pass_id, pushed_seq, pushed_hash, pushed_at, linked)
SELECT pass_id, seq, hash, now(), string_to_array(linked, ' ')
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS sent (pass_id, seq, hash, linked)
ORDER BY pass_id
ON CONFLICT (pass_id) DO UPDATE SET
    pushed_hash = CASE WHEN known.pushed_seq <= EXCLUDED.pushed_seq THEN '' ELSE '?' END || EXCLUDED.pushed_hash,
    pushed_seq = greatest(known.pushed_seq, EXCLUDED.pushed_seq),
    linked = CASE WHEN cardinality(known.linked) > cardinality(EXCLUDED.linked) THEN known.linked
                  ELSE EXCLUDED.linked END,
    refused = NULL, refused_hash = NULL, pushed_at = now()
RETURNING pass_id, pushed_hash LIKE '?%' AS in_doubt
"""

_REFUSED = f"""
INSERT INTO google_object (pass_id, pushed_seq, pushed_hash, pushed_at, refused, refused_hash)
SELECT pass_id, 0, '{NEVER}', now(), reason, hash
FROM unnest($1::text[], $2::text[], $3::text[]) AS no (pass_id, reason, hash) ORDER BY pass_id
ON CONFLICT (pass_id) DO UPDATE SET refused = EXCLUDED.refused, refused_hash = EXCLUDED.refused_hash
"""

_DOUBT = f"""
UPDATE google_object SET pushed_hash = '?' || ltrim(pushed_hash, '?')
WHERE pass_id = $1 AND pushed_hash NOT IN ('', '{NEVER}')
"""

_CARDS_OF = f"""
SELECT p.id FROM wallet_pass p JOIN google_object o ON o.pass_id = p.id
WHERE p.member_id = ANY($1::text[]) AND p.wallet = 'google' AND p.kind = 'card' AND o.pushed_hash <> '{NEVER}'
"""

_KEEP_CLASS = """
INSERT INTO google_class (id, body_hash) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET body_hash = EXCLUDED.body_hash, updated_at = now()
"""

_SAVED = """
SELECT EXISTS (
    SELECT FROM wallet_pass p JOIN google_object o ON o.pass_id = p.id
    WHERE p.member_id = $1 AND p.wallet = 'google' AND p.kind = $2 AND p.subject_id = $3 AND o.held = 'saved'
)
"""


@dataclass(frozen=True, slots=True)
class PassRow:
    """A pass as it is now, and what Google knows of it (`told`: None if nothing).

    `told_at` is when the card last got a sentence to tell. `linked` are the objects that were linked to the card, and
    `coupons` the passes that are to be. `refused` is why Google did not take the body with the hash `refused_hash`.
    """

    pass_id: str
    member_id: str
    kind: Literal["card", "coupon"]
    card: Card
    seq: int
    voided: bool
    tap_code: str
    told_at: datetime | None
    now: datetime
    told: Told | None
    linked: tuple[str, ...]
    coupons: tuple[str, ...]
    held: Literal["unknown", "saved", "deleted"]
    refused: str | None
    refused_hash: str | None


class Sent(NamedTuple):
    """What Google took: the pass's change number, what it says, and what is linked to it."""

    pass_id: str
    seq: int
    told: Told
    linked: tuple[str, ...]


class Refused(NamedTuple):
    """What Google did not take, and why."""

    pass_id: str
    reason: str
    body_hash: str


async def passes(connection: Connection, pass_ids: Sequence[str]) -> list[PassRow]:
    """The passes of Google Wallet among these; the others are missing."""
    return [
        PassRow(
            row["id"],
            row["member_id"],
            row["kind"],
            card_from_json(row["card"]),
            row["change_seq"],
            row["voided"],
            row["tap_code"],
            row["told_at"],
            row["now"],
            read_told(row["pushed_hash"]),
            tuple(row["linked"]),
            tuple(row["coupons"]),
            row["held"],
            row["refused"],
            row["refused_hash"],
        )
        for row in await connection.fetch(_PASSES, list(pass_ids))
    ]


async def sent(connection: Connection, taken: Sequence[Sent]) -> list[str]:
    """Remember what Google took; returns the passes of which a newer state had been recorded meanwhile."""
    if not taken:
        return []
    columns = (
        [one.pass_id for one in taken],
        [one.seq for one in taken],
        [one.told.text() for one in taken],
        [" ".join(one.linked) for one in taken],
    )
    return [row["pass_id"] for row in await connection.fetch(_SENT, *columns) if row["in_doubt"]]


async def refused(connection: Connection, bodies: Sequence[Refused]) -> None:
    """Remember what Google did not take, so that it is not sent again before it changes."""
    if bodies:
        columns = zip(*((one.pass_id, storable(one.reason), one.body_hash) for one in bodies), strict=True)
        await connection.execute(_REFUSED, *(list(column) for column in columns))


async def doubt(connection: Connection, pass_id: str) -> None:
    """From now until its answer is recorded nobody knows what Google holds of this pass."""
    await connection.execute(_DOUBT, pass_id)


async def lost(connection: Connection, pass_ids: Sequence[str]) -> None:
    """Google seems not to have these any more."""
    await connection.execute("UPDATE google_object SET pushed_hash = '' WHERE pass_id = ANY($1::text[])", pass_ids)


async def cards_of(connection: Connection, member_ids: Sequence[str]) -> list[str]:
    """The cards of these members that Google has."""
    return [row["id"] for row in await connection.fetch(_CARDS_OF, list(member_ids))]


async def class_hashes(connection: Connection, class_ids: Sequence[str]) -> Mapping[str, str]:
    """What Google was last told of these classes; those that it does not have are missing."""
    rows = await connection.fetch("SELECT id, body_hash FROM google_class WHERE id = ANY($1::text[])", list(class_ids))
    return {row["id"]: row["body_hash"] for row in rows}


async def keep_class(connection: Connection, class_id: str, body_hash: str) -> None:
    """Remember what Google was told of a class."""
    await connection.execute(_KEEP_CLASS, class_id, body_hash)


async def is_saved(connection: Connection, member_id: str, kind: str = "card", subject_id: str = "") -> bool:
    """Whether the member's pass is known to be on a phone, as far as Google told us."""
    saved: bool = await connection.fetchval(_SAVED, member_id, kind, subject_id)
    return saved


def storable(said: str) -> str:
    """What a stranger said, as PostgreSQL can keep it."""
    return said[:500].encode("utf-8", "replace").decode().replace("\0", "?")
