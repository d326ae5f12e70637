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

from passes.apple.document import Origin, document
from passes.apple.seal import BadImages, Sealer, Template
from passes.sandbox.apple_verify import Refused, Verifier
from tests.support.apple import a_card, authority, identity, openssl_verify

IMAGES = {"icon.png": b"\x89PNG icon", "icon@2x.png": b"\x89PNG twice", "fi.lproj/logo.png": b"\x89PNG logo"}
AT = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)


def a_document(**changes: object) -> bytes:
    origin = Origin(identity().pass_type, identity().team, "https://points.example/apple")
    return document(a_card(**changes), origin, "pass_1", "0123456789abcdef0123")


def verifier() -> Verifier:
    return Verifier(authority().root.read_bytes())


def sealed(body: bytes | None = None) -> bytes:
    sealer = Sealer(identity())
    return sealer.seal(sealer.template(IMAGES), a_document() if body is None else body, AT)


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
    file = sealer.seal(sealer.template(IMAGES), a_document(), datetime(2051, 1, 2, 3, 4, 5, tzinfo=UTC))
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
        assert names == {*IMAGES, "pass.json"}


def test_a_phone_opens_it_and_reads_what_was_written() -> None:
    paper = verifier().open(sealed())
    assert paper["serialNumber"] == "pass_1"
    assert paper["storeCard"]["headerFields"][0]["value"] == "120"


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
        verifier().open(sealed(document(a_card(), origin, "pass_1", "0123456789abcdef0123")))


def test_a_phone_that_trusts_another_root_refuses_it() -> None:
    with pytest.raises(Refused, match="trusted root"):
        Verifier(authority().server_certificate.read_bytes()).open(sealed())


@pytest.mark.parametrize("images", [{}, {"logo.png": b"x"}, {"icon.png": b"x", "pass.json": b"{}"}])
def test_images_that_break_the_package_are_refused_before_any_pass_is_made(images: dict[str, bytes]) -> None:
    with pytest.raises(BadImages):
        Sealer(identity()).template(images)


def prepared() -> tuple[Sealer, Template]:
    sealer = Sealer(identity())
    return sealer, sealer.template(IMAGES)


@given(body=st.binary(max_size=70_000), at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)))
def test_any_content_comes_out_of_the_archive_as_it_went_in(body: bytes, at: datetime) -> None:
    sealer, template = prepared()
    with zipfile.ZipFile(io.BytesIO(sealer.seal(template, body, at.replace(tzinfo=UTC)))) as archive:
        assert archive.testzip() is None
        assert archive.read("pass.json") == body
        assert archive.read("icon@2x.png") == IMAGES["icon@2x.png"]
