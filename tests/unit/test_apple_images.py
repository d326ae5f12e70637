"""The pictures of a pass: the sizes phones ask for, in all languages, small, and the same every time."""

import io
from typing import Any

import pytest
from PIL import Image

from passes.design.package import apple_pictures, google_hero, google_logo
from passes.look import Look, SignUp
from passes.pictures import brand_images
from tests.support.drawings import encoded, opened, png


def look(**change: Any) -> Look:
    return Look(id="dsn_x", partner_id="ptn_x", brand_name="Kávézó Körút", **change)


def sizes(files: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    return {path: opened(data).size for path, data in files.items()}


@pytest.mark.parametrize("name", ["Kávézó Körút", "Bistro", "Wim Wam", "Бар", "", "中"])
def test_icon_and_logo_come_in_three_sizes(name: str) -> None:
    sizes = {path: Image.open(io.BytesIO(data)).size for path, data in brand_images(name, "#1f3a5f", "#ffffff").items()}
    assert sizes == {
        "icon.png": (29, 29), "icon@2x.png": (58, 58), "icon@3x.png": (87, 87),
        "logo.png": (50, 50), "logo@2x.png": (100, 100), "logo@3x.png": (150, 150),
    }  # fmt: skip


def test_the_same_brand_gives_the_same_bytes_and_another_brand_others() -> None:
    first = brand_images("Bistro", "#1f3a5f", "#ffffff")
    assert first == brand_images("Bistro", "#1f3a5f", "#ffffff")
    assert first != brand_images("Bistro", "#5f1f3a", "#ffffff")
    assert first != brand_images("Café", "#1f3a5f", "#ffffff")


def test_all_images_together_are_small() -> None:
    assert sum(map(len, brand_images("Kávézó Körút", "#1f3a5f", "#ffffff").values())) < 25_000


def test_the_icon_is_in_the_colours_of_the_brand() -> None:
    icon = Image.open(io.BytesIO(brand_images("Bistro", "#1f3a5f", "#ffeedd")["icon@3x.png"]))
    colours = {colour for _, colour in icon.getcolors(100_000) or []}
    assert {(0x1F, 0x3A, 0x5F), (0xFF, 0xEE, 0xDD)} <= colours


def test_a_look_without_pictures_has_a_monogram() -> None:
    assert apple_pictures(look(), {}) == brand_images("Kávézó Körút", "#1f2937", "#ffffff")


def test_one_logo_makes_icon_and_logo_at_all_scales() -> None:
    files = apple_pictures(look(), {"logo": png(size=(600, 500))})
    assert sizes(files) == {
        "icon.png": (29, 29), "icon@2x.png": (58, 58), "icon@3x.png": (87, 87),
        "logo.png": (60, 50), "logo@2x.png": (120, 100), "logo@3x.png": (180, 150),
    }  # fmt: skip
    assert opened(files["icon@3x.png"]).convert("RGB").getpixel((1, 1)) == (0x1F, 0x29, 0x37)
    assert files == apple_pictures(look(), {"logo": png(size=(600, 500))})


def test_a_wide_logo_fits_its_frame_and_leaves_the_icon_to_the_monogram() -> None:
    files = apple_pictures(look(), {"logo": png(size=(1200, 200))})
    assert sizes(files)["logo@3x.png"] == (480, 80)
    assert files["icon@3x.png"] == brand_images("Kávézó Körút", "#1f2937", "#ffffff")["icon@3x.png"]


def test_empty_margins_of_a_logo_are_cut_off() -> None:
    wide = Image.new("RGBA", (900, 900), (0, 0, 0, 0))
    wide.paste((255, 0, 0, 255), (300, 400, 600, 500))
    assert sizes(apple_pictures(look(), {"logo": encoded(wide, "PNG")}))["logo@2x.png"] == (300, 100)


@pytest.mark.parametrize(
    ("style", "slot", "shown"),
    [
        ("store_card", "strip", {"strip@3x.png": (1125, 432)}),
        ("coupon", "strip", {"strip@3x.png": (1125, 432)}),
        ("event_ticket", "strip", {"strip@3x.png": (1125, 294)}),
        ("generic", "strip", {}),
        ("generic", "thumbnail", {"thumbnail@3x.png": (270, 180)}),  # 3:2 at most
        ("store_card", "thumbnail", {}),
        ("event_ticket", "background", {"background@3x.png": (540, 660)}),
        ("generic", "icon", {"icon@3x.png": (87, 87)}),
    ],
)
def test_pictures_come_in_the_size_of_their_place(style: Any, slot: str, shown: dict[str, tuple[int, int]]) -> None:
    files = sizes(apple_pictures(look(style=style), {slot: png(size=(1200, 400))}))
    name = slot + "@"
    assert {path: size for path, size in files.items() if path.startswith(name) and "3x" in path} == shown


def test_a_picture_of_one_language_is_given_for_all_of_them() -> None:
    """Localised everywhere or nowhere; the general one stays for phones in other languages."""
    general, finnish = png(size=(1125, 432)), png("L", size=(1125, 432))[:]
    files = apple_pictures(look(), {"strip": general, "strip.fi": encoded(Image.new("RGB", (9, 9), "#123456"), "PNG")})
    strips = {path for path in files if "strip" in path}
    assert strips == {
        f"{folder}strip{scale}.png"
        for folder in ("", "en.lproj/", "fi.lproj/", "hu.lproj/")
        for scale in ("", "@2x", "@3x")
    }
    assert files["en.lproj/strip.png"] == files["hu.lproj/strip.png"] == files["strip.png"]
    assert opened(files["fi.lproj/strip.png"]).getpixel((100, 100)) == (0x12, 0x34, 0x56)
    alone = apple_pictures(look(), {"strip.fi": finnish})
    assert alone["strip.png"] == alone["en.lproj/strip.png"] == alone["fi.lproj/strip.png"]
    assert not any("icon" in path and "lproj" in path for path in files)


def test_the_sign_up_has_a_logo_of_its_own() -> None:
    asking = look(sign_up=SignUp(("name",), {"en": "Join"}))
    assert not any("personalization" in path for path in apple_pictures(look(), {}))
    assert sizes(apple_pictures(asking, {}))["personalizationLogo@2x.png"] == (80, 80)
    given = apple_pictures(asking, {"personalization_logo": png(size=(600, 160))})
    assert sizes(given)["personalizationLogo@3x.png"] == (450, 120)


def test_photographs_stay_light() -> None:
    """A strip goes to a phone with each change of its pass."""
    photograph = Image.effect_mandelbrot((1280, 720), (-2.0, -1.2, 1.2, 1.2), 80).convert("RGB")
    photograph = photograph.resize((80, 45)).resize((1280, 720), Image.Resampling.BICUBIC)
    strip = apple_pictures(look(), {"strip": encoded(photograph, "PNG")})["strip@3x.png"]
    plain = encoded(opened(strip).convert("RGB"), "PNG", optimize=True)
    assert len(strip) <= len(plain)
    assert len(strip) < 300_000


def test_google_gets_a_square_logo_and_a_wide_banner() -> None:
    for uploaded in ({}, {"logo": png("RGBA", size=(600, 100))}, {"icon": png(size=(90, 90))}, {"logo.fi": png()}):
        assert opened(google_logo(look(), uploaded)).size == (660, 660)
    assert google_hero(look(), {}) is None
    assert opened(google_hero(look(), {"strip": png(size=(600, 500))}) or b"").size == (1032, 336)
