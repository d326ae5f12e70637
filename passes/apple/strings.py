"""What a pass says in languages other than the one it is written in: the `pass.strings` files of its language folders.

A phone looks up the literal text of pass.json in the file of its own language, and shows what it finds there
(https://developer.apple.com/documentation/walletpasses/creating-the-source-for-a-pass, "Localize").
"""

from collections.abc import Mapping
from itertools import islice
from operator import itemgetter
from typing import Final

from kernel.i18n import FALLBACK, LANGUAGES
from passes.card import Words, said

# Looks like nothing and makes a text another key: for a text that is two things, Gold the level and Gold the member.
MARK: Final = "\u200b"

_ESCAPED: Final = (*range(9), *range(11, 32), 127)
_ESCAPES: Final = {code: f"\\U{code:04x}" for code in _ESCAPED} | {ord(c): "\\" + c for c in '"\\'} | {10: "\\n"}
# What an entry cannot hold as it is, beside quotes and line ends, which are counted.
_DELICATE: Final = bytes(_ESCAPED) + b"\\"

_ORDERS: Final = {own: (own, *(one for one in LANGUAGES if one != own)) for own in LANGUAGES}
_PICKS: Final = {own: itemgetter(*order) for own, order in _ORDERS.items()}


def strings_path(language: str) -> str:
    """Where a language's strings are in the package."""
    return f"{language}.lproj/pass.strings"


def strings_file(pairs: Mapping[str, str]) -> bytes:
    """An Apple strings file: UTF-8, one `"key" = "value";` a line."""
    written = ((key.translate(_ESCAPES), text.translate(_ESCAPES)) for key, text in pairs.items())
    return "".join([f'"{key}" = "{text}";\n' for key, text in written]).encode()


class Speech:
    """Says each text in one language and remembers how the other languages say it.

    `languages` are ours, that of the pass first (for a language that is not ours, English).
    """

    __slots__ = ("_pick", "_told", "languages")

    def __init__(self, language: str) -> None:
        own = language if language in LANGUAGES else FALLBACK
        self.languages = _ORDERS[own]
        self._pick = _PICKS[own]
        # What stands in the pass -> the same in each of the languages.
        self._told: dict[str, tuple[str, ...]] = {}

    def say(self, words: Words) -> str:
        """The text to write into the pass; "" for words without any text."""
        if len(words) == 1:
            told = (*words.values(),) * len(self.languages)
        else:
            try:
                told = self._pick(words)
            except KeyError:
                told = self._whole(words)
        if "" in told and not (told := self._whole(words))[0]:
            return ""
        key: str = told[0]
        known = self._told.setdefault(key, told)
        return key if known is told or known == told else self._marked(key, told)

    def keep(self, text: str) -> None:
        """`text` stands in the pass as it is, in every language: nothing said later may be mistaken for it."""
        self.say({self.languages[0]: text})

    def branch(self) -> "Speech":
        """Another speech that goes on from here."""
        branch = Speech.__new__(Speech)
        branch.languages, branch._pick, branch._told = self.languages, self._pick, self._told.copy()
        return branch

    def __len__(self) -> int:
        """How many texts were said so far."""
        return len(self._told)

    def files(self, after: int = 0) -> list[bytes]:
        """The strings files of `languages[1:]`, of what was said after the first `after` texts."""
        new = list(islice(self._told.items(), after, None))
        return [_file(new, at) for at in range(1, len(self.languages))]

    def _whole(self, words: Words) -> tuple[str, ...]:
        """The words in each language; those that lack one borrow."""
        own = said(words, self.languages[0]) or next(filter(None, words.values()), "")
        return (own, *(said(words, one) or own for one in self.languages[1:]))

    def _marked(self, key: str, told: tuple[str, ...]) -> str:
        while self._told.setdefault(key, told) != told:
            key += MARK
        return key


def _file(told: list[tuple[str, tuple[str, ...]]], at: int) -> bytes:
    lines = [f'"{key}" = "{texts[at]}";\n' for key, texts in told if texts[at] != key]
    raw = "".join(lines).encode()
    # One look at the whole is quicker than one at each text, and hardly any text has something to escape.
    if raw.count(b'"') == 4 * len(lines) and raw.count(b"\n") == len(lines) and raw == raw.translate(None, _DELICATE):
        return raw
    return strings_file({key: texts[at] for key, texts in told if texts[at] != key})
