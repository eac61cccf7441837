"""The same drawing in fewer bytes: matplotlib's SVG with like strokes in one path and its words on top.

What is drawn alike and covers nothing else becomes one path, dots are strokes of no length with round ends, and all
lengths are whole tenths of a point, each place written from the one before where that is shorter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from math import ceil
from xml.etree import ElementTree

from ethics_kit.report.figures import paths
from ethics_kit.report.figures.paths import Box, Segment

Style = tuple[tuple[str, str], ...]
"""Properties of CSS with their values, in order of their names."""

SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
FONT = (("font-family", "DejaVu Sans,sans-serif"), ("font-size", "90px"))
DEFAULTS = {*FONT, ("text-anchor", "start"), ("stroke-dashoffset", "0"), ("stroke-linecap", "butt")}
MEANT = {"fill": "#000", "stroke": "none", "stroke-linejoin": "round", "stroke-width": "10"}
"""What matplotlib leaves unsaid of a shape."""
USUAL = {"fill": "none", "stroke": "#000", "stroke-linejoin": "round", "stroke-width": "8"}
"""What the smaller file says once for all shapes."""
WORDS = "fill:#000;stroke:none"
LENGTHS = {"font-size", "stroke-dasharray", "stroke-width"}
ROUND = re.compile(r"M(C{8})z")
"""How matplotlib draws a circle: eight curves."""


@dataclass
class Drawn:
    """Parts of a drawing that look alike: their style, what cuts them, and where each lies."""

    style: Style
    clip: str
    boxes: list[Box]
    segments: list[Segment]

    def takes(self, other: Drawn) -> bool:
        """Whether both can be one path: of lines each covers itself alone; what is filled must lie apart."""
        if (self.style, self.clip) != (other.style, other.clip):
            return False
        lines = not any(name == "fill" or "opacity" in name for name, _ in self.style)
        return lines or not any(mine.meets(its) for mine in self.boxes for its in other.boxes)

    def meets(self, other: Drawn) -> bool:
        return any(mine.meets(its) for mine in self.boxes for its in other.boxes)


@dataclass
class Drawing:
    """What is read from matplotlib's file, on the way to what is written."""

    shapes: dict[str, tuple[list[Segment], Style]] = field(default_factory=dict)
    clips: dict[str, Box] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    words: dict[Style, list[str]] = field(default_factory=dict)


def lean(svg: str) -> str:
    """`svg` as matplotlib writes it, as a smaller file that looks the same; the same bytes for the same drawing."""
    root = ElementTree.fromstring(svg)
    drawing = Drawing()
    for node in root.iter(f"{SVG}clipPath"):
        x, y, width, height = (float(node[0].get(key, 0)) * 10 for key in ("x", "y", "width", "height"))
        drawing.clips[node.get("id", "")] = Box(x, y, x + width, y + height)
    _read(root, drawing, (), "")
    used = {part.clip: drawing.clips[part.clip] for part in drawing.drawn if part.clip}
    clips = "".join(
        f"<clipPath id='{_name(box)}'><path d='{paths.path(paths.rectangle(box))}'/></clipPath>"
        for box in used.values()
    )
    shapes = "".join(_element(part, used) for part in drawing.drawn)
    words = "".join(_group(style, texts) for style, texts in drawing.words.items())
    wide, tall = (paths.tenths(root.get(key, "0pt")[:-2]) for key in ("width", "height"))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{wide / 10:g}pt' height='{tall / 10:g}pt' "
        f"viewBox='0 0 {wide} {tall}' style='{_css((*FONT, *USUAL.items()))};background:#fff'>"
        f"{''.join(drawing.patterns)}{clips}{shapes}<g style='{WORDS}'>{words}</g></svg>"
    )


def _read(node: ElementTree.Element, drawing: Drawing, style: Style, clip: str) -> None:
    """Take up what `node` draws, in its order."""
    style, clip = _styled(node, style), (node.get("clip-path") or clip).removeprefix("url(#").removesuffix(")")
    match node.tag.removeprefix(SVG):
        case "path" if "id" in node.attrib:
            drawing.shapes[node.attrib["id"]] = (paths.segments(node.get("d", "")), style)
        case "path":
            _add(drawing, paths.segments(node.get("d", "")), style, clip)
        case "use":
            shape, own = drawing.shapes[node.attrib[HREF][1:]]
            at = paths.tenths(node.get("x", "0")), paths.tenths(node.get("y", "0"))
            _add(drawing, paths.moved(shape, at), tuple(sorted({**dict(style), **dict(own)}.items())), clip)
        case "text":
            drawing.words.setdefault(style, []).append(_text(node))
        case "pattern":
            ElementTree.register_namespace("", SVG[1:-1])
            plain = " ".join(ElementTree.tostring(node, encoding="unicode").split())
            plain = plain.replace(f' xmlns="{SVG[1:-1]}"', "").replace('"', "'").replace("> <", "><")
            start = f"<pattern patternTransform='scale(10)' style='{WORDS};stroke-width:1' "
            drawing.patterns.append(plain.replace("<pattern ", start))
        case "svg" | "g" | "defs":
            for child in node:
                _read(child, drawing, style, clip)


