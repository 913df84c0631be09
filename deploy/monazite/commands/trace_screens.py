"""A trace on a terminal, as JSON for a program, and as a graph for Graphviz."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from monazite.tables import plain_table
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.rules.tracing import Traced
from monazite_contracts.quantities import divide_half_even, percent

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.tracing import Papers, Trace

LOTS_SHOWN: Final = 40
"""On a terminal: where the chain is broken first, then the largest shares."""

WHYS: Final = {
    "circle": "it went into itself in the end",
    "unreported": "nobody reported that it was made",
    "unlisted-mine": "mined by an enterprise that was not listed",
    "no-input": "made of nothing that was reported",
    "not-judged": "custody has not judged it yet",
}
"""Why a chain is broken at a lot, in words."""

_HOWS: Final = {"imported": "import", "taken_in": "scrap", "opening": "opening inventory"}

_UNITS_A_PPM: Final = WHOLE // 1_000_000


def shown(trace: "Trace") -> tuple[Traced, ...]:
    """The lots that a terminal shows, level by level."""
    broken = {each.lot for each, _ in trace.breaks}
    wanted = sorted(trace.lots[1:], key=lambda each: (each.lot not in broken, -(each.units or 0), each.level, each.lot))
    kept = {trace.lot, *(each.lot for each in wanted[:LOTS_SHOWN])}
    return tuple(each for each in trace.lots if each.lot in kept)


def documented(trace: "Trace") -> set[str]:
    """The lots whose papers the terminal needs: those shown, and upwards every end."""
    return {each.lot for each in shown(trace)} | {each.lot for each in trace.lots if each.ends and not trace.down}


def screen(trace: "Trace", papers: Mapping[str, "Papers"]) -> RenderableType:
    """What it comes to, where it is broken, lot by lot; legible at 80 columns."""
    parts: list[RenderableType] = [_head(trace)]
    if len(trace.lots) > 1 or trace.breaks:
        parts += [_lots(trace, papers), _ends(trace, papers)]
        if hidden := len(trace.lots) - len(shown(trace)):
            parts.append(Text(f"{_lots_of(hidden)} more: --json and --dot have them all.", style="dim"))
    if trace.unfollowed:
        parts.append(Text(
            f"NOT COMPLETE: {_lots_of(len(trace.unfollowed))} lead{'s' * (len(trace.unfollowed) == 1)} further than a"
            f" trace goes, and shares end there. Trace such a lot by itself ({min(trace.unfollowed)}), or ask for more"
            " --levels.",
            style="bold yellow",
        ))  # fmt: skip
    return Group(*parts)


def document(trace: "Trace", papers: Mapping[str, "Papers"]) -> dict[str, Any]:
    """The same for a program, of every lot. Shares are decimals of twelve places; `ends` add to exactly 1."""
    links = [
        (at, further, net_g) if trace.down else (further, at, net_g)
        for at, ahead in trace.passes.items()
        for further, net_g in ahead.items()
    ]
    return {
        "lot": trace.lot,
        "direction": "down" if trace.down else "up",
        "complete": not trace.unfollowed,
        "broken": [{"lot": each.lot, "why": why} for each, why in trace.breaks],
        "lots": [_entry(trace, each, papers) for each in trace.lots],
        "links": [{"from": lot, "to": into, "net_g": net_g} for lot, into, net_g in sorted(links)],
    }


def dot(trace: "Trace") -> str:
    """The same as a graph, material flowing from left to right."""
    lines = ["digraph trace {", "  rankdir=LR; node [shape=box, fontname=sans];"]
    for each in trace.lots:
        why = trace.broken(each)
        label = [each.lot, *_what(trace, each), f"{_percent(each.units)} %", *([f"BROKEN: {WHYS[why]}"] if why else ())]
        colour = ", color=red" if why else ", penwidth=2" if each.lot == trace.lot else ""
        lines.append(f"  {_quoted(each.lot)} [label={_quoted(*label)}{colour}];")
    for at, ahead in sorted(trace.passes.items()):
        for further, net_g in sorted(ahead.items()):
            ends = (at, further) if trace.down else (further, at)
            lines.append(f"  {_quoted(ends[0])} -> {_quoted(ends[1])} [label={_quoted(f'{kilograms(net_g)} kg')}];")
    return "\n".join([*lines, "}"])


def kilograms(mass_g: int) -> str:
    """A mass for a narrow column: thousands apart, no more decimals than it has."""
    whole, rest = divmod(mass_g, 1000)
    return f"{whole:,}" + f".{rest:03d}".rstrip("0").rstrip(".")


def _head(trace: "Trace") -> Text:
    root, levels = trace.lots[0], trace.lots[-1].level
    what = ", ".join(_what(trace, root))
    text = Text.assemble((trace.lot, "bold"), f"  {what}" if what else "", "\n")
    others = len(trace.lots) - 1
    if not others:
        text.append("Went into no other lot.\n" if trace.down else "Was made of no other lot.\n")
    else:
        verb = "Went into" if trace.down else "Comes from"
        text.append(f"{verb} {_lots_of(others)}, over {levels} level{'s' * (levels > 1)}.\n")
    if trace.down and others:
        text.append("Share: how much of the lot went there. Part: how much of what is there is of the lot.\n", "dim")
    if trace.breaks:
        mass = "" if trace.down else f", {_percent(sum(each.ends for each, _ in trace.breaks))} % of its mass"
        text.append(f"The chain is BROKEN at {_lots_of(len(trace.breaks))}{mass}.", style="bold red")
    elif trace.down:
        state = trace.states.get(trace.lot)
        if state is not None and state.broken:
            text.append("Its own chain is BROKEN further up: trace it up.", style="bold red")
    elif not trace.unfollowed:
        text.append("The chain is not broken.", style="green")
    text.rstrip()
    return text


def _lots_of(number: int) -> str:
    return f"{number:,} lot{'' if number == 1 else 's'}"


def _what(trace: "Trace", traced: Traced) -> tuple[str, ...]:
    state = trace.states.get(traced.lot)
    if state is None or not state.net_g:
        return ()
    by = () if traced.lot.startswith(f"{state.plant}/") else (f"made by {state.plant}",)
    return (state.product or "product unknown", f"{kilograms(state.net_g)} kg", *by)


def _lots(trace: "Trace", papers: Mapping[str, "Papers"]) -> RenderableType:
    table = plain_table(None)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("share %", justify="right", no_wrap=True)
    if trace.down:
        table.add_column("part %", justify="right", no_wrap=True)
    table.add_column("lot", overflow="fold", ratio=2)
    table.add_column("kg", justify="right", no_wrap=True)
    table.add_column("what, and its papers", overflow="fold", ratio=3)
    for each in shown(trace):
        state = trace.states.get(each.lot)
        came = [_percent(trace.came.get(each.lot))] if trace.down else []
        mass = kilograms(state.net_g) if state is not None and state.net_g else "-"
        told = Text("\n").join(_told(trace, each, papers))
        table.add_row(f"{each.level}", _percent(each.units), *came, Text(each.lot), mass, told)
    return table


def _told(trace: "Trace", traced: Traced, papers: Mapping[str, "Papers"]) -> Iterator[Text]:
    state, found = trace.states.get(traced.lot), papers.get(traced.lot)
    how = _how(traced.lot, papers) if traced.ends and not trace.down else None
    product = state.product if state is not None else None
    by = None if state is None or traced.lot.startswith(f"{state.plant}/") else f"made by {state.plant}"
    if said := ", ".join(part for part in (product, how, by) if part):
        yield Text(said)
    for made in found.made if found else ():
        if made.paper is not None:
            yield Text(made.paper, style="cyan")
    for carried in found.carried if found else ():
        state_of = "" if carried.state == "received" else f", {carried.state}"
        yield Text(f"{carried.waybill} to {carried.consignee}{state_of}", style="dim")
    if (why := trace.broken(traced)) is not None:
        yield Text(f"BROKEN: {WHYS[why]}", style="bold red")
    if traced.lot in trace.unfollowed:
        yield Text("not followed further", style="yellow")


def _how(lot: str, papers: Mapping[str, "Papers"]) -> str | None:
    """How a lot came to be that was made of no other."""
    found = papers.get(lot)
    if found is None or not found.made:
        return None
    made = found.made[0]
    return _HOWS.get(made.kind, made.step or made.kind)


def _ends(trace: "Trace", papers: Mapping[str, "Papers"]) -> RenderableType:
    """Summed by plant: where it all comes from, or where it is; the percentages add to 100."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in trace.lots:
        if each.ends:
            total = sums[_end(trace, each, papers)]
            total[0] += each.ends
            total[1] += 1
    table = plain_table(Text("Where it ends up" if trace.down else "Where it comes from", style="bold"))
    table.add_column("share %", justify="right", no_wrap=True)
    table.add_column("lots", justify="right", no_wrap=True)
    table.add_column("plant", overflow="fold")
    table.add_column("as" if trace.down else "by", overflow="fold")
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    for (plant, end), (units, lots) in ordered[:LOTS_SHOWN]:
        style = "red" if end.startswith("BROKEN") else ""
        table.add_row(_percent(units), f"{lots:,}", Text(plant), Text(end, style=style))
    if rest := ordered[LOTS_SHOWN:]:
        units, lots = (sum(total[n] for _, total in rest) for n in (0, 1))
        table.add_row(_percent(units), f"{lots:,}", f"{len(rest):,} further", "")
    return table


def _end(trace: "Trace", traced: Traced, papers: Mapping[str, "Papers"]) -> tuple[str, str]:
    state = trace.states.get(traced.lot)
    plant = state.plant if state is not None else traced.lot.partition("/")[0]
    if traced.lot in trace.unfollowed:
        return plant, "not followed further"
    if trace.down:
        return plant, (state.product if state is not None else None) or "product unknown"
    if (why := trace.broken(traced)) is not None:
        return plant, f"BROKEN: {WHYS[why]}"
    return plant, _how(traced.lot, papers) or ""


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
        "made": [made._asdict() for made in found.made] if found else [],
        "shipments": [carried._asdict() for carried in found.carried] if found else [],
    }


def _percent(units: int | None) -> str:
    return "?" if units is None else percent(divide_half_even(units, _UNITS_A_PPM))


def _decimal(units: int | None) -> str | None:
    return None if units is None else f"{units // WHOLE}.{units % WHOLE:012d}"


def _quoted(*lines: str) -> str:
    said = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(said) + '"'
