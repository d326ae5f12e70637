"""The schema of a test's database is what the migrations make, as on any operator's machine."""

from api.migrations import migrate


async def make_schema(url: str) -> None:
    """Bring an empty database to the newest revision."""
    await migrate(url)
