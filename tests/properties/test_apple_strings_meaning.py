"""Whatever a card says: a phone of any language shows exactly what was meant, text by text."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.i18n import LANGUAGES
from passes.apple.strings import MARK, Speech, strings_path
from passes.card import Words, said
from passes.sandbox.apple_strings import read_strings

# Few letters, so that texts collide; and all that files could stumble over.
TEXT = st.text(st.sampled_from('ab"\\\n=; \u0000é'), max_size=4) | st.text(max_size=8)
SAID = st.dictionaries(st.sampled_from(LANGUAGES), TEXT.map(lambda text: text.replace(MARK, "")), max_size=3)


def meant(words: Words, language: str, own: str) -> str:
    """The text in a language; one that lacks it borrows the English, then the pass's own, then any."""
    return said(words, language) or said(words, own) or next(filter(None, words.values()), "")


@given(
    own=st.sampled_from(LANGUAGES),
    texts=st.lists(SAID, max_size=8),
    kept=st.lists(TEXT, max_size=2),
    at=st.integers(0, 8),
)
def test_every_phone_shows_what_was_meant(own: str, texts: list[Words], kept: list[str], at: int) -> None:
    first = Speech(own)
    for text in kept:
        first.keep(text.replace(MARK, ""))
    shown = [first.say(words) for words in texts[:at]]
    speech, known = first.branch(), len(first)
    shown += [speech.say(words) for words in texts[at:]]
    files = zip(first.files(), speech.files(known), strict=True)
    for language, (before, after) in zip(speech.languages[1:], files, strict=True):
        strings = read_strings(before + after)
        for literal, words in zip(shown, texts, strict=True):
            assert strings.get(literal, literal).rstrip(MARK) == meant(words, language, own)
        for text in kept:
            assert strings.get(text, text) == text or MARK in text
    for literal, words in zip(shown, texts, strict=True):
        assert literal.rstrip(MARK) == meant(words, own, own)


def test_each_language_has_a_folder_of_its_own() -> None:
    assert len({strings_path(language) for language in LANGUAGES}) == len(LANGUAGES)
