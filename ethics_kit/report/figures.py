"""Figures with a message: each carries its conclusion as caption and alt text, and the same bytes on every run."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from ethics_kit.measures.fairness import Comparison
    from ethics_kit.schema import RegisteredRisk

INK, GREY, BLUE, RED, AMBER, GREEN = "#1a1a1a", "#6b6b6b", "#1f5fa8", "#b3261e", "#9a5b00", "#1e7145"
"""Each at least 3:1 on white."""

VERDICT_COLOURS = {"disparity": RED, "inconclusive": AMBER, "equivalent": GREEN, "not_estimable": GREY}


@dataclass(frozen=True)
class Figure:
    """An SVG image with the sentence it shows."""

    svg: bytes
    caption: str
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return (
            {"image/svg+xml": self.svg.decode(), "text/plain": self.alt},
            {"image/svg+xml": {"alt": self.alt, "caption": self.caption}},
        )


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "ethics-kit", "font.family": "sans-serif", "font.size": 9}
    )
    canvas = Canvas(figsize=(width, height), layout="constrained")
    axes = canvas.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return canvas, axes


def _finish(canvas: Canvas, caption: str, alt: str) -> Figure:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's own fonts draw the text
        canvas.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(target.getvalue(), caption, alt)


def _plain(text: str, limit: int = 40) -> str:
    """Untrusted text for a label: no mathematics, no control characters, bounded."""
    clean = "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def risk_matrix(risks: Iterable[RegisteredRisk], appetite: int) -> tuple[Figure, ...]:
    """Residual risks in a 5×5 grid of likelihood and severity, ids in the cells, the appetite as a line."""
    placed: dict[tuple[int, int], list[str]] = {}
    above = []
    for risk in risks:
        if risk.residual:
            placed.setdefault((risk.residual.likelihood, risk.residual.severity), []).append(risk.id)
            if risk.residual.score > appetite:
                above.append(risk.id)
    if not placed:
        return ()
    canvas, axes = _canvas(5.2, 3.6)
    for x in range(1, 6):
        for y in range(1, 6):
            over = x * y > appetite
            axes.add_patch(_rectangle(x - 0.5, y - 0.5, facecolor="#f6dedb" if over else "#eef2f6", edgecolor="white"))
            ids = placed.get((x, y), [])
            shown = "\n".join(" ".join(ids[i : i + 3]) for i in range(0, len(ids), 3))
            axes.text(x, y, shown, ha="center", va="center", color=RED if over else INK, fontsize=8)
    axes.set(xlim=(0.5, 5.5), ylim=(0.5, 5.5), xticks=range(1, 6), yticks=range(1, 6))
    axes.set_xlabel("likelihood (residual)")
    axes.set_ylabel("severity (residual)")
    message = f"{len(above)} risks stay above the appetite of {appetite}" + (f": {', '.join(above)}." if above else ".")
    cells = "; ".join(f"likelihood {x}, severity {y}: {', '.join(ids)}" for (x, y), ids in sorted(placed.items()))
    return (_finish(canvas, message, f"Risk matrix. {message} {cells}."),)


def _rectangle(x: float, y: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 1, 1, **style)


MOST_ROWS = 40


def forest(
    comparisons: Sequence[Comparison], margin: float, labels: Mapping[str, str], *, small: int
) -> tuple[Figure, ...]:
    """Gaps with their intervals, one row per group, the policy's margin as a band; one figure per metric.

    Groups with fewer than `small` rows on either side are withheld; of more than 40, the largest gaps are drawn.
    """
    known = [c for c in comparisons if c.gap.value is not None and min(c.n, c.rest_n) >= small]
    return tuple(
        _forest([c for c in known if c.metric == metric], margin, labels[metric])
        for metric in dict.fromkeys(c.metric for c in known)
    )


def _forest(rows: Sequence[Comparison], margin: float, label: str) -> Figure:
    drawn = list(rows)
    if len(rows) > MOST_ROWS:
        drawn = sorted(rows, key=lambda r: -abs(r.gap.value or 0))[:MOST_ROWS]
    canvas, axes = _canvas(6.6, 0.9 + 0.27 * len(drawn))
    axes.axvspan(-margin * 100, margin * 100, color="#e4e9ef", zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.8)
    for place, row in enumerate(reversed(drawn)):
        low, value, high = ((v or 0) * 100 for v in (row.gap.low, row.gap.value, row.gap.high))
        colour = VERDICT_COLOURS[row.verdict]
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
        axes.plot([value], [place], marker="s" if row.verdict == "disparity" else "o", color=colour, markersize=5)
        axes.text(1.02, place, row.verdict, transform=axes.get_yaxis_transform(), va="center", color=colour, fontsize=8)
    names = [_plain(f"{r.attribute}: {r.group} (n {r.n:,.0f})") for r in reversed(drawn)]
    axes.set_yticks(range(len(drawn)), names)
    axes.set_xlabel("gap to all other groups, percentage points")
    message = _message(rows, label)
    explained = (
        f"{message} Lines are the intervals, the band is the policy's margin; equivalence rests on 90% intervals."
    )
    if len(drawn) < len(rows):
        explained += f" The {len(drawn)} largest of {len(rows)} gaps are drawn."
    values = "; ".join(f"{r.attribute} {r.group} {(r.gap.value or 0) * 100:+.1f} points, {r.verdict}" for r in drawn)
    return _finish(canvas, explained, f"Forest plot of gaps. {message} {values}.")


def _message(rows: Sequence[Comparison], label: str) -> str:
    """What the figure shows, over all its rows."""
    verdicts = Counter(r.verdict for r in rows)
    told = [f"{r.attribute} = {r.group}" for r in rows if r.verdict == "disparity"]
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    parts = [f"disparity for {', '.join(told[:5])}{more}"] if told else []
    if verdicts["inconclusive"]:
        parts.append(f"{verdicts['inconclusive']} of {len(rows)} groups undecided")
    if not parts:
        parts.append("every group shown to lie within the margin")
    elif not told:
        parts.insert(0, "no group shown to differ")
    return f"{label[0].upper()}{label[1:]}: {'; '.join(parts)}."
