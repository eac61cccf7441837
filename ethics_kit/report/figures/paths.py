"""Paths of a drawing in whole tenths of a point, and how to write them in few bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

Segment = tuple[str, tuple[int, ...]]
"""A command of a path with its coordinates, from the page's corner, in tenths of a point."""


class Box(NamedTuple):
    """Left, top, right and bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        across = self.left <= other.right and other.left <= self.right
        return across and self.top <= other.bottom and other.top <= self.bottom

    def holds(self, other: Box) -> bool:
        across = self.left - 1 <= other.left and other.right <= self.right + 1
        return across and self.top - 1 <= other.top and other.bottom <= self.bottom + 1


def segments(d: str) -> list[Segment]:
    """The path of matplotlib's attribute `d`: every coordinate from the page's corner."""
    found = re.findall(r"([A-Za-z])([^A-Za-z]*)", d)
    return [(command, tuple(tenths(point) for point in points.split())) for command, points in found]


def moved(shape: list[Segment], by: tuple[int, int]) -> list[Segment]:
    return [(command, tuple(n + by[i % 2] for i, n in enumerate(points))) for command, points in shape]


def rectangle(box: Box) -> list[Segment]:
    left, top, right, bottom = (round(edge) for edge in box)
    return [("M", (left, top)), ("L", (right, top)), ("L", (right, bottom)), ("L", (left, bottom)), ("z", ())]


def tenths(points: str) -> int:
    """A length in points as a whole number of tenths."""
    return round(float(points) * 10)


def path(shape: list[Segment]) -> str:
    """Each point from the corner or from the one before, whichever is shorter; a command's letter once in a row."""
    written: list[str] = []
    last = ""
    at = start = (0, 0)
    for command, points in shape:
        letter, numbers = min(_ways(command, points, at), key=lambda way: len(_numbers(way[1])))
        text = _numbers(numbers)
        again = letter == last and letter not in "Mmz"
        written.append((" " if again and not text.startswith("-") else "" if again else letter) + text)
        last = letter
        at = (points[-2], points[-1]) if points else start
        start = at if command == "M" else start
    return "".join(written)


def _ways(command: str, points: tuple[int, ...], at: tuple[int, int]) -> list[tuple[str, tuple[int, ...]]]:
    """The same step as absolute and as relative, and with one number where it is level or upright."""
    if not points:
        return [("z", ())]
    away = tuple(n - at[i % 2] for i, n in enumerate(points))
    if command == "L" and 0 in away:
        side = 0 if away[1] == 0 else 1
        return [("hv"[side], (away[side],)), ("HV"[side], (points[side],))]
    return [(command.lower(), away), (command, points)]


def _numbers(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers)).replace(" -", "-")
