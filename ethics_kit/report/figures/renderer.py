"""From a drawing to matplotlib's SVG, with the project's layout and widths of words."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.backends.backend_svg import RendererSVG

from ethics_kit.report.figures.layout import lay_out
from ethics_kit.report.figures.widths import width

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas
    from matplotlib.font_manager import FontProperties

CAPITALS = 0.73
"""The height of a capital, as a part of the font's size."""
UNSAID = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def drawn(canvas: Canvas) -> str:
    """`canvas`, laid out, as matplotlib writes it."""
    target = io.StringIO()
    renderer = Renderer(*canvas.bbox.size, target, metadata=UNSAID)  # type: ignore[no-untyped-call]
    lay_out(canvas, renderer)
    canvas.draw(renderer)
    renderer.finalize()  # type: ignore[no-untyped-call]
    return target.getvalue()


class Renderer(RendererSVG):
    """Does not shape each text to measure it, which took a sixth of a drawing's time: the reader's font draws it."""

    def get_text_width_height_descent(
        self,
        s: str,
        prop: FontProperties,
        ismath: bool | str,  # noqa: ARG002 - matplotlib's signature; no text of ours is mathematics
    ) -> tuple[float, float, float]:
        points = prop.get_size_in_points()
        return points * width(s, bold=prop.get_weight() == "bold"), points * CAPITALS, 0.0
