"""Sales in order of time, however many and in whichever order they come: sorted runs on disk, merged when read."""

import heapq
import os
from collections.abc import Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO

import msgspec

from points.programme.simulation.sale import Sale

# Sales of one run; so many are in memory at once, and one buffer per run while merging.
RUN = 100_000
_BUFFER_BYTES = 1 << 18
_LENGTH_BYTES = 4


class Spool:
    """Add sales, then iterate (as often as wished) in order of moment and line. Files are anonymous and vanish with
    the process or with `close`."""

    def __init__(self, run: int = RUN) -> None:
        self._run = run
        self._tail: list[Sale] = []
        self._sorted = True
        self._files: list[IO[bytes]] = []
        self.count = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            file.close()

    def add(self, sale: Sale) -> None:
        """Take a sale in."""
        if len(self._tail) >= self._run:
            self._spill()
        self._tail.append(sale)
        self._sorted = False
        self.count += 1

    def __iter__(self) -> Iterator[Sale]:
        if not self._sorted:
            self._tail.sort(key=_when)
            self._sorted = True
        if not self._files:
            return iter(self._tail)
        return heapq.merge(*map(_read, self._files), iter(self._tail), key=_when)

    def _spill(self) -> None:
        self._tail.sort(key=_when)
        file = TemporaryFile(prefix="commonpoint-sales-")  # noqa: SIM115 (closed by close)
        encode = msgspec.msgpack.Encoder().encode
        for sale in self._tail:
            data = encode(sale)
            file.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
            file.write(data)
        file.flush()
        self._files.append(file)
        self._tail = []


def _when(sale: Sale) -> tuple[int, int]:
    return sale.at, sale.line


def _read(file: IO[bytes]) -> Iterator[Sale]:
    """The sales of a run. Reads by offset, so that several readers do not disturb each other."""
    decode = msgspec.msgpack.Decoder(Sale).decode
    offset, rest = 0, b""
    while data := os.pread(file.fileno(), _BUFFER_BYTES, offset):
        offset += len(data)
        buffer, at = rest + data, 0
        while at + _LENGTH_BYTES <= len(buffer):
            end = at + _LENGTH_BYTES + int.from_bytes(buffer[at : at + _LENGTH_BYTES], "big")
            if end > len(buffer):
                break
            yield decode(buffer[at + _LENGTH_BYTES : end])
            at = end
        rest = buffer[at:]
