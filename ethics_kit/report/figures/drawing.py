"""What all figures share: an SVG with the sentence it shows, drawn the same on every run."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, GREY, BLUE, RED, AMBER, GREEN = "#1a1a1a", "#6b6b6b", "#1f5fa8", "#b3261e", "#9a5b00", "#1e7145"
"""Each at least 3:1 on white."""

SERIES = ((BLUE, "o"), (RED, "s"), (GREEN, "^"), (AMBER, "D"), (GREY, "v"))
"""Colour and marker of each series: told apart without colour, too."""

VERDICT_COLOURS = {"disparity": RED, "inconclusive": AMBER, "equivalent": GREEN, "not_estimable": GREY}

MOST_ROWS = 40


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
    canvas = _empty(width, height)
    axes = canvas.add_subplot()
    _bare(axes)
    return canvas, axes


def _panels(count: int, *, across: int = 2, height: float = 2.1) -> tuple[Canvas, list[Axes]]:
    """`count` small drawings, `across` to a line, each `height` inches high."""
    lines = -(-count // across)
    canvas = _empty(6.6, 0.4 + height * lines)
    panels = [canvas.add_subplot(lines, across, place + 1) for place in range(count)]
    for axes in panels:
        _bare(axes)
    return canvas, panels


def _bare(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _empty(width: float, height: float) -> Canvas:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "ethics-kit",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 9,
        }
    )
    return Canvas(figsize=(width, height), layout="constrained")


def _finish(canvas: Canvas, caption: str, alt: str) -> Figure:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's own fonts draw the text
        canvas.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Figure(_lean(target.getvalue().decode()).encode(), caption, alt)


FONT = "font-size: 9px; font-family: 'DejaVu Sans', sans-serif; "


def _lean(svg: str) -> str:
    """The same drawing without file headers, blanks and names of parts, to a tenth of a point: a third of the size."""
    drawing = re.sub(r">\s+<", "><", svg[svg.index("<svg") :]).replace(
        '<style type="text/css">', f"<style>text{{{FONT}}}"
    )
    return re.sub(r"<[^>]*>", lambda tag: _lean_tag(" ".join(tag[0].split())), drawing).strip()


def _lean_tag(tag: str) -> str:
    if tag.startswith("<style"):
        return tag
    tag = tag.replace(FONT, "")
    tag = re.sub(r' transform="rotate\(-0 [^"]*"| id="[a-z0-9.]+_[0-9]+"', "", tag)
    tag = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), tag)
    return tag.replace("'", "").replace('"', "'")  # single quotes need no escape in an address


def _plain(text: str, limit: int = 40) -> str:
    """Untrusted text for a label: no mathematics, no control characters, bounded."""
    clean = "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _rectangle(x: float, y: float, width: float, height: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **style)
