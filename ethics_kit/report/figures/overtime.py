"""Shares over time: a small panel for each, a line per group, and the limit of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ethics_kit.report.figures.drawing import INK, SERIES, Figure, _finish, _named, _panels, _plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ethics_kit.measures.proportions import Estimate

ACROSS = 2

Points = Sequence[tuple[date, "Estimate"]]


@dataclass(frozen=True)
class Lines:
    """A share by group and the first day of each period, and the limit it should not pass."""

    title: str
    limit: float
    lines: Mapping[str, Points]


def shares_over_time(panels: Sequence[Lines], *, what: str) -> tuple[Figure, ...]:
    """Each panel's lines with their intervals. `what` names the groups; of many, the first five are drawn."""
    drawn = [panel for panel in panels if any(panel.lines.values())]
    if not drawn:
        return ()
    names = list(dict.fromkeys(name for panel in drawn for name, points in panel.lines.items() if points))
    rows = -(-len(drawn) // ACROSS)
    canvas, places = _panels(6.6, 0.4 + 2.1 * rows, rows, ACROSS)
    for panel, axes in zip(drawn, places, strict=False):
        _draw(axes, panel, names[: len(SERIES)])
    for axes in places[len(drawn) :]:
        axes.set_visible(False)
    handles, labels = places[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    above = [
        f"{_plain(name)} ({panel.title}, {points[-1][1].value or 0.0:.0%}, limit {panel.limit:.0%})"
        for panel in drawn
        for name, points in panel.lines.items()
        if points and (points[-1][1].value or 0.0) > panel.limit
    ]
    message = (
        f"Above the limit in the newest period: {'; '.join(above)}."
        if above
        else (f"No {what} is above a limit in its newest period.")
    )
    caption = f"{message} Upright lines are intervals, the dashed line is the policy's limit; small cells are left out."
    if len(names) > len(SERIES):
        caption += f" The first {len(SERIES)} of {len(names)} are drawn; the table holds all."
    told = " ".join(_told(panel) for panel in drawn)
    return (_finish(canvas, caption, f"Small line charts by period. {message} {told}"),)


def _draw(axes: Axes, panel: Lines, names: Sequence[str]) -> None:
    days = sorted({day for points in panel.lines.values() for day, _ in points})
    axes.axhline(panel.limit * 100, color=INK, linestyle="--", linewidth=0.8)
    for place, (name, (colour, marker)) in enumerate(zip(names, SERIES, strict=False)):
        points = panel.lines.get(name, ())
        xs = [days.index(day) + 0.08 * place for day, _ in points]
        values, lows, highs = (
            [(bound or 0.0) * 100 for bound in side]
            for side in (
                [e.value for _, e in points],
                [e.low for _, e in points],
                [e.high for _, e in points],
            )
        )
        upright = np.column_stack([lows, highs, np.full(len(xs), np.nan)]).ravel()  # one path for all of them
        axes.plot(np.repeat(xs, 3), upright, color=colour, linewidth=0.9)
        axes.plot(xs, values, color=colour, marker=marker, markersize=4, linewidth=1.2, label=_plain(name, 30))
    axes.set_title(_plain(panel.title), fontsize=9, loc="left")
    axes.set_ylim(0, 102)
    axes.set_ylabel("%")
    step = -(-len(days) // 4)
    _named(axes.xaxis, [f"{day:%Y-%m}" for day in days[::step]], range(0, len(days), step))


def _told(panel: Lines) -> str:
    lines = "; ".join(
        f"{_plain(name)} " + ", ".join(f"{day:%Y-%m} {(e.value or 0.0):.0%}" for day, e in points)
        for name, points in panel.lines.items()
        if points
    )
    return f"{panel.title}, limit {panel.limit:.0%}: {lines}."
