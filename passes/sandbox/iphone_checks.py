"""How closely the phones of a fleet look at the files they take: each file, a share of them, in other processes.

A real phone verifies every file. Twenty thousand of them in one process would measure the verifying of files rather
than the service, so a fleet may verify a share; all other files are still opened and read.
"""

import asyncio
import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec

from passes.sandbox.apple_strings import read_strings
from passes.sandbox.apple_verify import Refused, Verifier
from passes.sandbox.pass_paper import document_of, peek


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that was opened. `contents` is a hash of its manifest: equal packages have the same."""

    document: Mapping[str, Any]
    texts: Mapping[str, str]
    contents: int
    file: bytes


class Checks:
    """Opens packages. One in `verify_every` is verified in full (1: all), in `pool` if one is given.

    The pool's processes must be able to import this module; results come back as they are made.
    """

    def __init__(self, root: bytes, verify_every: int = 1, pool: Executor | None = None) -> None:
        """`root` is the PEM of the root that phones trust."""
        self.root = root
        self.verified_files = 0
        self._verify_every = verify_every
        self._pool = pool
        self._number = count()

    async def opened(self, file: bytes, language: str) -> Opened:
        """The package as a phone with this language reads it. Raises Refused."""
        if next(self._number) % self._verify_every:
            return read(file, language)
        self.verified_files += 1
        if self._pool is None:
            return self.verified(file, language)
        fault = await asyncio.get_running_loop().run_in_executor(self._pool, fault_of, self.root, file)
        if fault:
            raise Refused(fault)
        return read(file, language)

    def verified(self, file: bytes, language: str) -> Opened:
        """The package, after signature and hashes were checked. Raises Refused."""
        _verifier(self.root).open(file)
        return read(file, language)


@lru_cache(maxsize=4)
def _verifier(root: bytes) -> Verifier:
    return Verifier(root)


def fault_of(root: bytes, file: bytes) -> str:
    """Why a phone refuses the file; "" if it does not. Runs in any process."""
    try:
        _verifier(root).open(file)
    except Refused as refused:
        return str(refused) or "refused"
    return ""


def read(file: bytes, language: str) -> Opened:
    """The package without a check of hashes or signature. Raises Refused when it cannot be read."""
    strings = f"{language}.lproj/pass.strings"
    try:
        members = peek(file, ("pass.json", "manifest.json", strings))
        texts = read_strings(members[strings]) if strings in members else {}
        return Opened(document_of(members["pass.json"]), texts, hash(members["manifest.json"]), file)
    except (KeyError, ValueError, struct.error, zlib.error, msgspec.DecodeError) as error:
        raise Refused(f"the package cannot be read: {error!r}") from error
