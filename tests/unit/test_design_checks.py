"""What is wrong or unwise in a design: said before a member sees it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from PIL import Image

from passes.design.checking import findings
from passes.design.checks.contrast import contrast
from passes.look import Action, BackText, Layout, Look, LookLink, SignUp, Span, ValueKey

_WORDS = {"en": "Hours", "fi": "Ajat", "hu": "Idők"}
_SHOP = "https://shop.example"
_START = datetime(2026, 6, 1, 8, tzinfo=UTC)
_LOGO = Image.new("RGB", (700, 660), "#ffffff")
_PICTURED: dict[str, Any] = {"pictures": {"logo": "a" * 64}}


def look(**change: Any) -> Look:
    """A design that nothing can be said against, but for what is changed."""
    plain = Look(id="dsn_x", partner_id="ptn_x", brand_name="Café", **_PICTURED)
    return msgspec.structs.replace(plain, **change)


def said(design: Look, pictures: Mapping[str, Image.Image] | None = None) -> set[tuple[str, str, str]]:
    """(level, code, pointer) of each finding."""
    stored = {"logo": _LOGO} if pictures is None else pictures
    return {(one.level, one.code, one.pointer) for one in findings(design, stored)}


def test_a_plain_design_is_without_fault() -> None:
    assert said(look()) == set()


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # The first two are the extremes of the definition, the greys are the best known borders of it.
    [("#000000", "#ffffff", 21.0), ("#336699", "#336699", 1.0), ("#767676", "#ffffff", 4.54),
     ("#777777", "#ffffff", 4.48), ("#ff0000", "#ffffff", 4.00), ("#0000ff", "#ffffff", 8.59)],
)  # fmt: skip
def test_contrast_is_that_of_the_web_guidelines(one: str, other: str, ratio: float) -> None:
    assert math.isclose(contrast(one, other), ratio, abs_tol=0.005)
    assert contrast(one, other) == contrast(other, one)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"foreground": "#777777", "background": "#ffffff", "label_colour": "#000000"},
         {("fault", "contrast_too_low", "/foreground")}),
        ({"foreground": "#767676", "background": "#ffffff", "label_colour": "#000000"}, set()),
        ({"foreground": "#000000", "background": "#ffffff", "label_colour": "#888888"},
         {("fault", "contrast_too_low", "/label_colour")}),
        ({"foreground": "#000000", "background": "#ffffff", "label_colour": "#666666"},
         {("warning", "contrast_low", "/label_colour")}),
        ({"foreground": "white", "background": "#1f2937", "label_colour": "#fff"},
         {("fault", "colour_malformed", "/foreground"), ("fault", "colour_malformed", "/label_colour")}),
    ],
)  # fmt: skip
def test_texts_must_be_readable_on_their_background(change: dict[str, str], found: set[tuple[str, str, str]]) -> None:
    assert said(look(**change)) == found


def test_what_phones_would_drop_is_a_fault() -> None:
    crowded = Layout(
        header=("balance", "tier", "vouchers", "rewards_ready"), primary=("holder", "member_code"),
        secondary=("pending", "held", "owed"), auxiliary=("next_reward", "expiring", "progress"),
    )  # fmt: skip
    faults = {one for one in said(look(layout=crowded)) if one[0] == "fault"}
    assert faults == {
        ("fault", "field_dropped", "/layout/header/3"),
        ("fault", "field_dropped", "/layout/primary/1"),
        ("fault", "field_dropped", "/layout/auxiliary/1"),
        ("fault", "field_dropped", "/layout/auxiliary/2"),
    }
    says = [one.says for one in findings(look(layout=crowded), {"logo": _LOGO}) if one.code == "field_dropped"]
    assert all(text.startswith("iOS would drop it") for text in says)


_LAYOUTS = [
    (Layout(secondary=("holder",), auxiliary=("holder",)), {("fault", "value_twice", "/layout/auxiliary/0")}),
    (Layout(back=("balance",)), {("fault", "value_twice", "/layout/back/0")}),
    (Layout(secondary=("worth",)), {("warning", "value_empty", "/layout/secondary/0")}),
    (Layout(header=("next_reward",), auxiliary=()),
     {("warning", "value_cut", "/layout/header/0"), ("warning", "balance_missing", "/layout")}),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "found"), _LAYOUTS)
def test_a_value_stands_once_and_where_it_fits(layout: Layout, found: set[tuple[str, str, str]]) -> None:
    assert said(look(layout=layout)) == found


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"balance": _WORDS}, set()),
        ({"balance": {**_WORDS, "en": "Coffee beans"}}, {("warning", "text_cut", "/labels/balance/en")}),
        ({"balance": {"en": "x" * 61, "fi": "x", "hu": "x"}},
         {("fault", "text_too_long", "/labels/balance/en"), ("warning", "text_cut", "/labels/balance/en")}),
        ({"balance": {"en": "Beans"}}, {("warning", "language_missing", "/labels/balance")}),
        ({"balance": {**_WORDS, "sv": "Bönor"}}, {("fault", "language_unknown", "/labels/balance/sv")}),
        ({"balance": {**_WORDS, "en": "  "}}, {("fault", "text_missing", "/labels/balance/en")}),
        ({"balance": {}}, {("fault", "text_missing", "/labels/balance")}),
        ({"balance": {**_WORDS, "en": "a\nb"}}, {("fault", "text_unprintable", "/labels/balance/en")}),
        ({"balance": {**_WORDS, "en": "safe\u202eevil"}},
         {("fault", "text_unprintable", "/labels/balance/en")}),
        ({"bal/ance~": _WORDS}, {("fault", "value_unknown", "/labels/bal~1ance~0")}),
    ],
)  # fmt: skip
def test_labels_are_given_per_language_and_fit(
    labels: dict[str, dict[str, str]], found: set[tuple[str, str, str]]
) -> None:
    assert said(look(labels=labels)) == found


def test_lengths_are_warned_of_per_wallet() -> None:
    """A label beside three others has less room on an iPhone; Google has its own measure."""
    layout = Layout(secondary=("holder", "tier", "vouchers", "pending"), auxiliary=())
    words = {"en": "Your level now", "fi": "Taso", "hu": "Szint"}
    found = findings(look(layout=layout, labels={"tier": words}), {"logo": _LOGO})
    assert {(one.wallet, one.pointer) for one in found} == {("apple", "/labels/tier/en"), ("google", "/labels/tier/en")}
    roomy = Layout(secondary=("holder", "vouchers"), auxiliary=("tier",))
    found = findings(look(layout=roomy, labels={"tier": words}), {"logo": _LOGO})
    assert {one.wallet for one in found} == {"google"}


_ADDRESSES = {
    "https://café.example/": "url_malformed",
    "http://example.com/": "url_not_https",
    "javascript:alert(1)": "url_not_https",
    "https://user:word@example.com/": "url_malformed",
    "https://example.org@example.com/": "url_malformed",
    "https://example.com:8443/": "url_malformed",
    "https://example.com:99999/": "url_malformed",
    "https://[::1/": "url_malformed",
    "https://localhost/": "url_not_public",
    "https://127.0.0.1/": "url_not_public",
    "https://10.1.2.3/": "url_not_public",
    "https://[fd00::1]/": "url_not_public",
    "https://till.local/": "url_not_public",
    "https:///path": "url_not_public",
    "https://example.com/a b": "url_malformed",
    "https://example.com/" + "x" * 2048: "url_malformed",
    "": "url_malformed",
}


@pytest.mark.parametrize(("url", "code"), _ADDRESSES.items())
def test_links_lead_to_public_https_addresses(url: str, code: str) -> None:
    assert said(look(links=(LookLink(_WORDS, url),))) == {("fault", code, "/links/0/url")}
    assert said(look(actions=(Action("shop", url),))) == {("fault", code, "/actions/0/url")}


def test_good_links_pass() -> None:
    for url in (
        "https://example.com",
        "https://www.example.co.uk/a?b=c#d",
        "https://xn--caf-dma.example/",
        "https://8.8.8.8/",
    ):
        assert said(look(links=(LookLink(_WORDS, url),))) == set()
    assert said(look(actions=(Action("call", "tel:+358401234567"),))) == set()
    assert said(look(actions=(Action("shop", "tel:+358401234567"),))) != set()


def test_texts_have_keys_of_their_own_and_an_end() -> None:
    twice = tuple(BackText("terms", _WORDS, _WORDS) for _ in range(2))
    assert said(look(texts=twice)) == {("fault", "key_twice", "/texts/1/key")}
    assert said(look(texts=(BackText("Terms!", _WORDS, _WORDS),))) == {("fault", "key_malformed", "/texts/0/key")}
    lines = {"en": "a\nb", "fi": "a", "hu": "x" * 501}
    assert said(look(texts=(BackText("terms", _WORDS, lines),))) == {("warning", "text_cut", "/texts/0/text/hu")}
    many = tuple(BackText(f"t{number}", _WORDS, _WORDS) for number in range(21))
    assert ("fault", "too_many", "/texts") in said(look(texts=many))
    assert said(look(texts=many[:10])) == set()
    assert said(look(texts=many[:11])) == {("warning", "texts_dropped", "/texts")}


def test_values_that_google_would_not_list_are_told_unless_they_stand_on_the_front() -> None:
    back: tuple[ValueKey, ...] = (
        "rewards_ready", "vouchers", "pending", "held", "owed", "expiring", "progress", "joined", "next_reward",
    )  # fmt: skip
    on_the_front = Layout(secondary=("tier",), auxiliary=(), back=back)
    assert ("warning", "texts_dropped", "/layout/back") not in said(look(layout=on_the_front))
    all_behind = Layout(secondary=(), auxiliary=(), back=(*back, "tier"))
    assert ("warning", "texts_dropped", "/layout/back") in said(look(layout=all_behind))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"actions": (Action("shop", _SHOP), Action("order", _SHOP), Action("call", "tel:112"))},
         {("fault", "field_dropped", "/actions/2")}),
        ({"unlock_to_tap": True}, {("fault", "taps_missing", "/unlock_to_tap")}),
        ({"unlock_to_tap": True, "taps": True, "sharing": True}, {("warning", "taps_shared", "/sharing")}),
        ({"sign_up": SignUp(("name",), _WORDS)}, {("fault", "taps_missing", "/sign_up")}),
        ({"taps": True, "sign_up": SignUp(("name", "email"), _WORDS)}, set()),
        ({"taps": True, "sign_up": SignUp((), _WORDS)}, {("fault", "fields_malformed", "/sign_up/fields")}),
        ({"relevant": (Span(_START, _START + timedelta(hours=24)),)}, set()),
        ({"relevant": (Span(_START, _START + timedelta(hours=25)),)}, {("fault", "moment_malformed", "/relevant/0")}),
        ({"relevant": (Span(_START, _START),)}, {("fault", "moment_malformed", "/relevant/0")}),
        ({"relevant": (Span(datetime(2026, 6, 1)),)}, {("fault", "moment_malformed", "/relevant/0")}),
        ({"relevant": (Span(_START.astimezone(timezone(timedelta(hours=3)))),)}, set()),
        ({"app_url": "cafe://card"}, {("fault", "store_id_missing", "/app_url")}),
        ({"app_url": "cafe://card", "store_ids": (123,)}, set()),
        ({"app_url": "javascript:alert(1)", "store_ids": (123,)}, {("fault", "url_malformed", "/app_url")}),
        ({"android_app": "org.example.cafe"}, set()),
        ({"android_app": "cafe"}, {("fault", "package_malformed", "/android_app")}),
        ({"android_app": "org..cafe"}, {("fault", "package_malformed", "/android_app")}),
        ({"store_ids": (0,)}, {("fault", "store_id_malformed", "/store_ids")}),
        ({"user_info": {"a": [1, {"b": None}]}}, {("fault", "value_null", "/user_info")}),
        ({"user_info": {"a": "x" * 2048}}, {("fault", "too_large", "/user_info")}),
        ({"brand_name": " "}, {("fault", "text_missing", "/brand_name")}),
        ({"brand_name": "x" * 65}, {("fault", "text_too_long", "/brand_name")}),
        ({"brand_name": "The Coffee Company of X"}, {("warning", "text_cut", "/brand_name")}),
    ],
)  # fmt: skip
def test_what_needs_something_else_says_so(change: dict[str, Any], found: set[tuple[str, str, str]]) -> None:
    assert said(look(**change)) == found


def _picture(width: int, height: int, colour: str = "#223344") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def _with(slot: str, picture: Image.Image, **change: Any) -> set[tuple[str, str, str]]:
    design = look(pictures={"logo": "a" * 64, slot: "b" * 64}, **change)
    return said(design, {"logo": _LOGO, slot: picture})


def test_pictures_stand_where_the_style_has_a_place_for_them() -> None:
    assert _with("strip", _picture(1125, 432)) == set()
    assert _with("strip.fi", _picture(1125, 432)) == set()
    assert _with("thumbnail", _picture(300, 300)) == {("warning", "picture_dropped", "/pictures/thumbnail")}
    assert _with("thumbnail", _picture(300, 300), style="generic") == set()
    assert _with("banner", _picture(300, 300)) == {("fault", "slot_unknown", "/pictures/banner")}
    assert _with("strip.sv", _picture(300, 300)) == {("fault", "slot_unknown", "/pictures/strip.sv")}
    assert said(look(pictures={"logo": "a" * 64}), {}) == {("fault", "picture_unknown", "/pictures/logo")}
    assert said(look(pictures={}), {}) == {("warning", "picture_missing", "/pictures")}
    both = look(pictures={"logo": "a", "strip": "b", "background": "c"}, style="event_ticket")
    found = said(both, {"logo": _LOGO, "strip": _picture(1125, 294), "background": _picture(540, 660)})
    assert {one for one in found if one[1] != "picture_small"} == {
        ("warning", "picture_dropped", "/pictures/background")
    }


def test_small_pictures_are_warned_of() -> None:
    assert _with("strip", _picture(375, 144)) == {("warning", "picture_small", "/pictures/strip")}
    assert _with("icon", _picture(87, 87)) == {("warning", "picture_small", "/pictures/icon")}  # Google wants more
    assert _with("icon", _picture(400, 400)) == set()


def test_a_value_on_a_picture_must_be_readable_on_it() -> None:
    layout = Layout(header=(), primary=("balance",))
    found = {("warning", "contrast_on_picture", "/pictures/strip")}
    assert _with("strip", _picture(1125, 432, "#eeeeee"), layout=layout) == found
    assert _with("strip", _picture(1125, 432, "#111111"), layout=layout) == set()
    assert _with("strip", _picture(1125, 432, "#eeeeee")) == set()
