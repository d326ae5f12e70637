"""The fixtures of acceptance tests: one service for each file; every test begins at the same moment with own shops.

A file of tests asks for them with `pytest_plugins`, beside its event loop of the whole file.
"""

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
