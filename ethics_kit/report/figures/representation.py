"""Figure of the design review: who is in the training sample, beside who is a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import INK, MOST_ROWS, VERDICT_COLOURS, Figure, _canvas, _finish, _named, _plain

if TYPE_CHECKING:
    from ethics_kit.measures.representation import Representation


def dumbbell(rows: Sequence[Representation]) -> tuple[Figure, ...]:
    """Each group's share of the training sample, with its interval, beside its share of customers."""
    drawn = [r for r in rows if r.share.value is not None][:MOST_ROWS]
    if not drawn:
        return ()
    canvas, axes = _canvas(6.6, 0.9 + 0.27 * len(drawn))
    for place, row in enumerate(reversed(drawn)):
        colour, share, base = VERDICT_COLOURS[row.verdict], (row.share.value or 0.0) * 100, row.base_share * 100
        axes.plot([base, share], [place, place], color="#c5ccd4", linewidth=3, zorder=1)
        axes.plot([(row.share.low or 0.0) * 100, (row.share.high or 0.0) * 100], [place, place], color=colour, zorder=2)
        axes.plot([base], [place], marker="|", markersize=11, markeredgewidth=2, color=INK, zorder=3)
        marker = "s" if row.verdict == "disparity" else "o"
        axes.plot([share], [place], marker=marker, markersize=5, color=colour, zorder=4)
        axes.text(1.02, place, row.verdict, transform=axes.get_yaxis_transform(), va="center", color=colour)
    axes.tick_params(axis="y", length=0)
    _named(axes.yaxis, [_plain(f"{r.attribute}: {r.group} (n {r.count:,})") for r in reversed(drawn)])
    axes.set_xlabel("share, %")
    short = [f"{r.attribute} = {r.group}" for r in drawn if r.verdict == "disparity"]
    message = "Training data: " + (f"too little of {', '.join(short[:5])}." if short else "no group is shown short.")
    caption = f"{message} Marks with intervals are shares of the training sample, upright bars those of all customers."
    told = "; ".join(
        f"{r.attribute} {r.group} {(r.share.value or 0.0):.1%} of the sample, {r.base_share:.1%} of all, {r.verdict}"
        for r in drawn
    )
    return (_finish(canvas, caption, f"Dumbbell plot of shares. {message} {told}."),)
