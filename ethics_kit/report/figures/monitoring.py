"""Figure of monitoring: small multiples, one panel for each series, over the periods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ethics_kit.measures.proportions import Estimate
from ethics_kit.report.figures.drawing import BLUE, GREY, INK, RED, Figure, _finish, _named, _panels, _plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 9
COLUMNS = 3


@dataclass(frozen=True)
class Panel:
    """One series: an estimate and whether it raised an alarm for each period, and the value an alarm needs.

    `label` and `detail` are the two lines of its title.
    """

    label: str
    periods: tuple[str, ...]
    values: tuple[Estimate, ...]
    alarms: tuple[bool, ...]
    limit: float | None = None
    detail: str = ""

    @property
    def name(self) -> str:
        """The series in one line."""
        return ", ".join(part for part in (self.label, self.detail) if part)

    @property
    def alarmed(self) -> bool:
        return bool(self.alarms) and self.alarms[-1]


def small_multiples(panels: Sequence[Panel], *, measure: str, explained: str, scale: float = 1.0) -> tuple[Figure, ...]:
    """Panels with one scale of `measure` (values times `scale`); those with an alarm in the last period come first."""
    able = [p for p in panels if any(v.defined for v in p.values)]
    if not able:
        return ()
    drawn = sorted(able, key=lambda p: not p.alarmed)[:MOST_PANELS]
    rows, columns = -(-len(drawn) // COLUMNS), min(len(drawn), COLUMNS)
    canvas, places = _panels(0.6 + 2.1 * columns, 0.5 + 1.35 * rows, rows, columns)
    highest = max((v.high or 0.0) for p in drawn for v in p.values)
    lowest = min(0.0, *((v.low or 0.0) for p in drawn for v in p.values))
    limits = [p.limit for p in drawn if p.limit is not None]
    bounds = lowest * scale * 1.05, max(highest, *limits, 1e-3) * scale * 1.1
    for place, (panel, axes) in enumerate(zip(drawn, places, strict=False)):
        axes.set_ylim(*bounds)
        _draw(axes, panel, scale)
        axes.tick_params(axis="y", left=place % columns == 0, labelleft=place % columns == 0)
    for axes in places[len(drawn) :]:
        axes.set_visible(False)
    canvas.text(0.05 / canvas.get_figwidth(), 0.5, measure, rotation="vertical", va="center")
    alarmed = [f"{_plain(p.name, 60)} ({(p.values[-1].value or 0.0) * scale:.3g})" for p in able if p.alarmed]
    more = f" and {len(alarmed) - 5} more" if len(alarmed) > 5 else ""
    message = (
        f"Alarm in the last period: {', '.join(alarmed[:5])}{more}." if alarmed else "No alarm in the last period."
    )
    told = "; ".join(_told(p, scale) for p in drawn)
    left = f" {len(drawn)} of {len(able)} series are drawn." if len(drawn) < len(able) else ""
    return (_finish(canvas, f"{message} {explained}{left}", f"Small multiples of {measure}. {message} {told}."),)


def _draw(axes: Axes, panel: Panel, scale: float) -> None:
    """Periods without a value leave a gap in the line."""
    places = range(len(panel.periods))
    low, value, high = (
        np.array([math.nan if part is None else part * scale for part in side])
        for side in zip(*((v.low, v.value, v.high) for v in panel.values), strict=True)
    )
    axes.fill_between(places, low, high, facecolor=(BLUE, 0.2), edgecolor=BLUE, linewidth=0.4)
    known = np.pad(~np.isnan(value), 1)
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])  # no band can be drawn from one point
    if alone.size:
        axes.vlines(alone, low[alone], high[alone], color=BLUE, linewidth=1)
    axes.plot(places, value, color=BLUE, linewidth=1.2, marker="o", markersize=3)
    on = np.flatnonzero(panel.alarms)
    if on.size:
        axes.scatter(on, value[on], color=RED, marker="s", s=20, zorder=3)
    if panel.limit is not None:
        axes.axhline(panel.limit * scale, color=GREY, linewidth=0.9, linestyle="--")
    if axes.get_ylim()[0] < 0:
        axes.axhline(0, color=GREY, linewidth=0.6)
    ends = sorted({0, len(panel.periods) - 1})
    _named(axes.xaxis, [panel.periods[i] for i in ends], ends)
    axes.set_xlim(-0.4, len(panel.periods) - 0.6)
    axes.locator_params(axis="y", nbins=3)
    title = "\n".join(_plain(line, 30) for line in (panel.label, panel.detail) if line)
    axes.set_title(title, fontsize=9, loc="left", color=RED if panel.alarmed else INK)


def _told(panel: Panel, scale: float) -> str:
    points = [
        f"{period} {(v.value or 0.0) * scale:.3g}{' (alarm)' if alarm else ''}"
        for period, v, alarm in zip(panel.periods, panel.values, panel.alarms, strict=True)
        if v.defined
    ]
    return f"{_plain(panel.name, 60)}: {', '.join(points)}"
