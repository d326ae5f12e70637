"""Set-based SQL, generated from the tables."""

from datetime import datetime

import pytest
from sqlmodel import Field, SQLModel

from kernel.bulk import columns_of, insert_many, table_of, unnest_of
from kernel.tables import OutboxNote, bigint, moment


class Parcel(SQLModel, table=True):
    """A table of its own metadata, so that no test database has it."""

    metadata = SQLModel.metadata.__class__()
    __tablename__ = "parcel"

    id: str = Field(primary_key=True)
    grams: int = Field(sa_column=bigint())
    sent_at: datetime = Field(sa_column=moment())


def test_an_insert_takes_one_array_per_column_of_the_columns_own_type() -> None:
    assert insert_many(Parcel, ("id", "grams", "sent_at")) == (
        'INSERT INTO "parcel" ("id", "grams", "sent_at") SELECT * FROM '
        "unnest($1::VARCHAR[], $2::BIGINT[], $3::TIMESTAMP WITH TIME ZONE[])"
    )


def test_parameters_are_counted_from_where_the_statement_stands() -> None:
    assert unnest_of(Parcel, ("grams", "id"), 7) == "unnest($7::BIGINT[], $8::VARCHAR[])"


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        insert_many(OutboxNote, ("kind", "colour"))


def test_a_model_without_a_table_is_an_error() -> None:
    with pytest.raises(TypeError, match="not a table"):
        table_of(SQLModel)


def test_rows_become_columns() -> None:
    assert columns_of([(1, "a"), (2, "b")], 2) == [[1, 2], ["a", "b"]]
    assert columns_of([], 3) == [[], [], []]


@pytest.mark.parametrize("row", [(1,), (1, 2, 3)])
def test_a_row_of_another_width_is_an_error(row: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="argument"):
        columns_of([row], 2)
