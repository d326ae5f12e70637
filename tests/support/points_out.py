"""Points that are out, for tests of what may still change."""

from kernel.database import Unit

_PLAIN = {"bigint": "1", "text": "'x'", "character varying": "'x'", "timestamp with time zone": "now()"}


async def put_points_out(unit: Unit) -> None:
    """Some member has a point; whose and since when does not matter."""
    columns = await unit.connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'lot'"
        " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
    )
    names = ", ".join(row["column_name"] for row in columns)
    values = ", ".join(_PLAIN[row["data_type"]] for row in columns)
    await unit.connection.execute(f"INSERT INTO lot ({names}) VALUES ({values})")
