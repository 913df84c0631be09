"""Every metric of the regulator's services, declared once. Cap values are confidential: ratios and states only."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)

RECEIVED = Counter("monazite_messages_received", "Messages read from plant topics, by topic.", ["topic"])
DECIDED = Counter("monazite_messages_decided", "Messages decided, by outcome.", ["outcome"])
EVENTS = Counter("monazite_events_decided", "Events of standing envelopes, by outcome.", ["outcome"])
REFUSED = Counter("monazite_messages_not_applied", "Messages refused or awaiting, by rule.", ["rule"])
BATCH_SECONDS = Histogram("monazite_batch_seconds", "Time of one deciding transaction.", buckets=_LATENCY_S)
BATCH_EVENTS = Histogram(
    "monazite_batch_events", "Events in one deciding transaction.", buckets=(1, 10, 50, 100, 500, 1000, 2000, 5000)
)
ARRIVAL_TO_DECIDED_SECONDS = Histogram(
    "monazite_arrival_to_decided_seconds",
    "From arrival at the broker to the commit; real clock only.",
    buckets=_LATENCY_S,
)
LAG = Gauge("monazite_lag_messages", "Messages between the position and the log's end.", ["topic", "partition"])
HOLES = Gauge(
    "monazite_log_holes",
    "Offsets passed over that held no message, in all: transactions, unreadable batches.",
    ["topic"],
)
LOST = Gauge("monazite_log_lost_messages", "Messages that the broker deleted before they were read, in all.", ["topic"])
GENERATION = Gauge(
    "monazite_log_generation", "1, and 1 more for each log that was adopted in another's place.", ["topic", "partition"]
)
SUPERSEDED = Counter("monazite_intake_superseded", "Batches given up because a successor had moved the position.")
STALLED = Counter("monazite_intake_stalled", "Times that the client brought nothing of what waited: started anew.")
RETRIES = Counter("monazite_retries", "Tries that failed and will be repeated, by what failed.", ["what"])
UNRECONCILED = Gauge(
    "monazite_unreconciled_messages",
    "received - (applied + awaiting + duplicate + refused); anything but 0 is an alarm.",
)
OUTBOX_DEPTH = Gauge("monazite_outbox_messages", "Messages that wait to be published.")
OUTBOX_AGE_SECONDS = Gauge("monazite_outbox_age_seconds", "Age of the oldest message that waits.")
PARKED = Counter("monazite_messages_parked", "Messages set aside because the broker does not take them.")
PUBLISHED = Counter("monazite_messages_published", "Messages acknowledged by the broker, by topic kind.", ["kind"])
DECIDED_TO_PUBLISHED_SECONDS = Histogram(
    "monazite_decided_to_published_seconds", "From the deciding transaction to the broker's acknowledgement.",
    ["kind"], buckets=_LATENCY_S,
)  # fmt: skip
ARRIVAL_TO_PUBLISHED_SECONDS = Histogram(
    "monazite_arrival_to_published_seconds",
    "From arrival to the published receipt or alert that answers it; a receipt's duty is 60 s. Real clock only.",
    ["kind"], buckets=_LATENCY_S,
)  # fmt: skip
TOPICS_REPLACED = Counter(
    "monazite_topics_replaced", "Topics of the relay that were found deleted and made again, and told anew.", ["topic"]
)
WATCH_PASSES = Counter("monazite_watch_passes", "Passes of watch.")
WATCH_JUDGED_AT = Gauge("monazite_watch_judged_at_seconds", "The instant at which watch last judged, Unix time.")
CUSTODY_WAITING = Gauge(
    "monazite_custody_waiting",
    "What custody has yet to do: messages and events to follow, lots, shipments, licences and months to judge.",
    ["what"],
)
CUSTODY_HANDLED = Counter(
    "monazite_custody_handled",
    "What custody has followed (events) and judged (lots, shipments, licences, months).", ["what"],
)  # fmt: skip
CUSTODY_SET_ASIDE = Counter(
    "monazite_custody_set_aside", "What made our own code raise in custody; each is an alert platform-fault."
)
CUSTODY_PORTION_SECONDS = Histogram(
    "monazite_custody_portion_seconds", "Time of one portion of custody's work, one transaction.", buckets=_LATENCY_S
)
WATCH_KNOWN_UNTIL = Gauge(
    "monazite_watch_known_until_seconds",
    "Everything that had arrived by then is decided and followed, Unix time; no deadline that lies later is judged.",
)
OUTAGES = Counter("monazite_outages", "Times that the platform was down or behind; deadlines give them back.", ["what"])
ACTIVE = Gauge("monazite_active", "1 while this process holds its service's lock.", ["service"])
ALERTS = Gauge("monazite_alerts", "Alerts by rule and condition.", ["rule", "condition"])
CAP_RATIO = Gauge("monazite_cap_drawn_ratio", "Drawn over granted of a cap.", ["holder", "kind", "year"])
HEALTHY = Gauge("monazite_healthy", "1 while every check of this process is green.")
BUILD = Gauge("monazite_build_info", "1, with the release.", ["release"])
REPORT_SECONDS = Histogram(
    "monazite_report_seconds", "Time to draw up and store a month's reports.", buckets=_LATENCY_S
)
REPORTS_STORED = Counter("monazite_reports_stored", "Revisions of monthly reports that were stored.")
REPORT_MONTHS_WAITING = Gauge(
    "monazite_report_months_waiting", "Closed months to be compared with what was reported of them, one by one."
)
REPORT_DUE = Gauge("monazite_report_due", "1 while a month is past its deadline and not closed.")
