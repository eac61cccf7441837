"""A gap over past records as a line of a few hundred bytes, with its intervals as a band."""

from __future__ import annotations

from dataclasses import dataclass

from ethics_kit.report.portfolio.summary import Gap, Trend

WIDTH, HEIGHT, EDGE = 120, 30, 3


@dataclass(frozen=True)
class Line:
    """Coordinates in a box of 120 × 30: the line, the band around it (empty where intervals lack), zero, the end."""

    line: str
    band: str
    zero: int
    end: tuple[int, int]
    first: Gap
    last: Gap
    records: int
    altered: int


def line(trend: Trend) -> Line | None:
    """The chart of `trend`; None for fewer than two records. Days keep their distances; the scale always shows zero."""
    points = trend.points
    if len(points) < 2:
        return None
    first, last = points[0].as_of.toordinal(), points[-1].as_of.toordinal()
    bounded = all(p.low is not None and p.high is not None for p in points)
    lows = [p.low if bounded and p.low is not None else p.value for p in points]
    highs = [p.high if bounded and p.high is not None else p.value for p in points]
    bottom, top = min(0.0, *lows), max(0.0, *highs)
    room = (top - bottom) or 1.0

    def x(point: Gap) -> int:
        return EDGE + round((point.as_of.toordinal() - first) / (last - first) * (WIDTH - 2 * EDGE))

    def y(value: float) -> int:
        return HEIGHT - EDGE - round((value - bottom) / room * (HEIGHT - 2 * EDGE))

    along = [(x(p), y(p.value)) for p in points]
    upper = [(x(p), y(high)) for p, high in zip(points, highs, strict=True)]
    lower = [(x(p), y(low)) for p, low in zip(points, lows, strict=True)]
    band = _path([*upper, *reversed(lower)]) if bounded else ""
    return Line(_path(along), band, y(0.0), along[-1], points[0], points[-1], len(points), trend.altered)


def _path(points: list[tuple[int, int]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
