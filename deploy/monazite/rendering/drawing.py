"""Vector drawings as SVG in whole units, so that the same masses give the same bytes; colours are the page's."""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Final
from unicodedata import east_asian_width

from monazite.rendering.figures import seen

WIDTH: Final = 10_000
"""Units across: about 1/60 mm on paper."""
TEXT: Final = 150
SMALL: Final = 125

PAPER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paper": "#ffffff",
        "ink": "#1a1a1a",
        "faint": "#595959",
        "line": "#b3b3b3",
        "granted": "#e8e8e8",
        "drawn": "#0072b2",
        "over": "#d55e00",
        "projected": "#1a1a1a",
        "c0": "#0072b2",
        "c1": "#e69f00",
        "c2": "#009e73",
        "c3": "#cc79a7",
        "c4": "#56b4e9",
        "c5": "#d55e00",
        "c6": "#8f8500",
        "c7": "#7f7f7f",
    }
)
"""Okabe and Ito's colours, which people tell apart who do not tell red from green; the yellow is darkened for paper."""


def style(colours: Mapping[str, str]) -> str:
    """The rules for drawings in these colours."""
    fills = "".join(f".{name}{{fill:{colour}}}" for name, colour in colours.items())
    return (
        f"{fills}.veil{{fill:{colours['paper']};fill-opacity:.8}}"
        f".rule{{stroke:{colours['line']};stroke-width:8}}.link{{fill-opacity:.5}}"
        f".hatch{{stroke:{colours['ink']};stroke-width:14;fill:none}}"
        f".dash{{stroke:{colours['projected']};stroke-width:16;stroke-dasharray:40 28;fill:none}}"
    )


def svg(title: str, height: int, parts: Sequence[str]) -> str:
    """A drawing with its title for who cannot see it; without a style, which is the page's."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" class="chart" '
        f'font-family="Noto Sans SC, sans-serif"><title>{written(title)}</title>{"".join(parts)}</svg>'
    )


def styled(drawing: str, colours: Mapping[str, str]) -> str:
    """The drawing as a file of its own."""
    return drawing.replace("<title>", f"<style>{style(colours)}</style><title>", 1)


def written(text: str) -> str:
    """Text inside a drawing or a page: never markup."""
    return escape(seen(text))


def box(name: str, x: int, y: int, size: tuple[int, int]) -> str:
    """A filled rectangle."""
    return f'<rect class="{name}" x="{x}" y="{y}" width="{max(size[0], 0)}" height="{max(size[1], 0)}"/>'


def text(x: int, y: int, what: str, anchor: str = "start", looks: tuple[str, int] = ("ink", TEXT)) -> str:
    """A line of text whose baseline is `y`."""
    name, size = looks
    return f'<text class="{name}" x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">{written(what)}</text>'


def rule(x: int, y: int, to_x: int, to_y: int, name: str = "rule") -> str:
    """A straight line."""
    return f'<path class="{name}" d="M{x} {y}L{to_x} {to_y}"/>'


def across(what: str, size: int = TEXT) -> int:
    """About how wide a text is set; Chinese letters are square, others a little over half."""
    return sum(size if east_asian_width(letter) in {"W", "F", "A"} else max(1, size * 54 // 100) for letter in what)


def fitted(what: str, width: int, size: int = TEXT) -> str:
    """The text, cut with an ellipsis where it would be wider."""
    room, kept = width * 100, list[str]()
    for letter in what:
        room -= size * (100 if east_asian_width(letter) in {"W", "F", "A"} else 90 if letter in "MWmw@%" else 60)
        if room < size * 100:
            return "".join(kept) + "…"
        kept.append(letter)
    return what
