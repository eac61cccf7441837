"""Figures of stage 4 on what customers can decide: opt-outs that are not heard, and waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ethics_kit.report.figures.completion import draw_curve
from ethics_kit.report.figures.drawing import BLUE, GREY, RED, Figure, _canvas, _finish, _plain

if TYPE_CHECKING:
    from ethics_kit.measures.survival import Curve
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
    axes.set_xticks(range(len(shares)), [f"{days}\n(n {still[days].n:,})" for days in shares])
    axes.set_xlim(-0.5, len(shares) - 0.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("more than so many days after the opt-out")
    axes.set_ylabel("still decided on, %")
    told = "; ".join(f"{still[d].count} of {still[d].n:,} more than {d} days later" for d in shares)
    message = f"Customers still decided on after they opted out: {told}."
    caption = f"{message} Lines are {confidence:.0%} intervals, the dashed line is the policy's limit of {limit} days."
    return (_finish(canvas, caption, f"Dot plot by days since the opt-out. {message}"),)


def waiting_for_a_person(curve: Curve, *, minutes: int) -> tuple[Figure, ...]:
    """The share of those who asked for a person and still wait, by hours since, with its band and the promise."""
    if not curve.days:
        return ()
    canvas, axes = _canvas(6.6, 2.6)
    end = max(minutes, np.quantile(curve.days, 0.98)) * 1.1
    draw_curve(axes, curve, until=min(curve.longest, end), unit=60)
    axes.axvline(minutes / 60, color=RED, linestyle="--")
    label = _plain(f"{minutes / 60:g} hours")
    axes.annotate(label, (minutes / 60, 100), (3, 0), textcoords="offset points", va="top", color=RED)
    axes.set_xlim(0, end / 60)
    axes.set_ylim(0, 102)
    axes.set_xlabel("hours since asking for a person")
    axes.set_ylabel("still waiting, %")
    late = next((s for at, s in zip(curve.days[::-1], curve.share[::-1], strict=True) if at <= minutes), 1.0)
    message = f"Of {curve.n:,} who asked for a person, {late:.0%} still waited after {minutes / 60:g} hours."
    caption = f"{message} Kaplan–Meier curve with its pointwise interval; who was not answered waits to the as-of date."
    half = "never" if curve.median is None else f"after {curve.median / 60:.1f} hours"
    return (_finish(canvas, caption, f"Step curve that falls with time. {message} Half were answered {half}."),)
