"""The AsyncAPI document passes the official parser, and says what the topic table says."""

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from monazite_contracts.generate.asyncapi import SEALED, asyncapi
from monazite_contracts.messages import MESSAGES
from monazite_contracts.topics import TOPICS, cleanup_policy, compaction_lag_ms

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "contracts" / "asyncapi.yaml"
HERE = Path(__file__).parent / "asyncapi"
PINNED = json.loads((HERE / "package.json").read_text())["dependencies"]["@asyncapi/parser"]


@pytest.fixture(scope="session")
def parser_folder() -> Path:
    """A folder with the pinned parser installed, kept between runs."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are needed for the official AsyncAPI parser, and are not here")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "monazite" / "tests"
    folder = cache / f"asyncapi-parser-{PINNED}"
    if not folder.is_dir():
        _install(npm, folder)
    return folder


def _install(npm: str, folder: Path) -> None:
    """Installs beside and renames, so that a folder which is there is whole, whoever else installs meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as beside:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, beside)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", beside]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        if done.returncode:
            pytest.skip(f"npm cannot install the official AsyncAPI parser {PINNED} here: {done.stderr.strip()[-300:]}")
        with contextlib.suppress(OSError):  # somebody else was first
            Path(beside).rename(folder)


def parsed(folder: Path, document: Path) -> dict[str, Any]:
    node = shutil.which("node") or "node"
    command = [node, str(HERE / "parse.mjs"), str(folder), str(document)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == (answer["errors"] == 0 and answer["parsed"])
    return answer


def test_the_official_parser_finds_no_error(parser_folder: Path) -> None:
    assert parsed(parser_folder, DOCUMENT)["errors"] == 0


@pytest.mark.parametrize("fault", ["schema", "reference", "binding", "version"])
def test_the_official_parser_would_find_an_error(fault: str, parser_folder: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    if fault == "schema":
        document["components"]["schemas"]["Receipt"]["type"] = "thing"
    elif fault == "reference":
        document["channels"]["plant-production"]["messages"]["envelope"]["$ref"] = "#/components/messages/nobody"
    elif fault == "binding":
        document["channels"]["plant-production"]["bindings"]["kafka"]["partitions"] = -1
    else:
        del document["info"]["version"]
    broken = tmp_path / "asyncapi.yaml"
    broken.write_text(yaml.safe_dump(document))
    assert parsed(parser_folder, broken)["errors"] > 0


def test_every_topic_is_a_channel_with_its_settings() -> None:
    channels = {channel["address"]: channel for channel in asyncapi()["channels"].values()}
    assert set(channels) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        binding = channels[topic.name]["bindings"]["kafka"]
        assert binding["partitions"] == topic.partitions
        assert binding["topicConfiguration"]["retention.ms"] == topic.retention_ms
        assert ",".join(binding["topicConfiguration"]["cleanup.policy"]) == cleanup_policy(topic)
        assert binding.get("x-min.compaction.lag.ms", 0) == compaction_lag_ms(topic)
        assert set(channels[topic.name]["messages"]) == set(topic.carries)
        assert ("parameters" in channels[topic.name]) == ("{" in topic.name)


def test_every_channel_is_written_or_read_by_one_operation() -> None:
    document = asyncapi()
    operated = [operation["channel"]["$ref"].rpartition("/")[2] for operation in document["operations"].values()]
    assert sorted(operated) == sorted(document["channels"])


def test_every_record_message_is_on_a_topic_and_every_topic_carries_known_messages() -> None:
    carried = {name for topic in TOPICS for name in topic.carries}
    assert carried == {message.name for message in MESSAGES if message.travels == "record"}


def test_only_what_plants_seal_has_the_headers() -> None:
    messages = asyncapi()["components"]["messages"]
    assert {name for name, message in messages.items() if "traits" in message} == SEALED


def test_no_schema_bears_the_name_of_a_module() -> None:
    named = [name for name in asyncapi()["components"]["schemas"] if "__" in name]
    assert not named, f"two classes share a name, and who reads the contract sees our modules: {named}"
