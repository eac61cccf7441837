"""Where a drawing's panels lie, with the marks and the words at their axes.

matplotlib's own layout makes five objects of each mark and measures every word a dozen times; here each word is
measured once, and marks are one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ethics_kit.report.figures.widths import LINE, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure as Canvas
    from matplotlib.gridspec import SubplotSpec
    from matplotlib.text import Text

EDGE = 3.0
"""Points free around each panel with its words."""
MARK, GAP, LABEL_GAP, TITLE_GAP = 3.5, 3.5, 4.0, 6.0
"""Points: a mark's length, from it to its words, from there to the axis's label, from the panel to its title."""
ROUNDS = 3
"""How far words reach out of a panel depends on its size, and its size on how far they reach: it settles quickly."""
LEAST = 0.1
"""The part of the drawing that the panels keep beside the longest words."""
SLACK = 1e-6
"""A mark at the very end of an axis is seen, whatever was rounded."""

Array = npt.NDArray[np.float64]


class Margins(NamedTuple):
    """Points to the left of something, below it, to its right and above it."""

    left: float
    bottom: float
    right: float
    top: float


class Words(NamedTuple):
    """The place of some words as shares of their panel, and how far they reach from there."""

    x: float
    y: float
    reach: Margins


class Mark(NamedTuple):
    """The share of an axis at which a mark stands, its words, and their size in points along the axis and across."""

    at: float
    words: str
    along: float
    across: float


@dataclass
class Ruler:
    """The marks of an axis, their length and the axis's label."""

    marks: list[Mark]
    length: float
    label: str

    @property
    def depth(self) -> float:
        """Points from the panel to the far end of the marks' words."""
        return max((self.length + GAP + mark.across for mark in self.marks), default=0.0)

    @property
    def room(self) -> float:
        return self.depth + (LABEL_GAP + LINE if self.label else 0.0)


@dataclass
class Panel:
    """One panel of a drawing; `words` are those that are not at an axis."""

    axes: Axes
    spec: SubplotSpec
    words: list[Words]

    def margins(self) -> Margins:
        """The room that all its words need around it, at its present size."""
        wide, tall = self.axes.bbox.size
        across, upward = self.across(), self.upward()
        around = [
            Words(0, 0, Margins(upward.room, across.room, 0, 0)),
            *(Words(mark.at, 0, Margins(mark.along / 2, 0, mark.along / 2, 0)) for mark in across.marks),
            *(Words(0, mark.at, Margins(0, mark.along / 2, 0, mark.along / 2)) for mark in upward.marks),
            *self.words,
        ]
        return Margins(
            max(reach.left - x * wide for x, _, reach in around),
            max(reach.bottom - y * tall for _, y, reach in around),
            max(0.0, *(reach.right - (1 - x) * wide for x, _, reach in around)),
            max(0.0, *(reach.top - (1 - y) * tall for _, y, reach in around)),
        )

    def across(self) -> Ruler:
        """The marks below it."""
        return self._ruler(self.axes.xaxis, "bottom")

    def upward(self) -> Ruler:
        """The marks at its left."""
        return self._ruler(self.axes.yaxis, "left")

    def _ruler(self, axis: XAxis | YAxis, side: str) -> Ruler:
        """The marks that can be seen, as matplotlib chooses them for the panel's size."""
        look = axis.get_tick_params()
        if not (self.axes.axison and look.get(side, True)):
            return Ruler([], 0.0, axis.get_label_text())
        low, high = axis.get_view_interval()
        places = axis.get_majorticklocs()
        names = axis.get_major_formatter().format_ticks(list(places))
        shares = ((np.asarray(places) - low) / (high - low)).tolist()
        seen = [(at, name) for at, name in zip(shares, names, strict=True) if -SLACK <= at <= 1 + SLACK]
        marks = [Mark(at, name, *(size(name) if side == "bottom" else reversed(size(name)))) for at, name in seen]
        return Ruler(marks, float(look.get("length", MARK)), axis.get_label_text())

    def draw_axes(self) -> None:
        """Draw marks and words at the axes in place of matplotlib's."""
        from matplotlib.lines import Line2D
        from matplotlib.markers import TICKDOWN, TICKLEFT, MarkerStyle

        axes, (wide, tall) = self.axes, self.axes.bbox.size
        below: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "top"}
        beside: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "center_baseline"}
        upright: dict[str, Any] = {"va": "bottom", "rotation": "vertical", "rotation_mode": "anchor"}
        line: dict[str, Any] = {"transform": axes.transAxes, "color": "black", "linestyle": "", "clip_on": False}
        line["markeredgewidth"] = 0.8
        across, upward = self.across(), self.upward()
        for mark in across.marks:
            axes.text(mark.at, -(across.length + GAP) / tall, mark.words, **below)
        for mark in upward.marks:
            axes.text(-(upward.length + GAP) / wide, mark.at, mark.words, **beside)
        axes.text(0.5, -(across.depth + LABEL_GAP) / tall, across.label, **below)
        axes.text(-(upward.depth + LABEL_GAP) / wide, 0.5, upward.label, **(below | upright))
        for ruler, marker in ((across, TICKDOWN), (upward, TICKLEFT)):
            at, zeros = [mark.at for mark in ruler.marks], [0.0] * len(ruler.marks)
            points = (at, zeros) if ruler is across else (zeros, at)
            axes.add_artist(Line2D(*points, marker=MarkerStyle(marker), markersize=ruler.length, **line))
        axes.xaxis.set_visible(False)
        axes.yaxis.set_visible(False)


