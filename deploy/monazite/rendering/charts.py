"""The report's charts: caps as bars, what each part made, and the month's flows."""

from collections.abc import Sequence
from typing import Final

from monazite.rendering.drawing import SMALL, TEXT, WIDTH, box, fitted, rule, svg, text
from monazite.rendering.figures import whole_tonnes
from monazite.rendering.headline import ACTIVITIES, outermost
from monazite.rendering.naming import cap_kind
from monazite_contracts.report_lines import CapLine, PartLine
from monazite_contracts.reports import TraceabilityReport

CAPS_MAX: Final = 18
PARTS_MAX: Final = 14
ROW: Final = 460
LEFT: Final = 3_300
BAR: Final = 4_100
"""Where bars begin, and how long the longest is."""
BAR_HEIGHT: Final = 200
SMALL_INK: Final = ("ink", SMALL)
SMALL_FAINT: Final = ("faint", SMALL)


def caps(report: TraceabilityReport) -> str | None:
    """Granted, drawn and projected of each cap, in percent of what was granted; none where there are no caps."""
    lines = sorted(outermost(report), key=lambda c: (c.kind, -(c.granted_g or 0), c.holder))
    if not lines:
        return None
    shown = lines[:CAPS_MAX]
    reach = _reach(shown)
    parts = _axis(reach, len(shown))
    for n, line in enumerate(shown):
        parts += _cap_row(line, 560 + n * ROW, reach)
    height = 560 + len(shown) * ROW
    if len(lines) > len(shown):
        parts.append(text(0, height + 40, f"and {len(lines) - len(shown)} more in the table", looks=SMALL_FAINT))
    return svg("Caps: drawn and projected in percent of granted", height + 100, parts)


def _percent(mass_g: int, granted_g: int) -> int:
    return mass_g * 100 // granted_g if granted_g > 0 else 999 if mass_g > 0 else 0


def _reach(lines: Sequence[CapLine]) -> int:
    """The percentage at the end of the axis: enough for all, at most 200."""
    granted = [(line, line.granted_g) for line in lines if line.granted_g]
    most = max((max(_percent(c.drawn_g, g), _percent(c.projected_g, g)) for c, g in granted), default=100)
    return min(200, max(100, -(-most // 25) * 25))


def _axis(reach: int, rows: int) -> list[str]:
    parts = [
        box("drawn", LEFT, 60, (240, 130)), text(LEFT + 300, 180, "drawn", looks=SMALL_INK),
        box("over", LEFT + 900, 60, (240, 130)), *_hatching(LEFT + 900, LEFT + 1_140, 60, 130),
        text(LEFT + 1_200, 180, "drawn beyond the grant", looks=SMALL_INK),
        rule(LEFT + 2_800, 125, LEFT + 3_040, 125, "dash"),
        text(LEFT + 3_100, 180, "projected at year end", looks=SMALL_INK),
    ]  # fmt: skip
    for tick in range(0, reach + 1, 25):
        x = LEFT + BAR * tick // reach
        parts.append(rule(x, 480, x, 540 + rows * ROW))
        parts.append(text(x, 420, f"{tick} %", "middle", SMALL_FAINT))
    return parts


def _hatching(start: int, end: int, y: int, height: int) -> list[str]:
    """Slanted lines, so that the part is told apart without colour."""
    return [
        rule(x, y + height, min(x + height, end), y + max(0, height - (end - x)), "hatch")
        for x in range(start, end, 90)
    ]


def _cap_row(line: CapLine, y: int, reach: int) -> list[str]:
    parts = [
        text(0, y + 130, fitted(line.name, LEFT - 150)),
        text(0, y + 310, fitted(cap_kind(line.kind), LEFT - 150, SMALL), looks=SMALL_FAINT),
    ]
    if line.granted_g is None:
        said = f"not yet issued; {whole_tonnes(line.drawn_g)} t drawn"
        return [*parts, text(LEFT + 60, y + 150, said, looks=SMALL_INK)]
    drawn, projected = _percent(line.drawn_g, line.granted_g), _percent(line.projected_g, line.granted_g)
    ends = [LEFT + BAR * min(percent, reach) // reach for percent in (100, drawn, projected)]
    full, at, then = ends
    parts += [
        box("granted", LEFT, y, (full - LEFT, BAR_HEIGHT)),
        box("drawn", LEFT, y, (min(at, full) - LEFT, BAR_HEIGHT)),
    ]
    if at > full:
        parts += [box("over", full, y, (at - full, BAR_HEIGHT)), *_hatching(full, at, y, BAR_HEIGHT)]
    if then > at:
        middle = y + BAR_HEIGHT // 2
        parts += [rule(at, middle, then, middle, "dash"), box("projected", then - 12, y - 30, (24, BAR_HEIGHT + 60))]
    beyond = " »" if max(drawn, projected) > reach else ""
    figures = f"{whole_tonnes(line.drawn_g)} of {whole_tonnes(line.granted_g)} t"
    tail = f"{drawn if drawn < 999 else '>999'} %, projected {projected if projected < 999 else '>999'} %{beyond}"
    left = LEFT + BAR + 130
    return [*parts, text(left, y + 110, figures, looks=SMALL_INK), text(left, y + 280, tail, looks=SMALL_FAINT)]


def parts(report: TraceabilityReport) -> str | None:
    """What each province (of a nation) or enterprise (of a province) made, one column an activity, one scale."""
    level = "province" if any(part.level == "province" for part in report.parts) else "enterprise"
    lines = sorted((p for p in report.parts if p.level == level), key=lambda p: (-sum(_made(p)), p.code))
    if not lines:
        return None
    shown = lines[:PARTS_MAX]
    most = max((mass_g for line in shown for mass_g in _made(line)), default=0) or 1
    room, left = 1_850, 2_600
    drawn = [text(left + n * room, 150, word, looks=("ink", TEXT)) for n, word in enumerate(ACTIVITIES)]
    for n, line in enumerate(shown):
        y = 260 + n * 330
        drawn += [rule(0, y - 60, WIDTH, y - 60), text(0, y + 150, fitted(line.name, left - 150))]
        for at, mass_g in enumerate(_made(line)):
            x = left + at * room
            drawn.append(box(f"c{at}", x, y + 20, (900 * max(mass_g, 0) // most, 170)))
            drawn.append(
                text(x + 900 * max(mass_g, 0) // most + 50, y + 150, f"{whole_tonnes(mass_g)} t", looks=SMALL_INK)
            )
    height = 260 + len(shown) * 330
    if len(lines) > len(shown):
        drawn.append(text(0, height + 60, f"and {len(lines) - len(shown)} more in the table", looks=SMALL_FAINT))
    return svg(f"What each {level} made, t REO", height + 120, drawn)


def _made(part: PartLine) -> tuple[int, ...]:
    return (part.mined_reo_g, part.separated_reo_g, part.smelted_reo_g, part.recovered_reo_g)
