"""What tests of publishing need of the database."""

from sqlmodel import SQLModel

from kernel.database import Database, Unit
from points.programme.tables import ProgrammeVersion, PublicationRow

_PLAIN = {"bigint": "1", "text": "'x'", "character varying": "'x'", "timestamp with time zone": "now()"}


async def make_programme_tables(db: Database) -> None:
    """The tables of published programmes, if the schema does not have them yet."""
    tables = [SQLModel.metadata.tables[str(one.__tablename__)] for one in (ProgrammeVersion, PublicationRow)]
    async with db._engine.begin() as connection:
        await connection.run_sync(lambda sync: SQLModel.metadata.create_all(sync, tables=tables))


async def put_points_out(unit: Unit) -> None:
    """Some member has a point; whose and since when does not matter."""
    columns = await unit.connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'lot'"
        " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
    )
    names = ", ".join(row["column_name"] for row in columns)
    values = ", ".join(_PLAIN[row["data_type"]] for row in columns)
    await unit.connection.execute(f"INSERT INTO lot ({names}) VALUES ({values})")
