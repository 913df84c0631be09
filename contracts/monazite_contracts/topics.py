"""The topics, one row each: name, key, partitions, retention, who writes, who reads, why."""

from dataclasses import dataclass
from typing import Final

from monazite_contracts.events import Stream

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS


@dataclass(frozen=True, slots=True)
class Topic:
    """One row. `name` may hold `{province}` or `{plant}`: then there is one topic for each registered one.

    `carries` names the message types. `retention_ms` -1 keeps for ever.
    """

    name: str
    key: str
    partitions: int
    retention_ms: int
    compacted: bool
    written_by: str
    read_by: str
    carries: tuple[str, ...]
    why: str


PLANT_TOPICS: Final[dict[Stream, str]] = {stream: f"plant-{stream}" for stream in Stream}
"""The topic of each stream."""

HEARTBEATS: Final = "plant-heartbeats"
ALERTS: Final = "regulator-alerts"
PROVINCE_ALERTS: Final = "regulator-alerts-{province}"
REPORTS: Final = "regulator-reports"
RECEIPTS: Final = "receipts-{plant}"
DEAD_LETTERS: Final = "dead-letters"
RELAY_CONTROL: Final = "relay-control"

TOPICS: Final = (
    Topic(
        PLANT_TOPICS[Stream.PRODUCTION], "plant/gateway", 6, 400 * DAY_MS, compacted=False,
        written_by="gateways", read_by="intake", carries=("envelope",),
        why="What is made, enters, changes or is lost; kept longer than a year so that intake can be replayed.",
    ),
    Topic(
        PLANT_TOPICS[Stream.SHIPMENTS], "plant/gateway", 6, 400 * DAY_MS, compacted=False,
        written_by="gateways", read_by="intake", carries=("envelope",),
        why="What leaves one plant and reaches another.",
    ),
    Topic(
        PLANT_TOPICS[Stream.DECLARATIONS], "plant/gateway", 6, 400 * DAY_MS, compacted=False,
        written_by="gateways", read_by="intake", carries=("envelope",),
        why="The flow record of each month, due on the 10th of the next.",
    ),
    Topic(
        HEARTBEATS, "plant/gateway", 3, 7 * DAY_MS, compacted=True,
        written_by="gateways", read_by="watch", carries=("heartbeat",),
        why="Whether each gateway is well; only the newest matters.",
    ),
    Topic(
        RECEIPTS, "plant/gateway/stream/incarnation", 1, 90 * DAY_MS, compacted=False,
        written_by="relay", read_by="that plant's gateways", carries=("receipt", "resend-request"),
        why="What became of each envelope; one topic a plant, so that no plant reads another's.",
    ),
    Topic(
        ALERTS, "alert id", 1, -1, compacted=True,
        written_by="relay", read_by="national regulators", carries=("alert", "alert-acknowledged"),
        why="Every change for a year, the latest state for ever.",
    ),
    Topic(
        PROVINCE_ALERTS, "alert id", 1, -1, compacted=True,
        written_by="relay", read_by="that province's regulators", carries=("alert", "alert-acknowledged"),
        why="The same for a province's own plants; caps of holders go to the nation only.",
    ),
    Topic(
        REPORTS, "level/subject/month", 1, -1, compacted=True,
        written_by="relay", read_by="regulators", carries=("report-ready",),
        why="Announces each revision of a monthly report.",
    ),
    Topic(
        DEAD_LETTERS, "topic/partition", 1, 90 * DAY_MS, compacted=False,
        written_by="relay", read_by="operations", carries=("dead-letter",),
        why="What nobody can be named for: coordinate, hash and the first 4 KiB.",
    ),
    Topic(
        RELAY_CONTROL, "relay", 1, -1, compacted=True,
        written_by="relay", read_by="relay", carries=("relay-control",),
        why="The last publication number, by which a restored database is noticed.",
    ),
)  # fmt: skip
"""Every topic."""

PARTITIONS: Final[dict[str, int]] = {topic.name: topic.partitions for topic in TOPICS}
"""How many partitions a topic has: adding some would move keys."""


def compaction_lag_ms(topic: Topic) -> int:
    """How long a compacted topic keeps every change before only the latest of a key is left.

    A year for what people read back; none where only the newest record means anything.
    """
    return 0 if not topic.compacted or topic.name in {HEARTBEATS, RELAY_CONTROL} else YEAR_MS


def cleanup_policy(topic: Topic) -> str:
    """Kafka's `cleanup.policy`: what is compacted and also expires needs both."""
    if not topic.compacted:
        return "delete"
    return "compact" if topic.retention_ms == -1 else "compact,delete"


def receipts_topic(plant: str) -> str:
    """The topic of a plant's receipts."""
    return RECEIPTS.format(plant=plant)


def province_topic(province: str) -> str:
    """The topic of a province's alerts; `province` as its registered code."""
    return PROVINCE_ALERTS.format(province=province)