def lay_out(canvas: Canvas, renderer: RendererBase) -> None:
    """Give each panel a place where all words around it have room, and draw its axes.

    Words and legends of the whole drawing stand at its left and at its bottom.
    """
    panels = [_panel(axes, renderer) for axes in canvas.axes if axes.get_visible()]
    left = max((text.get_window_extent(renderer).x1 for text in canvas.texts), default=0.0)
    bottom = max((legend.get_window_extent(renderer).y1 for legend in canvas.legends), default=0.0)
    for _ in range(ROUNDS):
        _place(canvas, panels, left, bottom)
    for panel in panels:
        panel.draw_axes()


def _panel(axes: Axes, renderer: RendererBase) -> Panel:
    axes.get_xlim()  # settles the limits of both axes, by which words at data are placed
    words = [_words(axes, text, renderer) for text in axes.texts]
    if title := axes.get_title(loc="left"):
        words.append(Words(0, 1, Margins(0, 0, 0, TITLE_GAP + size(title)[1])))
    spec = axes.get_subplotspec()
    assert spec is not None
    return Panel(axes, spec, words)


def _words(axes: Axes, text: Text, renderer: RendererBase) -> Words:
    box = text.get_window_extent(renderer)
    at = text.get_transform().transform(text.get_unitless_position())
    x, y = axes.transAxes.inverted().transform(at)
    return Words(x, y, Margins(at[0] - box.x0, at[1] - box.y0, box.x1 - at[0], box.y1 - at[1]))


def _place(canvas: Canvas, panels: Sequence[Panel], left: float, bottom: float) -> None:
    """Panels of a column share their edges, as do those of a row; what the words leave is shared out."""
    grid = panels[0].spec.get_gridspec()
    rows, columns = grid.get_geometry()
    wide, tall = canvas.bbox.size
    beside, above = np.full((columns, 2), EDGE), np.full((rows, 2), EDGE)
    for panel in panels:
        row, column, margins = panel.spec.rowspan.start, panel.spec.colspan.start, panel.margins()
        beside[column] = np.maximum(beside[column], (margins.left + EDGE, margins.right + EDGE))
        above[row] = np.maximum(above[row], (margins.top + EDGE, margins.bottom + EDGE))
    xs = _shared(left, wide, beside, [1.0] * columns)
    ys = _shared(0, tall - bottom, above, grid.get_height_ratios())
    for panel in panels:
        x, width = xs[panel.spec.colspan.start]
        y, height = ys[panel.spec.rowspan.start]
        panel.axes.set_position((x / wide, 1 - (y + height) / tall, width / wide, height / tall))


def _shared(start: float, end: float, room: Array, ratios: npt.ArrayLike) -> list[tuple[float, float]]:
    """Start and size of each panel of a row or a column, with `room` before and after each."""
    parts = np.asarray(ratios, dtype=float)
    sizes = parts / parts.sum() * max(end - start - room.sum(), LEAST * (end - start))
    starts = start + np.cumsum(room[:, 0]) + np.cumsum([0, *(sizes + room[:, 1])[:-1]])
    return list(zip(starts.tolist(), sizes.tolist(), strict=True))
