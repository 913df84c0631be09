"""The month's flows as a Sankey diagram: where each product's oxide came from, and where it went."""

from dataclasses import dataclass
from typing import Final

from monazite.rendering.drawing import SMALL, across, box, fitted, svg, text
from monazite.rendering.figures import whole_tonnes
from monazite.rendering.naming import product
from monazite.rendering.topics import flow_masses
from monazite_contracts.quantities import GRAMS_PER_TONNE
from monazite_contracts.reports import TraceabilityReport

PRODUCTS_MAX: Final = 7
SOURCES: Final = ("opening stock", "received", "made", "missing")
SINKS: Final = ("used", "shipped", "lost", "closing stock", "missing before")
SHORTS: Final = frozenset({"missing", "missing before"})
"""What is below zero, on the other side: more left than came, in the month or before it. Drawn where there is any."""
ROUNDING_G: Final = GRAMS_PER_TONNE // 1_000
"""REO is rounded line by line, so that a stock of nothing can be some grams off; less than this is not drawn."""
HEIGHT: Final = 3_600
"""Of all the mass together, without the gaps."""
GAP: Final = 300
MISSING: Final = "Missing: more left than came, so that a stock is below zero; the table says of which product."
NODE: Final = 160
COLUMNS: Final = (1_500, 4_600, 8_050)
"""Where the nodes of sources, products and sinks begin."""


@dataclass(frozen=True, slots=True)
class Through:
    """A product's month."""

    name: str
    sources: tuple[int, ...]
    sinks: tuple[int, ...]

    @property
    def mass_g(self) -> int:
        """The taller side."""
        return max(sum(self.sources), sum(self.sinks))


def flows(report: TraceabilityReport) -> str | None:
    """The diagram; none where nothing moved. Both sides add up: what is below zero is missing on the other."""
    through = _through(report)
    most = sum(line.mass_g for line in through)
    if not most:
        return None
    tallest = max(len(through), len(SINKS))
    tops = {"left": 200, "right": 200}
    parts: list[str] = []
    ports = _side_ports(through, tops, most, parts)
    y, labels = 200, list[str]()
    for n, line in enumerate(through):
        parts += _product(line, (n, y, most), ports)
        labels += _label(line, y)
        y += _tall(line.mass_g, most) + GAP
    height = 200 + HEIGHT + tallest * GAP
    if not SHORTS.isdisjoint(ports):
        labels.append(text(0, height + 100, MISSING, looks=("faint", SMALL)))
        height += 200
    return svg("Flows of the month, t REO", height, [*parts, *labels])


def _tall(mass_g: int, most: int) -> int:
    return HEIGHT * mass_g // most


def _through(report: TraceabilityReport) -> list[Through]:
    sums: dict[str, tuple[int, ...]] = {}
    for line in report.flows:
        if line.unit == "reo":
            before = sums.get(line.product, (0,) * 7)
            sums[line.product] = tuple(a + b for a, b in zip(before, flow_masses(line), strict=True))
    found = [_product_through(code, masses) for code, masses in sums.items()]
    found.sort(key=lambda line: (-line.mass_g, line.name))
    found = [line for line in found if line.mass_g]
    if len(found) <= PRODUCTS_MAX + 1:
        return found
    rest = found[PRODUCTS_MAX:]
    sources = tuple(map(sum, zip(*(line.sources for line in rest), strict=True)))
    sinks = tuple(map(sum, zip(*(line.sinks for line in rest), strict=True)))
    return [*found[:PRODUCTS_MAX], Through(f"{len(rest)} other products", sources, sinks)]


def _product_through(code: str, masses: tuple[int, ...]) -> Through:
    came, went = masses[: len(SOURCES) - 1], masses[len(SOURCES) - 1 :]
    return Through(product(code).name or code, (*_there(came), _short(went)), (*_there(went), _short(came)))


def _there(masses: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(0, mass_g) for mass_g in masses)


def _short(masses: tuple[int, ...]) -> int:
    short_g = sum(-mass_g for mass_g in masses if mass_g < 0)
    return short_g if short_g >= ROUNDING_G else 0


def _side_ports(through: list[Through], tops: dict[str, int], most: int, parts: list[str]) -> dict[str, int]:
    """Draws the nodes on both sides; says where the next band of each begins."""
    ports: dict[str, int] = {}
    for side, words in (("left", SOURCES), ("right", SINKS)):
        for at, word in enumerate(words):
            mass_g = sum((line.sources if side == "left" else line.sinks)[at] for line in through)
            if word in SHORTS and not mass_g:
                continue
            height, y = max(_tall(mass_g, most), 8), tops[side]
            x = COLUMNS[0] if side == "left" else COLUMNS[2]
            parts.append(box("faint", x, y, (NODE, height)))
            outside = (x - 60, "end") if side == "left" else (x + NODE + 60, "start")
            middle = y + height // 2
            parts.append(text(outside[0], middle, word, outside[1]))
            parts.append(text(outside[0], middle + 160, _amount(mass_g), outside[1], ("faint", SMALL)))
            ports[word] = y
            tops[side] = y + height + GAP
    return ports


def _amount(mass_g: int) -> str:
    return "under 1 t" if 0 < mass_g < GRAMS_PER_TONNE else f"{whole_tonnes(mass_g)} t"


def _product(line: Through, place: tuple[int, int, int], ports: dict[str, int]) -> list[str]:
    n, y, most = place
    colour = f"c{n}"
    parts, at = [], y
    for word, mass_g in zip(SOURCES, line.sources, strict=True):
        height = _tall(mass_g, most)
        if word in ports:
            parts.append(_band(colour, (COLUMNS[0] + NODE, ports[word]), (COLUMNS[1], at), height))
            ports[word], at = ports[word] + height, at + height
    at = y
    for word, mass_g in zip(SINKS, line.sinks, strict=True):
        height = _tall(mass_g, most)
        if word in ports:
            parts.append(_band(colour, (COLUMNS[1] + NODE, at), (COLUMNS[2], ports[word]), height))
            ports[word], at = ports[word] + height, at + height
    height = max(_tall(line.mass_g, most), 8)
    parts.append(box(colour, COLUMNS[1], y, (NODE, height)))
    return parts


def _label(line: Through, y: int) -> list[str]:
    """Above the product's node, on a veil over every band."""
    said = f"{fitted(line.name, COLUMNS[2] - COLUMNS[1] - 600, SMALL)}, {whole_tonnes(line.mass_g)} t"
    middle, wide = COLUMNS[1] + NODE // 2, across(said, SMALL) + 80
    veil = box("veil", middle - wide // 2, y - 60 - SMALL, (wide, SMALL + 45))
    return [veil, text(middle, y - 60, said, "middle", ("ink", SMALL))]


def _band(colour: str, start: tuple[int, int], end: tuple[int, int], height: int) -> str:
    """A band of one height that leaves and arrives level; a hair where there is less than a hair."""
    if height <= 0:
        return ""
    (x, y), (to_x, to_y), middle = start, end, (start[0] + end[0]) // 2
    return (
        f'<path class="{colour} link" d="M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}'
        f'V{to_y + height}C{middle} {to_y + height} {middle} {y + height} {x} {y + height}Z"/>'
    )
