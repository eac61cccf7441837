"""Figure of monitoring: small multiples, one panel for each series, over the periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethics_kit.measures.proportions import Estimate
from ethics_kit.report.figures.drawing import BLUE, GREY, RED, Figure, _finish, _panels, _plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 9
COLUMNS = 3


@dataclass(frozen=True)
class Panel:
    """One series: an estimate and whether it raised an alarm for each period, and the value an alarm needs."""

    label: str
    periods: tuple[str, ...]
    values: tuple[Estimate, ...]
    alarms: tuple[bool, ...]
    limit: float | None = None

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
    canvas, places = _panels(0.6 + 2.1 * columns, 0.5 + 1.3 * rows, rows, columns)
    highest = max((v.high or 0.0) for p in drawn for v in p.values)
    lowest = min(0.0, *((v.low or 0.0) for p in drawn for v in p.values))
    limits = [p.limit for p in drawn if p.limit is not None]
    bounds = lowest * scale * 1.05, max(highest, *limits, 1e-3) * scale * 1.1
    for panel, axes in zip(drawn, places, strict=False):
        _draw(axes, panel, scale)
        axes.set_ylim(*bounds)
    for axes in places[len(drawn) :]:
        axes.set_visible(False)
    canvas.supylabel(measure, fontsize=9)
    alarmed = [_plain(p.label) for p in able if p.alarmed]
    more = f" and {len(alarmed) - 5} more" if len(alarmed) > 5 else ""
    message = (
        f"Alarm in the last period: {', '.join(alarmed[:5])}{more}." if alarmed else "No alarm in the last period."
    )
    told = "; ".join(_told(p, scale) for p in drawn)
    left = f" {len(drawn)} of {len(able)} series are drawn." if len(drawn) < len(able) else ""
    return (_finish(canvas, f"{message} {explained}{left}", f"Small multiples of {measure}. {message} {told}."),)


def _draw(axes: Axes, panel: Panel, scale: float) -> None:
    known = [(i, v, alarm) for i, (v, alarm) in enumerate(zip(panel.values, panel.alarms, strict=True)) if v.defined]
    places = [i for i, _, _ in known]
    lows, values, highs = ([(part or 0.0) * scale for part in side] for side in zip(*map(_parts, known), strict=True))
    axes.fill_between(places, lows, highs, color=BLUE, alpha=0.2, linewidth=0)
    if len(places) == 1:
        axes.vlines(places, lows, highs, color=BLUE, linewidth=1)
    axes.plot(places, values, color=BLUE, linewidth=1.2, marker="o", markersize=3)
    on = [(i, (v.value or 0.0) * scale) for i, v, alarm in known if alarm]
    if on:
        axes.scatter([i for i, _ in on], [v for _, v in on], color=RED, marker="s", s=20, zorder=3)
    if panel.limit is not None:
        axes.axhline(panel.limit * scale, color=GREY, linewidth=0.9, linestyle="--")
    ends = sorted({0, len(panel.periods) - 1})
    axes.set_xticks(ends, [panel.periods[i] for i in ends])
    axes.set_xlim(-0.4, len(panel.periods) - 0.6)
    axes.locator_params(axis="y", nbins=3)
    axes.set_title(_plain(panel.label, 28), fontsize=9, loc="left", color=RED if panel.alarmed else "black")


def _parts(known: tuple[int, Estimate, bool]) -> tuple[float | None, float | None, float | None]:
    _, value, _ = known
    return value.low, value.value, value.high


def _told(panel: Panel, scale: float) -> str:
    points = [
        f"{period} {(v.value or 0.0) * scale:.3g}{' (alarm)' if alarm else ''}"
        for period, v, alarm in zip(panel.periods, panel.values, panel.alarms, strict=True)
        if v.defined
    ]
    return f"{_plain(panel.label)}: {', '.join(points)}"
