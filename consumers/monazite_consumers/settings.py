"""What operations may set for the regulator's services: frozen, nested, no default secrets."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    """PostgreSQL."""

    url: str = ""
    """postgresql://user:password@host:port/name"""


class KafkaSettings(_Section):
    """Apache Kafka."""

    bootstrap: str = ""
    """host:port, several separated by commas."""
    replication: Annotated[int, Field(ge=1)] = 1
    """Copies of each topic that is created; 3 on a real cluster."""


class IntakeSettings(_Section):
    """The consumers of the plant topics."""

    group: str = "monazite-intake"
    messages_max: Annotated[int, Field(ge=1)] = 4_000
    """Messages that one poll may return."""
    events_max: Annotated[int, Field(ge=1)] = 2_000
    """Events after which a transaction is closed."""
    bytes_max: Annotated[int, Field(ge=1)] = 8 * 1024 * 1024
    """Bytes of messages after which it is closed, too: garbage has no events."""
    poll_ms: Annotated[int, Field(ge=1)] = 100
    session_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long the group waits for a silent member; at least the broker's group.min.session.timeout.ms (6 s)."""


class ServiceSettings(_Section):
    """The HTTP side of every service: metrics and health."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """0 takes a free one."""


class ReportSettings(_Section):
    """Monthly reports."""

    key_file: str = ""
    """The platform's signing key, which `monazite report key` makes; by default in the data directory."""
    revise_after_hours: Annotated[float, Field(ge=0)] = 24
    """How long a month's reports stand before late or corrected events make another revision."""


class PlatformSettings(_Section):
    """Everything that a regulator's service can be told."""

    database: DatabaseSettings = DatabaseSettings()
    kafka: KafkaSettings = KafkaSettings()
    intake: IntakeSettings = IntakeSettings()
    service: ServiceSettings = ServiceSettings()
    reports: ReportSettings = ReportSettings()
