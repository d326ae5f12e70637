"""From what the ledger, the programme and the brand say to what the card says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection
from kernel.i18n import translate
from kernel.secrets import Keyring
from network.partners import Brand, partners_by_id
from network.programmes import Programmes
from passes import texts as texts  # registers the words
from passes.card import Card, Link
from passes.links import page_url
from points.members import MemberRow, find_many
from points.programme.face import Face, face
from points.programme.version import InForce
from points.statement import MemberState, member_states


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders cards by the programme of the partner where the member joined; `public_url` is where their pages are."""

    programmes: Programmes
    clock: Clock
    keyring: Keyring
    public_url: str

    async def cards(self, connection: Connection, member_ids: Sequence[str]) -> dict[str, Card]:
        """What the cards of those members say now; members that do not exist are missing."""
        members = await find_many(connection, list(member_ids))
        states = await member_states(connection, list(members))
        brands = await partners_by_id(connection, sorted({member.partner_id for member in members.values()}))
        now = self.clock.now()
        rules = {
            partner_id: await self.programmes.in_force(partner_id, now, connection) for partner_id in sorted(brands)
        }
        return {
            member_id: self.card(
                member, states[member_id], brands[member.partner_id].brand, rules[member.partner_id], now
            )
            for member_id, member in members.items()
        }

    def card(self, member: MemberRow, state: MemberState, brand: Brand, in_force: InForce, now: datetime) -> Card:
        """The card of one member; pure."""
        language = member.language
        seen = face(in_force, state.standing, state.spendable, state.holder_id, now, language)

        def say(message: str, **values: object) -> str:
            return translate(message, language, **values)

        return Card(
            brand_id=member.partner_id,
            brand_name=brand.name,
            description=say("card.description", brand=brand.name),
            background=brand.background,
            foreground=brand.foreground,
            label_colour=brand.label,
            logo_text=brand.logo_text or brand.name,
            holder=member.name,
            holder_label=say("card.holder"),
            balance=state.spendable,
            balance_label=seen.label or say("card.balance"),
            balance_change=say("card.balance_change", units=seen.units or say("card.units")),
            tier=seen.tier_name or "",
            tier_label=say("card.tier"),
            next_reward=next_reward(seen, language),
            next_reward_label=say("card.next_reward"),
            code=member.code,
            language=language,
            links=(Link(say("card.page"), page_url(self.keyring, self.public_url, member.id)),),
        )


def next_reward(seen: Face, language: str) -> str:
    """The line about the next reward: how many points are missing to what."""
    if not seen.rewards:
        return ""
    if seen.next_reward_name is None:
        return translate("card.all_reached", language)
    return translate(
        "card.to_go",
        language,
        missing=seen.missing,
        units=seen.units or translate("card.units", language),
        reward=seen.next_reward_name,
    )
