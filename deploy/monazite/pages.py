"""Writes the pages that are generated from code: `python -m monazite.pages docs`; a test keeps them current."""

import sys
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from monazite_consumers import metrics
from monazite_consumers.rules.catalogue import RULES

Metric = Counter | Gauge | Histogram


_ALERTS = {"soon": "when settled", "across": "when settled across enterprises", "at once": "when due"}


def rules_page() -> str:
    """Every rule: what it means, on which basis, how it clears."""
    rows = [
        f"| [`{rule.id}`](findings.md#{rule.id}) | {rule.severity} | {rule.subject} | {rule.title} | {rule.clears} "
        f"| {_ALERTS[rule.settles] if rule.fires_on == 'absence' else 'at once'} | {rule.basis} |"
        for rule in RULES.values()
        if not rule.quiet
    ]
    return "\n".join(
        [
            "# The rules",
            "",
            "Generated from `rules/catalogue.py` by `make docs`. A *condition* is computed, and clears by itself where",
            "the table says how; what only a person closes stays raised until somebody resolves it. An absence is",
            "alerted when it has lasted the settle time: 15 minutes, or 48 hours where another enterprise must speak",
            "first, unless the registry's settings say otherwise. *When due* is an absence that is judged at a dated",
            "instant (a deadline, say) and does not settle: it is alerted once everything that had arrived by then is",
            "known ([deadlines](deadlines.md)). [What each means](findings.md) and what to do.",
            "",
            "| Rule | Severity | About | Means | Clears by | Alerts | Basis |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def metrics_page() -> str:
    """Every metric of the regulator's services."""
    found = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    rows = [_metric_row(metric) for metric in found]
    return "\n".join(
        [
            "# Metrics",
            "",
            "Generated from `monazite_consumers/metrics.py` by `make docs`. Every service serves them on `/metrics`.",
            "Cap values are confidential: ratios and states only.",
            "",
            "| Metric | Type | Labels | Meaning |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _metric_row(metric: Metric) -> str:
    described = next(iter(metric.describe()))
    name = described.name + ("_total" if isinstance(metric, Counter) else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - the client offers no reader
    return f"| `{name}` | {described.type} | {labels} | {described.documentation} |"


PAGES = {"rules.md": rules_page, "metrics.md": metrics_page}


def write(directory: Path) -> None:
    """Writes every page into a directory."""
    for name, page in PAGES.items():
        (directory / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
