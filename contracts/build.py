"""Sources to committed artifact, and the proof that the two still belong together."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from contracts.artifact import ARTIFACTS
from contracts.toolchain import FOLDER, run_forge

NAMES = ("CoalitionPoints",)


class Stale(Exception):
    """A committed artifact is not what its sources compile to."""


def build() -> list[Path]:
    """Compile and write the artifacts; returns their paths. The same sources give the same bytes everywhere."""
    ARTIFACTS.mkdir(exist_ok=True)
    written = []
    for name, text in _compiled().items():
        path = ARTIFACTS / f"{name}.json"
        path.write_text(text)
        written.append(path)
    return written


def check() -> None:
    """Compile and compare with what is committed. Raises Stale naming the artifact and the sources that differ."""
    for name, text in _compiled().items():
        path = ARTIFACTS / f"{name}.json"
        committed = path.read_text() if path.is_file() else "{}"
        if committed != text:
            why = _difference(committed, text)
            raise Stale(f"contracts/artifacts/{name}.json is stale ({why}). Run: python -m contracts build")


def _compiled() -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="contracts-") as scratch:
        out = Path(scratch) / "out"
        run_forge(
            ["build", "src", "--force", "--out", str(out), "--cache-path", str(Path(scratch) / "cache")], quiet=True
        )
        return {name: _document(name, json.loads((out / f"{name}.sol" / f"{name}.json").read_text())) for name in NAMES}


def _document(name: str, output: dict[str, Any]) -> str:
    metadata = output["metadata"]
    settings = metadata["settings"]
    document = {
        "name": name,
        "compiler": {
            "version": metadata["compiler"]["version"],
            "evm_version": settings["evmVersion"],
            "optimizer": settings["optimizer"],
            "metadata": settings["metadata"],
        },
        "sources": {path: _sha256(FOLDER / path) for path in sorted(metadata["sources"])},
        "abi": output["abi"],
        "bytecode": output["bytecode"]["object"],
    }
    return json.dumps(document, indent=1) + "\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _difference(committed: str, compiled: str) -> str:
    old, new = json.loads(committed), json.loads(compiled)
    old_sources, new_sources = old.get("sources", {}), new["sources"]
    changed = sorted(
        path for path in old_sources.keys() | new_sources if old_sources.get(path) != new_sources.get(path)
    )
    parts = [key for key in ("compiler", "abi", "bytecode") if old.get(key) != new[key]]
    return "; ".join(
        filter(
            None,
            [f"changed: {', '.join(changed)}" if changed else "", f"differs in: {', '.join(parts)}" if parts else ""],
        )
    )
