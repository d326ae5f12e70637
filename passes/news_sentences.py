"""From what happened on an account to the sentence that matters most. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from passes import news_texts as news_texts  # registers the words
from passes.card import Words
from passes.speech import counted, money, numbers, on_day, phrase
from points.happenings import Happening
from points.programme.face import Face, last_day
from points.programme.version import Version


class Rank(IntEnum):
    """What is told when several things happened; the first three may use the last messages of a day."""

    READY = 0
    TIER = 1
    SPENT = 2
    EARNED = 3
    ENDING = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to tell, in two forms that differ in every language: with and without the balance."""

    rank: Rank
    first: Words
    second: Words


@dataclass(frozen=True, slots=True)
class Story:
    """What sentences need to know besides what happened: whose card it is, the programme as it meets them, today."""

    member_id: str
    seen: Face
    balance: int
    version: Version
    today: date

    def points(self, number: int) -> Words:
        """A number of the programme's units."""
        return counted(self.seen.nouns.unit, number)


# (kind, whether the points rose) -> what is said and how much it matters.
_MOVES: dict[tuple[str, bool], tuple[str, Rank]] = {
    ("earn", True): ("earned", Rank.EARNED),
    ("grant", True): ("earned", Rank.EARNED),
    ("total", True): ("earned", Rank.EARNED),
    ("total", False): ("taken_back", Rank.SPENT),
    ("redeem", False): ("spent", Rank.SPENT),
    ("convert", False): ("spent", Rank.SPENT),
    ("claim", False): ("held", Rank.SPENT),
    ("release", True): ("freed", Rank.EARNED),
    ("time_out", True): ("freed", Rank.EARNED),
    ("reverse", False): ("taken_back", Rank.SPENT),
    ("reverse", True): ("given_back", Rank.EARNED),
    ("adjust", True): ("added", Rank.EARNED),
    ("adjust", False): ("removed", Rank.SPENT),
    ("transfer_out", False): ("given", Rank.SPENT),
    ("transfer_in", True): ("received", Rank.EARNED),
    ("activate", True): ("usable", Rank.EARNED),
    ("expire", False): ("expired", Rank.ENDING),
}


def sentence(before: int | None, after: int | None, happenings: Sequence[Happening], story: Story) -> Sentence | None:
    """The sentence about what happened; `before` and `after` are the balances that the cards show (None: none).

    If the happenings do not explain the difference (too much happened), or the member uses another account now, so that
    part of them was not theirs, the balance alone is told.
    """
    moved = sum(one.change for one in happenings)
    if before is not None and after is not None and after - before != moved:
        return _balance(after - before, story) if before != after else None
    if not happenings:
        return None
    if any(_joined(one, story) for one in happenings):
        return _balance(moved, story) if moved else None
    found = [*_ready(happenings, moved, story), *_tier(happenings, story), *_ending(happenings, story)]
    if moved or any(one.waiting > 0 for one in happenings):
        found += _moves(happenings, story)
    if moved and not found:
        return _balance(moved, story)
    # Of equals the last one: what came first was followed by it.
    return min(reversed(found), key=lambda one: one.rank, default=None)


def _ready(happenings: Sequence[Happening], moved: int, story: Story) -> Iterator[Sentence]:
    """Vouchers that were issued, and what the points suffice for now and did not before."""
    names = [_reward(one, story) for one in happenings if one.facts.get("voucher")]
    if not names and moved > 0:
        rewards = story.seen.nouns.rewards
        names = [rewards[one.reward] for one in story.seen.ready if one.points > story.balance - moved]
    if len(names) > 1:
        yield _plain(Rank.READY, phrase("news.ready_many", count=len(names)), story)
    elif names:
        yield _plain(Rank.READY, phrase("news.ready", reward=names[0]), story)


