"""A trace on a terminal: what it comes to, where it is broken, lot by lot, and where it ends; legible at 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from monazite.commands.trace_ends import ends_table, whereabouts_table
from monazite.commands.trace_words import WHYS, how_made, percentage
from monazite.tables import plain_table
from monazite.terminal_figures import counted, kilograms
from monazite_consumers.rules.tracing import Traced
from monazite_contracts.months import day_of

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.rules.whereabouts import Stay
    from monazite_consumers.tracing.chain import Trace
    from monazite_consumers.tracing.papers import Carried, Papers

LOTS_SHOWN: Final = 25
"""On a terminal: where the chain is broken first, then the largest shares."""

SHIPMENTS_SHOWN: Final = 3
"""Of each lot."""


def shown(trace: "Trace") -> tuple[Traced, ...]:
    """The lots that a terminal shows, level by level."""
    broken = {each.lot for each, _ in trace.breaks}
    wanted = sorted(trace.lots[1:], key=lambda each: (each.lot not in broken, -(each.units or 0), each.level, each.lot))
    kept = {trace.subject.name, *(each.lot for each in wanted[:LOTS_SHOWN])}
    return tuple(each for each in trace.lots[trace.subject.plant is not None :] if each.lot in kept)


def documented(trace: "Trace") -> set[str]:
    """The lots whose papers the terminal needs: those shown, and upwards every end."""
    return {each.lot for each in shown(trace)} | {each.lot for each in trace.lots if each.ends and not trace.down}


def screen(
    trace: "Trace", papers: Mapping[str, "Papers"], stays: Sequence["Stay"], *, behind: bool = False
) -> RenderableType:
    """The lots, and last, where a terminal stands, what was asked for: the origins, or where everything is now."""
    parts: list[RenderableType] = [_head(trace), _lots(trace, papers)]
    if hidden := len(trace.names) - len(shown(trace)):
        parts.append(Text(f"{counted(hidden, 'lot')} more: --json and --dot have them all.", style="dim"))
    parts.append(whereabouts_table(trace, stays) if trace.down else ends_table(trace, papers))
    if further := len(trace.unfollowed):
        parts.append(Text(
            f"NOT COMPLETE: {counted(further, 'lot')} lead{'s' * (further == 1)} further than this trace goes,"
            f" and shares end there. Trace such a lot by itself: {min(trace.unfollowed)}.",
            style="bold yellow",
        ))  # fmt: skip
    if behind:
        parts.append(Text("Custody is still behind: what was received last may not be in here.", style="yellow"))
    return Group(*parts)


def _head(trace: "Trace") -> Text:
    subject, levels = trace.subject, trace.lots[-1].level
    text = Text(subject.name, style="bold")
    others = len(trace.lots) - 1
    if subject.plant is not None:
        text.append(": what it made, and where that went\n", "")
        text.append(f"{counted(others, 'lot')}, over {counted(levels, 'level')}.\n", "")
    elif not others:
        text.append("\nWent into no other lot.\n" if trace.down else "\nWas made of no other lot.\n", "")
    else:
        verb = "Went into" if trace.down else "Comes from"
        text.append(f"\n{verb} {counted(others, 'lot')}, over {counted(levels, 'level')}.\n", "")
    if trace.down and others:
        of = "it" if subject.plant is None else "the plant's"
        text.append(f"Share: how much of {of} went there. Part: how much of what is there is of {of}.\n", "dim")
    text.append_text(_verdict(trace))
    return text


def _verdict(trace: "Trace") -> Text:
    if trace.breaks:
        mass = "" if trace.down else f", {percentage(sum(each.ends for each, _ in trace.breaks))} % of its mass"
        return Text(f"The chain is BROKEN at {counted(len(trace.breaks), 'lot')}{mass}.", style="bold red")
    if trace.down:
        state = trace.states.get(trace.subject.name)
        if state is not None and state.broken:
            return Text("Its own chain is BROKEN further up: trace it up.", style="bold red")
        return Text("What lies above is not looked at: trace up for that.", style="dim")
    if trace.unfollowed:
        return Text("As far as it is followed, the chain is not broken.", style="yellow")
    return Text("The chain is not broken.", style="green")


def _lots(trace: "Trace", papers: Mapping[str, "Papers"]) -> RenderableType:
    table = plain_table(None)
    table.padding = (0, 1, 0, 0)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("share %", justify="right", no_wrap=True)
    if trace.down:
        table.add_column("part %", justify="right", no_wrap=True)
    table.add_column("lot, what it is, and its papers", overflow="fold")
    for each in shown(trace):
        came = [percentage(trace.came.get(each.lot))] if trace.down else []
        told = Text("\n").join([Text(each.lot, style="bold"), *_told(trace, each, papers)])
        table.add_row(f"{each.level}", percentage(each.units), *came, told)
    return table


def _told(trace: "Trace", traced: Traced, papers: Mapping[str, "Papers"]) -> Iterator[Text]:
    found = papers.get(traced.lot)
    if what := _what(trace, traced):
        yield Text(what)
    for made in found.made if found else ():
        by = "" if traced.lot.startswith(f"{made.plant}/") else f" at {made.plant}"
        paper = f": {made.paper}" if made.paper is not None else ""
        yield Text(f"{how_made(traced.lot, papers)} {day_of(made.at)}{by}, {made.enterprise or 'run by nobody'}{paper}")
    if found and len(found.made) > 1:
        yield Text(f"made by {len(found.made)} statements: see the alert lot-reused", style="yellow")
    carried = found.carried if found else ()
    for each in carried[:SHIPMENTS_SHOWN]:
        yield Text(_shipped(each), style="cyan")
    if len(carried) > SHIPMENTS_SHOWN:
        yield Text(f"and {len(carried) - SHIPMENTS_SHOWN:,} shipments more", style="cyan")
    if (why := trace.broken(traced)) is not None:
        yield Text(f"BROKEN: {WHYS[why]}", style="bold red")
    if traced.lot in trace.unfollowed:
        yield Text("not followed further", style="yellow")


def _what(trace: "Trace", traced: Traced) -> str:
    state = trace.states.get(traced.lot)
    if state is None or not state.net_g:
        return ""
    reo = "REO unknown" if state.reo_g is None else f"{kilograms(state.reo_g)} kg REO"
    return f"{state.product or 'product unknown'}, {kilograms(state.net_g)} kg, {reo}"


def _shipped(carried: "Carried") -> str:
    said = [f"{carried.waybill} to {carried.consignee}"]
    said += [carried.state] if carried.state != "received" else []
    said += [f"customs {carried.export_declaration}"] if carried.export_declaration else []
    said += [f"licence {carried.export_licence}"] if carried.export_licence else []
    said += [f"invoice {carried.invoice}"] if carried.invoice else []
    return ", ".join(said)
