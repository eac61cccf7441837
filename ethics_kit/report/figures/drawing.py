"""What all figures share: an SVG with the sentence it shows, drawn the same on every run."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ethics_kit.report.figures.lean import lean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, GREY, BLUE, RED, AMBER, GREEN = "#1a1a1a", "#6b6b6b", "#1f5fa8", "#b3261e", "#9a5b00", "#1e7145"
"""Each at least 3:1 on white."""

SERIES = ((BLUE, "o"), (RED, "s"), (GREEN, "^"), (AMBER, "D"), (GREY, "v"))
"""Colour and marker of each series: told apart without colour, too."""

VERDICT_COLOURS = {"disparity": RED, "inconclusive": AMBER, "equivalent": GREEN, "not_estimable": GREY}

MOST_ROWS = 40


@dataclass(frozen=True)
class Figure:
    """An SVG image with the sentence it shows."""

    svg: bytes
    caption: str
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return (
            {"image/svg+xml": self.svg.decode(), "text/plain": self.alt},
            {"image/svg+xml": {"alt": self.alt, "caption": self.caption}},
        )


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    canvas, (axes,) = _panels(width, height, 1, 1)
    return canvas, axes


def _panels(width: float, height: float, rows: int, columns: int) -> tuple[Canvas, list[Axes]]:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "ethics-kit",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 9,
        }
    )
    canvas = Canvas(figsize=(width, height))
    panels = canvas.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return canvas, panels


def _finish(canvas: Canvas, caption: str, alt: str) -> Figure:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    for axes in canvas.axes:
        axes.patch.set_visible(False)
    canvas.patch.set_visible(False)  # the drawing as a whole has a white ground
    FigureCanvasSVG(canvas)  # whose fonts' widths the layout asks for
    canvas.dpi = 72  # an SVG's
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's own fonts draw the text
        ConstrainedLayoutEngine().execute(canvas)  # by hand: savefig would draw everything twice
        canvas.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Figure(lean(target.getvalue().decode()).encode(), caption, alt)


def _spread(heights: Sequence[float], least: float) -> list[float]:
    """Heights for names beside `heights`, in their order: those that would lie on each other move up."""
    placed = [0.0] * len(heights)
    at = -math.inf
    for place in sorted(range(len(heights)), key=heights.__getitem__):
        at = placed[place] = max(heights[place], at + least)
    return placed


def _plain(text: str, limit: int = 40) -> str:
    """Untrusted text for a label: no mathematics, no control characters, bounded."""
    clean = "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _rectangle(x: float, y: float, width: float, height: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **style)
