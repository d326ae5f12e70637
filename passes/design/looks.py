"""The looks that are in use: by id, and by what is released to a pass. And their pictures, in the wallets' sizes.

A look never changes, so it is kept under its id. What is released is read in the transaction that renders: a kept
answer would put an old design on a card after everybody else's was changed, and nobody would look again.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from kernel.database import Connection, Database
from kernel.errors import NotFound
from network.partners import Partner, partners_by_id
from passes.coupons import COUPON_MARK, coupon_look
from passes.design import package
from passes.design.gallery import pictures_of
from passes.design.stages import BRAND, WHOLE, Stage, design_of, without_repeats
from passes.look import Look

_LOOKS_KEPT = 1024
_GOOGLE_PICTURES_KEPT = 64
_DRAW: Final[Mapping[str, Callable[[Look, Mapping[str, bytes]], bytes | None]]] = {
    "logo": package.google_logo,
    "hero": package.google_hero,
    "image": package.google_image,
}
_BRAND_MARK: Final = "brand:"
_LOCK_SPACE: Final = 0x4C4F4F4B

# Whoever renders holds this until the new card is stored, and a publication waits for that: so the walk that follows
# it sees every card that was made by the older releases. Locks are taken in one order.
_SHARE = """
SELECT pg_advisory_xact_lock_shared($2, key)
FROM (SELECT DISTINCT hashtext(id) AS key FROM unnest($1::text[]) AS id ORDER BY 1) AS keys
"""
_ALONE = "SELECT pg_advisory_xact_lock($2, hashtext($1))"

# Nothing behind the newest release to all is ever asked.
_STAGES = """
SELECT partner_id, design_id, share FROM design_release AS one
WHERE partner_id = ANY($1::text[]) AND number >= coalesce(
    (SELECT max(number) FROM design_release AS other WHERE other.partner_id = one.partner_id AND other.share = 100), 0)
