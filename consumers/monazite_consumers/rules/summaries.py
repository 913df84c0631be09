"""One sentence about an alert, for a person."""

from monazite_consumers.rules.alerts import AlertState
from monazite_consumers.rules.catalogue import RULES
from monazite_contracts.quantities import GRAMS_PER_TONNE


def tonnes(mass_g: int) -> str:
    """A mass in tonnes for reading, to the kilogram: 1234567890 is `1,234.568 t`."""
    return f"{mass_g / GRAMS_PER_TONNE:,.3f} t"


def summary(state: AlertState) -> str:
    """What an official reads first: subject, what is so, and the figure that matters."""
    rule = RULES[state.key.rule]
    when = f" ({state.key.period})" if state.key.period else ""
    return f"{state.key.subject}{when}: {rule.title}{_figure(state)}"


def _figure(state: AlertState) -> str:
    evidence = state.evidence
    if rule_speaks_of_caps(state.key.rule):
        if evidence.get("granted_g") is None:
            return f"; {tonnes(evidence['drawn_g'])} drawn"
        drawn, granted = evidence["drawn_g"], evidence["granted_g"]
        return f"; {tonnes(drawn)} of {tonnes(granted)} drawn, {state.percent} %"
    if "reo_g" in evidence:
        return f"; {tonnes(evidence['reo_g'])} REO in {evidence['events']} statements"
    count = evidence.get("count", 0)
    return f"; {count} found" if count else ""


def rule_speaks_of_caps(rule: str) -> bool:
    """Whether a rule's subject is a cap."""
    return RULES[rule].subject == "cap"
