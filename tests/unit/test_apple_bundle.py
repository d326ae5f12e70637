"""Several passes in one file: each as it was, and no more than phones take."""

import io
import zipfile

import pytest

from passes.apple.bundle import BUNDLE_MEDIA_TYPE, PASSES_PER_BUNDLE, BadBundle, bundle
from passes.apple.seal import Sealer
from passes.sandbox.apple_verify import Verifier
from tests.support.apple_cards import authority, icons, identity
from tests.support.apple_papers import a_paper, a_ticket


def a_pass(serial: str) -> bytes:
    return Sealer(identity()).seal(Sealer.template(icons()), a_paper(ticket=a_ticket(serial=serial)))


def test_each_pass_of_a_bundle_can_be_added() -> None:
    files = {f"{serial}.pkpass": a_pass(serial) for serial in ("card", "coupon_1", "coupon_2")}
    with zipfile.ZipFile(io.BytesIO(bundle(files))) as archive:
        assert archive.testzip() is None
        opened = {name: Verifier(authority().root.read_bytes()).open(archive.read(name)) for name in archive.namelist()}
    assert {name: said["serialNumber"] for name, said in opened.items()} == {
        "card.pkpass": "card",
        "coupon_1.pkpass": "coupon_1",
        "coupon_2.pkpass": "coupon_2",
    }


def test_a_bundle_has_no_manifest_and_a_type_of_its_own() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle({"a.pkpass": b"x"}))) as archive:
        assert archive.namelist() == ["a.pkpass"]
    assert BUNDLE_MEDIA_TYPE == "application/vnd.apple.pkpasses"


def test_a_bundle_holds_ten_passes_and_not_eleven() -> None:
    files = {f"{number}.pkpass": b"x" for number in range(PASSES_PER_BUNDLE + 1)}
    with pytest.raises(BadBundle):
        bundle(files)
    files.popitem()
    assert bundle(files)


@pytest.mark.parametrize("name", ["a.zip", "../a.pkpass", "folder/a.pkpass", "a\\b.pkpass", "kávé.pkpass", ".pkpass"])
def test_a_name_that_is_not_a_pass_is_refused(name: str) -> None:
    with pytest.raises(BadBundle):
        bundle({name: b"x"})


def test_a_bundle_without_passes_is_refused() -> None:
    with pytest.raises(BadBundle):
        bundle({})
