"""A partner's pictures: taken in, kept under the hash of what they became, and found again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, NotFound
from network.partners import partner
from passes.design.darkroom import Darkroom
from passes.design.intake import read_still, take_in

MOST_PICTURES: Final = 200

_KEEP = """
INSERT INTO picture (id, partner_id, width, height, png, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id, partner_id) DO NOTHING
"""
_KEPT = "id, width, height, octet_length(png) AS bytes, created_at"
_USED = """
SELECT EXISTS (
    SELECT 1 FROM card_design, jsonb_each_text(look -> 'pictures') AS shown WHERE partner_id = $1 AND shown.value = $2
)
"""


class PictureUnknown(NotFound):
    """There is no such picture, or not for this partner."""

    code = "picture_unknown"
    title = "Picture not found"


class GalleryFull(Conflict):
    """The partner keeps as many pictures as one may."""

    code = "gallery_full"
    title = "The partner has too many pictures"


class PictureUsed(Conflict):
    """A design shows the picture, and designs stay."""

    code = "picture_used"
    title = "A design shows the picture"


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that is kept, without its bytes. `bytes` is their number."""

    id: str
    width: int
    height: int
    bytes: int
    created_at: datetime


async def add_picture(db: Database, clock: Clock, darkroom: Darkroom, partner_id: str, raw: bytes) -> Kept:
    """Keep the picture of a file. The same picture twice is one picture.

    Raises PictureRefused, PictureTooHeavy, PartnerUnknown, GalleryFull, DarkroomFull.
    """
    read_still(raw)  # what is refused by its header waits for nobody
    picture = await darkroom.develop(take_in, raw)
    async with db.unit() as unit:
        await partner(unit.connection, partner_id)
        await hold_gallery(unit, partner_id)
        await _require_room(unit, partner_id, picture.id)
        await unit.connection.execute(
            _KEEP, picture.id, partner_id, picture.width, picture.height, picture.png, clock.now()
        )
        return await _kept(unit.connection, partner_id, picture.id)


async def all_pictures(connection: Connection, partner_id: str) -> list[Kept]:
    """The pictures of a partner (at most MOST_PICTURES), oldest first."""
    rows = await connection.fetch(
        f"SELECT {_KEPT} FROM picture WHERE partner_id = $1 ORDER BY created_at, id LIMIT $2", partner_id, MOST_PICTURES
    )
    return [Kept(*row) for row in rows]


async def pictures_of(connection: Connection, partner_id: str, picture_ids: Collection[str]) -> dict[str, bytes]:
    """Id -> PNG of those of the pictures that the partner has."""
    rows = await connection.fetch(
        "SELECT id, png FROM picture WHERE partner_id = $1 AND id = ANY($2::text[])", partner_id, sorted(picture_ids)
    )
    return {row["id"]: bytes(row["png"]) for row in rows}


async def require_pictures(unit: Unit, partner_id: str, picture_ids: Iterable[str]) -> None:
    """Raises PictureUnknown unless the partner has them all (they may have been removed a moment ago)."""
    wanted = sorted(set(picture_ids))
    found = await unit.connection.fetchval(
        "SELECT count(*) FROM picture WHERE partner_id = $1 AND id = ANY($2::text[])", partner_id, wanted
    )
    if found != len(wanted):
        raise _unknown()


async def remove_picture(unit: Unit, partner_id: str, picture_id: str) -> None:
    """Forget a picture that no design shows. Raises PictureUnknown, PictureUsed."""
    await hold_gallery(unit, partner_id)
    if await unit.connection.fetchval(_USED, partner_id, picture_id):
        raise PictureUsed("A design shows this picture; designs are kept.")
    gone = await unit.connection.fetchval(
        "DELETE FROM picture WHERE partner_id = $1 AND id = $2 RETURNING id", partner_id, picture_id
    )
    if gone is None:
        raise _unknown()


async def picture_png(connection: Connection, partner_id: str, picture_id: str) -> bytes:
    """The PNG. Raises PictureUnknown."""
    found = await pictures_of(connection, partner_id, [picture_id])
    if picture_id not in found:
        raise _unknown()
    return found[picture_id]


async def hold_gallery(unit: Unit, partner_id: str) -> None:
    """One at a time changes a partner's pictures and designs, so that counts hold and nothing used is removed."""
    await unit.connection.execute("SELECT 1 FROM partner WHERE id = $1 FOR NO KEY UPDATE", partner_id)


async def _require_room(unit: Unit, partner_id: str, picture_id: str) -> None:
    others = await unit.connection.fetchval(
        "SELECT count(*) FROM picture WHERE partner_id = $1 AND id <> $2", partner_id, picture_id
    )
    if others >= MOST_PICTURES:
        raise GalleryFull(f"A partner keeps at most {MOST_PICTURES} pictures: remove those that no design shows.")


async def _kept(connection: Connection, partner_id: str, picture_id: str) -> Kept:
    row = await connection.fetchrow(
        f"SELECT {_KEPT} FROM picture WHERE partner_id = $1 AND id = $2", partner_id, picture_id
    )
    assert row is not None
    return Kept(*row)


def _unknown() -> PictureUnknown:
    return PictureUnknown("There is no such picture of this partner.")
