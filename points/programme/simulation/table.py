"""The rows of a CSV or JSONL file as cells of text, one line at a time, each with its line number."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from typing import IO, Any, Literal, cast

from points.programme.simulation.sale import COLUMNS, NEEDED, BadCell, SalesFault

Format = Literal["csv", "jsonl"]

# A longer line is a fault, so that a file without line ends does not fill the memory.
LONGEST_LINE = 100_000
_DELIMITERS = (",", ";", "\t", "|")
_LINES = "lines"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row by our columns; `lines` are those of a basket that is written inside its row."""

    number: int
    cells: Mapping[str, str]
    lines: tuple[Mapping[str, str], ...] = ()


class NoTable(Exception):
    """The file cannot be read as a table at all."""

    def __init__(self, faults: tuple[SalesFault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Naming:
    """What the file calls our columns (ours -> theirs), and which of its columns are of no interest."""

    theirs: Mapping[str, str]
    ignored: frozenset[str] = frozenset()

    def ours(self) -> dict[str, str]:
        """Theirs -> ours, of all columns that we know."""
        mapped = {theirs: ours for ours, theirs in self.theirs.items()}
        return {**{column: column for column in COLUMNS if column not in self.theirs}, **mapped}


def rows(stream: IO[bytes], format_: Format, naming: Naming) -> Iterator[Row | SalesFault]:
    """Rows and faults in order of lines. Raises NoTable when there is no header or a needed column is absent."""
    text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _csv(text, naming) if format_ == "csv" else _jsonl(text, naming)
    finally:
        text.detach()


def _csv(text: TextIOWrapper, naming: Naming) -> Iterator[Row | SalesFault]:
    header = text.readline(LONGEST_LINE)
    if not header.strip():
        raise NoTable((SalesFault(1, None, "the file is empty"),))
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    places, faults = _places(names, naming)
    yield from faults
    width = len(names)
    for number, cells in _records(text, delimiter):
        if isinstance(cells, SalesFault):
            yield cells
        elif len(cells) == width:
            if fault := _not_text(cells, number):
                yield fault
            else:
                yield Row(number, {ours: cells[place].strip() for ours, place in places.items()})
        elif cells:
            yield SalesFault(number, None, f"has {len(cells)} cells, the header {width}")


def _records(text: TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str] | SalesFault]]:
    """Records with the line they begin in (the header was line 1; a quoted cell may hold line ends)."""
    reader = csv.reader(_bounded(text), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 2
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, SalesFault(number, None, f"is not CSV: {error}")


def _bounded(text: TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        # What is beyond the bound comes as another line, which does not fit the header and so is reported.
        yield line


def _places(names: list[str], naming: Naming) -> tuple[dict[str, int], list[SalesFault]]:
    """Our column -> its place in a record."""
    known = naming.ours()
    places = {known[name]: place for place, name in enumerate(names) if name in known and name not in naming.ignored}
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    absent = [naming.theirs.get(ours, ours) for ours in (*NEEDED, *naming.theirs) if ours not in places]
    fatal = [SalesFault(1, name, "is there more than once") for name in repeated]
    fatal += [SalesFault(1, name, "is missing") for name in dict.fromkeys(absent)]
    if fatal:
        raise NoTable(tuple(fatal))
    unknown = [name for name in names if name not in known and name not in naming.ignored]
    return places, [SalesFault(1, name or None, "is not a column that we know") for name in unknown]


def _not_text(cells: list[str], number: int) -> SalesFault | None:
    """Bytes that are not UTF-8 were let through as lone surrogates, to be reported with their line."""
    for cell in cells:
        if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            return SalesFault(number, None, "is not UTF-8")
    return None


def _jsonl(text: TextIOWrapper, naming: Naming) -> Iterator[Row | SalesFault]:
    known = naming.ours()
    number = 0
    for line in _bounded(text):
        number += 1
        if not line.strip():
            continue
        try:
            yield _object(line, number, known, naming.ignored)
        except BadCell as bad:
            yield SalesFault(number, bad.column, bad.message)


def _object(line: str, number: int, known: Mapping[str, str], ignored: frozenset[str]) -> Row:
    try:
        found = json.loads(
            line, parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=_no_repetition
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadCell):
            raise
        raise BadCell(None, "is not one line of JSON") from None
    if not isinstance(found, dict):
        raise BadCell(None, "is not a JSON object")
    lines = found.pop(_LINES, None) or []
    if not isinstance(lines, list) or not all(isinstance(each, dict) for each in lines):
        raise BadCell(_LINES, "is not a list of objects")
    inside = {column: column for column in ("amount", "sku", "category", "brand", "quantity", "tax")}
    return Row(
        number,
        _cells(found, known, ignored),
        tuple(_cells(cast(dict[str, Any], each), inside, ignored) for each in lines),
    )


def _cells(found: dict[str, Any], known: Mapping[str, str], ignored: frozenset[str]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in found.items():
        if name in ignored:
            continue
        if name not in known:
            raise BadCell(name, "is not a column that we know")
        if value is None:
            continue
        if not isinstance(value, str):
            raise BadCell(name, "is neither text nor a number")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BadCell(name, "is not UTF-8")
        cells[known[name]] = value.strip()
    return cells


def _no_constant(name: str) -> str:
    raise BadCell(None, f"{name} is not a number")


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadCell(None, "names a column more than once")
    return found
