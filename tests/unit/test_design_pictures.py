"""Pictures that partners send: what is taken, what becomes of it, and what is refused before it is decoded."""

import hashlib
import struct
import zlib
from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from passes.design.formats.jpeg import MOST_SCANS
from passes.design.formats.still import (
    PictureBroken,
    PictureKindUnknown,
    PictureMoves,
    PictureRefused,
    PictureTooLarge,
)
from passes.design.intake import LARGEST_FILE_BYTES, LARGEST_KEPT, PictureTooHeavy, read_still, take_in
from tests.support.drawings import (
    PNG_START,
    chunk,
    corner_marked,
    drawing,
    encoded,
    jpeg,
    opened,
    orientation,
    png,
    png_of,
    swapped_profile,
    webp,
)

_TAKEN = {
    "png rgb": png(),
    "png rgba": png("RGBA"),
    "png grey": png("L"),
    "png grey with alpha": png("LA"),
    "png palette": png("P"),
    "png one bit": png("1"),
    "png sixteen bits": encoded(drawing("L").convert("I;16").point(lambda level: level * 257), "PNG"),
    "jpeg": jpeg(),
    "jpeg grey": jpeg("L"),
    "jpeg progressive": jpeg(progressive=True),
    "jpeg cmyk": jpeg("CMYK"),
    "webp": webp(),
    "webp lossless": webp(lossless=True),
    "webp with alpha": webp("RGBA"),
}


@pytest.mark.parametrize("raw", _TAKEN.values(), ids=_TAKEN.keys())
def test_what_cameras_and_designers_make_is_taken(raw: bytes) -> None:
    picture = take_in(raw)
    kept = opened(picture.png)
    assert (picture.width, picture.height) == kept.size == (60, 40)
    assert (kept.format, kept.mode in ("RGB", "RGBA")) == ("PNG", True)
    assert picture.id == hashlib.sha256(picture.png).hexdigest()
    top, bottom = kept.convert("L").getpixel((30, 1)), kept.convert("L").getpixel((30, 38))
    assert (top < 40, bottom > 200) == (True, True)  # type: ignore[operator]


def test_sixteen_bits_keep_their_shades() -> None:
    raw = png_of(2, 1, b"\0" + struct.pack(">HH", 0x8080, 0xFFFF), depth=16)
    assert [opened(take_in(raw).png).convert("L").getpixel((x, 0)) for x in (0, 1)] == [128, 255]


def test_transparency_is_kept_and_dropped_where_there_is_none() -> None:
    half = drawing("RGBA")
    half.putalpha(128)
    assert opened(take_in(encoded(half, "PNG")).png).mode == "RGBA"
    assert opened(take_in(png("RGBA")).png).mode == "RGB"
    shown = Image.new("P", (4, 4), 0)
    assert opened(take_in(encoded(shown, "PNG", transparency=0)).png).getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_the_same_picture_gives_the_same_id() -> None:
    assert take_in(png()).id == take_in(png(compress_level=1)).id
    assert take_in(png()).id != take_in(png(size=(61, 40))).id


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    picture = take_in(png(size=(3000, 1500)))
    assert (picture.width, picture.height) == (LARGEST_KEPT, LARGEST_KEPT // 2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("turn", "corner"),
    [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (0, 1)), (5, (0, 0)), (6, (1, 0)), (7, (1, 1)), (8, (0, 1))],
)  # fmt: skip
def test_a_picture_is_turned_upright(kind: str, turn: int, corner: tuple[int, int]) -> None:
    kept = opened(take_in(encoded(corner_marked(), kind, exif=orientation(turn), quality=95)).png)
    assert kept.size == ((60, 40) if turn < 5 else (40, 60))
    dark = [
        (x, y)
        for x in (0, 1)
        for y in (0, 1)
        if kept.convert("L").getpixel((x * (kept.width - 9) + 4, y * (kept.height - 9) + 4)) < 60  # type: ignore[operator]
    ]
    assert dark == [corner]


def test_nothing_but_the_picture_is_kept() -> None:
    secret = b"the place where it was taken"
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", secret.decode())
    archive = BytesIO()
    with ZipFile(archive, "w") as made:
        made.writestr("evil.html", b"<script>" + secret)
    html = b"<html><script>" + secret
    sent = [
        png(pnginfo=info, exif=orientation(1)) + archive.getvalue(),
        png() + html,
        jpeg(comment=secret, exif=orientation(1), xmp=secret) + html,
        jpeg() + archive.getvalue(),
        webp(exif=orientation(1), xmp=secret) + html,
        webp("RGBA", exif=orientation(1), xmp=secret),
    ]
    for raw in sent:
        assert secret not in read_still(raw).body
        kept = take_in(raw).png
        assert secret not in kept
        assert [name for name in (b"Exif", b"eXIf", b"tEXt", b"iTXt", b"PK\x03\x04", b"<script") if name in kept] == []
        assert kept.endswith(chunk(b"IEND", b""))
        assert opened(kept).info == {}


