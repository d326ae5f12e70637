"""From what the ledger, the programme and the design say to what the card says, for many passes in a few questions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from kernel.clock import Clock
from kernel.database import Connection
from kernel.secrets import Keyring
from network.programmes import Programmes
from passes.asking import Asking, askings, question
from passes.card import Card, Link, Place, Words
from passes.coupons import coupon_card, is_over
from passes.links import page_url
from passes.look import Look, ValueKey
from passes.nearest import Asked, Nearest
from passes.news import first_news, told_by, with_news
from passes.news_sentences import Story
from passes.speech import phrase
from passes.values import Holding, asked_of, labels_of, values
from points.answers import UnknownMember
from points.book import LotState
from points.members import MemberRow, find_many
from points.programme.face import look_at
from points.programme.version import InForce
from points.statement import MemberState, ending_lots, member_states, open_vouchers
from points.voucher_records import FoundVoucher, found_by_ids

Kind = Literal["card", "coupon"]

_MOST_FRAMES = 1024
_PAGE = phrase("card.page")


class Designs(Protocol):
    """What is released to a pass (see `passes.design.looks.Released`)."""

    def look(self, partner_id: str, pass_id: str) -> Look:
        """The look of a pass of the partner."""
        ...


class Looks(Protocol):
    """Where looks come from (see `passes.design.looks.Looks`)."""

    async def released(self, connection: Connection, partner_ids: Sequence[str]) -> Designs:
        """For who stores what is rendered: nothing else is published until the transaction ends."""
        ...

    async def as_released(self, connection: Connection, partner_ids: Sequence[str]) -> Designs:
        """For who only shows it."""
        ...


class TapKey(Protocol):
    """The public half of a key that taps are encrypted for."""

    @property
    def key_id(self) -> str:
        """What a card names it by."""
        ...


class TapKeys(Protocol):
    """Where the keys of taps come from (see `passes.apple.tap_keys.TapKeys`)."""

    async def currents(self, connection: Connection, partner_ids: Iterable[str]) -> Mapping[str, TapKey]:
        """The current keys of brands; those without one are missing."""
        ...


@dataclass(frozen=True, slots=True)
class PassKey:
    """Which pass: a member's card at a brand, or one of their vouchers (`subject_id`) as a coupon."""

    id: str
    member_id: str
    brand_id: str
    kind: Kind = "card"
    subject_id: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a pass says now. `ledger_version` is the number of the newest journal of the account (`holder_id`) that it
    shows. `plain` is the card before anything is told; `story` is what news of it need (None for coupons, whose news
    follows from the voucher and is there already); `asks` is the question of a till that waits for the member."""

    plain: Card
    ledger_version: int
    voided: bool
    holder_id: str
    story: Story | None = None
    asks: Words | None = None

    @property
    def card(self) -> Card:
        """The card of a pass to which nothing was told yet."""
        return self.plain if self.story is None else with_news(self.plain, first_news(self.story))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same on all cards of a look."""

    look: Look
    asked: tuple[ValueKey, ...]
    labels: Mapping[ValueKey, Words]
    description: Words


