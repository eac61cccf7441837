"""Group comparisons from counts: each group against all the others, with a verdict that small groups cannot fool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import proportions
from ethics_kit.measures.proportions import Estimate, Pair

Verdict = Literal["disparity", "equivalent", "inconclusive", "not_estimable"]

UNKNOWN = "unknown"

METRICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "selection_rate": (
        ("tp", "fp", "selected_unlabelled"),
        ("tp", "fp", "fn", "tn", "selected_unlabelled", "other_unlabelled"),
    ),
    "true_positive_rate": (("tp",), ("tp", "fn")),
    "false_positive_rate": (("fp",), ("fp", "tn")),
}
"""Each metric as the cells of the count table in its numerator and in its denominator."""


@dataclass(frozen=True)
class Cell:
    """One group's count for one metric."""

    group: str
    count: int
    n: int


@dataclass(frozen=True)
class Comparison:
    """One group against all other known groups of the attribute, on one metric."""

    attribute: str
    metric: str
    group: str
    count: float
    n: float
    rest_count: float
    rest_n: float
    effective: float
    rest_effective: float
    clusters: int | None
    rate: Estimate
    gap: Estimate
    ratio: Estimate
    equivalence: Estimate
    p_value: float | None
    adjusted_p: float | None = None
    verdict: Verdict = "not_estimable"
    rows_needed: int | None = None


def counts(events: ir.Table, attributes: Sequence[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Counts per attribute, group and cell, from one pass over `events`.

    `events` has a boolean `selected`, a boolean or null `positive` (null: not labelled) and one text column per
    attribute. A missing attribute value is the group *unknown*; rows without a decision are in no cell.
    """
    keys = [*attributes, "selected", "positive"]
    grouped = events.filter(events.selected.notnull()).group_by(keys).aggregate(rows=ibis._.count())
    found: dict[str, dict[str, dict[str, int]]] = {name: {} for name in attributes}
    for row in grouped.to_pyarrow().to_pylist():
        cell = _cell(row["selected"], row["positive"])
        for name in attributes:
            group = found[name].setdefault(UNKNOWN if row[name] is None else row[name], {})
            group[cell] = group.get(cell, 0) + row["rows"]
    return {name: dict(sorted(groups.items())) for name, groups in found.items()}


def _cell(selected: bool, positive: bool | None) -> str:
    if positive is None:
        return "selected_unlabelled" if selected else "other_unlabelled"
    if positive:
        return "tp" if selected else "fn"
    return "fp" if selected else "tn"


def metric_cells(groups: Mapping[str, Mapping[str, int]], metric: str) -> list[Cell]:
    """The metric's numerator and denominator in each group."""
    top, bottom = METRICS[metric]
    return [Cell(group, sum(c.get(k, 0) for k in top), sum(c.get(k, 0) for k in bottom)) for group, c in groups.items()]


def compare(attribute: str, metric: str, cells: Sequence[Cell], *, confidence: float = 0.95) -> list[Comparison]:
    """Each known group against the other known groups, every row standing for itself."""
    pairs = proportions.independent([(c.group, c.count, c.n) for c in cells if c.group != UNKNOWN])
    return compare_pairs(attribute, metric, pairs, confidence=confidence)


def compare_pairs(attribute: str, metric: str, pairs: Sequence[Pair], *, confidence: float = 0.95) -> list[Comparison]:
    """Each pair's rates, gap, ratio and test. Verdicts come from `judge`, over a whole record.

    Where rows repeat within clusters or carry weights, intervals and tests rest on what the rows are worth.
    """
    return [_comparison(attribute, metric, pair, confidence) for pair in pairs]


def _comparison(attribute: str, metric: str, pair: Pair, confidence: float) -> Comparison:
    own, rest, rho = pair.own, pair.rest, pair.correlation
    estimable = own.estimable and rest.estimable
    worth = (*own.worth, *rest.worth) if estimable else (0, 0, 0, 0)
    return Comparison(
        attribute=attribute,
        metric=metric,
        group=pair.group,
        count=own.count,
        n=own.n,
        rest_count=rest.count,
        rest_n=rest.n,
        effective=own.effective,
        rest_effective=rest.effective,
        clusters=own.clusters,
        rate=proportions.rate(*own.worth, confidence=confidence) if own.estimable else proportions.UNDEFINED,
        gap=proportions.difference(*worth, confidence=confidence, correlation=rho),
        ratio=proportions.ratio(*worth, confidence=confidence),
        equivalence=proportions.difference(*worth, confidence=0.9, correlation=rho),
        p_value=proportions.difference_p_value(*worth, correlation=rho) if estimable else None,
    )


def judge(
    comparisons: Sequence[Comparison], *, margin: float, significance: float, minimum_group: int
) -> list[Comparison]:
    """Give each comparison its verdict; p-values are adjusted over all of them (Benjamini–Hochberg).

    *Disparity*: significant after adjustment, and the gap beyond the margin. *Equivalent*: the 90% Newcombe interval
    inside ±margin (two one-sided tests). *Not estimable*: an empty denominator on either side, or too few clusters.
    Anything else, and a group worth fewer than `minimum_group` independent rows, is *inconclusive*, with the rows per
    group that would settle it.
    """
    tested = [c for c in comparisons if c.p_value is not None]
    p_values = iter(proportions.adjusted([c.p_value for c in tested if c.p_value is not None]))
    judged = []
    for item in comparisons:
        if item.p_value is None or item.gap.value is None:
            judged.append(item)
            continue
        adjusted = next(p_values)
        verdict: Verdict = "inconclusive"
        if min(item.effective, item.rest_effective) >= minimum_group:
            low, high = item.equivalence.low, item.equivalence.high
            if adjusted <= significance and abs(item.gap.value) > margin:
                verdict = "disparity"
            elif low is not None and high is not None and -margin < low and high < margin:
                verdict = "equivalent"
        base = item.rest_count / item.rest_n
        needed = proportions.rows_needed(base, item.gap.value, margin) if verdict == "inconclusive" else None
        judged.append(replace(item, adjusted_p=adjusted, verdict=verdict, rows_needed=needed))
    return judged
