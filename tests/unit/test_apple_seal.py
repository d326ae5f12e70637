"""The seal: openssl, a hash walk and an independent reader agree that it is good, and that a tampered one is not."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.document import Origin, Paper, document, own_strings
from passes.apple.seal import BadImages, Sealer, Template
from passes.look import SignUp
from passes.sandbox.apple_verify import Refused, Verifier
from tests.support.apple_cards import a_card, authority, identity, openssl_verify
from tests.support.apple_papers import a_look, a_paper, a_ticket, an_origin, tapping, words
from tests.support.certificates import signing

IMAGES = {"icon.png": b"\x89PNG icon", "icon@2x.png": b"\x89PNG twice", "fi.lproj/logo.png": b"\x89PNG logo"}
AT = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)


def verifier() -> Verifier:
    return Verifier(authority().root.read_bytes())


def sealed(paper: Paper | None = None) -> bytes:
    sealer = Sealer(identity())
    return sealer.seal(sealer.template(IMAGES), paper or a_paper(), AT)


def rebuilt(file: bytes, **members: bytes | None) -> bytes:
    """The same package with members replaced, added, or (None) left out; names are given with _ for the dot."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for name, data in members.items():
        if data is None:
            del held[name.replace("_", ".")]
        else:
            held[name.replace("_", ".")] = data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_openssl_accepts_the_signature(tmp_path: Path) -> None:
    checked = openssl_verify(sealed(), tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_openssl_accepts_a_signature_from_after_2049_when_the_time_is_written_longer(tmp_path: Path) -> None:
    sealer = Sealer(identity())
    file = sealer.seal(sealer.template(IMAGES), a_paper(), datetime(2051, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert openssl_verify(file, tmp_path).returncode == 0


def test_openssl_rejects_the_signature_over_a_changed_manifest(tmp_path: Path) -> None:
    file = rebuilt(sealed(), manifest_json=b'{"pass.json":"00"}')
    assert openssl_verify(file, tmp_path).returncode != 0


def test_the_manifest_names_every_member_with_its_hash_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(sealed())) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        names = set(archive.namelist()) - {"manifest.json", "signature"}
        assert manifest == {name: hashlib.sha1(archive.read(name)).hexdigest() for name in names}
        assert names == {*IMAGES, "pass.json", *(f"{one}.lproj/pass.strings" for one in ("en", "fi", "hu"))}


def test_a_phone_opens_it_and_reads_what_was_written() -> None:
    paper = verifier().open(sealed())
    assert paper["serialNumber"] == "pass_1"
    assert paper["storeCard"]["headerFields"][0]["value"] == "120"


def test_a_phone_of_another_language_reads_its_own() -> None:
    package = verifier().unpack(sealed())
    assert package.texts("fi")["Points"] == "Pisteet"
    assert package.texts("hu")["Points"] == "Pont"
    assert package.texts("sv") == {}


def test_equal_passes_sealed_at_the_same_moment_are_equal_bytes() -> None:
    assert sealed() == sealed()


def test_the_certificates_are_embedded_byte_for_byte() -> None:
    with zipfile.ZipFile(io.BytesIO(sealed())) as archive:
        signature = archive.read("signature")
    assert identity().certificate.public_bytes(Encoding.DER) in signature
    assert identity().intermediate.public_bytes(Encoding.DER) in signature


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"icon_png": b"other image"}, "icon.png does not match"),
        ({"pass_json": b"{}"}, "pass.json does not match"),
        ({"extra_png": b"stowaway"}, "not in the manifest"),
        ({"icon_png": None}, "not in the package"),
        ({"fi.lproj/pass_strings": b""}, "pass.strings does not match"),
        ({"manifest_json": b"{}"}, "over another manifest"),
        ({"signature": b"\x30\x03\x02\x01\x01"}, "not CMS"),
        ({"signature": b""}, "not readable"),
        ({"signature": None}, "is missing"),
    ],
)
def test_a_phone_refuses_a_package_that_was_tampered_with(members: dict[str, bytes | None], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        verifier().open(rebuilt(sealed(), **members))


def test_a_phone_refuses_a_signature_with_one_bit_changed() -> None:
    with zipfile.ZipFile(io.BytesIO(sealed())) as archive:
        signature = bytearray(archive.read("signature"))
    signature[-1] ^= 1
    with pytest.raises(Refused, match="does not fit"):
        verifier().open(rebuilt(sealed(), signature=bytes(signature)))


def test_a_phone_refuses_the_pass_of_another_pass_type() -> None:
    origin = Origin("pass.example.other", identity().team, "https://points.example/apple")
    with pytest.raises(Refused, match="another pass type"):
        verifier().open(sealed(document(a_card(), a_look(), origin, a_ticket())))


def test_a_phone_that_trusts_another_root_refuses_it() -> None:
    with pytest.raises(Refused, match="trusted root"):
        Verifier(authority().server_certificate.read_bytes()).open(sealed())


def no_taps_allowed() -> Sealer:
    return Sealer(signing(identity().pass_type, team=identity().team, nfc=False))


def test_a_phone_refuses_taps_that_the_certificate_does_not_allow() -> None:
    paper = a_paper(look=a_look(taps=True), ticket=tapping())
    assert verifier().open(sealed(paper))["nfc"]
    with pytest.raises(Refused, match="does not allow taps"):
        verifier().open(no_taps_allowed().seal(Sealer.template(IMAGES), paper))
    assert verifier().open(no_taps_allowed().seal(Sealer.template(IMAGES), a_paper()))


def test_a_phone_refuses_questions_on_a_pass_without_taps() -> None:
    asking = a_look(taps=True, sign_up=SignUp(("email",), words("Join")))
    strings = a_paper(look=asking, ticket=tapping(sign_up=True)).strings
    with pytest.raises(Refused, match="only a pass with taps"):
        verifier().open(sealed(Paper(a_paper().body, strings)))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("fi.lproj/pass.strings", b'"a" = "b"', "pass.strings is not readable"),
        ("fi.lproj/pass.strings", b"\xff", "pass.strings is not readable"),
        ("personalization.json", b"[]", "not an object"),
    ],
)
def test_a_phone_refuses_a_file_that_it_cannot_read(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        verifier().open(sealed(Paper(a_paper().body, {name: data})))


def test_a_token_is_signed_like_a_manifest() -> None:
    sealer = Sealer(identity())
    signature = sealer.sign("a token of 2026, söme text".encode(), AT)
    assert (
        verifier().check_signature(signature, "a token of 2026, söme text".encode()).pass_type == identity().pass_type
    )
    with pytest.raises(Refused):
        verifier().check_signature(signature, b"another token")


@pytest.mark.parametrize(
    "images",
    [
        {},
        {"logo.png": b"x"},
        {"icon.png": b"x", "pass.json": b"{}"},
        {"icon.png": b"x", "manifest.json": b"{}"},
        {"icon.png": b"x", "signature": b""},
        {"icon.png": b"x", "personalization.json": b"{}"},
        {"icon.png": b"x", "fi.lproj/pass.strings": b""},
        {"icon.png": b"x", '"quoted".png': b""},
        {"icon.png": b"x", "../icon.png": b""},
        {"icon.png": b"x", "a/b/icon.png": b""},
        {"icon.png": b"x", "/icon.png": b""},
        {"icon.png": b"x", "ikön.png": b""},
    ],
)
def test_images_that_break_the_package_are_refused_before_any_pass_is_made(images: dict[str, bytes]) -> None:
    with pytest.raises(BadImages):
        Sealer(identity()).template(images)


def prepared() -> tuple[Sealer, Template]:
    sealer = Sealer(identity())
    return sealer, sealer.template(IMAGES)


@given(
    body=st.binary(max_size=70_000),
    strings=st.binary(max_size=2_000),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),
)
def test_any_content_comes_out_of_the_archive_as_it_went_in(body: bytes, strings: bytes, at: datetime) -> None:
    sealer, template = prepared()
    file = sealer.seal(template, Paper(body, {"fi.lproj/pass.strings": strings}), at.replace(tzinfo=UTC))
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        assert archive.read("pass.json") == body
        assert archive.read("fi.lproj/pass.strings") == strings
        assert archive.read("icon@2x.png") == IMAGES["icon@2x.png"]


