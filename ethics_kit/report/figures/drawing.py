"""What all figures share: an SVG with the sentence it shows, drawn the same on every run."""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
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
    canvas, (axes,) = _panels(width, height, 1, 1)
    return canvas, axes


def _panels(width: float, height: float, rows: int, columns: int) -> tuple[Canvas, list[Axes]]:
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
    canvas = Canvas(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return canvas, panels


def _finish(canvas: Canvas, caption: str, alt: str) -> Figure:
    for axes in canvas.axes:
        axes.patch.set_visible(False)  # the page is white already
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's own fonts draw the text
        canvas.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Figure(_lean(target.getvalue().decode()).encode(), caption, alt)


FONT = "font-size: 9px; font-family: 'DejaVu Sans', sans-serif; "


def _lean(svg: str) -> str:
    """The same drawing without file headers, blanks, names of parts and groups of nothing, to a tenth of a point."""
    drawing = re.sub(r">\s+<", "><", svg[svg.index("<svg") :]).replace(
        '<style type="text/css">', f"<style>text{{{FONT}}}"
    )
    drawing = re.sub(r"<[^>]*>", lambda tag: _lean_tag(" ".join(tag[0].split())), drawing).strip()
    return _classed(_flat(drawing)).replace(" xmlns:xlink='http://www.w3.org/1999/xlink'", "")


def _lean_tag(tag: str) -> str:
    if tag.startswith("<style"):
        return tag
    tag = tag.replace(FONT, "").replace("xlink:href", "href")
    tag = re.sub(r"""(id="|#)([mp][0-9a-f]{6})[0-9a-f]{4}(?=["')])""", r"\1\2", tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"| id="[A-Za-z0-9.]+_[0-9]+"', "", tag)
    tag = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), tag)
    tag = re.sub(
        r' d="[^"]*"', lambda path: ' d="' + re.sub(r" ?([A-Za-z]) ?", r"\1", path[0][4:-1]).rstrip() + '"', tag
    )
    tag = re.sub(r' style="[^"]*"', lambda style: re.sub(r"([:;,]) ", r"\1", style[0]), tag)
    tag = re.sub(r' clip-path="([^"]*)" style="', r' style="clip-path:\1;', tag)
    return tag.replace("'", "").replace('"', "'")  # single quotes need no escape in an address


def _flat(svg: str) -> str:
    """The drawing without groups that say nothing of their own."""
    ends: list[str] = []

    def kept(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return ends.pop()
        ends.append("" if tag[0] == "<g>" else "</g>")
        return tag[0] if ends[-1] else ""

    return re.sub(r"</?g\b[^>]*>", kept, svg.replace("<g/>", ""))


def _classed(svg: str) -> str:
    """The drawing with each style that returns said once. A class is named after its style: figures share a page."""
    styles = Counter(re.findall(r" style='([^']*)'", svg))
    names = {style: f"s{sha256(style.encode()).hexdigest()[:7]}" for style, n in styles.items() if n > 1}
    rules = "".join(f".{name}{{{style}}}" for style, name in names.items())
    classed = re.sub(r" style='([^']*)'", lambda m: f" class='{names[m[1]]}'" if m[1] in names else m[0], svg)
    return classed.replace("</style>", f"{rules}</style>", 1)


def _plain(text: str, limit: int = 40) -> str:
    """Untrusted text for a label: no mathematics, no control characters, bounded."""
    clean = "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _rectangle(x: float, y: float, width: float, height: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **style)
