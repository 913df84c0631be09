"""A running platform for each module; a module that needs another one defines `running` or `platform` itself."""

from collections.abc import Iterator

import pytest
import pytest_asyncio
from running_platform import Platform, a_registry

from monazite import stack


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[stack.Stack]:
    """The services as `monazite up` runs them, with the module's SETTINGS and only its SERVICES if it has any."""
    module = request.module
    services = getattr(module, "SERVICES", stack.SERVICES)
    with stack.running(services=services, settings=getattr(module, "SETTINGS", {})) as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    """It knows the registry, and nothing has been published."""
    made = Platform(running)
    await made.apply(a_registry())
    return made
