"""What all figures share: an SVG with the sentence it shows, drawn the same on every run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ethics_kit.report.figures.lean import lean
from ethics_kit.report.figures.widths import FONT, SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
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


def _panels(
    width: float, height: float, rows: int, columns: int, heights: Sequence[float] | None = None
) -> tuple[Canvas, list[Axes]]:
    """A drawing, with its panels row by row; `heights` are the rows' shares of its height."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    matplotlib.rcParams.update(
        {
            "axes.formatter.limits": (-9, 15),  # the words at an axis are whole numbers
            "axes.formatter.useoffset": False,
            "axes.titley": 1.0,  # else each title is measured against the words at the axes
            "svg.fonttype": "none",
            "svg.hashsalt": "ethics-kit",
            "font.family": "sans-serif",
            "font.sans-serif": [FONT],
            "font.size": SIZE,
        }
    )
    canvas = Canvas(figsize=(width, height), dpi=72)  # an SVG's
    panels = canvas.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel().tolist()
    canvas.patch.set_visible(False)  # the drawing as a whole has a white ground
    for axes in panels:
        axes.patch.set_visible(False)
        axes.spines[["top", "right"]].set_visible(False)
    return canvas, panels


def _named(axis: Axis, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Marks with `names` at `places`, or one at each whole number from 0."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis.set_major_locator(FixedLocator(range(len(names)) if places is None else places))
    axis.set_major_formatter(FixedFormatter(names))


def _finish(canvas: Canvas, caption: str, alt: str) -> Figure:
    from ethics_kit.report.figures.renderer import drawn

    return Figure(lean(drawn(canvas)).encode(), caption, alt)


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
