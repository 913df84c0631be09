"""The font that is embedded, and what it has no letter for: shown by its code point instead of an empty box."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pylopdf_fonts_zh_cn
from fontTools.ttLib import TTFont

FAMILY: Final = "Noto Sans SC"
ZERO_WIDTH: Final = "\N{ZERO WIDTH SPACE}"
_UNBROKEN: Final = re.compile(r"[!-~]{13,}")
_PIECE: Final = 6


def folder() -> Path:
    """Where the font lies."""
    return Path(pylopdf_fonts_zh_cn.sans_path()).parent


@cache
def covered() -> frozenset[int]:
    """The code points that the font has letters for."""
    with TTFont(pylopdf_fonts_zh_cn.sans_path(), lazy=True) as font:
        return frozenset(font.getBestCmap())


def lettered(text: str) -> str:
    """The text with `[U+20BB7]` for each letter that the font lacks: a name that looks whole is whole."""
    lacking = {ord(letter) for letter in set(text)} - covered() - {ord(ZERO_WIDTH), ord("\n")}
    return text.translate({point: f"[U+{point:04X}]" for point in lacking}) if lacking else text


def breakable(text: str) -> str:
    """Long codes may be broken every few letters: a table never grows over the page's edge."""
    return _UNBROKEN.sub(lambda run: ZERO_WIDTH.join(_pieces(run.group())), text)


def _pieces(run: str) -> list[str]:
    return [run[at : at + _PIECE] for at in range(0, len(run), _PIECE)]