def test_colours_are_brought_to_srgb() -> None:
    """A profile whose red and blue are changed over shows that it was followed."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = srgb.index(b"rXYZ", 128), srgb.index(b"bXYZ", 128)
    srgb[red : red + 4], srgb[blue : blue + 4] = b"bXYZ", b"rXYZ"
    orange = Image.new("RGB", (8, 8), (250, 120, 10))
    for kind in ("PNG", "JPEG"):
        plain = opened(take_in(encoded(orange, kind, quality=100)).png).getpixel((4, 4))
        kept = opened(take_in(encoded(orange, kind, icc_profile=bytes(srgb), quality=100)).png)
        shown = kept.getpixel((4, 4))
        assert isinstance(plain, tuple)
        assert isinstance(shown, tuple)
        assert (plain[0] > 200, shown[2] > 200) == (True, True)
        assert "icc_profile" not in kept.info


@pytest.mark.parametrize("profile", [b"no profile at all", b"\0" * 200, swapped_profile()])
def test_a_profile_that_cannot_be_used_is_left_aside(profile: bytes) -> None:
    raw = encoded(Image.new("RGB", (8, 8), (250, 120, 10)), "PNG", icc_profile=profile)
    assert opened(take_in(raw).png).getpixel((4, 4)) == (250, 120, 10)


_SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
_UNKNOWN = {
    "svg": _SVG,
    "svg with a byte order mark": b"\xef\xbb\xbf" + _SVG,
    "svg behind a comment": b"<!-- " + b"x" * 600 + b" --><svg>",
    "html": b"<html><img src=x>",
    "gif": encoded(drawing("P"), "GIF"),
    "bmp": encoded(drawing(), "BMP"),
    "tiff": encoded(drawing(), "TIFF"),
    "ico": encoded(drawing(), "ICO"),
    "jpeg 2000": encoded(drawing(), "JPEG2000"),
    "avif": encoded(drawing(), "AVIF"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "pdf": b"%PDF-1.7",
    "nothing": b"",
    "another riff": b"RIFF\x24\0\0\0WAVEfmt ",
    "a start alone": b"\x89PNG",
}


@pytest.mark.parametrize("raw", _UNKNOWN.values(), ids=_UNKNOWN.keys())
def test_other_kinds_are_refused_by_their_first_bytes(raw: bytes) -> None:
    with pytest.raises(PictureKindUnknown) as refused:
        take_in(raw)
    assert ("SVG" in str(refused.value)) == (b"<svg" in raw)


def test_more_bytes_than_any_pass_needs_are_refused() -> None:
    with pytest.raises(PictureTooHeavy):
        take_in(png() + bytes(LARGEST_FILE_BYTES))


def _lossless(width: int, height: int) -> bytes:
    """The header of a lossless WebP of that size."""
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<IB4s", 6, 0x2F, bits.to_bytes(4, "little")) + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _resized(raw: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    at = raw.index(b"\xff\xc0") + 5
    return raw[:at] + struct.pack(">HH", height, width) + raw[at + 4 :]


_TOO_LARGE = {
    "png of zeros": png_of(50_000, 50_000, bytes(1_000_000)),
    "png, one long row": png_of(4097, 1, bytes(4098)),
    "png of many pixels": png_of(4096, 4096, bytes(1_000)),
    "png of the largest size there is": png_of(2**31 - 1, 2**31 - 1, b""),
    "jpeg": _resized(jpeg(), 65_535, 65_535),
    "webp": _lossless(16_383, 16_383),
}


@pytest.mark.parametrize("raw", _TOO_LARGE.values(), ids=_TOO_LARGE.keys())
def test_a_bomb_is_refused_by_its_header(raw: bytes) -> None:
    with pytest.raises(PictureTooLarge):
        read_still(raw)


def test_pixels_behind_the_last_row_are_not_unpacked() -> None:
    """Eight pixels that are followed by many megabytes: what is decoded follows from the header alone."""
    pixels, packer = bytes(1 << 20), zlib.compressobj(9)
    data = packer.compress(b"\0" + bytes(8)) + b"".join(packer.compress(pixels) for _ in range(256)) + packer.flush()
    header = struct.pack(">IIBBBBB", 8, 1, 8, 0, 0, 0, 0)
    raw = PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    assert len(raw) < LARGEST_FILE_BYTES
    picture = take_in(raw)
    assert (picture.width, picture.height) == (8, 1)


def test_a_text_that_unpacks_to_many_megabytes_is_never_unpacked() -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    for kind, head in ((b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")):
        take_in(png_of(2, 2, b"\0\1\2\0\3\4", before=chunk(kind, head + packed)))
    with pytest.raises(PictureRefused):
        take_in(png_of(2, 2, b"\0\1\2\0\3\4", before=chunk(b"iCCP", b"profile\0\0" + packed)))


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    """Each scan costs a walk over all blocks, and takes only a few bytes."""
    raw = jpeg(progressive=True)
    first, end = raw.index(b"\xff\xda"), raw.rindex(b"\xff\xd9")
    scans = raw[first:end]
    each = scans.count(b"\xff\xda")
    repeated = raw[:end] + scans * (MOST_SCANS // each + 1) + raw[end:]
    with pytest.raises(PictureBroken, match="scans"):
        read_still(repeated)


_MOVING = {
    "apng": encoded(drawing(), "PNG", save_all=True, append_images=[drawing(size=(60, 40)).rotate(90)]),
    "webp": encoded(drawing(), "WEBP", save_all=True, append_images=[drawing().rotate(90)], duration=100),
}


@pytest.mark.parametrize("raw", _MOVING.values(), ids=_MOVING.keys())
def test_animations_are_refused(raw: bytes) -> None:
    with pytest.raises(PictureMoves):
        read_still(raw)


def _without(raw: bytes, kind: bytes) -> bytes:
    at = raw.index(kind) - 4
    (length,) = struct.unpack_from(">I", raw, at)
    return raw[:at] + raw[at + 12 + length :]


_BROKEN = {
    "png cut off": png()[:-20],
    "png without pixels": _without(png(), b"IDAT"),
    "png without its palette": _without(png("P"), b"PLTE"),
    "png without a header": _without(png(), b"IHDR"),
    "png with a damaged part": png().replace(b"IDAT", b"IDAT", 1)[:60] + b"\xff" + png()[61:],
    "png with an unknown critical part": png_of(1, 1, b"\0\0", before=chunk(b"CgBI", b"\0\0\0\0")),
    "png of no pixels": png_of(0, 5, b""),
    "png of seven bits": png_of(1, 1, b"\0\0", depth=7),
    "png with two palettes": png_of(1, 1, b"\0\0", colours=3, before=chunk(b"PLTE", bytes(3)) * 2),
    "png whose pixels are noise": PNG_START
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", b"no zlib")
    + chunk(b"IEND", b""),
    "jpeg cut off": jpeg()[:-200],
    "jpeg without scans": jpeg()[: jpeg().index(b"\xff\xda")] + b"\xff\xd9",
    "jpeg start alone": b"\xff\xd8\xff",
    "jpeg of no height": _resized(jpeg(), 60, 0),
    "webp cut off": webp()[:-10],
    "webp without pixels": b"RIFF\x04\0\0\0WEBP",
}


@pytest.mark.parametrize("raw", _BROKEN.values(), ids=_BROKEN.keys())
def test_broken_files_are_refused(raw: bytes) -> None:
    with pytest.raises(PictureBroken):
        take_in(raw)


def test_a_jpeg_with_a_second_size_is_refused_before_it_is_decoded() -> None:
    raw = jpeg()
    header = raw[raw.index(b"\xff\xc0") :][:19]
    with pytest.raises(PictureBroken, match="or two"):
        read_still(raw.replace(b"\xff\xdb", _resized(header, 4000, 2000) + b"\xff\xdb", 1))


def test_a_jpeg_that_few_decoders_know_is_refused() -> None:
    for marker in (0xC3, 0xC5, 0xC9, 0xCD):
        with pytest.raises(PictureKindUnknown):
            read_still(jpeg().replace(b"\xff\xc0", bytes([0xFF, marker]), 1))


def test_a_webp_of_two_sizes_is_refused() -> None:
    raw = bytearray(webp("RGBA", exif=orientation(1)))
    at = raw.index(b"VP8X") + 8 + 4
    raw[at] ^= 0x01
    with pytest.raises(PictureBroken, match="two sizes"):
        read_still(bytes(raw))
