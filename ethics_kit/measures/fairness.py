"""Group comparisons: each group against all the others, with a verdict that small groups cannot fool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ethics_kit.measures import proportions
from ethics_kit.measures.proportions import UNDEFINED, Estimate, Pair

Verdict = Literal["disparity", "equivalent", "inconclusive", "not_estimable"]

WORST_FIRST: tuple[Verdict, ...] = ("disparity", "not_estimable", "inconclusive", "equivalent")


@dataclass(frozen=True)
class Comparison:
    """One group against all other known groups of the attribute, on one metric.

    `n` and `rest_n` are rows (weighted where rows carry weights), `effective` what they are worth as independent ones.
    `gap` is the group's value minus the rest's, `equivalence` its 90% interval. `within` names the factor whose strata
    the gap is taken in. `variance` is that of one row where a mean is compared and not a rate.
    """

    attribute: str
    metric: str
    group: str
    n: float
    rest_n: float
    effective: float
    rest_effective: float
    rate: Estimate
    rest_rate: Estimate
    gap: Estimate
    equivalence: Estimate
    p_value: float | None
    margin: float
    ratio: Estimate = UNDEFINED
    within: str | None = None
    variance: float | None = None
    adjusted_p: float | None = None
    verdict: Verdict = "not_estimable"
    rows_needed: int | None = None

    @property
    def name(self) -> str:
        """What is compared, such as ``gender.selection_rate_difference`` or ``…_difference_within_plan``."""
        return f"{self.attribute}.{self.metric}_difference" + (f"_within_{self.within}" if self.within else "")


def compare(
    attribute: str, metric: str, pairs: Sequence[Pair], *, margin: float, confidence: float = 0.95
) -> list[Comparison]:
    """Each pair's rates, gap, ratio and test. Verdicts come from `judge`, over a whole record.

    Where rows repeat within clusters or carry weights, intervals and tests rest on what the rows are worth.
    """
    able = [pair.own.estimable and pair.rest.estimable for pair in pairs]
    own, rest = (_worths([p.own for p in pairs]), _worths([p.rest for p in pairs]))
    both = np.array(able, dtype=bool)
    worth = [np.where(both, side, 0.0) for side in (*own, *rest)]
    rho = np.array([p.correlation for p in pairs])
    rates = proportions.rates(*own, confidence=confidence)
    rest_rates = proportions.rates(*rest, confidence=confidence)
    gaps = proportions.differences(*worth, confidence=confidence, correlation=rho)
    narrow = proportions.differences(*worth, confidence=0.9, correlation=rho)
    ratios = proportions.ratios(*worth, confidence=confidence)
    p_values = proportions.difference_p_values(*worth, correlation=rho)
    return [
        Comparison(
            attribute=attribute,
            metric=metric,
            group=pair.group,
            n=pair.own.n,
            rest_n=pair.rest.n,
            effective=pair.own.effective,
            rest_effective=pair.rest.effective,
            rate=rates[i],
            rest_rate=rest_rates[i],
            gap=gaps[i],
            equivalence=narrow[i],
            p_value=p_values[i],
            margin=margin,
            ratio=ratios[i],
        )
        for i, pair in enumerate(pairs)
    ]


def _worths(samples: Sequence[proportions.Sample]) -> tuple[proportions.Array, proportions.Array]:
    """Counts and rows as worth; 0 of 0 where nothing can be told."""
    worth = np.array([s.worth if s.estimable else (0.0, 0.0) for s in samples], dtype=float).reshape(-1, 2)
    return worth[:, 0], worth[:, 1]


def judge(comparisons: Sequence[Comparison], *, significance: float, minimum_group: int) -> list[Comparison]:
    """Give each comparison its verdict; p-values are adjusted over all of them (Benjamini–Hochberg).

    *Disparity*: significant after adjustment, and the gap beyond the margin. *Equivalent*: the 90% interval inside
    ±margin (two one-sided tests). *Not estimable*: an empty denominator on either side, or too few clusters. Anything
    else, and a group worth fewer than `minimum_group` independent rows, is *inconclusive*, with the rows per group that
    would settle it.
    """
    p_values = iter(proportions.adjusted([c.p_value for c in comparisons if c.p_value is not None]))
    judged = []
    for item in comparisons:
        if item.p_value is None or item.gap.value is None:
            judged.append(item)
            continue
        adjusted, margin = next(p_values), item.margin
        verdict: Verdict = "inconclusive"
        if min(item.effective, item.rest_effective) >= minimum_group:
            low, high = item.equivalence.low, item.equivalence.high
            if adjusted <= significance and abs(item.gap.value) > margin:
                verdict = "disparity"
            elif low is not None and high is not None and -margin < low and high < margin:
                verdict = "equivalent"
        needed = None
        if verdict == "inconclusive":
            base = item.rest_rate.value or 0.0
            rows = proportions.rows_needed(base, item.gap.value, margin, variance=item.variance)
            needed = None if rows is None else max(rows, minimum_group)
        judged.append(replace(item, adjusted_p=adjusted, verdict=verdict, rows_needed=needed))
    return judged


def worst(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison that decides: by verdict, then by the size of the gap."""
    return min(comparisons, key=lambda c: (WORST_FIRST.index(c.verdict), -abs(c.gap.value or 0.0)))