def test_a_template_is_good_for_every_identity() -> None:
    template = Sealer(identity()).template(IMAGES)
    assert verifier().open(no_taps_allowed().seal(template, a_paper()))["serialNumber"] == "pass_1"


def test_a_picture_that_shrinks_is_packed_and_one_that_does_not_is_stored() -> None:
    images = {"icon.png": bytes(10_000), "logo.png": hashlib.shake_256(b"x").digest(10_000)}
    file = Sealer(identity()).seal(Sealer.template(images), a_paper())
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        packed = {one.filename: one.compress_size for one in archive.infolist()}
        assert archive.read("icon.png") == images["icon.png"]
    assert packed["icon.png"] < 1_000
    assert packed["logo.png"] == 10_000


def test_what_is_sealed_now_is_dated_now() -> None:
    sealer = Sealer(identity())
    moments = (AT, datetime.now(UTC))
    dates = [moment.strftime("%y%m%d").encode() for moment in moments]
    signatures = [sealer.sign(b"x", AT), sealer.sign(b"x")]
    assert dates[0] in signatures[0]
    assert dates[1] in signatures[1]


def test_strings_that_all_passes_share_are_prepared_with_the_pictures() -> None:
    paper, shared = a_paper(), own_strings(a_look(), an_origin(), "en")
    with_them = verifier().unpack(Sealer(identity()).seal(Sealer.template(IMAGES, shared), paper))
    assert with_them == verifier().unpack(sealed(paper))
    assert "en.lproj/pass.strings" in with_them.files


def test_strings_of_another_look_are_not_sealed_into_a_pass() -> None:
    for shared in (own_strings(a_look(brand_name="Bistro"), an_origin(), "en"), {"sv.lproj/pass.strings": b""}):
        with pytest.raises(BadImages):
            Sealer(identity()).seal(Sealer.template(IMAGES, shared), a_paper())
