"""Figures of explanations: how much each feature counts, and which stand in for a protected attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    MOST_ROWS,
    RED,
    Figure,
    _canvas,
    _finish,
    _named,
    _plain,
    _spread,
)

if TYPE_CHECKING:
    from ethics_kit.measures.proportions import Estimate
    from ethics_kit.measures.rankstability import Stability

MARKS = {"proxy": (RED, "s"), "inconclusive": (AMBER, "D"), "no_proxy": (GREEN, "o")}


def rank_intervals(found: Stability) -> tuple[Figure, ...]:
    """Each feature's share of all influence with its interval, the ranks it may have, and where an order is shown."""
    drawn = [f for f in found.features if f.share.defined][:MOST_ROWS]
    if not drawn:
        return ()
    canvas, axes = _canvas(6.6, 0.9 + 0.27 * len(drawn))
    for place, feature in enumerate(reversed(drawn)):
        axes.plot([(feature.share.low or 0) * 100, (feature.share.high or 0) * 100], [place, place], color=BLUE)
        axes.plot([(feature.share.value or 0) * 100], [place], marker="o", markersize=5, color=BLUE)
        ranks = f"rank {feature.lowest}"
        ranks += f" to {feature.highest}" if feature.highest > feature.lowest else ""
        axes.text(1.02, place, ranks, transform=axes.get_yaxis_transform(), va="center", color=GREY)
    for cut in found.cuts:
        if cut < len(drawn):
            axes.axhline(len(drawn) - cut - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.tick_params(axis="y", length=0)
    _named(axes.yaxis, [_plain(f.feature) for f in reversed(drawn)])
    axes.set_xlabel("share of mean absolute attribution, %")
    first = found.sets[0] if found.cuts else []
    message = (
        f"Most influence: {', '.join(map(_plain, first[:5]))}{' and others' if len(first) > 5 else ''}, "
        f"{sum(f.share.value or 0 for f in drawn[: len(first)]):.0%} of all."
        if first
        else "The rows support no order of the features."
    )
    caption = f"{message} Lines are intervals; a dotted line parts sets whose order the rows support."
    told = "; ".join(f"{_plain(f.feature)} {f.share.value or 0:.1%}, rank {f.lowest} to {f.highest}" for f in drawn)
    return (_finish(canvas, caption, f"Importance of features. {message} {told}."),)


def proxies(
    attribute: str, rows: Sequence[tuple[str, Estimate, Estimate, str]], *, limits: tuple[float, float]
) -> tuple[Figure, ...]:
    """Features by association with `attribute` and by influence, both with intervals, and verdict; limits drawn."""
    drawn = [row for row in rows if row[1].defined and row[2].defined][:MOST_ROWS]
    if not drawn:
        return ()
    canvas, axes = _canvas(5.6, 3.6)
    axes.axvline(limits[0], color=GREY, linewidth=0.8, linestyle=":")
    axes.axhline(limits[1] * 100, color=GREY, linewidth=0.8, linestyle=":")
    heights = [(influence.value or 0.0) * 100 for _, _, influence, _ in drawn]
    beside = _spread(heights, max(heights) / 16)
    right = max(found.high or 0.0 for _, found, _, _ in drawn)
    for (name, found, influence, verdict), height in zip(drawn, beside, strict=True):
        colour, marker = MARKS[verdict]
        x, y = found.value or 0.0, (influence.value or 0.0) * 100
        axes.plot([found.low or 0, found.high or 0], [y, y], color=colour, linewidth=0.9)
        axes.plot([x, x], [(influence.low or 0) * 100, (influence.high or 0) * 100], color=colour, linewidth=0.9)
        axes.plot([x], [y], marker=marker, color=colour, markersize=5)
        axes.text((found.high or 0.0) + right / 40, height, _plain(name, 20), color=colour, va="center")
    axes.set_xlabel(f"association with {_plain(attribute)}, Cramér's V")
    axes.set_ylabel("influence on the score, %")
    shown = [name for name, _, _, verdict in drawn if verdict == "proxy"]
    nearest = max(drawn, key=lambda row: row[1].value or 0.0)
    message = f"{_plain(attribute)}: " + (
        f"{', '.join(map(_plain, shown[:5]))} stand in for it." if shown else "no feature is shown to stand in for it."
    )
    message += f" Nearest to it: {_plain(nearest[0])}, association {nearest[1].value or 0:.2f} (limit {limits[0]:g})."
    caption = f"{message} Right of and above the dotted limits a feature has both association and influence."
    told = "; ".join(
        f"{_plain(n)} association {a.value or 0:.2f}, influence {i.value or 0:.1%}, {v.replace('_', ' ')}"
        for n, a, i, v in drawn
    )
    return (_finish(canvas, caption, f"Association and influence of features. {message} {told}."),)