ORDER BY partner_id, number DESC
"""


class LookUnknown(NotFound):
    """There is no such design."""

    code = "design_unknown"
    title = "Design not found"


@dataclass(frozen=True, slots=True)
class Released:
    """What is released at some partners, at one moment."""

    _stages: Mapping[str, Sequence[Stage]]
    _looks: Mapping[str, Look]  # by design id, the brand's own look by the partner's

    def look(self, partner_id: str, pass_id: str) -> Look:
        """What a pass of the partner shows. Raises LookUnknown for a partner that was not asked for."""
        design_id = design_of(self._stages.get(partner_id, ()), pass_id)
        look = self._looks.get(partner_id if design_id == BRAND else design_id)
        if look is None:
            raise LookUnknown("There is no such partner.")
        return look

    def whole(self, partner_id: str) -> Look:
        """The newest look that all passes of the partner may have, for what they share. Raises LookUnknown."""
        stages = self._stages.get(partner_id, ())
        design_id = next((stage.design_id for stage in stages if stage.share >= WHOLE), BRAND)
        look = self._looks.get(partner_id if design_id == BRAND else design_id)
        if look is None:
            raise LookUnknown("There is no such partner.")
        return look


class Looks:
    """Looks by id and their pictures, kept in memory."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._looks: OrderedDict[str, Look] = OrderedDict()
        self._logos: OrderedDict[str, bytes] = OrderedDict()

    async def look(self, design_id: str) -> Look:
        """A look by its id, also that of a brand without a design, or of a brand's coupons. Raises LookUnknown.

        A brand that was changed meanwhile answers with its present look.
        """
        plain, mark, _ = design_id.partition(COUPON_MARK)
        found = self._looks.get(plain) or await self._read(plain)
        return coupon_look(found) if mark else found

    async def released(self, connection: Connection, partner_ids: Sequence[str]) -> Released:
        """What is released at these partners. Until the caller's transaction ends, nothing else is published there."""
        await connection.execute(_SHARE, list(partner_ids), _LOCK_SPACE)
        return await self.as_released(connection, partner_ids)

    async def as_released(self, connection: Connection, partner_ids: Sequence[str]) -> Released:
        """The same without a hold: for those who store nothing that depends on it."""
        stages: dict[str, list[Stage]] = {}
        for row in await connection.fetch(_STAGES, list(partner_ids)):
            stages.setdefault(row["partner_id"], []).append(Stage(row["design_id"], row["share"]))
        known = await partners_by_id(connection, list(partner_ids))
        looks = {partner_id: brand_look(one) for partner_id, one in known.items()}
        wanted = {stage.design_id for of_partner in stages.values() for stage in of_partner} - {BRAND}
        looks |= {one: self._looks[one] for one in wanted & self._looks.keys()}
        missing = wanted - looks.keys()
        for look in await _designed(connection, sorted(missing)) if missing else ():
            looks[look.id] = look
            self._keep(look)
        return Released({one: without_repeats(of_partner) for one, of_partner in stages.items()}, looks)

    async def whole(self, partner_id: str) -> Look:
        """What all passes of the partner may have now. Raises LookUnknown."""
        async with self._db.read() as read:
            return (await self.as_released(read.connection, [partner_id])).whole(partner_id)

    async def pictures(self, look: Look) -> dict[str, bytes]:
        """Path in Apple's package -> PNG, at all scales and in all languages. Takes up to a second once per look."""
        return await asyncio.to_thread(package.apple_pictures, look, await self._uploaded(look))

    async def google_logo(self, look: Look) -> bytes:
        """The square picture that Google shows as a circle (PNG)."""
        return await self._for_google(f"logo {look.id}", look)

    async def google_hero(self, look: Look) -> bytes | None:
        """Google's banner (PNG); None when the design has no strip."""
        return await self._for_google(f"hero {look.id}", look) or None

    async def google_image(self, look: Look) -> bytes | None:
        """Google's picture among the details (PNG); None when the design has neither thumbnail nor background."""
        return await self._for_google(f"image {look.id}", look) or None

    async def _for_google(self, name: str, look: Look) -> bytes:
        kept = self._logos.get(name)
        if kept is None:
            uploaded = await self._uploaded(look)
            kept = await asyncio.to_thread(_DRAW[name.partition(" ")[0]], look, uploaded) or b""
            self._logos[name] = kept
            if len(self._logos) > _GOOGLE_PICTURES_KEPT:
                self._logos.popitem(last=False)
        return kept

    async def _uploaded(self, look: Look) -> dict[str, bytes]:
        if not look.pictures:
            return {}
        async with self._db.read() as read:
            found = await pictures_of(read.connection, look.partner_id, set(look.pictures.values()))
        return {slot: found[picture] for slot, picture in look.pictures.items() if picture in found}

    async def _read(self, design_id: str) -> Look:
        async with self._db.read() as read:
            if design_id.startswith(_BRAND_MARK):
                partner_id = design_id.removeprefix(_BRAND_MARK).partition(":")[0]
                looks = [brand_look(one) for one in (await partners_by_id(read.connection, [partner_id])).values()]
            else:
                looks = await _designed(read.connection, [design_id])
        if not looks:
            raise LookUnknown("There is no such design.")
        self._keep(looks[0])
        return looks[0]

    def _keep(self, look: Look) -> None:
        self._looks[look.id] = look
        if len(self._looks) > _LOOKS_KEPT:
            self._looks.popitem(last=False)


async def hold_releases(connection: Connection, partner_id: str) -> None:
    """For who publishes: wait until all cards that are being rendered are stored, and let nobody render meanwhile."""
    await connection.execute(_ALONE, partner_id, _LOCK_SPACE)


def brand_look(partner: Partner) -> Look:
    """The look of a partner without a design. Its id names what it is made of."""
    brand = partner.brand
    content = "\n".join((brand.name, brand.logo_text, brand.background, brand.foreground, brand.label))
    return Look(
        id=f"{_BRAND_MARK}{partner.id}:{hashlib.sha256(content.encode()).hexdigest()[:16]}",
        partner_id=partner.id,
        brand_name=brand.name,
        logo_text=brand.logo_text,
        background=brand.background,
        foreground=brand.foreground,
        label_colour=brand.label,
    )


async def _designed(connection: Connection, design_ids: Sequence[str]) -> list[Look]:
    rows = await connection.fetch("SELECT look FROM card_design WHERE id = ANY($1::text[])", list(design_ids))
    return [msgspec.convert(row["look"], Look) for row in rows]
