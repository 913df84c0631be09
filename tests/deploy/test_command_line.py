"""The command line: its table of contents, and what it asks of a running platform."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
from running_platform import HOLDER, PLANTS, REO_G, Gateway, a_registry
from typed_commands import typed

from monazite.embedded.servers import addresses_at
from monazite_producers.publisher import Publisher, PublisherSettings

COMMANDS = (
    "demo",
    "up",
    "down",
    "serve",
    "migrate",
    "intake",
    "caps",
    "alerts",
    "shipments",
    "licences",
    "lot",
    "declarations",
    "trace",
    "ledger",
    "report",
    "watch",
    "registry",
    "contracts",
)
Ran = subprocess.CompletedProcess[str]


def monazite(*arguments: object, **environment: str) -> Ran:
    """What a person sees who types this."""
    return subprocess.run(
        [sys.executable, "-m", "monazite", *map(str, arguments)],
        env=os.environ | {"COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def told(*arguments: object) -> Ran:
    """The same in our own process, where nothing about the process is tested: it takes a fifth of the time."""
    with ThreadPoolExecutor(1) as pool:  # a command runs an event loop, and tests have one here
        return pool.submit(partial(typed, *arguments, columns=200)).result()


def test_help_is_a_table_of_contents() -> None:
    shown = monazite("--help")
    assert shown.returncode == 0
    for name in COMMANDS:
        assert f" {name} " in shown.stdout, name


@pytest.mark.parametrize("group", ["intake", "ledger", "report", "watch", "registry", "contracts"])
def test_a_group_without_a_command_shows_its_help(group: str) -> None:
    shown = told(group)
    assert "Usage" in shown.stdout + shown.stderr


def test_help_loads_no_driver_and_no_framework() -> None:
    heavy = "asyncpg aiokafka faststream uvicorn uvloop psutil jgo monazite_producers.simulator"
    code = f"import sys, monazite.cli; print([name for name in {heavy.split()} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ("caps",),
        ("alerts",),
        ("shipments",),
        ("licences",),
        ("declarations",),
        ("trace", "shihe-mine/L-1"),
        ("ledger", "reconcile"),
        ("registry", "show"),
    ],
)
def test_without_a_platform_a_question_says_what_to_start(command: tuple[str, ...], tmp_path: Path) -> None:
    ran = told(*command, "--data", tmp_path)
    assert ran.returncode == 1
    assert "no database: start `monazite up`" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("watch", "alerts"), ("intake", "adopt", "plant-production", 0, "--by", "me")])
def test_without_kafka_a_command_says_what_to_start(command: tuple[object, ...], tmp_path: Path) -> None:
    ran = told(*command, "--data", tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "no Kafka: start `monazite up`" in ran.stderr


@pytest.mark.parametrize(
    ("command", "variable", "said"),
    [
        (("caps",), {"MONAZITE_DATABASE__URL": "postgresql://u:p@127.0.0.1:1/x"}, "the database refuses"),
        (("watch", "alerts", "--once"), {"MONAZITE_KAFKA__BOOTSTRAP": "127.0.0.1:1"}, "Kafka refuses"),
        (("caps",), {"MONAZITE_DATABSE__URL": "x"}, "did you mean database?"),
        (("serve", "intake"), {}, "set MONAZITE_DATABASE__URL and MONAZITE_KAFKA__BOOTSTRAP"),
        (("migrate",), {}, "set MONAZITE_DATABASE__URL"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    command: tuple[str, ...], variable: dict[str, str], said: str, tmp_path: Path
) -> None:
    ran = monazite(*command, **{"HOME": str(tmp_path)} | variable)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_down_where_nothing_runs_says_so(tmp_path: Path) -> None:
    ran = monazite("down", "--data", tmp_path)
    assert ran.returncode == 0
    assert "nothing runs on" in ran.stdout


@dataclass
class Up:
    """`monazite up` as a process of its own, on a data directory."""

    data: Path
    process: "subprocess.Popen[str]"

    def shown(self) -> str:
        """What it has printed so far."""
        return (self.data.parent / "up.txt").read_text()

    def run(self, *arguments: object) -> Ran:
        """Another command, in another terminal."""
        return monazite(*arguments, "--data", self.data)

    def ask(self, *arguments: object) -> Ran:
        """The same without a process of its own."""
        return told(*arguments, "--data", self.data)


def _up(data: Path) -> Up:
    with (data.parent / "up.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "monazite", "up", "--data", str(data)],
            env=os.environ | {"COLUMNS": "200"}, stdout=output, stderr=output, text=True,
        )  # fmt: skip
    up = Up(data, process)
    _until(lambda: ("monazite is up" in up.shown() and "Next:" in up.shown()) or process.poll() is not None)
    assert process.poll() is None, up.shown()
    return up


def _until(is_so: Callable[[], bool], limit_s: float = 240) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    started = _up(tmp_path_factory.mktemp("up") / "data")
    yield started
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(180)


@pytest.fixture(scope="module")
async def at_work(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """With a registry applied from files, and two productions published and decided: 22 t on a cap of 20 t."""
    folder = tmp_path_factory.mktemp("registry")
    (folder / "all.yaml").write_text(json.dumps(a_registry(tonnes_reo=20)))  # JSON is YAML
    applied = up.run("registry", "apply", folder, "--by", "ada")
    assert "Applied as revision 1." in applied.stdout, applied
    addresses = addresses_at(up.data)
    assert addresses is not None
    async with Publisher(PublisherSettings(addresses.kafka)) as publisher:
        await publisher.publish([Gateway(PLANTS[0]).produce(2)])
    _until(lambda: bool(json.loads(up.ask("alerts", "--rule", "cap-overrun", "--json").stdout)))
    return up


def test_up_prints_where_everything_is(up: Up) -> None:
    addresses = addresses_at(up.data)
    assert addresses is not None
    shown = up.shown()
    assert addresses.kafka in shown
    assert addresses.postgres in shown
    assert all(f"{path}" in shown for path in ("/health", "/metrics", str(up.data)))
    for service in ("intake", "relay", "watch"):
        assert service in shown


def test_a_second_up_on_the_same_directory_is_refused_clearly(up: Up) -> None:
    refused = up.run("up")
    assert refused.returncode == 1
    assert "Stop it (monazite down) or choose another one with --data" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_caps_tells_what_is_granted_and_drawn(at_work: Up) -> None:
    (cap,) = json.loads(at_work.run("caps", "--year", "2023", "--json").stdout)
    assert (cap["holder"], cap["granted_g"], cap["drawn_g"]) == (HOLDER, 20_000_000, 2 * REO_G)
    assert json.loads(at_work.run("caps", "--year", "2022", "--json").stdout) == []
    assert "110" in at_work.run("caps").stdout


def test_alerts_tells_what_is_raised(at_work: Up) -> None:
    rules = {alert["rule"] for alert in json.loads(at_work.ask("alerts", "--json").stdout)}
    assert {"cap-overrun", "event-long-past"} <= rules
    assert "cap-overrun" in at_work.ask("alerts").stdout


def test_reconcile_and_rebuild_agree(at_work: Up) -> None:
    account = json.loads(at_work.ask("ledger", "reconcile", "--json").stdout)
    assert account["reconciled"]
    assert sum(partition["received"] for partition in account["partitions"]) == 1
    assert "reconciled: received = applied" in at_work.ask("ledger", "reconcile").stdout
    checked = at_work.ask("ledger", "rebuild", "--check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)) == (0, [])
    assert "the rebuild equals what was maintained" in at_work.ask("ledger", "rebuild", "--check").stdout


def test_a_message_is_shown_as_it_was_received(at_work: Up) -> None:
    shown = json.loads(at_work.ask("ledger", "show", 1).stdout)
    assert (shown["topic"], shown["log_offset"]) == ("plant-production", 0)
    assert at_work.ask("ledger", "show", 1, "--raw").stdout == shown["value"]
    nobody = at_work.ask("ledger", "show", 999)
    assert (nobody.returncode, "there is no message 999" in nobody.stderr) == (1, True)
    assert json.loads(at_work.ask("ledger", "refusals", "--json").stdout) == []


def test_watch_tells_each_alert_once_and_stops_at_the_end(at_work: Up) -> None:
    told = [json.loads(line) for line in at_work.run("watch", "alerts", "--once", "--json").stdout.splitlines()]
    assert {alert["rule"] for alert in told} >= {"cap-overrun", "event-long-past"}
    versions = [(alert["id"], alert["epoch"], alert["revision"]) for alert in told]
    assert len(versions) == len(set(versions))
    coloured = at_work.run("watch", "alerts", "--once")
    assert "▲ critical" in coloured.stdout
    local = at_work.run("watch", "alerts", "--once", "--province", "inner-mongolia", "--json").stdout
    assert {json.loads(line)["rule"] for line in local.splitlines()} == {"event-long-past"}


def test_watch_of_a_province_that_nobody_knows_says_so(at_work: Up) -> None:
    told = at_work.run("watch", "alerts", "--province", "atlantis")
    assert told.returncode == 1
    assert "there is no topic regulator-alerts-atlantis" in told.stderr


def test_the_registry_is_asked_without_naming_a_database(at_work: Up) -> None:
    shown = json.loads(at_work.ask("registry", "show", "plants", "--json").stdout)
    assert [plant["code"] for plant in shown["entries"]["plants"]] == sorted(PLANTS)
    assert {row["applied_by"] for row in json.loads(at_work.ask("registry", "history", "--json").stdout)} == {"ada"}


def test_data_survive_down_and_up(at_work: Up) -> None:
    before = at_work.run("caps", "--json").stdout
    stopped = at_work.run("down")
    assert "stopped" in stopped.stdout, stopped
    assert at_work.process.wait(180) == 0
    assert addresses_at(at_work.data) is None
    again = _up(at_work.data)
    try:
        assert again.run("caps", "--json").stdout == before
        assert json.loads(again.run("ledger", "reconcile", "--json").stdout)["reconciled"]
        # It does not go on as half a platform.
        (intake,) = [p for p in psutil.Process(again.process.pid).children() if p.cmdline()[3:5] == ["serve", "intake"]]
        intake.kill()
        assert again.process.wait(180) == 1
        assert "intake ended; its log is in" in again.shown()
    finally:
        again.process.terminate()
        again.process.wait(180)
