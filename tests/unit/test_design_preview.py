"""A preview shows what the documents that are really sent say, and what the wallets would make of them."""

from typing import Any, get_args

import pytest

from passes.design.preview import Preview, preview
from passes.design.rehearsal import rehearse
from passes.look import Action, BackText, Barcode, Layout, Look, LookLink, SignUp, Style
from tests.support.drawings import png

_WORDS = {"en": "Hours", "fi": "Ajat", "hu": "Idők"}
_PICTURES = {"logo": png(size=(700, 680)), "strip": png(size=(1125, 432)), "strip.fi": png("L", size=(1125, 432))}
_FULL = Layout(
    back=("joined", "member_code", "vouchers", "rewards_ready", "pending", "held", "owed", "expiring", "progress")
)


def drawn(language: str = "en", **change: Any) -> Preview:
    return preview(Look(**{"id": "", "partner_id": "ptn_x", "brand_name": "Café", **change}), {}, language)


def faults(shown: Preview) -> list[str]:
    return [one.says for one in shown.findings if one.level == "fault"]


@pytest.mark.parametrize("language", ["en", "fi", "hu"])
@pytest.mark.parametrize("barcode", get_args(Barcode))
@pytest.mark.parametrize("style", get_args(Style))
def test_a_design_with_everything_makes_documents_without_fault(style: Style, barcode: Barcode, language: str) -> None:
    shown = drawn(
        language,
        style=style,
        barcode=barcode,
        layout=_FULL,
        taps=True,
        unlock_to_tap=True,
        sign_up=SignUp(("name", "email"), _WORDS, _WORDS),
        texts=(BackText("hours", _WORDS, {"en": "9-17", "fi": "9–17", "hu": "9–17"}),),
        links=(LookLink(_WORDS, "https://shop.example"),),
        actions=(Action("shop", "https://shop.example"), Action("call", "tel:+358401234567")),
        store_ids=(1234,),
        app_url="cafe://card",
        user_info={"brand": "café"},
    )
    assert faults(shown) == []
    assert shown.apple is not None
    assert shown.google is not None
    label = {"en": "Points", "fi": "Pisteet", "hu": "Pont"}[language]
    assert [one.label for one in shown.apple.areas["header"]] == [label]
    assert {one.key for one in shown.apple.areas["back"]} >= {*_FULL.back, "news", "text_hours", "link_1"}
    assert shown.google.loyalty_object["loyaltyPoints"]["label"] == label
    assert shown.google.loyalty_object["rotatingBarcode"]["totpDetails"]["algorithm"] == "TOTP_SHA1"
    assert shown.google.loyalty_class["enableSmartTap"] is True
    assert shown.google.offer_class["title"]
    assert shown.google.offer_object["classId"]
    # One value more than Google lists stands on the front; nothing else is cut.
    assert {body: [one.path for one in found] for body, found in shown.google.remarks.items()} == {
        "loyalty_class": [], "loyalty_object": ["textModulesData[10]"], "offer_class": [], "offer_object": [],
    }  # fmt: skip


def test_the_pictures_of_a_preview_are_those_of_the_package() -> None:
    pictures = dict.fromkeys(_PICTURES, "0" * 64)
    look = Look(id="", partner_id="ptn_x", brand_name="Café", pictures=pictures)
    shown = preview(look, _PICTURES, "en")
    assert shown.apple is not None
    assert faults(shown) == []
    sizes = {one.path: (one.width, one.height) for one in shown.apple.pictures}
    assert sizes["fi.lproj/strip@3x.png"] == sizes["strip@3x.png"] == (1125, 432)
    assert shown.apple.picture_bytes == sum(one.bytes for one in shown.apple.pictures)


def test_what_phones_would_refuse_is_found_in_the_document_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever our own checks overlook, the documents are judged as the phone would."""
    monkeypatch.setattr("passes.design.rehearsal._TAP_KEY", "no key at all")
    tried = rehearse(Look(id="", partner_id="ptn_x", brand_name="Café", taps=True), {}, "en")
    assert [(one.level, one.wallet, one.code) for one in tried.findings if one.level == "fault"] == [
        ("fault", "apple", "document_refused")
    ]


def test_what_google_would_refuse_is_found_in_its_bodies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passes.design.rehearsal._CLASS", "a class without an issuer")
    tried = rehearse(Look(id="", partner_id="ptn_x", brand_name="Café"), {}, "en")
    refused = [(one.level, one.wallet, one.says.partition(":")[0]) for one in tried.findings if one.level == "fault"]
    assert refused == [("fault", "google", at) for at in ("id", "classId", "id", "classId")]


def test_what_google_would_cut_is_said_beside_the_body() -> None:
    shown = drawn(brand_name="The Coffee Company of X")
    assert shown.google is not None
    assert shown.google.remarks["loyalty_class"][0].path == "issuerName"


def test_pictures_for_google_are_named_if_the_design_has_what_they_are_made_of() -> None:
    pictures = {"strip.fi": png(size=(1125, 432)), "thumbnail": png(size=(270, 270))}
    named = dict.fromkeys(pictures, "0" * 64)
    look = Look(id="", partner_id="ptn_x", brand_name="Café", style="event_ticket", pictures=named)
    plain, pictured = drawn(), preview(look, pictures, "en")
    assert plain.google is not None
    assert pictured.google is not None
    assert not {"heroImage", "imageModulesData"} & set(plain.google.loyalty_class)
    assert {"heroImage", "imageModulesData"} <= set(pictured.google.loyalty_class)


def test_a_design_with_faults_is_not_drawn() -> None:
    shown = drawn(foreground="#1f2938")
    assert (shown.apple, shown.google, len(faults(shown))) == (None, None, 1)
