"""Seals are checked by a process beside intake: rightly, within bounds, and intake does without it at any moment."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
import uvloop
from nacl.signing import SigningKey
from regulator_desk import Desk, Gateway, a_draw, the_registry

from monazite_consumers.decisions.deciding import decide_arrivals
from monazite_consumers.intake import answering, consuming, seals
from monazite_consumers.intake.seals import UNDERWAY_BYTES, Seals
from monazite_consumers.rules.entries import GatewayKey
from monazite_consumers.rules.envelopes import Arrival, Coordinate, Proof, vouch
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import IntakeSettings
from monazite_contracts.builders import a_source
from monazite_contracts.opening import Opened
from monazite_contracts.seal import encode_base64url, pae

KEY = SigningKey(b"\1" * 32)
OTHER = SigningKey(b"\2" * 32)


def public(key: SigningKey) -> str:
    return encode_base64url(bytes(key.verify_key))


def sealed(value: bytes, key: SigningKey = KEY) -> Proof:
    return public(KEY), key.sign(pae(value)).signature, value


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - a child process sets no event
            await asyncio.sleep(0.01)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if _answers(child)}


def _answers(child: psutil.Process) -> bool:
    try:
        return answering.__name__ in child.cmdline()
    except psutil.Error:  # it has just ended
        return False


@asynccontextmanager
async def running() -> AsyncIterator[Seals]:
    made = Seals()
    task = asyncio.create_task(made.run())
    await until(lambda: made._questions is not None)
    yield made
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await until(lambda: not children())


@pytest_asyncio.fixture
async def checking() -> AsyncIterator[Seals]:
    async with running() as made:
        yield made


async def test_only_right_seals_are_proven(checking: Seals) -> None:
    right = [sealed(b"%d" % number) for number in range(500)]
    wrong = [sealed(b"%d" % number, OTHER) for number in range(500, 600)]
    moved = [(key, seal, value + b"!") for key, seal, value in right]
    checking.check([*wrong, *moved, *right])
    await until(lambda: len(checking.proven) >= len(right))
    assert checking.proven == set(right)


async def test_no_more_is_underway_than_fits_the_pipe(checking: Seals) -> None:
    size = 100_000
    large = [sealed(b"%d" % number * size) for number in range(10, 60)]
    checking.check(large)
    assert checking._underway_bytes < UNDERWAY_BYTES + 2 * size
    await until(lambda: len(checking.proven) == len(large))
    assert checking._underway_bytes == 0


async def test_what_is_forgotten_is_let_go(checking: Seals) -> None:
    checking.check(sealed(b"%d" % number * 5_000) for number in range(1_000))
    checking.forget()
    assert not checking.proven
    assert not checking._unasked


async def test_a_child_that_is_killed_is_replaced(checking: Seals) -> None:
    (first,) = children()
    checking.check(sealed(b"%d" % number) for number in range(5_000))
    os.kill(first, signal.SIGKILL)
    await until(lambda: bool(children() - {first}) and checking._questions is not None)
    right = [sealed(b"%d" % number) for number in range(100)]
    checking.check(right)
    await until(lambda: checking.proven >= set(right))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_question_at_the_moment_in_which_the_child_dies_raises_nothing(run: Callable[[Any], Any]) -> None:
    async def ask_while_it_dies() -> None:
        async with running() as checking:
            questions = checking._questions
            assert questions is not None
            questions.abort()
            while checking._questions is questions:  # the child has not been seen to end yet
                checking.check([sealed(b"1")])
                await asyncio.sleep(0)

    run(ask_while_it_dies())


async def test_it_ends_with_whoever_asks() -> None:
    program = "import asyncio; from monazite_consumers.intake.seals import Seals; asyncio.run(Seals().run())"
    parent = subprocess.Popen([sys.executable, "-c", program])  # noqa: ASYNC220 - it is there at once
    of_parent = psutil.Process(parent.pid)
    await until(lambda: bool(of_parent.children()))
    (child,) = of_parent.children()
    parent.kill()
    parent.wait()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_where_none_can_be_started_that_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(seals.sys, "executable", str(tmp_path / "gone"))
    checking = Seals()
    running = asyncio.create_task(checking.run())
    await until(lambda: "no process can be started" in caplog.text)
    checking.check([sealed(b"1")])
    assert not running.done()
    running.cancel()


NOW = datetime(2023, 3, 1, tzinfo=UTC)


def test_a_proof_counts_for_its_own_key_seal_and_value_only() -> None:
    key = GatewayKey(id="k-1", plant="shihe-mine", gateway="gw-1", public=public(KEY), since=NOW)
    registry = Registry.of(1, [("gateway_keys", key)])
    source = a_source("shihe-mine")

    def outcome(value: bytes, *proven: Proof) -> str | None:
        opened = Opened(b"", source, 1, None, None, (), None)
        at = Coordinate(NOW, "plant-production", 0, 0, 0)
        reason = vouch(
            Arrival(at, b"", "k-1", b"s" * 64, value, opened, misplaced=False), registry, frozenset(proven)
        ).reason
        return reason.rule if reason else None

    right = (public(KEY), b"s" * 64, b"value")
    assert outcome(b"value") == "seal-false"
    assert outcome(b"value", right) == "source-unknown"
    assert outcome(b"other", right) == "seal-false"
    assert outcome(b"value", (public(OTHER), b"s" * 64, b"value")) == "seal-false"
    assert outcome(b"value", (public(KEY), b"t" * 64, b"value")) == "seal-false"


@pytest.mark.parametrize("state", ["answering", "silent", "absent"])
async def test_intake_decides_the_same_whether_anybody_checks_beside_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(consuming, "FEW", 1)
    intake, gateway = desk.intakes[0], Gateway()
    monkeypatch.setattr(intake, "_settings", IntakeSettings(events_max=1))
    await desk.declare(the_registry())
    await desk.consume(gateway.send(a_draw(10, "R-0")))  # from here on it knows the keys
    helped = []

    async def decide(*args: Any, proven: set[Proof], **rest: Any) -> Any:
        await asyncio.sleep(0.1 if state == "answering" else 0)
        helped.append(bool(proven))
        return await decide_arrivals(*args, proven=proven, **rest)

    monkeypatch.setattr(consuming, "decide_arrivals", decide)
    running = asyncio.create_task(intake.seals.run()) if state != "absent" else None
    if running is not None:
        await until(lambda: intake.seals._questions is not None)
        intake.seals.check([sealed(b"the first question")])
        await until(lambda: bool(intake.seals.proven))
    if state == "silent":
        for child in children():
            os.kill(child, signal.SIGSTOP)
    messages = [
        gateway.send(a_draw(10, "R-1")),
        gateway.send(a_draw(10, "R-2"), signed_by=OTHER),
        gateway.send(a_draw(10, "R-3")),
    ]
    try:
        await desk.open(*(message.tp for message in messages))
        await desk.decide_all(*messages)
    finally:
        if running is not None:
            running.cancel()
        for child in children():
            os.kill(child, signal.SIGCONT)
    assert helped == [state == "answering"] * 3
    assert await desk.outcomes() == ["applied", "applied", "refused seal-false", "applied"]
    assert await desk.drawn_g() == 30_000
