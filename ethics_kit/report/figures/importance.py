"""Figure of the bias testing: how much each feature adds to the score, over all decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import BLUE, MOST_ROWS, Figure, _canvas, _finish, _plain

if TYPE_CHECKING:
    from ethics_kit.measures.importance import Importance


def importance_dots(rows: Sequence[Importance]) -> tuple[Figure, ...]:
    """Mean absolute attribution of each feature with its interval, the heaviest on top."""
    drawn = [row for row in rows if row.mean.value is not None][:MOST_ROWS]
    if not drawn:
        return ()
    canvas, axes = _canvas(6.2, 0.9 + 0.27 * len(drawn))
    for place, row in enumerate(reversed(drawn)):
        value = row.mean.value or 0.0
        low, high = (value if bound is None else bound for bound in (row.mean.low, row.mean.high))
        axes.plot([0, value], [place, place], color="#c5ccd4", linewidth=3, zorder=1)
        axes.plot([low, high], [place, place], color=BLUE, linewidth=1.6, zorder=2)
        axes.plot([value], [place], marker="o", markersize=5, color=BLUE, zorder=3)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(drawn)), [_plain(row.feature) for row in reversed(drawn)])
    axes.set_xlim(left=0)
    axes.set_xlabel("mean absolute attribution")
    first = drawn[0]
    message = f"What scores rest on: {first.feature} weighs most, {first.share or 0.0:.0%} of all attributions."
    told = "; ".join(f"{row.feature} {row.mean.value or 0.0:.3g}, {row.share or 0.0:.0%}" for row in drawn)
    caption = f"{message} Lines over the dots are intervals."
    if len(drawn) < len(rows):
        caption += f" The {len(drawn)} heaviest of {len(rows)} features are drawn."
    return (_finish(canvas, caption, f"Dot plot of importance. {message} {told}."),)
