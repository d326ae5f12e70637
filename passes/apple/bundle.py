"""Several passes in one file, which a phone offers to add together.

https://developer.apple.com/documentation/walletpasses/distributing-and-updating-a-pass
"""

from collections.abc import Mapping
from typing import Final

from kernel.errors import Invalid
from passes.apple.archive import archive

BUNDLE_MEDIA_TYPE: Final = "application/vnd.apple.pkpasses"
BUNDLE_EXTENSION: Final = ".pkpasses"
# What phones are believed to take; Apple names no figure.
PASSES_PER_BUNDLE: Final = 10
BUNDLE_BYTES: Final = 150 * 1024 * 1024


class BadBundle(Invalid):
    """These passes cannot be handed out in one file."""

    code = "apple_bundle_invalid"
    title = "The passes cannot be put into one file"


def bundle(files: Mapping[str, bytes]) -> bytes:
    """The .pkpasses file of whole .pkpass files: name in the bundle (`card.pkpass`) -> file. Raises BadBundle."""
    if not 1 <= len(files) <= PASSES_PER_BUNDLE:
        raise BadBundle(f"A bundle holds 1 to {PASSES_PER_BUNDLE} passes.", passes=len(files))
    for name in files:
        if not name.endswith(".pkpass") or "/" in name or "\\" in name or not name.isascii() or name == ".pkpass":
            raise BadBundle(f"“{name}” is not a name of a pass file.")
    if sum(map(len, files.values())) > BUNDLE_BYTES:
        raise BadBundle("The passes are too large together.", bytes=sum(map(len, files.values())))
    return archive(files)
