"""Rates and gaps between rates, from counts: intervals, tests and the sample that would settle a question."""

from __future__ import annotations

import math
from collections.abc import Sequence
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

MINIMUM_CLUSTERS = 30
"""Fewer clusters than this make a variance that cannot be relied on."""


@dataclass(frozen=True)
class Sample:
    """A rate's numerator and denominator (weighted sums where rows have weights), and what it is worth.

    `effective` is the number of independent rows that would give the same variance; `clusters` is None where every row
    stands for itself.
    """

    count: float
    n: float
    effective: float
    clusters: int | None = None

    @property
    def rate(self) -> float:
        """The rate; only for ``n > 0``."""
        return self.count / self.n

    @property
    def worth(self) -> tuple[float, float]:
        """Count and number of the independent rows that would tell as much."""
        return (self.count, self.n) if self.effective == self.n else (self.rate * self.effective, self.effective)

    @property
    def estimable(self) -> bool:
        """Whether there is anything to divide by, and enough clusters to tell its variance."""
        return self.n > 0 and (self.clusters is None or self.clusters >= MINIMUM_CLUSTERS)


@dataclass(frozen=True)
class Pair:
    """A group and all other known groups, with the correlation of their rates."""

    group: str
    own: Sample
    rest: Sample
    correlation: float = 0.0


def independent(cells: Sequence[tuple[str, int, int]]) -> list[Pair]:
    """Pairs where every row stands for itself, from (group, count, n)."""
    count, n = sum(c for _, c, _ in cells), sum(rows for _, _, rows in cells)
    return [Pair(group, Sample(own, rows, rows), Sample(count - own, n - rows, n - rows)) for group, own, rows in cells]


def rate(count: float, n: float, *, confidence: float = 0.95) -> Estimate:
    """`count` of `n` with its Wilson score interval; undefined, never 0, where `n` is 0."""
    if n == 0:
        return UNDEFINED
    low, high = proportion_confint(count, n, alpha=1 - confidence, method="wilson")
    return Estimate(count / n, float(low), float(high))


def difference(
    count1: float, n1: float, count2: float, n2: float, *, confidence: float = 0.95, correlation: float = 0.0
) -> Estimate:
    """First rate minus second, with Newcombe's interval (Newcombe 1998, Statistics in Medicine 17:873, method 10).

    Where the rates are correlated, its generalisation: Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    if n1 == 0 or n2 == 0:
        return UNDEFINED
    if correlation:
        return _correlated_difference(
            rate(count1, n1, confidence=confidence), rate(count2, n2, confidence=confidence), correlation
        )
    low, high = confint_proportions_2indep(
        count1, n1, count2, n2, compare="diff", method="newcomb", alpha=1 - confidence
    )
    return Estimate(count1 / n1 - count2 / n2, float(low), float(high))


def _correlated_difference(first: Estimate, second: Estimate, correlation: float) -> Estimate:
    (p, l1, u1), (q, l2, u2) = ((e.value or 0.0, e.low or 0.0, e.high or 0.0) for e in (first, second))

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * correlation * a * b + b * b, 0.0))

    return Estimate(p - q, p - q - reach(p - l1, u2 - q), p - q + reach(u1 - p, q - l2))


def ratio(count1: float, n1: float, count2: float, n2: float, *, confidence: float = 0.95) -> Estimate:
    """First rate over second, with the log interval (Katz et al. 1978); undefined where either count is 0."""
    if 0 in (count1, count2, n1, n2):
        return UNDEFINED
    low, high = confint_proportions_2indep(count1, n1, count2, n2, compare="ratio", method="log", alpha=1 - confidence)
    return Estimate((count1 / n1) / (count2 / n2), float(low), float(high))


def difference_p_value(count1: float, n1: float, count2: float, n2: float, *, correlation: float = 0.0) -> float:
    """Two-sided p-value of the pooled z test that two rates are equal; 1 where both are all or nothing.

    Raises
    ------
    ValueError
        A group is empty.
    """
    if n1 == 0 or n2 == 0:
        raise ValueError("a group without rows has no rate to test")
    pooled = (count1 + count2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2 - 2 * correlation / math.sqrt(n1 * n2))
    spread = math.sqrt(max(variance, 0.0))
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
    within = min(abs(effect), 1.0)  # beyond this a dozen rows do, and the solver leaves its range
    rows = NormalIndPower().solve_power(effect_size=within, alpha=significance, power=power)
    return math.ceil(float(rows))


MOST_ROWS = 10_000_000
"""More rows per group than this nobody collects."""


def rows_needed(base_rate: float, gap: float, margin: float) -> int | None:
    """Rows per group with which a true gap of this size would be settled with 80% power; None beyond `MOST_ROWS`.

    A gap beyond the margin has to be told from 0; one inside it has to be shown to lie inside, by two one-sided tests
    (Chow, Shao and Wang 2008, Sample Size Calculations in Clinical Research, section 4.2).
    """
    room = margin - abs(gap)
    if room < 0:
        return rows_to_settle(base_rate, abs(gap))
    spread = 2 * base_rate * (1 - base_rate)
    quantiles = stats.norm.ppf(0.95) + stats.norm.ppf(0.9)
    rows = spread * (quantiles / room) ** 2 if room > 0 else math.inf
    return math.ceil(max(rows, 2)) if rows <= MOST_ROWS else None
