"""Everything that is installed with the product may be used with it: permissive licences, and exceptions by name."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tests.support.tree import ROOT, text

# Words of licences that ask for no more than their notice (and patents' peace).
PERMISSIVE = re.compile(
    r"\b(?:MIT(?:-0|-CMU)?|Apache|BSD|ISC|0BSD|Zlib|PSF-2\.0|Python Software Foundation|CNRI-Python|Unlicense|CC0"
    r"|Public Domain)\b"
)
COPYLEFT = re.compile(r"GPL|Affero|Mozilla|MPL|EUPL|CDDL|EPL|SSPL|BUSL")

# Weak copyleft by file: used unchanged, and only those files stay under their licence.
BY_FILE = {"certifi", "pathspec", "hypothesis"}


def test_every_locked_package_may_be_used() -> None:
    refused = {found.name: licence(found) for found in installed() if not allowed(found)}
    assert not refused


def test_exceptions_are_still_needed() -> None:
    assert {found.name for found in installed() if COPYLEFT.search(licence(found))} == BY_FILE


def test_exceptions_are_told() -> None:
    notice = text(ROOT / "NOTICE")
    assert all(name in notice for name in BY_FILE)


def installed() -> list[Distribution]:
    """The packages of the lock that this platform has; markers leave others out."""
    names = re.findall(r"^([\w.-]+)==", text(ROOT / "requirements.lock"), re.MULTILINE)
    found = [one for one in map(find, names) if one is not None]
    assert len(found) > 100
    return found


def find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def allowed(found: Distribution) -> bool:
    said = licence(found)
    return found.name in BY_FILE or (PERMISSIVE.search(said) is not None and COPYLEFT.search(said) is None)


def licence(found: Distribution) -> str:
    """What a package says of its licence: the expression, else classifiers, else the first line of the text."""
    metadata = found.metadata
    expressions, classifiers, texts = (
        metadata.get_all(field) or [] for field in ("License-Expression", "Classifier", "License")
    )
    licences = [line for line in classifiers if line.startswith("License ::")]
    first_lines = [whole.strip().partition("\n")[0] for whole in texts]
    return "; ".join(expressions or licences or first_lines) or "unknown"
