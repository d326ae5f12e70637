"""Files that were made to break something: each is a small clean picture afterwards, or refused in our own words."""

import zlib
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from passes.design.formats.exif import turn_of
from passes.design.formats.still import LARGEST_SIDE, MOST_PIXELS, PictureRefused
from passes.design.intake import LARGEST_FILE_BYTES, LARGEST_KEPT, PictureTooHeavy, read_still, take_in
from tests.support.drawings import jpeg, orientation, png, swapped_profile, webp

_SEEDS = [
    png(size=(9, 7)),
    png("RGBA", size=(9, 7)),
    png("P", size=(9, 7), exif=orientation(6)),
    png("LA", size=(9, 7), icc_profile=swapped_profile()),
    jpeg(size=(20, 9), exif=orientation(8), icc_profile=swapped_profile()),
    jpeg("CMYK", size=(20, 9)),
    jpeg(size=(40, 30), progressive=True),
    webp(size=(9, 7)),
    webp("RGBA", size=(9, 7), exif=orientation(3)),
    webp(size=(9, 7), lossless=True),
]
_NUMBERS = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1\0\0"]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A picture with bytes changed, cut out, doubled, or cut off."""
    raw = bytearray(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        upto = min(at + draw(st.integers(1, 24)), len(raw))
        match draw(st.sampled_from(["change", "cut", "double", "insert", "end", "number"])):
            case "change":
                raw[at:upto] = draw(st.binary(min_size=upto - at, max_size=upto - at))
            case "cut":
                del raw[at:upto]
            case "double":
                raw[at:at] = raw[at:upto]
            case "insert":
                raw[at:at] = draw(st.binary(max_size=24))
            case "end":
                del raw[at:]
            case _:
                raw[at : at + 4] = draw(
                    st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1\0\0"])
                )
    return bytes(raw)


@st.composite
def mended(draw: st.DrawFn) -> bytes:
    """A damaged PNG whose check sums are right again, so that the damage comes further in."""
    raw = draw(damaged())
    return _with_sums(raw)


@given(st.one_of(damaged(), mended(), st.binary(max_size=200)))
def test_whatever_comes_in_is_a_clean_picture_or_refused(raw: bytes) -> None:
    try:
        picture = take_in(raw)
    except (PictureRefused, PictureTooHeavy):
        return
    kept = Image.open(BytesIO(picture.png), formats=["PNG"])
    kept.load()
    assert kept.size == (picture.width, picture.height)
    assert max(kept.size) <= LARGEST_KEPT
    assert kept.info == {}


@given(st.one_of(damaged(), mended()))
def test_the_header_bounds_what_a_decoder_is_given(raw: bytes) -> None:
    """The size that we read is the size that the decoder sees, in a file that is no larger than what came in."""
    try:
        still = read_still(raw)
    except (PictureRefused, PictureTooHeavy):
        return
    assert still.width <= LARGEST_SIDE
    assert still.height <= LARGEST_SIDE
    assert still.width * still.height <= MOST_PIXELS
    assert len(still.body) <= len(raw) + 64 <= LARGEST_FILE_BYTES
    try:
        seen = Image.open(BytesIO(still.body), formats=[still.kind])
    except Exception:  # what take_in makes a refusal of
        return
    assert seen.size == (still.width, still.height)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda tail: b"Exif\0\0II*\0" + tail)))
def test_orientation_is_read_from_anything(data: bytes) -> None:
    assert 1 <= turn_of(data) <= 8


def _with_sums(raw: bytes) -> bytes:
    out, at = bytearray(raw[:8]), 8
    while at + 12 <= len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        body = raw[at + 4 : at + 8 + length]
        if at + 12 + length > len(raw):
            break
        out += raw[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out) + raw[at:]
