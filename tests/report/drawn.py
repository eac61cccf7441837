"""What a figure's drawing shows: each stroke and shape with its style and its points, counted from the corner."""

import re
import xml.etree.ElementTree as ElementTree

from ethics_kit.report.figures.widths import width

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?\d*\.?\d+"
TAKES = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6}


def strokes(figure, **look):
    """The points of each stroke or shape whose style is `look`, such as ``stroke_width="8"`` (tenths); None is any."""
    root = ElementTree.fromstring(figure.svg)
    usual = styled(root)
    wanted = {name.replace("_", "-"): value for name, value in look.items()}
    found = []
    for path in root.iter(f"{SVG}path"):
        style = usual | styled(path)
        if all(name in style and value in (None, style[name]) for name, value in wanted.items()):
            found += [[(x / 10, y / 10) for x, y in stroke] for stroke in points(path.get("d"))]
    return found


def styled(node):
    return dict(part.split(":") for part in node.get("style", "").split(";") if part)


def points(d):
    """The strokes of a path: for each its points, as (x, y)."""
    strokes, at = [], (0.0, 0.0)
    for letter, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", d):
        numbers = [float(n) for n in re.findall(NUMBER, text)]
        if letter in "zZ":
            strokes[-1].append(at := strokes[-1][0])
            continue
        size = TAKES[letter.lower()]
        assert numbers, letter
        assert len(numbers) % size == 0, (letter, text)
        for i in range(0, len(numbers), size):
            step, own = numbers[i : i + size], letter.islower()
            if letter in "hH":
                at = (step[0] + at[0] * own, at[1])
            elif letter in "vV":
                at = (at[0], step[0] + at[1] * own)
            else:
                at = (step[-2] + at[0] * own, step[-1] + at[1] * own)
            if letter in "mM":
                strokes.append([])
            strokes[-1].append(at)
    return strokes


def words(figure):
    """Each text of a figure with its box: left, top, right and bottom, in points, as wide as the layout takes it."""
    root = ElementTree.fromstring(figure.svg)
    return list(_words(root, {}))


def _words(node, look):
    look = look | styled(node)
    if node.tag == f"{SVG}text" and node.text:
        points = float(look.get("font-size", "90px").removesuffix("px")) / 10
        wide, ascent, descent = points * width(node.text, bold="bold" in look.get("font-weight", "")), 0.75, 0.05
        before = {"start": 0, "middle": wide / 2, "end": wide}[look.get("text-anchor", "start")]
        x, y = float(node.get("x")) / 10, float(node.get("y")) / 10
        if "rotate(-90" in node.get("transform", ""):
            yield node.text, (x - ascent * points, y + before - wide, x + descent * points, y + before)
        else:
            yield node.text, (x - before, y - ascent * points, x - before + wide, y + descent * points)
    for child in node:
        yield from _words(child, look)
