"""Where data comes from, what it serves and who gets it: a diagram of the data-flow inventory."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ethics_kit.report.figures.drawing import GREY, INK, RED, Figure, _canvas, _finish, _plain, _rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BOXES = 8
HEADINGS = ("comes from", "serves", "lies with")
WIDTH, GAP = 1.0, 0.75
"""Of a column of boxes, and of the space between two."""


@dataclass(frozen=True)
class Flow:
    """`fields` that come from one source, serve one purpose, lie in one place and go to each of the recipients."""

    source: str
    purpose: str
    place: str
    recipients: tuple[str, ...]
    fields: int
    special: bool

    @property
    def holders(self) -> tuple[str, ...]:
        return (self.place, *self.recipients)


def data_flow(flows: Sequence[Flow]) -> tuple[Figure, ...]:
    """Sources, purposes and holders as three columns of boxes; a line's width is the number of fields it stands for.

    Of more than eight boxes in a column those with the fewest fields become one. Who else gets data has a thick frame.
    """
    if not flows:
        return ()
    columns = [
        _boxes([(f.source, f.fields) for f in flows]),
        _boxes([(f.purpose, f.fields) for f in flows]),
        _boxes([(holder, f.fields) for f in flows for holder in f.holders]),
    ]
    lines: list[Counter[tuple[str, str, bool]]] = [Counter(), Counter()]
    for flow in flows:
        source, purpose = columns[0][flow.source], columns[1][flow.purpose]
        lines[0][source, purpose, flow.special] += flow.fields
        for holder in dict.fromkeys(columns[2][h] for h in flow.holders):
            lines[1][purpose, holder, flow.special] += flow.fields
    rows = max(len({*boxes.values()}) for boxes in columns)
    canvas, axes = _canvas(7.4, 0.7 + 0.62 * rows)
    places = [_places(list(dict.fromkeys(boxes.values())), rows) for boxes in columns]
    for side, counted in enumerate(lines):
        widest = max(counted.values())
        for (start, end, special), fields in sorted(counted.items(), key=lambda line: line[0][2]):  # special on top
            ends = (places[side][start], places[side + 1][end])
            _line(axes, side, ends, width=1 + 4 * fields / widest, special=special)
    for number, placed in enumerate(places):
        _column(axes, number, placed, rows)
    for outside in dict.fromkeys(columns[2][name] for name in _outside(flows)):
        _box(axes, 2, places[2][outside], linewidth=2.0)
    axes.set(xlim=(-0.03, 3 * WIDTH + 2 * GAP + 0.03), ylim=(-0.6, rows - 0.1))
    axes.set_axis_off()
    return (_finish(canvas, _message(flows, columns), _told(flows, columns, lines)),)


def _boxes(counted: Sequence[tuple[str, int]]) -> dict[str, str]:
    """The box each name goes into: its own, or one for all that are too many. Boxes are in order of their fields."""
    sizes: Counter[str] = Counter()
    for name, fields in counted:
        sizes[name] += fields
    order = [name for name, _ in sizes.most_common()]
    kept = order if len(order) <= MOST_BOXES else order[: MOST_BOXES - 1]
    return {name: name if name in kept else f"{len(order) - len(kept)} others" for name in order}


def _places(boxes: Sequence[str], rows: int) -> dict[str, float]:
    """The height of each box: spread evenly, the first at the top."""
    step = rows / len(boxes)
    return {box: rows - 1 - (i + 0.5) * step + 0.5 for i, box in enumerate(boxes)}


def _left(column: int) -> float:
    return column * (WIDTH + GAP)


def _column(axes: Axes, number: int, places: dict[str, float], rows: int) -> None:
    middle = _left(number) + WIDTH / 2
    axes.text(middle, rows - 0.32, HEADINGS[number], ha="center", va="center", color=GREY)
    for box, y in places.items():
        _box(axes, number, y, linewidth=0.8)
        words = "\n".join(textwrap.wrap(_plain(box, 48), 25)[:2])
        axes.text(middle, y, words, ha="center", va="center", fontsize=8, color=INK)


def _box(axes: Axes, column: int, y: float, *, linewidth: float) -> None:
    style = {"facecolor": "#eef2f6", "edgecolor": INK, "linewidth": linewidth}
    axes.add_patch(_rectangle(_left(column), y - 0.36, WIDTH, 0.72, **style))


def _outside(flows: Sequence[Flow]) -> dict[str, int]:
    """Who else gets data, with the number of fields."""
    counted: Counter[str] = Counter()
    for flow in flows:
        counted.update(dict.fromkeys(flow.recipients, flow.fields))
    return dict(counted.most_common())


def _line(axes: Axes, side: int, ends: tuple[float, float], *, width: float, special: bool) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    left, right = _left(side) + WIDTH, _left(side + 1)
    middle = (left + right) / 2
    points = [(left, ends[0]), (middle, ends[0]), (middle, ends[1]), (right, ends[1])]
    style: dict[str, Any] = {"edgecolor": RED, "linestyle": (0, (2, 1))} if special else {"edgecolor": "#8a99a8"}
    curve = Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
    axes.add_patch(PathPatch(curve, facecolor="none", linewidth=width, **style))


def _message(flows: Sequence[Flow], columns: Sequence[dict[str, str]]) -> str:
    fields, special = sum(f.fields for f in flows), sum(f.fields for f in flows if f.special)
    counts = f"from {_count(len(columns[0]), 'source')} serve {_count(len(columns[1]), 'purpose')}"
    outside = [f"{name} ({_count(n, 'field')})" for name, n in _outside(flows).items()]
    more = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
    told = f"Data flow: {_count(fields, 'field')} {counts}"
    told += f"; others who get some: {', '.join(outside[:3])}{more}" if outside else "; nobody else gets any"
    told += f"; {special} of a special category (red, dashed)." if special else "; none of a special category."
    return f"{told} Wider lines stand for more fields."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _told(
    flows: Sequence[Flow], columns: Sequence[dict[str, str]], lines: Sequence[Counter[tuple[str, str, bool]]]
) -> str:
    """What the lines show, for who cannot see them."""
    parts = [
        f"{start} to {end}: {fields}" + (" (special category)" if special else "")
        for counted in lines
        for (start, end, special), fields in counted.items()
    ]
    return f"{_message(flows, columns)} {'; '.join(parts)}."
