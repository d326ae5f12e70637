"""`python -m tests.faults [name ...]`: plant faults into a copy of the product; fail when the tests miss one.

A suite that never fails proves nothing. Each fault is planted alone, the short tests are run until one fails, and the
test that noticed is named.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.planted import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("kernel", "points", "network", "passes", "tokens", "contracts", "api", "tests", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "out", "cache", "vendor")

# The shortest first; the first one that fails ends the run.
TESTS = (
    "tests/unit/test_programme_campaigns.py",
    "tests/unit/test_spending_policy.py",
    "tests/unit/test_earning_under_review.py",
    "tests/integration/test_ledger_promises.py",
    "tests/integration/test_hashchain_tampering.py",
    "tests/properties/test_hashchain_contents.py",
)
_PATIENCE_S = 600
_NOTICED = re.compile(r"^(?:FAILED|ERROR) \S*?::(\w+)", re.MULTILINE)
_DOES_NOT_RUN = re.compile(r"SyntaxError|error(s)? during collection|no tests ran")


class Unfit(Exception):
    """A fault cannot be planted: the product has changed, or does not even start with it."""


def noticed_by(copy: Path, fault: Fault) -> str | None:
    """The test that notices the fault in the copy of the product, or None."""
    file = copy / fault.file
    original = file.read_text()
    if original.count(fault.old) != 1:
        raise Unfit(f"the fault '{fault.name}' does not fit {fault.file} any more")
    file.write_text(original.replace(fault.old, fault.new))
    try:
        return _first_failure(copy, fault.name)
    finally:
        file.write_text(original)


def _first_failure(copy: Path, name: str) -> str | None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode == 0:
        return None
    found = _NOTICED.search(done.stdout)
    if found is None or _DOES_NOT_RUN.search(done.stdout):
        raise Unfit(f"the product does not run with '{name}':\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1]


def outcomes(faults: Sequence[Fault]) -> Iterator[tuple[Fault, str | None]]:
    """Each fault with the test that noticed it. Raises Unfit, also when the tests fail without any fault."""
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        copy = Path(scratch)
        for part in _COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=_LEFT_OUT)
            else:
                shutil.copy2(source, copy / part)
        if (failing := _first_failure(copy, "no fault at all")) is not None:
            raise Unfit(f"{failing} fails without any fault")
        for fault in faults:
            yield fault, noticed_by(copy, fault)


def main(names: Sequence[str]) -> None:
    """Plant the faults whose names contain one of `names` (default: all)."""
    chosen = [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]
    missed = 0
    for fault, noticed in outcomes(chosen):
        print(f"faults: {'MISSED' if noticed is None else 'found '} {fault.name}{f' ({noticed})' if noticed else ''}")
        missed += noticed is None
    if missed:
        sys.exit(f"faults: {missed} of {len(chosen)} were not found")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Unfit as error:
        sys.exit(f"faults: {error}")
