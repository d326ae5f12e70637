"""Texts in three languages."""

import pytest

from kernel import i18n
from kernel.i18n import LANGUAGES, register, translate


@pytest.fixture(autouse=True)
def _own_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_messages", {})


HELLO = {"hello": {"en": "Hello {name}", "fi": "Hei {name}", "hu": "Szia {name}"}}


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Hello Aino"), ("fi", "Hei Aino"), ("hu", "Szia Aino"), ("sv", "Hello Aino")]
)
def test_a_text_in_each_language_and_english_for_the_rest(language: str, text: str) -> None:
    register(HELLO)
    assert translate("hello", language, name="Aino") == text


def test_an_unknown_message_is_an_error() -> None:
    with pytest.raises(KeyError):
        translate("hello", "en")


@pytest.mark.parametrize("missing", LANGUAGES)
def test_a_message_must_be_given_in_every_language(missing: str) -> None:
    with pytest.raises(ValueError, match="must be given in en, fi, hu"):
        register({"hello": {language: "x" for language in LANGUAGES if language != missing}})


@pytest.mark.parametrize("finnish", ["Hei", "Hei {nimi}", "Hei {name} {name2}"])
def test_all_languages_have_the_same_places(finnish: str) -> None:
    with pytest.raises(ValueError, match="different places"):
        register({"hello": HELLO["hello"] | {"fi": finnish}})


def test_a_message_is_registered_once_or_twice_the_same() -> None:
    register(HELLO)
    register(HELLO)
    with pytest.raises(ValueError, match="registered twice"):
        register({"hello": HELLO["hello"] | {"fi": "Moi {name}"}})
