"""Brand images: the sizes phones ask for, small, and the same every time."""

import io

import pytest
from PIL import Image

from passes.pictures import brand_images


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
