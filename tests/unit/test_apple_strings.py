"""A phone of another language finds every text of the pass in its own, and only the right one."""

import pytest

from kernel.i18n import LANGUAGES
from passes.apple.strings import MARK, Speech, strings_file
from passes.card import Link, Place, Value
from passes.look import BackText, Layout, LookLink
from passes.sandbox.apple_strings import read_strings
from tests.support.apple_cards import a_card
from tests.support.apple_papers import a_look, a_paper, field, in_language, words, written


@pytest.mark.parametrize("own", LANGUAGES)
def test_the_pass_is_in_the_members_language_and_the_files_in_the_others(own: str) -> None:
    tier = words("Gold", "Kulta", "Arany")
    card = a_card(language=own, tier=tier)
    assert field(written(card), "tier")["value"] == tier[own]
    for other in LANGUAGES:
        found = in_language(a_paper(card), other)
        assert found.get(tier[own], tier[own]) == tier[other]


def test_every_language_of_ours_has_a_file_or_the_phone_would_take_another() -> None:
    assert set(a_paper(a_card(language="fi")).strings) == {f"{one}.lproj/pass.strings" for one in LANGUAGES}
    assert in_language(a_paper(a_card(language="fi")), "fi") == {"Kávézó Körút": "Kávézó Körút"}


def test_a_member_whose_language_we_do_not_speak_has_a_pass_in_english() -> None:
    card = a_card(language="sv", tier=words("Gold", "Kulta", "Arany"))
    assert field(written(card), "tier")["value"] == "Gold"
    assert in_language(a_paper(card), "fi")["Gold"] == "Kulta"


def test_all_that_can_be_read_is_said_in_each_language() -> None:
    text = words("Show your card", "Näytä kortti", "Mutasd a kártyád")
    look = a_look(
        texts=(BackText("terms", words("Terms", "Ehdot"), words("No cash", "Ei rahaa")),),
        links=(LookLink(words("Hours", "Aukioloajat"), "https://kavezo.example"),),
    )
    card = a_card(
        description=words("Loyalty card", "Kanta-asiakaskortti"),
        links=(Link(words("Your account", "Oma tilisi"), "https://example.org/me"),),
        places=(Place(text=text, latitude=60.1, longitude=24.9),),
        news=words("You earned 12 points", "Sait 12 pistettä"),
    )
    finnish = in_language(a_paper(card, look), "fi")
    for english, expected in {
        "Terms": "Ehdot",
        "No cash": "Ei rahaa",
        "Hours": "Aukioloajat",
        "Loyalty card": "Kanta-asiakaskortti",
        "Your account": "Oma tilisi",
        "Show your card": "Näytä kortti",
        "You earned 12 points": "Sait 12 pistettä",
        "Points": "Pisteet",
    }.items():
        assert finnish[english] == expected


def test_a_text_that_is_the_same_everywhere_is_in_no_file() -> None:
    assert "Aino Mäkinen" not in in_language(a_paper(), "fi")


def test_a_language_without_words_of_its_own_borrows_english_ones() -> None:
    card = a_card(language="hu", tier={"en": "Gold", "fi": "Kulta"})
    assert field(written(card), "tier")["value"] == "Gold"
    assert in_language(a_paper(card), "fi")["Gold"] == "Kulta"
    assert "Gold" not in in_language(a_paper(card), "en")


def test_a_member_called_gold_keeps_the_name_in_every_language() -> None:
    card = a_card(holder="Gold", tier=words("Gold", "Kulta", "Arany"))
    said, finnish = written(card), in_language(a_paper(card), "fi")
    holder, tier = field(said, "holder")["value"], field(said, "tier")["value"]
    assert {holder.strip(MARK), tier.strip(MARK)} == {"Gold"}
    assert finnish.get(holder, holder).strip(MARK) == "Gold"
    assert finnish.get(tier, tier).strip(MARK) == "Kulta"


def test_two_texts_alike_in_one_language_are_told_apart_in_another() -> None:
    card = a_card(tier=words("Free", "Ilmainen"), next_reward=words("Free", "Vapaa"), holder=words("Free", "Maksuton"))
    said, finnish = written(card), in_language(a_paper(card), "fi")
    shown = [finnish[field(said, key)["value"]] for key in ("tier", "next_reward", "holder")]
    assert shown == ["Ilmainen", "Vapaa", "Maksuton"]


def test_the_name_of_the_brand_is_not_translated_because_a_label_is_called_so() -> None:
    look = a_look(brand_name="Points", logo_text="Points")
    said, finnish = written(look=look), in_language(a_paper(look=look), "fi")
    assert said["logoText"] == "Points"
    assert finnish.get("Points", "Points") == "Points"
    assert finnish[field(said, "balance")["label"]] == "Pisteet"


def test_a_place_that_is_called_like_a_level_is_said_in_its_own_words_on_every_card() -> None:
    tiers = (words("Here", "Taso"), words("Other", "Toinen"), words("Here", "Taso"))
    for tier in tiers:
        card = a_card(tier=tier, places=(Place(text=words("Here", "Täällä"), latitude=60.1, longitude=24.9),))
        said, finnish = written(card), in_language(a_paper(card), "fi")
        assert finnish[said["locations"][0]["relevantText"]] == "Täällä"
        assert finnish[field(said, "tier")["value"]] == tier["fi"]


def test_cards_of_one_look_with_other_labels_do_not_get_each_others() -> None:
    layout = Layout(header=("balance",), secondary=("tier",), auxiliary=())
    for label in (words("Level", "Taso"), words("Rank", "Arvo"), words("Level", "Porras")):
        card = a_card()
        card.values["tier"] = Value(label=label, text={"en": "Gold"})
        finnish = in_language(a_paper(card, a_look(layout=layout)), "fi")
        assert finnish[field(written(card, a_look(layout=layout)), "tier")["label"]] == label["fi"]


@pytest.mark.parametrize(
    "text", ['say "hi"', "back\\slash", "two\nlines", "\u0000\u0007\r", 'a";\n"b" = "c', "\\n", "\t"]
)
def test_a_text_with_signs_of_the_files_own_comes_back_as_it_was(text: str) -> None:
    speech = Speech("en")
    speech.say({"en": text, "fi": f"fi {text}", "hu": text})
    assert read_strings(speech.files()[0]) == {text: f"fi {text}"}
    assert len(speech.files()[0].splitlines()) == 1
    assert read_strings(strings_file({text: f"x{text}"})) == {text: f"x{text}"}


def test_words_without_any_text_say_nothing() -> None:
    speech = Speech("fi")
    assert [speech.say(one) for one in ({}, {"en": ""}, {"en": "", "fi": "", "hu": ""})] == ["", "", ""]
    assert len(speech) == 0


def test_an_empty_text_in_one_language_is_taken_from_another() -> None:
    speech = Speech("fi")
    assert speech.say({"en": "Gold", "fi": "", "hu": "Arany"}) == "Gold"
    assert speech.say({"en": "", "fi": "Hopea", "hu": ""}) == "Hopea"
    assert read_strings(speech.files()[1]) == {"Gold": "Arany"}
