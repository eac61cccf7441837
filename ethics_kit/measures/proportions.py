"""Rates and gaps between rates, from counts: intervals, tests and the sample that would settle a question."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportion_effectsize


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; all three are None where the value is undefined."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def defined(self) -> bool:
        return self.value is not None


UNDEFINED = Estimate(None, None, None)


def rate(count: int, n: int, *, confidence: float = 0.95) -> Estimate:
    """`count` of `n` with its Wilson score interval; undefined, never 0, where `n` is 0."""
    if n == 0:
        return UNDEFINED
    low, high = proportion_confint(count, n, alpha=1 - confidence, method="wilson")
    return Estimate(count / n, float(low), float(high))


def difference(count1: int, n1: int, count2: int, n2: int, *, confidence: float = 0.95) -> Estimate:
    """First rate minus second, with Newcombe's interval (Newcombe 1998, Statistics in Medicine 17:873, method 10)."""
    if n1 == 0 or n2 == 0:
        return UNDEFINED
    low, high = confint_proportions_2indep(
        count1, n1, count2, n2, compare="diff", method="newcomb", alpha=1 - confidence
    )
    return Estimate(count1 / n1 - count2 / n2, float(low), float(high))


def ratio(count1: int, n1: int, count2: int, n2: int, *, confidence: float = 0.95) -> Estimate:
    """First rate over second, with the log interval (Katz et al. 1978); undefined where either count is 0."""
    if 0 in (count1, count2, n1, n2):
        return UNDEFINED
    low, high = confint_proportions_2indep(count1, n1, count2, n2, compare="ratio", method="log", alpha=1 - confidence)
    return Estimate((count1 / n1) / (count2 / n2), float(low), float(high))


def difference_p_value(count1: int, n1: int, count2: int, n2: int) -> float:
    """Two-sided p-value of the pooled z test that two rates are equal; 1 where both are all or nothing.

    Raises
    ------
    ValueError
        A group is empty.
    """
    if n1 == 0 or n2 == 0:
        raise ValueError("a group without rows has no rate to test")
    pooled = (count1 + count2) / (n1 + n2)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    if spread == 0:
        return 1.0
    return float(2 * stats.norm.sf(abs(count1 / n1 - count2 / n2) / spread))


def adjusted(p_values: list[float]) -> list[float]:
    """Benjamini–Hochberg adjusted p-values, in the order given."""
    if not p_values:
        return []
    return [float(p) for p in stats.false_discovery_control(np.asarray(p_values), method="bh")]


def rows_to_settle(base_rate: float, gap: float, *, power: float = 0.8, significance: float = 0.05) -> int:
    """Rows per group with which a gap of `gap` from `base_rate` would be found with the given power."""
    low = min(max(base_rate, 0.01), 0.99)
    high = low + gap if low + gap <= 0.999 else low - gap
    effect = proportion_effectsize(min(max(high, 0.001), 0.999), low)
    rows = NormalIndPower().solve_power(effect_size=abs(effect), alpha=significance, power=power)
    return math.ceil(float(rows))
