"""The data directory: what is said when it cannot be used."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from monazite.embedded.errors import DataError, DiskFullError
from monazite.embedded.servers import running


@pytest.mark.parametrize("place", ["/proc/monazite", "/dev/null/monazite"])
def test_a_data_directory_that_cannot_be_written_is_named(place: str) -> None:
    with pytest.raises(DataError, match=rf"{place} cannot be written .*--data"), running(Path(place)):
        pytest.fail("it must not get here")


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - the shape of shutil's answer
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 1_000_000))
    with pytest.raises(DiskFullError, match=r"Only 1 MB free .*--data"), running(tmp_path / "data"):
        pytest.fail("it must not get here")


def test_an_error_inside_the_context_is_the_callers_own() -> None:
    with pytest.raises(FileNotFoundError), running(kafka=False, postgres=False):
        Path("/nowhere/at/all").read_text()
