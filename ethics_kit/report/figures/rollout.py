"""Figure of the deployment sign-off: what each step of a rollout showed of a guardrail, and how far it may go."""

from __future__ import annotations

import math
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
    _finish,
    _named,
    _panels,
    _plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ethics_kit.measures.rollout import Look

MARKS = {"proceed": (GREEN, "o"), "hold": (AMBER, "D"), "roll_back": (RED, "s")}


def rollout_looks(metric: str, looks: Sequence[Look], steps: Sequence[int], *, margin: float) -> tuple[Figure, ...]:
    """The difference in `metric` after each of `steps` with its sequential interval and margin; z with its boundary."""
    drawn = [(step, look) for step, look in zip(steps, looks, strict=True) if look.difference.defined][-MOST_ROWS:]
    if not drawn:
        return ()
    canvas, (left, right) = _panels(6.6, 2.9, 1, 2)
    for axes in (left, right):
        _named(axes.xaxis, [str(step) for step, _ in drawn], [step for step, _ in drawn])
        axes.set_xlim(drawn[0][0] - 0.5, drawn[-1][0] + 0.5)
        axes.set_xlabel("step")
    _differences(left, drawn, margin)
    _scores(right, drawn)
    step, last = drawn[-1]
    value = (last.difference.value or 0.0) * 100
    message = (
        f"{_plain(metric[:1].upper() + metric[1:])}: after step {step} {last.decision.replace('_', ' ')}, "
        f"at {round(value, 2) + 0:+.2f} points."
    )
    caption = (
        f"{message} Left: harm among the exposed minus the control group, with its sequential interval (cut at "
        "the edge); dashed, the margin. Right: z, and the line that it may not reach. ○ proceed, ◇ hold, □ roll back."
    )
    told = "; ".join(
        f"step {s} {(k.difference.value or 0) * 100:+.2f} points, z {k.z:.2f}, boundary "
        f"{f'{k.boundary:.2f}' if math.isfinite(k.boundary) else 'none'}, {k.decision.replace('_', ' ')}"
        for s, k in drawn
    )
    return (_finish(canvas, caption, f"Two panels by step. {message} {told}."),)


def _differences(axes: Axes, drawn: Sequence[tuple[int, Look]], margin: float) -> None:
    far = max(abs(k.difference.value or 0.0) for _, k in drawn)
    edge = 100 * (max(margin, far) * 2 + 0.005)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axhline(margin * 100, color=RED, linewidth=1.2, linestyle="--")
    inside = axes.get_yaxis_transform()
    axes.text(0.99, margin * 100, "margin", transform=inside, ha="right", va="bottom", color=RED)
    for step, look in drawn:
        colour, marker = MARKS[look.decision]
        low, high = (max(min((v or 0.0) * 100, edge), -edge) for v in (look.difference.low, look.difference.high))
        axes.plot([step, step], [low, high], color=colour, linewidth=1.2)
        axes.plot([step], [(look.difference.value or 0.0) * 100], marker=marker, color=colour, markersize=6)
    axes.set_ylim(-edge, edge)
    axes.set_ylabel("more harm, points")


def _scores(axes: Axes, drawn: Sequence[tuple[int, Look]]) -> None:
    limits = [(step, look.boundary) for step, look in drawn if math.isfinite(look.boundary)]
    top = max([3.0, *(look.z for _, look in drawn), *(min(b, 6.0) for _, b in limits)]) + 0.5
    axes.plot([s for s, _ in limits], [b for _, b in limits], color=BLUE, marker="_", markersize=9, linewidth=1)
    for step, bound in limits[-1:]:
        axes.annotate("boundary", (step, bound), (0, 9), textcoords="offset points", ha="center", color=BLUE)
    axes.axhline(0, color=GREY, linewidth=0.8)
    for step, look in drawn:
        colour, marker = MARKS[look.decision]
        axes.plot([step], [look.z], marker=marker, color=colour, markersize=6)
    axes.set_ylim(min([-1.0, *(look.z for _, look in drawn)]) - 0.5, top)
    axes.set_ylabel("z for harm")
