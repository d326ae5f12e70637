"""The pictures that Google fetches are made of what the design has."""

from passes.design.package import google_image
from passes.design.sizes import GOOGLE_SOURCES, SLOTS, opened
from passes.look import Look
from tests.support.drawings import png

LOOK = Look(id="dsn_1", partner_id="ptn_1", brand_name="Café")


def test_the_picture_among_the_details_is_the_thumbnail_or_else_the_background() -> None:
    wide, high = png(size=(300, 200)), png(size=(180, 220))
    assert google_image(LOOK, {}) is None
    assert opened(google_image(LOOK, {"background.fi": high}) or b"").size == (844, 1032)
    assert opened(google_image(LOOK, {"thumbnail": wide, "background": high}) or b"").size == (1032, 688)


def test_every_source_is_a_picture_that_a_design_can_have() -> None:
    assert {slot for sources in GOOGLE_SOURCES.values() for slot in sources} <= SLOTS
