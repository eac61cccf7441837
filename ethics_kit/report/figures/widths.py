"""How wide words are, from the widths of their characters: no text is shaped just to be measured."""

from __future__ import annotations

from functools import cache

FONT, SIZE = "DejaVu Sans", 9.0
"""The drawings' usual font, and its size in points."""
LINE, NEXT_LINE = 9.0, 10.8
"""Points: the height of one line of words, and what each further line adds."""


def size(words: str) -> tuple[float, float]:
    """Width and height in points of words in the usual font."""
    lines = words.split("\n")
    return SIZE * max(map(width, lines)), LINE + NEXT_LINE * (len(lines) - 1)


def width(line: str, *, bold: bool = False) -> float:
    """A line's width as a multiple of the font's size."""
    return sum(_width(character, bold) for character in line)


@cache
def _width(character: str, bold: bool) -> float:
    """A character the font lacks is as wide as high: the reader's own fonts draw it."""
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.ft2font import LoadFlags

    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))
    if not font.get_char_index(ord(character)):
        return 1.0
    return font.load_char(ord(character), flags=LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
