"""A desk for the rules that need state."""

from collections.abc import AsyncIterator

import pytest
from regulator_desk import Desk, a_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with a_desk(database_url) as opened:
        yield opened
