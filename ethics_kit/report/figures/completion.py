"""How long requests stay open, and the limit or promise that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ethics_kit.report.figures.drawing import BLUE, RED, Figure, _canvas, _finish, _plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ethics_kit.measures.survival import Curve


MOST_STEPS = 120
"""More steps than this cannot be told apart at the width of a page."""


def draw_curve(axes: Axes, curve: Curve, *, until: float, unit: float = 1.0) -> None:
    """The share still open with its band, in percent, from 0 `until` a time, both in parts of `unit`."""
    at = np.array([0.0, *curve.days])
    kept = np.flatnonzero(np.diff(np.floor(at / at[-1] * MOST_STEPS), append=MOST_STEPS + 1))
    kept = np.union1d(0, kept)
    times = np.append(at[kept], max(at[-1], until)) / unit
    low, share, high = (
        np.nan_to_num(np.array([1.0, *side])[np.append(kept, kept[-1])], nan=0.0) * 100
        for side in (curve.low, curve.share, curve.high)
    )
    axes.fill_between(times, low, high, step="post", facecolor=(BLUE, 0.18), edgecolor=BLUE, linewidth=0.4)
    axes.step(times, share, where="post", color=BLUE)


def completion_curve(
    curve: Curve, limits: Sequence[tuple[str, float]], *, what: str, done: str, note: str = "", unit: str = "days"
) -> tuple[Figure, ...]:
    """The share still open by time since receipt (in `unit`), with its band and each (label, time) of `limits`.

    `what` was received and is to be `done`, both as words of a sentence; `note` ends the caption.
    """
    if not curve.days:
        return ()
    canvas, axes = _canvas(6.6, 2.8)
    end = max([curve.days[-1], *(limit for _, limit in limits)]) * 1.05
    draw_curve(axes, curve, until=min(curve.longest, end))  # as far as anything was followed
    for label, limit in limits:
        axes.axvline(limit, color=RED, linestyle="--")
        axes.annotate(_plain(label), (limit, 100), (3, 0), textcoords="offset points", va="top", color=RED)
    axes.set_xlim(0, end)
    axes.set_ylim(0, 102)
    axes.set_xlabel(f"{unit} since receipt")
    axes.set_ylabel("still open, %")
    told = ", ".join(f"{curve.open_after(limit):.0%} after {round(limit, 1):g} {unit}" for _, limit in limits)
    message = f"Of {curve.n:,} {what}, still open: {told or 'as the curve shows'}."
    caption = f"{message} Kaplan–Meier curve with its pointwise interval; open ones count up to the as-of date."
    half = "never" if curve.median is None else f"after {round(curve.median, 1):g} {unit}"
    alt = f"Step curve that falls with time. {message} Half were {done} {half}."
    return (_finish(canvas, f"{caption} {note}".strip(), alt),)
