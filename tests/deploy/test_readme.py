"""The README's commands work as they stand, in the order in which they stand."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.splitlines() for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
TWO_COMMANDS, UP, SECOND_TERMINAL = BLOCKS
START_LIMIT_S = 240


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    assert TWO_COMMANDS == ["make demo", "make test"]
    for command in TWO_COMMANDS:
        planned = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "monazite demo" in planned.stdout or "pytest" in planned.stdout


def test_ci_calls_the_test_command_of_the_readme() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def second_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The README's first terminal runs `monazite up`; what it exports goes into the environment of the second."""
    here = tmp_path_factory.mktemp("readme")
    for name in (".venv", "deploy"):
        (here / name).symlink_to(ROOT / name)
    (command,) = UP
    with (here / "up.log").open("w") as log:
        up = subprocess.Popen(command.split(), cwd=here, stdout=log, stderr=subprocess.STDOUT)
    exported = dict(line.removeprefix("export ").split("=") for line in SECOND_TERMINAL if line.startswith("export "))
    try:
        _wait_until_up(here, up)
        yield here, os.environ | exported
    finally:
        up.terminate()
        up.wait(START_LIMIT_S)


def _wait_until_up(here: Path, up: subprocess.Popen[bytes]) -> None:
    waiting = [
        "bash",
        "-c",
        f"for _ in $(seq {START_LIMIT_S * 10}); do grep -q 'monazite is up' up.log && exit 0; sleep 0.1; done; exit 1",
    ]
    subprocess.run(waiting, cwd=here, check=True)
    assert up.poll() is None, (here / "up.log").read_text()


def test_the_commands_of_the_second_terminal_work_in_order(second_terminal: tuple[Path, dict[str, str]]) -> None:
    here, environment = second_terminal
    printed = {}
    for command in SECOND_TERMINAL:
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed[command.split()[-1]] = done.stdout
    assert "China Northern Rare Earth" in printed["caps"]
    assert "reconciled" in printed["reconcile"]
    assert "the rebuild equals what was maintained" in printed["--check"]
    assert "stopped" in printed["down"]
