"""Figures of stage 3: gaps, calibration, combinations of attributes, and what mitigation costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ethics_kit.measures.disclosure import withheld
from ethics_kit.report.figures.drawing import (
    GREY,
    INK,
    MOST_ROWS,
    SERIES,
    VERDICT_COLOURS,
    Figure,
    _canvas,
    _finish,
    _named,
    _plain,
    _rectangle,
    _spread,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ethics_kit.measures.calibration import Calibration
    from ethics_kit.measures.fairness import Comparison
    from ethics_kit.measures.proportions import Estimate


SHADES = 5
"""Steps between the lightest and the darkest cell of a heat map; its number stands in each."""


def forest(comparisons: Sequence[Comparison], labels: Mapping[str, str], *, small: int) -> tuple[Figure, ...]:
    """Gaps with their intervals, one row per group, the policy's margin as a band; one figure per metric.

    Groups with fewer than `small` rows on either side are withheld, and those from which these would follow; of more
    than 40, the largest gaps are drawn.
    """
    families: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        families.setdefault(comparison.name, []).append(comparison)
    hidden = {
        (name, places[i].group) for name, places in families.items() for i in withheld([c.n for c in places], small)
    }
    known = [
        c
        for c in comparisons
        if c.gap.value is not None and min(c.n, c.rest_n) >= small and (c.name, c.group) not in hidden
    ]
    return tuple(
        _forest([c for c in known if c.metric == metric], labels[metric])
        for metric in dict.fromkeys(c.metric for c in known)
        if metric in labels
    )


def _forest(rows: Sequence[Comparison], label: str) -> Figure:
    margin = rows[0].margin
    drawn = list(rows)
    if len(rows) > MOST_ROWS:
        drawn = sorted(rows, key=lambda r: -abs(r.gap.value or 0))[:MOST_ROWS]
    canvas, axes = _canvas(6.6, 0.9 + 0.27 * len(drawn))
    _band(axes, -margin * 100, margin * 100)
    axes.axvline(0, color=GREY, linewidth=0.8)
    places = range(len(drawn))
    low, value, high = (
        [(v or 0) * 100 for v in bound]
        for bound in zip(*((r.gap.low, r.gap.value, r.gap.high) for r in reversed(drawn)), strict=True)
    )
    colours = [VERDICT_COLOURS[row.verdict] for row in reversed(drawn)]
    axes.hlines(places, low, high, colors=colours, linewidth=1.6)
    for verdict, marker in (("disparity", "s"), ("", "o")):
        some = [i for i, row in enumerate(reversed(drawn)) if (row.verdict == "disparity") is bool(verdict)]
        axes.scatter([value[i] for i in some], some, s=22, marker=marker, color=[colours[i] for i in some], zorder=3)
    for place, row in enumerate(reversed(drawn)):
        side = axes.get_yaxis_transform()
        axes.text(1.02, place, row.verdict, transform=side, va="center", color=VERDICT_COLOURS[row.verdict])
    axes.tick_params(axis="y", length=0)
    names = [_plain(f"{r.attribute}: {r.group} (n {r.n:,.0f})") for r in reversed(drawn)]
    _named(axes.yaxis, names)
    axes.set_xlabel("gap to all other groups, percentage points")
    message = _message(rows, label)
    explained = (
        f"{message} Lines are the intervals, the band is the policy's margin; equivalence rests on 90% intervals."
    )
    if len(drawn) < len(rows):
        explained += f" The {len(drawn)} largest of {len(rows)} gaps are drawn."
    values = "; ".join(f"{r.attribute} {r.group} {_points(r)}, {r.verdict}" for r in drawn)
    return _finish(canvas, explained, f"Forest plot of gaps. {message} {values}.")


def _band(axes: Axes, low: float, high: float) -> None:
    """The policy's margin: a light band whose edges can be seen, too."""
    axes.axvspan(low, high, facecolor="#e4e9ef", edgecolor="none", zorder=0)
    axes.vlines([low, high], 0, 1, transform=axes.get_xaxis_transform(), color=GREY, linewidth=0.6, linestyle=":")


def _message(rows: Sequence[Comparison], label: str) -> str:
    """What the figure shows, over all its rows."""
    verdicts = Counter(r.verdict for r in rows)
    told = [f"{r.attribute} = {r.group} ({_points(r)})" for r in rows if r.verdict == "disparity"]
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    parts = [f"disparity for {', '.join(told[:5])}{more}"] if told else []
    if verdicts["inconclusive"]:
        parts.append(f"{verdicts['inconclusive']} of {len(rows)} groups undecided")
    if not parts:
        parts.append(f"every group shown to lie within the margin of ±{rows[0].margin * 100:g} points")
    elif not told:
        parts.insert(0, "no group shown to differ")
    if not told:
        largest = max(rows, key=lambda r: abs(r.gap.value or 0))
        parts.append(f"largest gap {_points(largest)}, {largest.attribute} = {largest.group}")
    return f"{label[0].upper()}{label[1:]}: {'; '.join(parts)}."


def _points(row: Comparison) -> str:
    return f"{(row.gap.value or 0) * 100:+.1f} points"


