"""What all cards of a brand have in common on Google Wallet."""

from typing import Any, get_args

import pytest

from passes.card import Place
from passes.google.document import ClassOptions, ClassPictures, class_body, class_patch
from passes.google.schema.check import check
from passes.look import Action, BackText, Layout, Look, LookLink, ValueKey
from tests.support.google import a_look

CLASS = "3388000000022000000.ptn_cafe"
LOGO = "https://points.example/designs/dsn_1/logo.png"
HERO = "https://points.example/designs/dsn_1/hero.png"
IMAGE = "https://points.example/designs/dsn_1/image.png"
HOURS = {"en": "Hours", "fi": "Ajat", "hu": "Idők"}


def written(look: Look | None = None, pictures: ClassPictures | None = None, **options: Any) -> dict[str, Any]:
    """The class of a look, which passes the check."""
    body = class_body(look or a_look(), CLASS, pictures or ClassPictures(LOGO), ClassOptions(**options))
    check("loyaltyClass", body)
    return body


def rows(look: Look) -> list[list[list[str]]]:
    """The front: for each row, for each place, the fields that may stand there."""
    found = written(look).get("classTemplateInfo", {"cardTemplateOverride": {"cardRowTemplateInfos": []}})
    return [
        [[field["fieldPath"] for field in place["firstValue"]["fields"]] for place in next(iter(row.values())).values()]
        for row in found["cardTemplateOverride"]["cardRowTemplateInfos"]
    ]


def test_a_class_says_how_a_brand_looks() -> None:
    body = written(a_look(background="#aa0000", logo_text=""))
    assert (body["issuerName"], body["programName"]) == ("Café Aurora", "Café Aurora")
    assert (body["hexBackgroundColor"], body["programLogo"]["sourceUri"]) == ("#aa0000", {"uri": LOGO})
    assert "heroImage" not in body


def test_a_class_has_the_brands_pictures() -> None:
    body = written(pictures=ClassPictures(LOGO, HERO, IMAGE))
    assert body["heroImage"] == {"sourceUri": {"uri": HERO}}
    assert body["imageModulesData"] == [{"id": "image", "mainImage": {"sourceUri": {"uri": IMAGE}}}]


def test_the_logo_is_described_to_who_cannot_see_it() -> None:
    said = written()["programLogo"]["contentDescription"]
    assert said["defaultValue"] == {"language": "en", "value": "Café Aurora loyalty card"}
    assert {one["language"] for one in said["translatedValues"]} == {"fi", "hu"}


def test_a_class_belongs_to_the_first_account_that_saves_and_is_always_sent_for_review() -> None:
    patch = class_patch(a_look(), ClassPictures(LOGO))
    assert patch["multipleDevicesAndHoldersAllowedStatus"] == "ONE_USER_ALL_DEVICES"
    assert patch["reviewStatus"] == "UNDER_REVIEW"
    assert "id" not in patch
    check("loyaltyClass", patch, patch=True)


def test_a_design_that_lets_cards_be_shared_lets_others_save_them() -> None:
    assert written(a_look(sharing=True))["multipleDevicesAndHoldersAllowedStatus"] == "MULTIPLE_HOLDERS"


def test_texts_and_links_of_the_design_are_said_by_the_class_in_all_languages() -> None:
    look = a_look(
        texts=(BackText("hours", HOURS, {"en": "9 to 5", "fi": "9–17", "hu": "9–17"}),),
        links=(LookLink(HOURS, "https://cafe.example/hours"),),
    )
    body = written(look)
    (text,) = body["textModulesData"]
    assert (text["id"], text["header"], text["body"]) == ("text_hours", "Hours", "9 to 5")
    assert text["localizedBody"]["translatedValues"][0] == {"language": "fi", "value": "9–17"}
    (uri,) = body["linksModuleData"]["uris"]
    assert (uri["uri"], uri["description"]) == ("https://cafe.example/hours", "Hours")
    assert uri["localizedDescription"]["translatedValues"][1] == {"language": "hu", "value": "Idők"}


def test_the_labels_of_name_and_number_are_the_designs_own_or_ours() -> None:
    body = written(a_look(labels={"holder": {"en": "Guest", "fi": "Vieras", "hu": "Vendég"}}))
    assert (body["accountNameLabel"], body["accountIdLabel"]) == ("Guest", "Card number")
    assert body["localizedAccountNameLabel"]["translatedValues"][0] == {"language": "fi", "value": "Vieras"}