def _reward(one: Happening, story: Story) -> Words:
    """What a voucher is for: its amount where points became money, else the reward's name."""
    if one.kind == "convert" and one.facts.get("worth_minor"):
        return money(int(one.facts["worth_minor"]), story.version.programme.currency)
    reward = str(one.facts.get("reward", ""))
    return story.seen.nouns.rewards.get(reward, {"en": reward})


def _tier(happenings: Sequence[Happening], story: Story) -> Iterator[Sentence]:
    """A level that is another than before; one that is merely held for longer is no news."""
    judged = [one.facts for one in happenings if "tier" in one.facts]
    if judged and story.seen.tier_name and any(facts["tier"] != facts.get("tier_before") for facts in judged):
        yield _plain(Rank.TIER, phrase("news.tier", tier=story.seen.tier_name), story)


def _ending(happenings: Sequence[Happening], story: Story) -> Iterator[Sentence]:
    """Notices of what will end."""
    for one in happenings:
        facts = one.facts
        if facts.get("notice") == "expiry":
            end = last_day(story.version, datetime.fromisoformat(str(facts["ends_at"])))
            number = int(facts.get("points", 0))
            said = "news.expiring_one" if number == 1 else "news.expiring_many"
            told = phrase(said, points=story.points(number), date=on_day(end, story.today))
            yield _plain(Rank.ENDING, told, story)
        elif facts.get("notice") == "tier":
            last = date.fromordinal(date.fromisoformat(str(facts["falls_on"])).toordinal() - 1)
            tier = story.seen.nouns.tiers.get(str(facts.get("level")), story.seen.tier_name)
            yield _plain(Rank.ENDING, phrase("news.tier_ends", tier=tier, date=on_day(last, story.today)), story)


def _moves(happenings: Sequence[Happening], story: Story) -> Iterator[Sentence]:
    """Points that came and went: what is of one sort in one sum, at the place of its last."""
    sums: dict[tuple[str, Rank], int] = {}
    for one in happenings:
        move = _move(one, story)
        if move is not None:
            said, rank, number = move
            sums[said, rank] = sums.pop((said, rank), 0) + number
    for (said, rank), number in sums.items():
        if said == "shared":
            yield from _shared(number, story)
        else:
            yield _moved(rank, phrase(f"news.{said}", points=story.points(number)), story)


def _move(one: Happening, story: Story) -> tuple[str, Rank, int] | None:
    """What is said of a journal, how much that matters, and of how many points."""
    if not one.change:
        return ("coming", Rank.EARNED, one.waiting) if one.waiting > 0 else None
    if one.by_member_id not in (None, story.member_id):
        return "shared", Rank.EARNED, one.change
    said, rank = _MOVES.get((one.kind, one.change > 0), ("", Rank.EARNED))
    if not said:
        return None
    return said, rank, one.points if said == "earned" else abs(one.change)


def _shared(number: int, story: Story) -> Iterator[Sentence]:
    """What others did with the account of a household."""
    if number:
        sign = "+" if number > 0 else "\N{MINUS SIGN}"
        signed = {language: f"{sign}{text}" for language, text in story.points(abs(number)).items()}
        yield _moved(Rank.EARNED if number > 0 else Rank.SPENT, phrase("news.shared", points=signed), story)


def _joined(one: Happening, story: Story) -> bool:
    """Whether the member's account became part of this one."""
    return one.kind == "merge_in" and one.facts.get("sender") == story.member_id


def _balance(difference: int, story: Story) -> Sentence:
    """The balance alone; without an account of what happened there is no other form than its plain one."""
    rank = Rank.EARNED if difference > 0 else Rank.SPENT
    points = story.points(story.balance)
    return Sentence(rank, phrase("news.balance_now", points=points), phrase("news.balance", points=points))


def _moved(rank: Rank, told: Words, story: Story) -> Sentence:
    return Sentence(rank, phrase("news.now", news=told, balance=numbers(story.balance)), told)


def _plain(rank: Rank, told: Words, story: Story) -> Sentence:
    return Sentence(rank, told, phrase("news.with_balance", news=told, points=story.points(story.balance)))
