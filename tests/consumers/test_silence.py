"""A network that goes silent: whoever waits for the database gives up, and tries again on a new connection."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from chaos.proxy import Proxy

from monazite.embedded import servers
from monazite_consumers import database


@pytest.fixture
async def proxy(postgres: servers.Servers) -> AsyncIterator[Proxy]:
    made = Proxy(urlsplit(postgres.addresses.postgres).port or 0)
    await made.open()
    yield made
    made.mend()
    await made.close()


def through(proxy: Proxy, postgres: servers.Servers) -> str:
    address = urlsplit(postgres.addresses.postgres)
    netloc = f"{address.username}:{address.password}@127.0.0.1:{proxy.port}"
    return urlunsplit(address._replace(netloc=netloc))


async def test_an_answer_that_never_comes_is_an_error_of_the_database(proxy: Proxy, postgres: servers.Servers) -> None:
    connection = await database.connect(through(proxy, postgres), answer_within_s=1)
    assert await connection.fetchval("SELECT 1") == 1
    proxy.swallow()
    with pytest.raises(database.DATABASE_ERRORS):
        await connection.fetchval("SELECT 1")
    connection.terminate()


def test_a_service_gives_up_only_after_the_server_should_have() -> None:
    limit_s = int(database.DECIDING_SESSION["statement_timeout"].removesuffix("s"))
    assert limit_s < database.ANSWER_WITHIN_S
