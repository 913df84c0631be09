"""A trace as JSON for a program and as a graph for Graphviz; docs/tracing.md has the shape of the first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from monazite.commands.trace_words import WHYS, percentage
from monazite.terminal_figures import kilograms
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.rules.tracing import Traced
from monazite_contracts.quantities import divide_half_even

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.rules.whereabouts import Stay
    from monazite_consumers.tracing.chain import Trace
    from monazite_consumers.tracing.papers import Link, Papers

FORMAT: Final = "monazite/trace/1"
"""Fields may be added to it; none is renamed, changed or taken away without another number."""


def document(
    trace: "Trace", papers: Mapping[str, "Papers"], links: Sequence["Link"], stays: Sequence["Stay"], *, behind: bool
) -> dict[str, Any]:
    """All of it, of every lot. Shares are decimals of twelve places, masses grams, instants ISO 8601 in UTC."""
    subject = trace.subject
    lots = trace.lots[subject.plant is not None :]
    return {
        "format": FORMAT,
        "lot": None if subject.plant else subject.name,
        "plant": subject.plant,
        "month": subject.month,
        "direction": "down" if trace.down else "up",
        "complete": not trace.unfollowed,
        "current": not behind,
        "broken": [{"lot": each.lot, "why": why, "ends": _decimal(each.ends)} for each, why in trace.breaks],
        "lots": [_entry(trace, each, papers) for each in lots],
        "links": [{"from": each.lot, "to": each.into_lot, "net_g": each.net_g, "reo_g": each.reo_g} for each in links],
        "whereabouts": [_stay(each) for each in stays],
    }


def dot(trace: "Trace", links: Sequence["Link"]) -> str:
    """The same as a graph, material flowing from left to right."""
    lines = ["digraph trace {", "  rankdir=LR; node [shape=box, fontname=sans]; edge [fontname=sans];"]
    for each in trace.lots:
        state, why = trace.states.get(each.lot), trace.broken(each)
        label = [each.lot, f"{percentage(each.units)} %"]
        if state is not None and state.net_g:
            label[1:1] = [state.product or "product unknown", f"{kilograms(state.net_g)} kg"]
        label += [f"BROKEN: {WHYS[why]}"] if why else []
        colour = ", color=red" if why else ", penwidth=2" if each.lot == trace.subject.name else ""
        lines.append(f"  {_quoted(each.lot)} [label={_quoted(*label)}{colour}];")
    lines += [_edge(each.lot, each.into_lot, each.net_g) for each in links]
    if trace.subject.plant is not None:
        lines += [_edge(trace.subject.name, lot, net_g) for lot, net_g in sorted(_own(trace).items())]
    return "\n".join([*lines, "}"])


def _own(trace: "Trace") -> Mapping[str, int]:
    return trace.passes.get(trace.subject.name, {})


def _edge(lot: str, into_lot: str, net_g: int) -> str:
    return f"  {_quoted(lot)} -> {_quoted(into_lot)} [label={_quoted(f'{kilograms(net_g)} kg')}];"


def _entry(trace: "Trace", traced: Traced, papers: Mapping[str, "Papers"]) -> dict[str, Any]:
    state, found = trace.states.get(traced.lot), papers.get(traced.lot)
    came = trace.came.get(traced.lot)
    from_it = {} if not trace.down else {
        "from_it": _decimal(came),
        "from_it_g": None if came is None or state is None else divide_half_even(state.net_g * came, WHOLE),
    }  # fmt: skip
    return {
        "lot": traced.lot,
        "level": traced.level,
        "plant": state.plant if state is not None else None,
        "product": state.product if state is not None else None,
        "origin": state.origin if state is not None else None,
        "net_g": state.net_g if state is not None else None,
        "reo_g": state.reo_g if state is not None else None,
        "share": _decimal(traced.units),
        "ends": _decimal(traced.ends),
        **from_it,
        "broken": trace.broken(traced),
        "followed": traced.lot not in trace.unfollowed,
        "made": [_plain(made._asdict()) for made in found.made] if found else [],
        "shipments": [_plain(carried._asdict()) for carried in found.carried] if found else [],
    }


def _stay(stay: "Stay") -> dict[str, Any]:
    said = _plain(stay._asdict())
    del said["units"]
    return said | {"share": _decimal(stay.units)}


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}


def _decimal(units: int | None) -> str | None:
    return None if units is None else f"{units // WHOLE}.{units % WHOLE:012d}"


def _quoted(*lines: str) -> str:
    said = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(said) + '"'