@dataclass(frozen=True, slots=True)
class _Ground:
    """What was read for a batch of passes; `frames` by pass, all else by member, brand, account or voucher."""

    now: datetime
    frames: Mapping[str, _Frame]
    members: Mapping[str, MemberRow]
    states: Mapping[str, MemberState]
    rules: Mapping[str, InForce]
    taps: Mapping[str, TapKey]
    places: Mapping[Asked, tuple[Place, ...]]
    vouchers: Mapping[str, int]
    lots: Mapping[str, Sequence[LotState]]
    coupons: Mapping[str, FoundVoucher]
    asked: Mapping[str, Asking]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders cards by the programme of the partner where the member joined; `public_url` is where their pages are."""

    programmes: Programmes
    clock: Clock
    keyring: Keyring
    public_url: str
    looks: Looks
    taps: TapKeys
    _nearest: Nearest = field(default_factory=Nearest)
    _frames: dict[str, _Frame] = field(default_factory=dict)

    async def cards(self, connection: Connection, passes: Sequence[PassKey]) -> dict[str, Rendered]:
        """What those passes say now, by pass id, to be stored in the same transaction.

        Passes of members or vouchers that do not exist are missing.
        """
        designs = await self.looks.released(connection, sorted({key.brand_id for key in passes}))
        return await self._render(connection, passes, designs)

    async def preview(self, connection: Connection, member_id: str) -> tuple[Card, Look]:
        """The member's card as a new pass would show it. Raises UnknownMember."""
        member = (await find_many(connection, [member_id])).get(member_id)
        if member is None:
            raise UnknownMember(f"There is no member '{member_id}'.")
        designs = await self.looks.as_released(connection, [member.partner_id])
        key = PassKey(member_id, member_id, member.partner_id)
        rendered = await self._render(connection, [key], designs)
        return rendered[member_id].card, designs.look(member.partner_id, member_id)

    async def _render(self, connection: Connection, passes: Sequence[PassKey], designs: Designs) -> dict[str, Rendered]:
        ground = await self._read(connection, passes, designs)
        cards: dict[tuple[str, str], Rendered] = {}  # a member's passes with one look say the same in each wallet
        rendered: dict[str, Rendered] = {}
        for key in passes:
            if key.member_id not in ground.states:
                continue
            if key.kind == "coupon":
                if key.subject_id in ground.coupons:
                    rendered[key.id] = self._coupon(key, ground)
                continue
            same = key.member_id, ground.frames[key.id].look.id
            if same not in cards:
                cards[same] = self._card(key, ground)
            rendered[key.id] = cards[same]
        return rendered

    async def _read(self, connection: Connection, passes: Sequence[PassKey], designs: Designs) -> _Ground:
        now = self.clock.now()
        members = await find_many(connection, sorted({key.member_id for key in passes}))
        states = await member_states(connection, list(members))
        known = [key for key in passes if key.member_id in states]
        frames = {key.id: self._frame(designs.look(key.brand_id, key.id)) for key in known}
        asked = {value for key in known if key.kind == "card" for value in frames[key.id].asked}
        tapped = sorted({key.brand_id for key in known if key.kind == "card" and frames[key.id].look.taps})
        holders = {member_id: state.holder_id for member_id, state in states.items()}
        lots = await ending_lots(connection, sorted(set(holders.values()))) if "expiring" in asked else {}
        subjects = sorted({key.subject_id for key in known if key.kind == "coupon"})
        coupons = await found_by_ids(connection, subjects) if subjects else {}
        await self.programmes.versions.ensure(
            {one.voucher.version_id for one in coupons.values()}
            | {lot.version_id for open_lots in lots.values() for lot in open_lots if lot.version_id}
        )
        homes = sorted({member.partner_id for member in members.values()})
        return _Ground(
            now=now,
            frames=frames,
            members=members,
            states=states,
            rules={home: await self.programmes.in_force(home, now, connection) for home in homes},
            taps=await self.taps.currents(connection, tapped) if tapped else {},
            places=await self._nearest.places(connection, {(key.member_id, key.brand_id) for key in known}, holders),
            vouchers=await open_vouchers(connection, list(states.values()), now) if "vouchers" in asked else {},
            lots=lots,
            coupons=coupons,
            asked=await askings(connection, list(members), now),
        )

    def _card(self, key: PassKey, ground: _Ground) -> Rendered:
        member, state, frame = ground.members[key.member_id], ground.states[key.member_id], ground.frames[key.id]
        in_force = ground.rules[member.partner_id]
        version = in_force.version
        seen = look_at(in_force, state.standing, state.spendable, state.holder_id, ground.now)
        holding = Holding(
            member, state, seen, version, ground.now,
            vouchers=ground.vouchers.get(member.id, 0),
            lots=ground.lots.get(state.holder_id, ()),
            versions=self.programmes.versions,
        )  # fmt: skip
        tap_key = ground.taps.get(key.brand_id) if frame.look.taps else None
        card = Card(
            brand_id=key.brand_id,
            design=frame.look.id,
            language=member.language,
            description=frame.description,
            code=member.code,
            values=values(frame.asked, frame.labels, frame.look.labels, holding),
            links=(self._page(member.id),),  # those of the look are the wallets' to add
            places=ground.places.get((key.member_id, key.brand_id), ()),
            tap_key=tap_key.key_id if tap_key else "",
        )
        story = Story(member.id, seen, state.spendable, version, version.day(ground.now))
        asking = ground.asked.get(member.id)
        asks = question(asking, story.points(asking.points), version.zone) if asking else None
        return Rendered(card, state.seq, False, state.holder_id, story, asks)

    def _coupon(self, key: PassKey, ground: _Ground) -> Rendered:
        """A coupon is void once its voucher is over, or was issued to an account that the member does not use."""
        found, state, frame = ground.coupons[key.subject_id], ground.states[key.member_id], ground.frames[key.id]
        version = self.programmes.versions[found.voucher.version_id]
        card = coupon_card(
            found.voucher, version, frame.look, ground.members[key.member_id], (self._page(key.member_id),)
        )
        places = ground.places.get((key.member_id, key.brand_id), ())
        void = is_over(found.voucher) or found.holder != state.holder_id
        card = with_news(msgspec.structs.replace(card, places=places), told_by(card))
        return Rendered(card, state.seq, void, state.holder_id)

    def _page(self, member_id: str) -> Link:
        return Link(_PAGE, page_url(self.keyring, self.public_url, member_id))

    def _frame(self, look: Look) -> _Frame:
        frame = self._frames.get(look.id)
        if frame is None:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            frame = self._frames[look.id] = _Frame(
                look=look,
                asked=asked_of(look.layout),
                labels=labels_of(look),
                description=phrase("card.description", brand=look.brand_name),
            )
        return frame
