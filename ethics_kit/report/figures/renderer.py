"""matplotlib's SVG renderer, which knows how wide a text is from the widths of its characters."""

from __future__ import annotations

from functools import cache

from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

FONT, SIZE = "DejaVu Sans", 9.0
"""The drawings' usual font, and its size in points."""
LINE, NEXT_LINE = 9.0, 10.8
"""Points: the height of one line of words, and what each further line adds."""
CAPITALS = 0.73
"""The height of a capital, as a part of the font's size."""


class Renderer(RendererSVG):
    """Widths without the shaping of every text, most of which stand in a drawing once; the reader's own font draws."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | str
    ) -> tuple[float, float, float]:
        size = prop.get_size_in_points()
        bold = prop.get_weight() == "bold"
        return size * sum(_width(character, bold) for character in s), size * CAPITALS, 0.0

    def size(self, words: str) -> tuple[float, float]:
        """Width and height of `words` in the drawings' usual font."""
        lines = words.split("\n")
        return SIZE * max(sum(_width(character, False) for character in line) for line in lines), LINE + NEXT_LINE * (
            len(lines) - 1
        )


@cache
def _width(character: str, bold: bool) -> float:
    """A character's width as a part of the font's size: the whole where the reader's own font has to help out."""
    font = get_font(findfont(FontProperties(FONT, weight="bold" if bold else "normal")))
    if not font.get_char_index(ord(character)):
        return 1.0
    return font.load_char(ord(character), flags=LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