def reliability(attribute: str, groups: Mapping[str, Calibration], *, small: int) -> tuple[Figure, ...]:
    """Observed rate against mean score per bin and group, with intervals; bins under `small` rows are left out."""
    lines = {group: [b for b in found.bins if b.n >= small] for group, found in groups.items()}
    lines = {group: bins for group, bins in lines.items() if len(bins) > 1}
    if not lines:
        return ()
    names = sorted(lines, key=lambda group: -groups[group].n)[: len(SERIES)]
    canvas, axes = _canvas(5.2, 3.8)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    ends: dict[str, tuple[float, float, str]] = {}
    for name, (colour, marker) in zip(names, SERIES, strict=False):
        bins = lines[name]
        xs, ys = [b.mean_score for b in bins], [b.observed.value or 0.0 for b in bins]
        axes.plot(xs, ys, color=colour, marker=marker, linewidth=1.2, markersize=4)
        lows, highs = [b.observed.low or 0.0 for b in bins], [b.observed.high or 0.0 for b in bins]
        axes.vlines(xs, lows, highs, color=colour, linewidth=0.8)
        ends[name] = (xs[-1], ys[-1], colour)
    beside = _spread([y for _, y, _ in ends.values()], 0.05)
    for (name, (x, _, colour)), height in zip(ends.items(), beside, strict=True):
        axes.text(x + 0.015, height, _plain(name, 20), color=colour, va="center")
    axes.set(xlim=(0, 1.12), ylim=(0, 1))
    axes.set_xlabel("score")
    axes.set_ylabel("observed rate")
    off = {n: groups[n].in_the_large.value or 0.0 for n in names}
    worst = max(names, key=lambda n: abs(off[n]))
    message = (
        f"Calibration by {attribute}: furthest off is {worst}, observed {off[worst] * 100:+.1f} points from predicted."
    )
    drawn = f" The {len(names)} largest of {len(lines)} groups are drawn." if len(names) < len(lines) else ""
    points = "; ".join(
        f"{n}: " + ", ".join(f"{b.mean_score:.2f} observed {b.observed.value or 0.0:.2f}" for b in lines[n])
        for n in names
    )
    caption = f"{message} On the dotted line scores are right; upright lines are intervals.{drawn}"
    return (_finish(canvas, caption, f"Reliability curves. {message} {points}."),)


def heat_map(
    title: str, rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], tuple[float, str, str]]
) -> tuple[Figure, ...]:
    """Two attributes' combinations: each cell's value (a share), a word in it, and its verdict."""
    if not cells:
        return ()
    canvas, axes = _canvas(1.6 + 0.95 * len(columns), 0.9 + 0.42 * len(rows))
    values = [value for value, _, _ in cells.values()]
    low, span = min(values), (max(values) - min(values)) or 1.0
    for (row, column), (value, word, verdict) in cells.items():
        x, y = columns.index(column), len(rows) - 1 - rows.index(row)
        shade = 0.96 - 0.28 * round((value - low) / span * SHADES) / SHADES
        edge = VERDICT_COLOURS[verdict] if verdict == "disparity" else "none"
        look = {"facecolor": (shade - 0.1, shade, 1.0), "edgecolor": edge, "linewidth": 1.6}
        axes.add_patch(_rectangle(x - 0.46, y - 0.44, 0.92, 0.88, **look))
        axes.text(x, y, word, ha="center", va="center", fontsize=7, color=INK)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(rows) - 0.5))
    _named(axes.xaxis, [_plain(c, 14) for c in columns])
    _named(axes.yaxis, [_plain(r, 18) for r in reversed(rows)])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    apart = [f"{r} and {c} ({v:.0%})" for (r, c), (v, _, verdict) in cells.items() if verdict == "disparity"]
    more = f" and {len(apart) - 5} more" if len(apart) > 5 else ""
    shown = f"disparity for {'; '.join(apart[:5])}{more}" if apart else "no cell is shown to differ"
    message = f"{title}: {shown}; cells lie between {low:.0%} and {max(values):.0%}."
    told = "; ".join(f"{r} and {c} {v * 100:.1f}%" for (r, c), (v, _, _) in cells.items())
    caption = f"{message} Darker is higher, a red frame marks a disparity; small cells are withheld."
    return (_finish(canvas, caption, f"Heat map. {message} {told}."),)


def frontier(trials: Sequence[tuple[str, Estimate, Estimate]], *, gap_label: str, margin: float) -> tuple[Figure, ...]:
    """Fairness against performance: each trial's name, accuracy and gap, both with intervals."""
    able = [t for t in trials if t[1].defined and t[2].defined]
    if not able:
        return ()
    canvas, axes = _canvas(6.2, 3.4)
    _band(axes, 0, margin * 100)
    tops, bottoms = [(t[1].high or 0.0) * 100 for t in able], [(t[1].low or 0.0) * 100 for t in able]
    beside = _spread([(t[1].value or 0.0) * 100 for t in able], (max(tops) - min(bottoms)) / 16)
    for (name, accuracy, gap), (colour, marker), height in zip(able, SERIES * 2, beside, strict=False):
        x, y = (gap.value or 0.0) * 100, (accuracy.value or 0.0) * 100
        axes.plot([(gap.low or 0.0) * 100, (gap.high or 0.0) * 100], [y, y], color=colour, linewidth=0.9)
        axes.plot([x, x], [(accuracy.low or 0.0) * 100, (accuracy.high or 0.0) * 100], color=colour, linewidth=0.9)
        axes.plot([x], [y], marker=marker, color=colour, markersize=6)
        axes.text((gap.high or 0.0) * 100 + 0.5, height, name, color=colour, va="center")
    axes.set_xlabel(f"{gap_label}, percentage points (left is more equal)")
    axes.set_ylabel("accuracy, %")
    best = min(able, key=lambda t: t[2].value or 0.0)
    message = (
        f"Smallest gap: {best[0]}, {(best[2].value or 0.0) * 100:.1f} points, accuracy {(best[1].value or 0.0):.1%}."
    )
    told = "; ".join(
        f"{n} gap {(g.value or 0.0) * 100:.1f} points, accuracy {(a.value or 0.0):.1%}" for n, a, g in able
    )
    caption = f"{message} Lines are intervals, the band is the policy's margin; judged on rows held back from training."
    return (_finish(canvas, caption, f"Mitigations tried. {message} {told}."),)
