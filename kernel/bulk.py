"""Set-based SQL for the hot path, generated from the table definitions so that there is one source of columns."""

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table behind a SQLModel table class."""
    table = getattr(model, "__table__", None)
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not a table")
    return table


@cache
def unnest_of(model: type[SQLModel], columns: tuple[str, ...], first_parameter: int = 1) -> str:
    """`unnest($1::text[], $2::bigint[])` with the columns' own types, parameters counted from `first_parameter`."""
    table = table_of(model)
    casts = ", ".join(
        f"${number}::{_sql_type(table, name)}[]" for number, name in enumerate(columns, start=first_parameter)
    )
    return f"unnest({casts})"


@cache
def insert_many(model: type[SQLModel], columns: tuple[str, ...], first_parameter: int = 1) -> str:
    """`INSERT INTO t (a, b) SELECT * FROM unnest(...)`: one array parameter per column."""
    names = ", ".join(f'"{name}"' for name in columns)
    rows = unnest_of(model, columns, first_parameter)
    return f'INSERT INTO "{table_of(model).name}" ({names}) SELECT * FROM {rows}'


def columns_of(rows: Iterable[Sequence[object]], width: int) -> list[list[object]]:
    """Rows turned into one list per column, ready to be the parameters of `insert_many`."""
    arrays: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for array, value in zip(arrays, row, strict=True):
            array.append(value)
    return arrays


def _sql_type(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(dialect=_DIALECT))
