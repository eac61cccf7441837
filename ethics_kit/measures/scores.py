"""Scores by group: sums per score bin from one pass, and from them how the scores are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import ibis.expr.types as ir

from ethics_kit.measures import amounts, sums
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.sums import Groups, Moments

PERCENTILES = (10, 25, 50, 75, 90)


@dataclass(frozen=True)
class ScoreSums:
    """Moments of the score by attribute and group, in strata of bin (None: no score) and outcome (None: not labelled).

    Bin i of `bins` holds its lower edge and not its upper one, the last bin both.
    """

    low: float
    high: float
    bins: int
    groups: dict[str, Groups]

    @property
    def edges(self) -> list[float]:
        inner = (self.low + (self.high - self.low) * i / self.bins for i in range(1, self.bins))
        return [self.low, *(float(f"{edge:.12g}") for edge in inner), self.high]  # engines read longer ones differently


def out_of_range(events: ir.Table, low: float = 0.0, high: float = 1.0) -> int:
    """Rows whose `score` lies outside `low` to `high`."""
    return int(events.filter(~events.score.between(low, high)).count().to_pyarrow().as_py())


def score_sums(
    events: ir.Table, attributes: Sequence[str], *, bins: int = 10, low: float = 0.0, high: float = 1.0
) -> ScoreSums:
    """Sums of `score` (or null) by group, equal-width bin and `positive` (boolean, null: not labelled), from one pass.

    Raises
    ------
    ValueError
        A score lies outside `low` to `high`.
    """
    empty = ScoreSums(low, high, bins, {})
    bin_of = events.score.bucket(empty.edges, closed="left", close_extreme=True)
    binned = events.select(*attributes, "score", "positive", bin=bin_of)
    groups = sums.moments(binned, attributes, ["score"], by=["bin", "positive"])["score"]
    strata = (held for attribute in groups.values() for group in attribute.values() for held in group.items())
    if any(held.n for (place, _), held in strata if place is None):
        raise ValueError(_strays(events, low, high))
    return ScoreSums(low, high, bins, groups)


def _strays(events: ir.Table, low: float, high: float) -> str:
    score = events.score
    row = events.aggregate(n=score.count(), least=score.min(), most=score.max()).to_pyarrow().to_pylist()[0]
    found = f"{out_of_range(events, low, high)} of {row['n']} scores lie outside {low:g} to {high:g}"
    return f"{found}: they range from {row['least']:g} to {row['most']:g}; give their own range as `low` and `high`"


@dataclass(frozen=True)
class Summary:
    """How a group's scores are spread; `n` rows have one, `missing` do not. Without rows a percentile is None."""

    n: int
    missing: int
    mean: Estimate
    percentiles: dict[int, float | None]


def summary(scores: ScoreSums, attribute: str, *, confidence: float = 0.95) -> dict[str, Summary]:
    """Mean with t interval and `PERCENTILES` of each group's scores.

    Percentiles are interpolated within their bin, and at most a bin's width off.
    """
    found = {}
    for group, strata in scores.groups[attribute].items():
        held = sum(strata.values(), Moments())
        counts = [sum(m.n for (place, _), m in strata.items() if place == i) for i in range(scores.bins)]
        percentiles = {percent: _percentile(percent, counts, scores.edges) for percent in PERCENTILES}
        found[group] = Summary(held.n, held.missing, amounts.mean(held, confidence=confidence), percentiles)
    return found


def _percentile(percent: int, counts: Sequence[int], edges: Sequence[float]) -> float | None:
    reached, wanted = 0, Fraction(percent * sum(counts), 100)
    for rows, (low, high) in zip(counts, pairwise(edges), strict=True):
        if rows and reached + rows >= wanted:
            return low + (high - low) * float((wanted - reached) / rows)
        reached += rows
    return None
