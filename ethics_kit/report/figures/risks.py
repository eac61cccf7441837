"""Figures of stage 1: the risk matrix, and the points behind the impact level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import (
    BLUE,
    GREY,
    INK,
    RED,
    Figure,
    _canvas,
    _finish,
    _named,
    _panels,
    _plain,
    _rectangle,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ethics_kit.record import LevelResult
    from ethics_kit.schema import Rating

ABOVE = "#e9cdc8"
"""The cells above the appetite: darker than white in greyscale, too. The thick line says it again."""

IDS_IN_A_CELL = 8


def risk_matrix(ratings: Mapping[str, Rating], appetite: int, *, when: str) -> tuple[Figure, ...]:
    """Ids in a 5×5 grid of likelihood and severity, the appetite as a thick line; `when`: before or after treatment."""
    if not ratings:
        return ()
    placed: dict[tuple[int, int], list[str]] = {}
    for name, rating in ratings.items():
        placed.setdefault((rating.likelihood, rating.severity), []).append(name)
    canvas, axes = _canvas(4.1, 3.6)
    for x in range(1, 6):
        for y in range(1, 6):
            _cell(axes, x, y, placed.get((x, y), []), appetite)
    axes.set(xlim=(0.45, 5.55), ylim=(0.45, 5.55))
    for axis in (axes.xaxis, axes.yaxis):
        _named(axis, list("12345"), range(1, 6))
    axes.set_xlabel(f"likelihood {when} treatment")
    axes.set_ylabel(f"severity {when} treatment")
    axes.set_title(f"shaded, beyond the thick line: above the appetite of {appetite}", fontsize=9, loc="left")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    above = [name for name, rating in ratings.items() if rating.score > appetite]
    verb = ("stay" if when == "after" else "lie") + ("s" if len(above) == 1 else "")
    message = f"{len(above)} of {len(ratings)} risks {verb} above the appetite of {appetite} {when} treatment"
    more = f" and {len(above) - 10} more" if len(above) > 10 else ""
    message += f": {', '.join(above[:10])}{more}." if above else "."
    cells = "; ".join(f"likelihood {x}, severity {y}: {', '.join(ids)}" for (x, y), ids in sorted(placed.items()))
    return (_finish(canvas, message, f"Risk matrix {when} treatment. {message} {cells}."),)


def _cell(axes: Axes, x: int, y: int, ids: Sequence[str], appetite: int) -> None:
    over = x * y > appetite
    axes.add_patch(
        _rectangle(x - 0.5, y - 0.5, 1, 1, facecolor=ABOVE if over else "white", edgecolor=GREY, linewidth=0.5)
    )
    if over and (x - 1) * y <= appetite and x > 1:
        axes.vlines(x - 0.5, y - 0.5, y + 0.5, color=INK, linewidth=2.4, zorder=3)
    if over and x * (y - 1) <= appetite and y > 1:
        axes.hlines(y - 0.5, x - 0.5, x + 0.5, color=INK, linewidth=2.4, zorder=3)
    words = list(ids[:IDS_IN_A_CELL])
    if len(ids) > IDS_IN_A_CELL:
        words[-1] = f"+{len(ids) - IDS_IN_A_CELL + 1}"
    shown = "\n".join(" ".join(words[i : i + 2]) for i in range(0, len(words), 2))
    axes.text(x, y, shown, ha="center", va="center", color=INK, weight="bold" if over else "normal", linespacing=1.05)


@dataclass(frozen=True)
class AreaPoints:
    """The fewest and the most points of one area of the questionnaire, and what it could bring at most."""

    area: str
    fewest: int
    most: int
    maximum: int

    @property
    def label(self) -> str:
        points = str(self.fewest) if self.fewest == self.most else f"{self.fewest}–{self.most}"
        return f"{points} of {self.maximum}"


def points_by_area(
    raw: Sequence[AreaPoints], mitigation: Sequence[AreaPoints], level: LevelResult, thresholds: Mapping[str, int]
) -> tuple[Figure, ...]:
    """Points of each area as bars, impact and safeguards apart, over the total between the levels' thresholds.

    `thresholds` are the most points that levels I to III hold.
    """
    if not raw:
        return ()
    from matplotlib.ticker import MaxNLocator

    parts = [part for part in (raw, mitigation) if part]
    heights = [1.5, *(len(part) + 1.0 for part in parts)]
    canvas, (first, *others) = _panels(4.6, 0.35 * sum(heights) + 0.9, len(heights), 1, heights)
    _total(first, level, thresholds)
    titles = ("impact: more points, more effect on people", "safeguards: more points, more protection")
    for axes, part, title in zip(others, parts, titles, strict=False):
        for row, area in enumerate(reversed(part)):
            _bar(axes, row, area, RED if part is raw else BLUE)
        _named(axes.yaxis, [_plain(a.area, 26) for a in reversed(part)])
        longest = max(a.maximum for a in part)
        axes.set_xlim(0, 1.32 * longest)
        ticks = [t for t in MaxNLocator(nbins=4, integer=True).tick_values(0, longest) if 0 <= t <= longest]
        _named(axes.xaxis, [f"{t:g}" for t in ticks], ticks)
        axes.set_ylim(-0.6, len(part) - 0.4)
        axes.set_title(title, fontsize=9, loc="left")
        _bare(axes)
    message = _points_message(raw, mitigation, level)
    told = "; ".join(f"{a.area} {a.label}" for a in (*raw, *mitigation))
    caption = f"{message} Full bars count in any case, hatched ones hang on open answers, frames are the most possible."
    return (_finish(canvas, caption, f"Points by area. {message} {told}."),)


def _bar(axes: Axes, row: int, area: AreaPoints, colour: str) -> None:
    axes.barh(row, area.maximum, height=0.62, facecolor="white", edgecolor=GREY, linewidth=0.8)
    axes.barh(row, area.fewest, height=0.62, color=colour)
    if area.most > area.fewest:
        axes.barh(
            row,
            area.most - area.fewest,
            left=area.fewest,
            height=0.62,
            facecolor="white",
            edgecolor=colour,
            hatch="////",
        )
    axes.annotate(area.label, (area.maximum, row), (4, 0), textcoords="offset points", va="center", color=INK)


def _total(axes: Axes, level: LevelResult, thresholds: Mapping[str, int]) -> None:
    points = level.points
    _bar(axes, 0, AreaPoints("total", points["total_best"], points["total_worst"], points["raw_max"]), INK)
    start = 0
    for name, end in (*thresholds.items(), ("IV", points["raw_max"])):
        axes.text((start + end) / 2, 0.62, name, ha="center", va="center", color=INK)
        if name != "IV":
            axes.plot([end + 0.5] * 2, [-0.45, 0.8], color=INK, linewidth=1.2, linestyle="--")
        start = end
    _named(axes.yaxis, ["total"])
    axes.set_xlim(0, 1.32 * points["raw_max"])
    ticks = [0, *thresholds.values(), points["raw_max"]]
    _named(axes.xaxis, [str(t) for t in ticks], ticks)
    axes.set_ylim(-0.5, 0.9)
    axes.set_title("levels I to IV", fontsize=9, loc="left")
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _points_message(raw: Sequence[AreaPoints], mitigation: Sequence[AreaPoints], level: LevelResult) -> str:
    """The level, the area that brings the most points, and whether the safeguards lower them."""
    points = level.points
    total = points["total_worst"]
    if level.value == "undetermined":
        found = f"Open answers leave the total between {points['total_best']} and {total} of {points['raw_max']} points"
        found += f", level {level.best} to {level.worst}"
    else:
        found = f"{total} of {points['raw_max']} points: level {level.value}"
    if level.floor:
        found += f"; a legal trigger sets level {level.floor} as the floor"
    most = max(raw, key=lambda a: a.most)
    found += f". Most points come from {most.area} ({most.label})."
    if not mitigation:
        return found
    lowers = total < points["raw_high"]
    reached = f"Safeguards reach {points['mitigation_low']} of {points['mitigation_max']} points"
    return f"{found} {reached}: {'enough' if lowers else 'too few'} to lower the total by 15%."