def _styled(node: ElementTree.Element, inherited: Style) -> Style:
    own = [part.split(":", 1) for part in node.get("style", "").split(";") if ":" in part]
    named = {name.strip(): re.sub(r", +", ",", value.strip()).replace("'", "") for name, value in own}
    shorter = {name: _short(name, value) for name, value in named.items()}
    return tuple(sorted({**dict(inherited), **shorter}.items() - DEFAULTS))


def _short(name: str, value: str) -> str:
    """A length in tenths of a point; a colour of twice three digits as three."""
    if name in LENGTHS:
        return re.sub(r"[\d.]+", lambda number: str(paths.tenths(number[0])), value)
    return re.sub(r"^#(.)\1(.)\2(.)\3$", r"#\1\2\3", value)


def _add(drawing: Drawing, segments: list[Segment], style: Style, clip: str) -> None:
    """Draw with what looks alike and was drawn before, unless something between lies under the new part."""
    if not segments:
        return
    segments, style = _dot(segments, style)
    points = [point for _, points in segments for point in points]
    inner = Box(min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2]))
    look = dict(style)
    pad = ceil(int(look.get("stroke-width", MEANT["stroke-width"])) / 2) if look.get("fill") == "none" else -1
    box = Box(inner.left - pad, inner.top - pad, inner.right + pad, inner.bottom + pad)
    if clip and drawing.clips[clip].holds(inner):
        clip = ""
    new = Drawn(_said(segments, style), clip, [box], segments)
    for before in reversed(drawing.drawn):
        if before.takes(new):
            before.boxes.append(box)
            before.segments += segments
            return
        if before.meets(new):
            break
    drawing.drawn.append(new)


def _said(segments: list[Segment], style: Style) -> Style:
    """What sets a shape apart from the usual; a line without a corner has nothing to fill and no corner to join."""
    corners = len(segments) - sum(command == "M" for command, _ in segments) > 1
    look = MEANT | dict(style) | ({} if corners else {"fill": "none", "stroke-linejoin": "round"})
    if look["stroke"] == "none":
        look |= {"stroke-linejoin": USUAL["stroke-linejoin"], "stroke-width": USUAL["stroke-width"]}
    return tuple(sorted(look.items() - USUAL.items()))


def _dot(segments: list[Segment], style: Style) -> tuple[list[Segment], Style]:
    """A full circle as a stroke of no length with a round end; anything else as it is."""
    look = dict(style)
    colour = look.get("fill")
    plain = {"fill", "stroke", "stroke-width", "stroke-linejoin"} >= look.keys()
    if not (ROUND.fullmatch("".join(c for c, _ in segments)) and plain and look.get("stroke", colour) == colour):
        return segments, style
    ys = [y for _, points in segments for y in points[1::2]]
    x, y = segments[0][1][0], (min(ys) + max(ys)) // 2
    edge = int(look.get("stroke-width", MEANT["stroke-width"])) if "stroke" in look else 0
    wide = str(max(ys) - min(ys) + edge)
    made = {"fill": "none", "stroke": str(colour), "stroke-linecap": "round", "stroke-width": wide}
    return [("M", (x, y)), ("L", (x, y))], tuple(sorted(made.items()))


def _text(node: ElementTree.Element) -> str:
    """Its words at their place, turned where they stand upright."""
    turn = node.get("transform", "")
    at = [node.get("x", "0"), node.get("y", "0")]
    if moved := re.match(r"translate\(([^ ]+) ([^ ]+)\)", turn):
        at = [moved[1], moved[2]]
    x, y = (paths.tenths(n) for n in at)
    angle = re.search(r"rotate\((-?[\d.]+)", turn)
    turned = f" transform='rotate({angle[1]} {x} {y})'" if angle and float(angle[1]) else ""
    return f"<text x='{x}' y='{y}'{turned}>{escape(node.text or '', quote=False)}</text>"


def _group(style: Style, texts: list[str]) -> str:
    return f"<g style='{_css(style)}'>{''.join(texts)}</g>" if style else "".join(texts)


def _element(part: Drawn, clips: Mapping[str, Box]) -> str:
    cut = (("clip-path", f"url(#{_name(clips[part.clip])})"),) if part.clip else ()
    style = _css((*part.style, *cut))
    return f"<path d='{paths.path(part.segments)}'" + (f" style='{style}'/>" if style else "/>")


def _css(style: Style) -> str:
    return ";".join(f"{name}:{value}" for name, value in style)


def _name(box: Box) -> str:
    """A clip's name follows from where it lies: figures may share a page."""
    return f"c{sha256(repr(box).encode()).hexdigest()[:7]}"
