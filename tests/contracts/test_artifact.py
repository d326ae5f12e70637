"""The committed artifact is complete, belongs to the sources beside it, and needs no node to be read."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

import contracts
from contracts import toolchain
from contracts.build import Stale, check

ROOT = Path(__file__).resolve().parents[2]


def test_the_artifact_was_built_from_the_sources_in_the_tree() -> None:
    sources = contracts.load("CoalitionPoints").sources
    own = {path: digest for path, digest in sources.items() if path.startswith("src/")}
    assert own == {
        f"src/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / "contracts" / "src").glob("*.sol")
    }


def test_it_loads_without_node_and_without_the_tools() -> None:
    program = "import contracts; print(len(contracts.load('CoalitionPoints').bytecode))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1_000


def test_the_contract_is_small_enough_for_every_chain() -> None:
    assert len(contracts.load("CoalitionPoints").bytecode) < 24_576  # EIP-170, which counts even less than this


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        contracts.load("Nothing")


def test_a_changed_artifact_is_called_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = (ROOT / "contracts" / "artifacts" / "CoalitionPoints.json").read_text()
    (tmp_path / "CoalitionPoints.json").write_text(committed.replace('"cancun"', '"paris"'))
    monkeypatch.setattr("contracts.build.ARTIFACTS", tmp_path)
    with pytest.raises(Stale, match="compiler"):
        check()


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "contracts" / "package-lock.json").read_text()


def test_anvil_is_the_program_itself_and_not_a_wrapper() -> None:
    assert toolchain.anvil().read_bytes()[:2] != b"#!"
