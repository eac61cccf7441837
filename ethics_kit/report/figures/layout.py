"""Where a drawing's panels lie, with the marks and the words at their axes.

matplotlib's own layout makes five objects of each mark and measures every word a dozen times; here each word is
measured once, and marks are one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas
    from matplotlib.gridspec import SubplotSpec

    from ethics_kit.report.figures.renderer import Renderer

EDGE = 3.0
"""Points free around each panel with its words."""
MARK, GAP, LABEL_GAP, TITLE_GAP = 3.5, 3.5, 4.0, 6.0
"""Points: a mark's length, from it to its words, from there to the axis's label, from the panel to its title."""
ROUNDS = 3
"""How far words reach out of a panel depends on its size, and its size on how far they reach: it settles quickly."""
LEAST = 0.1
"""The part of its share of the drawing that a panel keeps beside the longest words."""


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
    """The share of an axis at which a mark stands, its words, and their width and height in points."""

    at: float
    words: str
    width: float
    height: float


@dataclass
class Panel:
    """One panel of a drawing; `words` are those that are not at an axis."""

    axes: Axes
    spec: SubplotSpec
    words: list[Words]
    renderer: Renderer

    def margins(self) -> Margins:
        """The room that all its words need around it, at its present size."""
        axes, (wide, tall) = self.axes, self.axes.bbox.size
        label = LABEL_GAP + self.renderer.size("x")[1]
        across, upward = self.marks(axes.xaxis), self.marks(axes.yaxis)
        below, beside = _depth(axes.xaxis, across), _depth(axes.yaxis, upward)
        below += label * bool(axes.get_xlabel())
        beside += label * bool(axes.get_ylabel())
        around = [
            Words(0, 0, Margins(beside, below, 0, 0)),
            *(Words(mark.at, 0, Margins(mark.width / 2, 0, mark.width / 2, 0)) for mark in across),
            *(Words(0, mark.at, Margins(0, mark.height / 2, 0, mark.height / 2)) for mark in upward),
            *self.words,
        ]
        return Margins(
            max(reach.left - x * wide for x, _, reach in around),
            max(reach.bottom - y * tall for _, y, reach in around),
            max(reach.right - (1 - x) * wide for x, _, reach in around),
            max(reach.top - (1 - y) * tall for _, y, reach in around),
        )

    def marks(self, axis: Axis) -> list[Mark]:
        """The marks of an axis that can be seen, as matplotlib chooses them for the panel's size."""
        if not _drawn(axis):
            return []
        low, high = axis.get_view_interval()
        places = np.asarray(axis.get_majorticklocs())
        shares = (places - low) / (high - low)
        names = axis.get_major_formatter().format_ticks(places)
        return [
            Mark(float(at), name, *self.renderer.size(name))
            for at, name in zip(shares, names, strict=True)
            if -1e-6 <= at <= 1 + 1e-6
        ]

    def draw_axes(self) -> None:
        """Draw marks and words at the axes in place of matplotlib's."""
        axes = self.axes
        across, upward = self.marks(axes.xaxis), self.marks(axes.yaxis)
        below, beside = _depth(axes.xaxis, across), _depth(axes.yaxis, upward)
        for axis, marks in ((axes.xaxis, across), (axes.yaxis, upward)):
            axis.set_visible(False)
            _strokes(axes, axis, [mark.at for mark in marks])
        for mark in across:
            self._write(mark.at, 0, mark.words, down=_length(axes.xaxis) + GAP, ha="center", va="top")
        for mark in upward:
            left = _length(axes.yaxis) + GAP
            self._write(0, mark.at, mark.words, left=left, ha="right", va="center_baseline")
        self._write(0.5, 0, axes.get_xlabel(), down=below + LABEL_GAP, ha="center", va="top")
        upright = {"rotation": "vertical", "rotation_mode": "anchor"}
        self._write(0, 0.5, axes.get_ylabel(), left=beside + LABEL_GAP, ha="center", va="bottom", **upright)

    def _write(self, x: float, y: float, words: str, *, left: float = 0, down: float = 0, **style: Any) -> None:
        """Words at a place that is a share of the panel, some points to its left or below it."""
        if words:
            wide, tall = self.axes.bbox.size
            place = x - left / wide, y - down / tall
            self.axes.text(*place, words, transform=self.axes.transAxes, **style)


