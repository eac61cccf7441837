"""The figure of opt-outs that are not heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import BLUE, GREY, RED, Figure, _canvas, _finish, _named

if TYPE_CHECKING:
    from ethics_kit.measures.timelines import Share


def still_decided(still: Mapping[int, Share], *, limit: int, confidence: float) -> tuple[Figure, ...]:
    """The share of opt-outs that were still decided on, by days since, with Wilson intervals."""
    from ethics_kit.measures.proportions import rate

    shares = {days: rate(s.count, s.n, confidence=confidence) for days, s in still.items() if s.n}
    if not any(share.value for share in shares.values()):
        return ()
    canvas, axes = _canvas(6.6, 2.6)
    for place, (days, share) in enumerate(shares.items()):
        colour = RED if days >= limit and share.value else BLUE
        axes.vlines(place, (share.low or 0) * 100, (share.high or 0) * 100, color=colour, linewidth=2)
        axes.plot([place], [(share.value or 0) * 100], marker="s" if colour == RED else "o", color=colour)
    axes.axvline(list(shares).index(limit) if limit in shares else 0, color=GREY, linestyle="--", zorder=0)
    _named(axes.xaxis, [f"{days}\n(n {still[days].n:,})" for days in shares])
    axes.set_xlim(-0.5, len(shares) - 0.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("more than so many days after the opt-out")
    axes.set_ylabel("still decided on, %")
    told = "; ".join(f"{still[d].count} of {still[d].n:,} more than {d} days later" for d in shares)
    message = f"Customers still decided on after they opted out: {told}."
    caption = f"{message} Lines are {confidence:.0%} intervals, the dashed line is the policy's limit of {limit} days."
    return (_finish(canvas, caption, f"Dot plot by days since the opt-out. {message}"),)
