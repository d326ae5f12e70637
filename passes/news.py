"""The one sentence that a change of a card tells, and how often it may. Pure.

A wallet shows a notice when the text of `news` changes. So a card that changes silently keeps the sentence it has, and
one that tells something has another sentence than before, in every language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from kernel.i18n import LANGUAGES
from passes import texts as texts  # registers the words
from passes.card import Card, Value, Words, said
from passes.news_sentences import Rank, Sentence, Story, sentence
from passes.speech import in_each, phrase
from points.happenings import Happening

KEY = "news"

# Google refuses the fourth in 24 hours; Apple says no number, and phones were seen to fall silent above about twenty.
MESSAGES_PER_DAY = {"apple": 20, "google": 3}
# So many of them are kept for what matters most.
_KEPT = {"apple": 5, "google": 1}
_DAY = timedelta(hours=24)
_LABEL = phrase("card.news")


@dataclass(frozen=True, slots=True)
class Budget:
    """How many messages a pass may still tell: `told` are the moments of those before, `now` is the system's time."""

    wallet: str
    told: Sequence[datetime]
    now: datetime

    def allows(self, *, important: bool) -> bool:
        """Whether one may be told now, so that no 24 hours have more than the wallet shows."""
        most = MESSAGES_PER_DAY[self.wallet] - (0 if important else _KEPT[self.wallet])
        # What lies ahead of a clock that was put back counts too.
        return sum(moment >= self.now - _DAY for moment in self.told) < most

    def spent(self) -> list[datetime]:
        """`told` once one more was told; no more of them than a day may have."""
        return sorted([*self.told, self.now])[-MESSAGES_PER_DAY[self.wallet] :]


def news(before: Card, after: Card, happenings: Sequence[Happening], story: Story, budget: Budget) -> Words | None:
    """What to tell of a change from `before` to `after`; None: nothing, or no more today.

    `happenings` are the journals between the two, oldest first. Without any the change is silent (a design, a name).
    """
    found = sentence(balance_of(before), balance_of(after), happenings, story)
    if found is None or not budget.allows(important=found.rank <= Rank.SPENT):
        return None
    return unlike(told_by(before), found)


def unlike(told: Words, found: Sentence) -> Words:
    """The sentence in a form that differs from what was told last, in every language.

    Of four different forms at most one can equal the old text in each of three languages.
    """
    forms = (found.first, found.second, _stopped(found.first), _stopped(found.second))
    return next(form for form in forms if all(said(form, language) != said(told, language) for language in LANGUAGES))


def first_news(story: Story) -> Words:
    """What a card says to whose member nothing was told yet."""
    return phrase("news.balance", points=story.points(story.balance))


def told_by(card: Card) -> Words:
    """The sentence that a card has; {} on cards of before there was one."""
    shown = card.values.get(KEY)
    return shown.text if shown else {}


def with_news(card: Card, told: Words) -> Card:
    """The card with that sentence."""
    return msgspec.structs.replace(card, values={**card.values, KEY: Value(label=_LABEL, text=told)})


def balance_of(card: Card) -> int | None:
    """The balance that a card shows, if it shows one."""
    shown = card.values.get("balance")
    return shown.number if shown else None


def _stopped(form: Words) -> Words:
    return in_each(lambda language: f"{said(form, language)}.")