def lay_out(canvas: Canvas, renderer: Renderer) -> None:
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


def _panel(axes: Axes, renderer: Renderer) -> Panel:
    words = [_reach(axes, text, renderer) for text in axes.texts]
    if title := axes.get_title(loc="left"):
        words.append(Words(0, 1, Margins(0, 0, 0, TITLE_GAP + renderer.size(title)[1])))
    spec = axes.get_subplotspec()
    assert spec is not None
    return Panel(axes, spec, words, renderer)


def _reach(axes: Axes, text: Any, renderer: Renderer) -> Words:
    box = text.get_window_extent(renderer)
    at = text.get_transform().transform(text.get_unitless_position())
    x, y = axes.transAxes.inverted().transform(at)
    return Words(x, y, Margins(at[0] - box.x0, at[1] - box.y0, box.x1 - at[0], box.y1 - at[1]))


def _place(canvas: Canvas, panels: list[Panel], left: float, bottom: float) -> None:
    """Panels of a column share their edges, as do those of a row; what the words leave is shared out."""
    grid = panels[0].spec.get_gridspec()
    rows, columns = grid.get_geometry()
    wide, tall = canvas.bbox.size
    room = np.zeros((2, max(rows, columns), 2))
    for panel in panels:
        margins = panel.margins()
        for side, place, pair in (
            (0, panel.spec.colspan.start, (margins.left, margins.right)),
            (1, panel.spec.rowspan.start, (margins.top, margins.bottom)),
        ):
            room[side, place] = np.maximum(room[side, place], pair)
    xs = _shared(left, wide, room[0, :columns] + EDGE, [1] * columns)
    ys = _shared(0, tall - bottom, room[1, :rows] + EDGE, grid.get_height_ratios())
    for panel in panels:
        x, width = xs[panel.spec.colspan.start]
        y, height = ys[panel.spec.rowspan.start]
        panel.axes.set_position((x / wide, 1 - (y + height) / tall, width / wide, height / tall))


def _shared(start: float, end: float, room: Any, ratios: Any) -> list[tuple[float, float]]:
    """Start and size of each of several panels in a row, with `room` before and after each."""
    parts = np.asarray(ratios, dtype=float) / np.sum(ratios)
    sizes = parts * max(end - start - room.sum(), LEAST * (end - start))
    starts = start + np.cumsum(room[:, 0]) + np.cumsum([0, *(sizes + room[:, 1])[:-1]])
    return list(zip(starts.tolist(), sizes.tolist(), strict=True))


def _drawn(axis: Axis) -> bool:
    side = "bottom" if axis.axis_name == "x" else "left"
    return axis.axes.axison and bool(axis.get_tick_params().get(side, True))


def _length(axis: Axis) -> float:
    return float(axis.get_tick_params().get("length", MARK))


def _depth(axis: Axis, marks: list[Mark]) -> float:
    """How far the marks of an axis and their words reach from it."""
    sizes = (mark.height if axis.axis_name == "x" else mark.width for mark in marks)
    return max((_length(axis) + GAP + size for size in sizes), default=0.0)


def _strokes(axes: Axes, axis: Axis, places: list[float]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.markers import TICKDOWN, TICKLEFT

    zeros = [0.0] * len(places)
    (x, y), marker = ((places, zeros), TICKDOWN) if axis.axis_name == "x" else ((zeros, places), TICKLEFT)
    look = {"color": "black", "markeredgewidth": 0.8, "markersize": _length(axis)}
    if places and _length(axis):
        axes.add_artist(Line2D(x, y, linestyle="", marker=marker, transform=axes.transAxes, clip_on=False, **look))
