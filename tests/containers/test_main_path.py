"""The main path, from a plant's event to a regulator's alert, on the servers that are deployed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monazite import stack
from monazite.embedded import children
from monazite.embedded.children import Child, Program
from monazite_consumers import database
from monazite_consumers.reconciling import reconcile

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]  # the first time, images are pulled


@dataclass(frozen=True)
class Platform:
    """A migrated database and every service on it, as operations would start them."""

    database_url: str
    bootstrap: str
    environment: dict[str, str]
    services: list[Child]


@pytest.fixture
def platform(postgres_container: Any, kafka_container: Any, tmp_path: Path) -> Iterator[Platform]:
    database_url, bootstrap = postgres_container.get_connection_url(), kafka_container.bootstrap
    addresses = {"MONAZITE_DATABASE_URL": database_url, "MONAZITE_KAFKA__BOOTSTRAP": bootstrap}
    environment = {**os.environ, **addresses}
    monazite("migrate", environment=environment)
    programs = [service(name, environment, tmp_path) for name in stack.SERVICES]
    with children.running(programs, tmp_path) as services:
        yield Platform(database_url, bootstrap, environment, services)


def service(name: str, environment: dict[str, str], folder: Path) -> Program:
    port_file = folder / f"{name}.port"
    return Program(
        name=name,
        argv=(sys.executable, "-m", "monazite", "serve", name, "--port-file", str(port_file)),
        log=folder / f"{name}.log",
        env=environment,
        ready=lambda _pid: stack.healthy(port_file),
    )


def monazite(*arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "monazite", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_plants_overrun_reaches_a_regulator_and_its_receipt_the_plant(
    platform: Platform, registry_folder: Path, plant: Any, regulator: Any
) -> None:
    monazite("registry", "apply", str(registry_folder), "--by", "a test", environment=platform.environment)

    for record in ("R-1", "R-2"):  # 22.08 t of the 20 t granted
        await plant.produce(platform.bootstrap, record)

    alert = await regulator.alert(platform.bootstrap, "cap-overrun")
    assert (alert.condition, alert.subject.code, alert.period) == ("raised", "shihe/mining_rock", "2023")
    receipt = await plant.receipt(platform.bootstrap, 2)
    assert receipt.source == plant.source
    assert {entry.outcome for entry in receipt.entries} <= {"applied"}

    connection = await database.connect(platform.database_url)
    try:
        account = await reconcile(connection)
    finally:
        await connection.close()
    assert account.reconciled
    assert (account.received, account.total("applied"), account.events["applied"]) == (2, 2, 2)
    assert all(service.alive for service in platform.services)
