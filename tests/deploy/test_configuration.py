"""Settings: file and environment, nested; a typo is an error with a hint."""

from pathlib import Path

import pytest

from monazite.configuration import FILE_VARIABLE, load
from monazite.errors import ConfigurationError
from monazite_consumers.settings import PlatformSettings

NONE: dict[str, str] = {}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "monazite.toml"
    path.write_text('[database]\nurl = "postgresql://file/x"\n[intake]\nmessages_max = 7\n')
    return path


def test_without_file_and_environment_there_are_defaults_and_no_addresses() -> None:
    found = load(PlatformSettings, NONE)
    assert found.database.url == found.kafka.bootstrap == ""
    assert found.intake.messages_max == 4_000


def test_a_file_is_read_and_the_environment_goes_before_it(file: Path) -> None:
    environment = {
        FILE_VARIABLE: str(file),
        "MONAZITE_INTAKE__MESSAGES_MAX": "9",
        "MONAZITE_KAFKA__BOOTSTRAP": "broker:9092",
        "PATH": "/bin",
    }
    found = load(PlatformSettings, environment)
    assert found.database.url == "postgresql://file/x"
    assert found.intake.messages_max == 9
    assert found.kafka.bootstrap == "broker:9092"


def test_the_short_name_of_the_database_yields_to_the_long_one() -> None:
    short = {"MONAZITE_DATABASE_URL": "postgresql://short/x"}
    assert load(PlatformSettings, short).database.url == "postgresql://short/x"
    long = short | {"MONAZITE_DATABASE__URL": "postgresql://long/x"}
    assert load(PlatformSettings, long).database.url == "postgresql://long/x"


def test_the_short_name_goes_before_the_file(file: Path) -> None:
    environment = {FILE_VARIABLE: str(file), "MONAZITE_DATABASE_URL": "postgresql://short/x"}
    assert load(PlatformSettings, environment).database.url == "postgresql://short/x"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(PlatformSettings, NONE).database.url = "postgresql://other/x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MONAZITE_DATABSE__URL", "unknown setting databse; did you mean database?"),
        ("MONAZITE_DATABASE__ULR", "unknown setting database.ulr; did you mean database.url?"),
        ("MONAZITE_INTAKE__MESSAGE_MAX", "did you mean intake.messages_max?"),
        ("MONAZITE_ZZZ", "unknown setting zzz; known: database, kafka, intake, service"),
    ],
)
def test_an_unknown_variable_is_asked_back(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(PlatformSettings, {name: "1"})
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[kafak]\nbootstrap = 'x'", "did you mean kafka?"),
        ("[kafka]\nbootstraps = 'x'", "did you mean kafka.bootstrap?"),
        ("kafka = 'x'", "kafka is a section, not a value"),
        ("[intake]\nmessages_max = 0", "intake.messages_max"),
        ("[intake]\nmessages_max = 'many'", "intake.messages_max"),
        ("[intake]\nmessages_max = [1]", "intake.messages_max"),
        ("[service]\nport = 70000", "service.port"),
        ("[service", "which cannot be read"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, hint: str) -> None:
    path = tmp_path / "monazite.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(PlatformSettings, {FILE_VARIABLE: str(path)})
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"MONAZITE_SERVICE__PORT": "http"}, "service.port"),
        ({"MONAZITE_INTAKE__SESSION_TIMEOUT_S": "0"}, "intake.session_timeout_s"),
        ({"MONAZITE_DATABASE": "postgresql://x/y"}, "database is a section, not a value"),
        ({"MONAZITE_DATABASE": "x", "MONAZITE_DATABASE__URL": "y"}, "database is a value, not a section"),
        ({"MONAZITE_DATABASE": "x", "MONAZITE_DATABASE_URL": "y"}, "database is a section, not a value"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(environment: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(PlatformSettings, environment)
    assert hint in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(PlatformSettings, {FILE_VARIABLE: str(tmp_path / "none.toml")})
