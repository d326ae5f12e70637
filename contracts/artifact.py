"""The committed compiled contract, readable without any tool."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

ARTIFACTS = Path(__file__).resolve().parent / "artifacts"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: `abi` as the compiler writes it, `bytecode` the creation code (constructor arguments are
    appended to it), `sources` the SHA-256 of every file that went in, `compiler` its version and settings."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    compiler: dict[str, Any]
    sources: dict[str, str]


@cache
def load(name: str) -> Artifact:
    """The committed artifact called `name`. Raises FileNotFoundError when there is none."""
    return parse((ARTIFACTS / f"{name}.json").read_bytes())


def parse(document: bytes) -> Artifact:
    """An artifact from its file's content."""
    fields = msgspec.json.decode(document, type=dict[str, Any])
    return Artifact(
        name=fields["name"],
        abi=fields["abi"],
        bytecode=bytes.fromhex(fields["bytecode"].removeprefix("0x")),
        compiler=fields["compiler"],
        sources=fields["sources"],
    )
