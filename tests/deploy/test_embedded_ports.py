"""Ports: free, kept, and never fought over."""

import socket
from pathlib import Path

import pytest

from monazite.embedded import ports
from monazite.embedded.errors import PortTakenError
from monazite.embedded.servers import running


def test_a_port_taken_between_choosing_and_binding_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    really_free = ports.free
    with socket.create_server((ports.LOOPBACK, 0)) as squatter:
        taken = squatter.getsockname()[1]
        choices = [0, 0]

        def free(count: int, preferred: tuple[int, ...] = ()) -> tuple[int, ...]:
            choices[count - 1] += 1
            first_time = choices[count - 1] == 1
            return (taken, *really_free(count - 1)) if first_time else really_free(count, preferred)

        monkeypatch.setattr(ports, "free", free)
        with running() as up:
            assert choices == [2, 2]
            assert str(taken) not in up.addresses.kafka + up.addresses.postgres


def test_a_port_taken_while_a_server_is_down_is_named(tmp_path: Path) -> None:
    with running(kafka=False) as up:
        up.postgres.stop()
        port = int(up.addresses.postgres.rpartition(":")[2].partition("/")[0])
        with socket.create_server((ports.LOOPBACK, port)), pytest.raises(PortTakenError, match=str(port)):
            up.postgres.start()


def test_ports_are_not_those_of_outgoing_connections() -> None:
    first, last = ports._ephemeral()
    assert not any(first <= port <= last for port in ports.free(20))


def test_a_preferred_port_is_taken_only_when_it_is_free() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as squatter:
        taken = squatter.getsockname()[1]
        assert ports.free(1, (taken,)) != (taken,)
    assert ports.free(1, (taken,)) == (taken,)
