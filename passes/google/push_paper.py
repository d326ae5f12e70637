"""From a pass as it is now to what Google is told: the object, and the class behind it.

The only file of delivery that knows the documents.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import quote

from kernel.secrets import Keyring
from passes.card import Place
from passes.google.document import (
    Body,
    ClassOptions,
    ClassPictures,
    LiveBarcode,
    Ticket,
    body_hash,
    class_body,
    class_id_of,
    class_patch,
    news_message,
    object_body,
    object_id_of,
    object_patch,
    offer_class_body,
    offer_class_id_of,
    offer_class_patch,
    offer_object_body,
    offer_object_patch,
    reward_of,
)
from passes.google.push_told import Told, told_of
from passes.google.registry import PassRow
from passes.google.schema.check import Resource
from passes.google.schema.rules import MOST_LINKED
from passes.live_code import live_secret, value_pattern
from passes.look import Look
from passes.news import told_by

# What Google can announce by itself when it changes.
_FACE: Final = ("loyaltyPoints", "secondaryLoyaltyPoints")
_MOST_KEPT: Final = 1024


class Looks(Protocol):
    """Where designs and their pictures are kept."""

    async def look(self, design_id: str) -> Look:
        """A look by its id."""
        ...

    async def whole(self, partner_id: str) -> Look:
        """The newest look that all passes of a brand may have."""
        ...

    async def google_hero(self, look: Look) -> bytes | None:
        """The banner, if the design has one."""
        ...

    async def google_image(self, look: Look) -> bytes | None:
        """The picture among the details, if the design has one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What Google lets this issuer do, and where it finds us. `callback_url` is None without https."""

    issuer_id: str
    public_url: str
    callback_url: str | None = None
    smart_tap: bool = False
    places: bool = False


async def no_places(brand_id: str) -> tuple[Place, ...]:
    """For an issuer that may not name places."""
    return ()


@dataclass(frozen=True, slots=True)
class Paper:
    """What Google is to hold of a pass. `told` is what is remembered of it, `linked` what is linked to it then.

    `patch` brings Google there from anything, `news` is the message that tells of it; both are made when needed.
    """

    resource: Resource
    object_id: str
    class_id: str
    body: Body
    told: Told
    linked: tuple[str, ...]
    patch: Callable[..., Body]
    news: Callable[[], Body | None]

    @property
    def fields(self) -> str:
        """What to ask for to see whether Google holds it."""
        return ",".join(sorted(self.body.keys() - {"id"}))


@dataclass(frozen=True, slots=True)
class ClassPaper:
    """What Google is to hold of a class."""

    resource: Resource
    class_id: str
    body: Body
    patch: Callable[[], Body]

    @property
    def body_hash(self) -> str:
        """The hash of the body."""
        return body_hash(self.body)


class Papers:
    """Makes papers for one issuer. `places(brand_id)` are the places of a brand's class."""

    def __init__(
        self,
        allowed: Allowed,
        keyring: Keyring,
        looks: Looks,
        places: Callable[[str], Awaitable[tuple[Place, ...]]] = no_places,
    ) -> None:
        self._allowed = allowed
        self._keyring = keyring
        self._looks = looks
        self._places = places
        self._pictures: dict[str, ClassPictures] = {}

    def object_id(self, pass_id: str) -> str:
        """The object of a pass."""
        return object_id_of(self._allowed.issuer_id, pass_id)

    def class_of(self, row: PassRow) -> str:
        """The class of a pass: its brand's, or that of the coupon's reward."""
        if row.kind == "coupon":
            return offer_class_id_of(self._allowed.issuer_id, row.card)
        return class_id_of(self._allowed.issuer_id, row.card.brand_id)

    async def paper(self, row: PassRow) -> Paper:
        """What Google is to hold of this pass. Raises LookUnknown."""
        look, card = await self._looks.look(row.card.design), row.card
        ticket = self._ticket(row)
        if row.kind == "coupon":
            body, patch = offer_object_body(card, look, ticket), partial(offer_object_patch, card, look, ticket)
        else:
            body, patch = object_body(card, look, ticket), partial(object_patch, card, look, ticket)
        return Paper(
            resource="offerObject" if row.kind == "coupon" else "loyaltyObject",
            object_id=ticket.object_id,
            class_id=ticket.class_id,
            body=body,
            told=told_of(body_hash(body), told_by(card), {name: body.get(name) for name in _FACE}),
            linked=ticket.linked,
            patch=patch,
            news=partial(news_message, card, notify=True),
        )

    async def class_paper(self, row: PassRow) -> ClassPaper:
        """What Google is to hold of this pass's class."""
        if row.kind == "card":
            return await self.brand_paper(row.card.brand_id)
        class_id = self.class_of(row)
        look, pictures, options = await self._class_parts(row.card.brand_id)
        reward = reward_of(row.card)
        return ClassPaper(
            "offerClass",
            class_id,
            offer_class_body(look, class_id, reward, pictures, options),
            partial(offer_class_patch, look, reward, pictures, options),
        )

    async def brand_paper(self, brand_id: str) -> ClassPaper:
        """What Google is to hold of the class of a brand's cards."""
        class_id = class_id_of(self._allowed.issuer_id, brand_id)
        # One class for all cards of the brand: while a design reaches them in stages, the class keeps the old one.
        look, pictures, options = await self._class_parts(brand_id)
        return ClassPaper(
            "loyaltyClass",
            class_id,
            class_body(look, class_id, pictures, options),
            partial(class_patch, look, pictures, options),
        )

    def _ticket(self, row: PassRow) -> Ticket:
        live = None
        if row.kind == "card":
            live = LiveBarcode(value_pattern(row.pass_id), live_secret(self._keyring, row.pass_id).hex())
        return Ticket(
            object_id=self.object_id(row.pass_id),
            class_id=self.class_of(row),
            tap_code=row.tap_code if self._allowed.smart_tap else "",
            live=live,
            voided=row.voided,
            linked=self._linked(row),
            places=self._allowed.places,
        )

    def _linked(self, row: PassRow) -> tuple[str, ...]:
        """What is linked stays linked, as Google cannot undo it; new ones come behind while there is room."""
        fresh = (one for coupon in row.coupons if (one := self.object_id(coupon)) not in row.linked)
        return (*row.linked, *fresh)[:MOST_LINKED]

    async def _class_parts(self, brand_id: str) -> tuple[Look, ClassPictures, ClassOptions]:
        look = await self._looks.whole(brand_id)
        options = ClassOptions(
            callback_url=self._allowed.callback_url,
            smart_tap_issuers=(self._allowed.issuer_id,) if self._allowed.smart_tap else (),
            places=await self._places(brand_id) if self._allowed.places else (),
        )
        return look, await self._pictures_of(look), options

    async def _pictures_of(self, look: Look) -> ClassPictures:
        known = self._pictures.get(look.id)
        if known is None:
            if len(self._pictures) >= _MOST_KEPT:
                self._pictures.clear()
            base = f"{self._allowed.public_url}/designs/{quote(look.id)}"
            known = self._pictures[look.id] = ClassPictures(
                logo_url=f"{base}/logo.png",
                hero_url=f"{base}/hero.png" if await self._looks.google_hero(look) is not None else None,
                image_url=f"{base}/image.png" if await self._looks.google_image(look) is not None else None,
            )
        return known


def says(held: Any, wanted: Any) -> bool:
    """Whether what Google holds says all that is wanted; what it adds of its own does not matter."""
    if isinstance(wanted, Mapping):
        return isinstance(held, Mapping) and all(says(held.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list | tuple):
        return (
            isinstance(held, list)
            and len(held) == len(wanted)
            and all(says(one, other) for one, other in zip(held, wanted, strict=True))
        )
    return bool(held == wanted)
