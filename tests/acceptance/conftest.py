"""One service for each file of acceptance tests; every test begins at the same moment with shops of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.acceptance import START, Street, service
from tests.support.service import Door


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(database_server: str, twins_folder: Path) -> AsyncIterator[Door]:
    """The service of a file of tests."""
    async with service(database_server, twins_folder) as the_door:
        yield the_door


@pytest_asyncio.fixture(loop_scope="module")
async def street(opened: Door) -> Street:
    """The service at the moment at which every test begins."""
    the_street = Street(opened)
    await the_street.at(START)
    return the_street
