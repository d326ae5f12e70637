"""A programme that watches, and commands of members, tills and managers under it."""

from datetime import datetime
from typing import Any

from kernel.database import Database
from points.commands import Claim, Earn, Offline, Redeem, Till, Transfer
from points.ledger import BuiltIn
from points.programme.canonical import canonical, version_of
from points.programme.events import Event
from points.programme.text import read_programme
from points.programme.version import InForce, TermsRate, Version
from tests.support.ledger import ONE_PER_UNIT, START, a_key

HEAD = """
programme: watched
names: {en: Watched}
zone: Europe/Helsinki
currency: EUR
"""
TERMS = "earn: [{id: terms, kind: terms}]\n"
REWARDS = """
rewards:
  - {id: mug, names: {en: Mug}, kind: product, cost: 60}
  - {id: code, names: {en: Code}, kind: product, cost: 60, voucher: true}
"""


def programme(text: str, earn: str = TERMS) -> Version:
    """A version of the usual head, one point per unit, two rewards for 60, and `text`."""
    return version_of(read_programme(HEAD + earn + REWARDS + text))


async def publish(db: Database, *versions: Version) -> BuiltIn:
    """Write versions down where the audit finds them; a library that knows them."""
    shelf = BuiltIn()
    async with db.unit() as unit:
        for version in versions:
            shelf[version.id] = version
            await unit.connection.execute(
                "INSERT INTO programme_version (id, content, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                version.id,
                canonical(version.programme),
                START,
            )
    return shelf


class Asks:
    """Commands under one version; fields that are not said are as usual."""

    def __init__(self, version: Version, member_id: str = "mbr_1", at: datetime = START) -> None:
        self.in_force = InForce(version, {"here": "ptn_a"}, {"ptn_a": "here"})
        self.member_id = member_id
        self.at = at

    def asked(self, **other: Any) -> dict[str, Any]:
        """What every command carries."""
        known = {"partner_id": "ptn_a", "key": a_key(), "fingerprint": b"", "occurred_at": self.at}
        return {**known, "member_id": self.member_id, "in_force": self.in_force, **other}

    def buy(self, points: int, terms: TermsRate = ONE_PER_UNIT, **other: Any) -> Earn:
        """A purchase that earns so many points."""
        event = Event(amount_minor=points * 100)
        return Earn(**self.asked(event=event, currency="EUR", terms=terms, **other))

    def spend(self, points: int, **other: Any) -> Redeem:
        """Points spent."""
        return Redeem(**self.asked(points=points, **other))

    def offline(self, points: int, **other: Any) -> Redeem:
        """Points that a terminal honoured without a connection."""
        return self.spend(points, offline=Offline(terminal_id="trm_1", allowance_id="alw_1"), **other)

    def claim(self, reward: str = "mug", **other: Any) -> Claim:
        """A reward chosen."""
        return Claim(**self.asked(reward=reward, **other))

    def send(self, points: int, to: str, **other: Any) -> Transfer:
        """Points given to another."""
        return Transfer(**self.asked(points=points, to_member_id=to, **other))


def till(**said: Any) -> Till:
    """A till, with what is said of it."""
    return Till(**said)