def test_the_front_follows_the_design_area_by_area() -> None:
    layout = Layout(
        header=("balance",), primary=("holder",), secondary=("tier",), auxiliary=("next_reward", "expiring")
    )
    assert rows(a_look(layout=layout)) == [
        [["object.loyaltyPoints.balance"], ["object.accountName"]],
        [["object.textModulesData['tier']", "object.secondaryLoyaltyPoints.balance"]],
        [["object.textModulesData['next_reward']"], ["object.textModulesData['expiring']"]],
    ]


def test_a_front_with_as_much_as_apple_takes_has_a_place_for_all_of_it() -> None:
    layout = Layout(
        header=("balance", "rewards_ready", "vouchers"), primary=("next_reward",), secondary=("holder", "tier"),
        auxiliary=("pending", "joined"),
    )  # fmt: skip
    assert [len(row) for row in rows(a_look(layout=layout))] == [3, 3, 2]


def test_a_front_without_values_leaves_googles_own() -> None:
    empty = Layout(header=(), primary=(), secondary=(), auxiliary=(), back=("balance",))
    assert "classTemplateInfo" not in written(a_look(layout=empty))


@pytest.mark.parametrize("key", get_args(ValueKey))
def test_any_value_has_a_place_on_the_front(key: ValueKey) -> None:
    layout = Layout(header=(key,), secondary=(), auxiliary=())
    assert len(rows(a_look(layout=layout))) == 1


def test_readers_may_read_where_google_allows_it_and_the_design_wants_it() -> None:
    body = written(a_look(taps=True), smart_tap_issuers=("3388000000000000001", "3388000000000000002"))
    assert body["enableSmartTap"] is True
    assert body["redemptionIssuers"] == ["3388000000000000001", "3388000000000000002"]
    for without in (written(a_look(taps=True)), written(smart_tap_issuers=("3388000000000000001",))):
        assert not {"enableSmartTap", "redemptionIssuers"} & set(without)


def test_a_class_names_where_it_is_told_of_saves() -> None:
    url = "https://points.example/google/v1/callbacks/0123"
    assert written(callback_url=url)["callbackOptions"] == {"url": url}
    assert "callbackOptions" not in written()


def test_a_class_has_at_most_ten_places() -> None:
    spot = Place(text={"en": "Here"}, latitude=60.17, longitude=24.94)
    assert len(written(places=(spot,) * 11)["merchantLocations"]) == 10


def test_the_first_action_with_a_page_is_the_button_on_the_front_and_the_others_are_links() -> None:
    actions = (Action("call", "tel:+358401234567"), Action("shop", "https://shop.example"))
    body = written(a_look(actions=actions))
    target = body["appLinkData"]["webAppLinkInfo"]["appTarget"]["targetUri"]
    assert (target["uri"], target["description"]) == ("https://shop.example", "Shop")
    assert body["appLinkData"]["displayText"]["defaultValue"] == {"language": "en", "value": "Shop"}
    (call,) = body["linksModuleData"]["uris"]
    assert (call["uri"], call["description"]) == ("tel:+358401234567", "Call us")


def test_a_companion_app_is_the_button_on_the_front() -> None:
    look = a_look(android_app="org.example.cafe", actions=(Action("shop", "https://shop.example"),))
    body = written(look)
    assert body["appLinkData"]["androidAppLinkInfo"] == {"appTarget": {"packageName": "org.example.cafe"}}
    assert [one["uri"] for one in body["linksModuleData"]["uris"]] == ["https://shop.example"]


def test_a_patch_takes_away_the_button_of_another_kind() -> None:
    app = class_patch(a_look(android_app="org.example.cafe"), ClassPictures(LOGO))["appLinkData"]
    assert (app["webAppLinkInfo"], app["androidAppLinkInfo"]["appTarget"]["targetUri"]) == (None, None)
    shop = class_patch(a_look(actions=(Action("shop", "https://shop.example"),)), ClassPictures(LOGO))["appLinkData"]
    assert (shop["androidAppLinkInfo"], shop["webAppLinkInfo"]["appTarget"]["packageName"]) == (None, None)
    assert class_patch(a_look(), ClassPictures(LOGO))["appLinkData"] is None


def test_a_class_holds_nothing_of_a_member() -> None:
    paths = [path for row in rows(a_look()) for place in row for path in place]
    assert all(path.startswith("object.") for path in paths)
    assert written() == written()
