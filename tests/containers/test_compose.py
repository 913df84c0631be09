"""docker-compose.yml: valid, closed to the outside, and a platform that works and keeps what it was told."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from testcontainers.core.docker_client import DockerClient

from monazite.embedded import ports
from monazite_contracts.seal import public_key
from monazite_contracts.sealed_files import open_sealed

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]  # the first time, images are pulled

ROOT = Path(__file__).parents[2]
Require = Callable[[bool, str], None]
SERVICES = ("intake", "relay", "watch", "custody", "reports")
PORTS = ("KAFKA_PORT", "POSTGRES_PORT", "INTAKE_PORT", "RELAY_PORT", "WATCH_PORT", "CUSTODY_PORT", "REPORTS_PORT")
CAUGHT_UP_WITHIN_S = 120
PASSWORD = "p@ss/w:rd %#x"  # nothing may need escaping


class Compose:
    """`docker compose` on the project's file, untouched by the developer's own settings."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "MONAZITE_"))}
        unset = {"POSTGRES_PASSWORD", "REGISTRY_BY", "REGISTRY_DIR", "REPORTS_DIR", "KAFKA_HEAP_OPTS", *PORTS}
        self._environment = {name: value for name, value in kept.items() if name not in unset} | dict(settings)
        self.project = f"monazite-test-{uuid4().hex[:8]}"
        self.image = self._environment["MONAZITE_IMAGE"] = f"{self.project}:latest"

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        options = (
            "--env-file",
            os.devnull,
            "--file",
            str(ROOT / "docker-compose.yml"),
            "--project-name",
            self.project,
        )
        return subprocess.run(
            ["docker", "compose", *options, *arguments],  # noqa: S607 - wherever it is installed
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}\n{done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """What a `monazite` command answers inside the stack."""
        return json.loads(self("exec", "-T", "intake", "monazite", *arguments, "--json"))

    def services(self) -> list[dict[str, Any]]:
        """Every service as compose understands it."""
        return list(json.loads(self("--profile", "*", "config", "--format", "json"))["services"].values())

    def logs(self) -> str:
        return self.run("ps", "--all").stdout + self.run("logs", "--no-color", "--tail", "30").stdout

    @contextmanager
    def telling(self) -> Iterator[None]:
        """An error inside carries the services' logs."""
        try:
            yield
        except BaseException as error:
            error.add_note(self.logs())
            raise


@pytest.fixture(scope="module")
def installed(require: Require) -> None:
    present = shutil.which("docker") is not None and Compose({}).run("version").returncode == 0
    require(present, "`docker compose` is not installed")


@pytest.fixture
def stack(
    installed: None,
    engine: DockerClient,
    images: Callable[[Sequence[str]], None],
    require: Require,
    registry_folder: Path,
) -> Iterator[tuple[Compose, str]]:
    """A stack of our own on free ports, up and healthy, and the address at which plants find its Kafka."""
    host = engine.host()
    near = host in {"localhost", "127.0.0.1"}
    require(near, f"the stack listens on its own machine only, and the engine is at {host}")
    chosen = dict(zip(PORTS, map(str, ports.free(len(PORTS))), strict=True))
    given = {"POSTGRES_PASSWORD": PASSWORD, "REGISTRY_BY": "a test", "REGISTRY_DIR": str(registry_folder)}
    compose = Compose(given | chosen)
    images([*(service["image"] for service in compose.services() if service["image"] != compose.image), base_image()])
    try:
        compose("build")
        up(compose)
        yield compose, f"127.0.0.1:{chosen['KAFKA_PORT']}"
    finally:
        # With its profile: else the volume of the key may stay, which no service that runs has.
        compose("--profile", "*", "down", "--volumes", "--timeout", "10")
        engine.client.images.remove(compose.image)


def base_image() -> str:
    dockerfile = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    (found,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    return str(found)


def up(compose: Compose) -> None:
    # Named: `--wait` takes it for a failure that a one-off service ends.
    compose("up", "--detach", "--wait", "--wait-timeout", "120", *SERVICES)


def test_without_a_password_compose_says_which_variable_is_missing(installed: None) -> None:
    refused = Compose({}).run("config", "--quiet")
    assert refused.returncode != 0
    assert "POSTGRES_PASSWORD" in refused.stderr
    assert "env.example" in refused.stderr


def test_the_file_is_valid_and_only_this_machine_can_connect(installed: None) -> None:
    services = Compose({"POSTGRES_PASSWORD": PASSWORD}).services()
    assert len(services) == len({"kafka", "postgres", "migrate", "registry", "report", *SERVICES})
    published = [port for service in services for port in service.get("ports", ())]
    assert len(published) == len(PORTS)
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


async def test_what_a_plant_said_reaches_a_regulator_and_survives_down_and_up(
    stack: tuple[Compose, str], plant: Any, regulator: Any
) -> None:
    compose, bootstrap = stack
    with compose.telling():
        compose("run", "--rm", "-T", "registry")
        for record in ("R-1", "R-2"):  # 22.08 t of the 20 t granted
            await plant.produce(bootstrap, record)
        alert = await regulator.alert(bootstrap, "cap-overrun")
        assert (alert.condition, alert.subject.code) == ("raised", "shihe/mining_rock")
        await plant.receipt(bootstrap, 2)
        caps = compose.ask("caps")
        assert [cap["drawn_g"] for cap in caps] == [22_080_000]

        compose("down")
        up(compose)

        assert compose.ask("caps") == caps
        assert await regulator.alert(bootstrap, "cap-overrun") == alert
        await plant.produce(bootstrap, "R-3")
        await plant.receipt(bootstrap, 3)
        account = compose.ask("ledger", "reconcile")
        assert account["reconciled"]
        assert sum(partition["received"] for partition in account["partitions"]) == 3
        assert [cap["drawn_g"] for cap in compose.ask("caps")] == [33_120_000]


async def test_a_report_is_written_sealed_and_verified_in_containers_and_fetched_out_of_them(
    stack: tuple[Compose, str], plant: Any, tmp_path: Path
) -> None:
    compose, bootstrap = stack
    report = ("run", "--rm", "-T", "report")
    with compose.telling():
        compose("run", "--rm", "-T", "registry")
        await plant.produce(bootstrap, "R-1")
        await plant.receipt(bootstrap, 1)
        refused = compose.run(*report, "month", "2023-05")
        assert "no signing key" in refused.stderr
        public = compose(*report, "key").splitlines()[0]
        caught_up(compose, *report, "close", "2023-05")
        for form in ("json", "pdf"):
            name = f"monazite-2023-05-nation-r1.{form}"
            assert name in compose(*report, "month", "2023-05", "--format", form)
            assert "verified" in compose(*report, "verify", name, "--key", public)
            compose("cp", f"reports:/reports/{name}", str(tmp_path))
        assert open_sealed((tmp_path / "monazite-2023-05-nation-r1.json").read_bytes(), [public_key(public)])

        compose("down")
        up(compose)

        assert compose(*report, "key").splitlines()[0] == public, "the key outlives the containers"
        unseen = compose.run("exec", "-T", "reports", "ls", "/report-key")
        assert unseen.stdout == "", "the service that closes months has no key"


def caught_up(compose: Compose, *command: str) -> None:
    """Runs it again while custody has something left to do."""
    deadline = monotonic() + CAUGHT_UP_WITHIN_S
    while (done := compose.run(*command)).returncode:
        assert "custody is behind" in done.stderr, done.stderr
        assert monotonic() < deadline, done.stderr
