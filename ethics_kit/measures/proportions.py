"""Rates and gaps between rates, from counts: intervals, tests and the sample that would settle a question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportion_effectsize

Array = NDArray[Any]


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


def independent(cells: Sequence[tuple[str, float, float]]) -> list[Pair]:
    """Pairs where every row stands for itself, from (group, count, n)."""
    count, n = sum(c for _, c, _ in cells), sum(rows for _, _, rows in cells)
    return [Pair(group, Sample(own, rows, rows), Sample(count - own, n - rows, n - rows)) for group, own, rows in cells]


def rates(count: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> list[Estimate]:
    """Each `count` of `n` with its Wilson score interval; undefined, never 0, where `n` is 0."""
    count, n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
    low, high = np.full((2, len(n)), np.nan)
    some = n > 0
    if some.any():
        low[some], high[some] = proportion_confint(count[some], n[some], alpha=1 - confidence, method="wilson")
    return _estimates(np.divide(count, n, out=np.full(len(n), np.nan), where=some), low, high)


def rate(count: float, n: float, *, confidence: float = 0.95) -> Estimate:
    """As `rates`, of one."""
    return rates([count], [n], confidence=confidence)[0]


def differences(
    count1: ArrayLike,
    n1: ArrayLike,
    count2: ArrayLike,
    n2: ArrayLike,
    *,
    confidence: float = 0.95,
    correlation: ArrayLike = 0.0,
) -> list[Estimate]:
    """First rates minus second, with Newcombe's interval (Newcombe 1998, Statistics in Medicine 17:873, method 10).

    Where the rates are correlated, its generalisation: Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    c1, m1, c2, m2 = (np.asarray(v, dtype=float) for v in (count1, n1, count2, n2))
    rho = np.broadcast_to(np.asarray(correlation, dtype=float), c1.shape)
    value, low, high = np.full((3, len(c1)), np.nan)
    some = (m1 > 0) & (m2 > 0)
    value[some] = c1[some] / m1[some] - c2[some] / m2[some]
    if some.any():
        low[some], high[some] = confint_proportions_2indep(
            c1[some], m1[some], c2[some], m2[some], compare="diff", method="newcomb", alpha=1 - confidence
        )
    tied = some & (rho != 0)
    if tied.any():
        parts = (c1[tied], m1[tied], c2[tied], m2[tied])
        low[tied], high[tied] = _correlated(*parts, rho[tied], confidence=confidence)
    return _estimates(value, low, high)


def difference(
    count1: float, n1: float, count2: float, n2: float, *, confidence: float = 0.95, correlation: float = 0.0
) -> Estimate:
    """As `differences`, of one pair."""
    return differences([count1], [n1], [count2], [n2], confidence=confidence, correlation=[correlation])[0]


def _correlated(c1: Array, n1: Array, c2: Array, n2: Array, rho: Array, *, confidence: float) -> tuple[Array, Array]:
    p, q = c1 / n1, c2 / n2
    (l1, u1), (l2, u2) = (
        proportion_confint(c, n, alpha=1 - confidence, method="wilson") for c, n in ((c1, n1), (c2, n2))
    )

    def reach(a: Array, b: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(a * a - 2 * rho * a * b + b * b, 0.0)))

    return p - q - reach(p - l1, u2 - q), p - q + reach(u1 - p, q - l2)


def ratios(
    count1: ArrayLike, n1: ArrayLike, count2: ArrayLike, n2: ArrayLike, *, confidence: float = 0.95
) -> list[Estimate]:
    """First rates over second, with the log interval (Katz et al. 1978); undefined where either count is 0."""
    c1, m1, c2, m2 = (np.asarray(v, dtype=float) for v in (count1, n1, count2, n2))
    value, low, high = np.full((3, len(c1)), np.nan)
    some = (c1 > 0) & (c2 > 0) & (m1 > 0) & (m2 > 0)
    if some.any():
        parts = (c1[some], m1[some], c2[some], m2[some])
        value[some] = (parts[0] / parts[1]) / (parts[2] / parts[3])
        low[some], high[some] = confint_proportions_2indep(*parts, compare="ratio", method="log", alpha=1 - confidence)
    return _estimates(value, low, high)


def ratio(count1: float, n1: float, count2: float, n2: float, *, confidence: float = 0.95) -> Estimate:
    """As `ratios`, of one pair."""
    return ratios([count1], [n1], [count2], [n2], confidence=confidence)[0]


def difference_p_values(
    count1: ArrayLike, n1: ArrayLike, count2: ArrayLike, n2: ArrayLike, *, correlation: ArrayLike = 0.0
) -> list[float | None]:
    """Two-sided p-values of the pooled z test that two rates are equal; 1 where both are all or nothing.

    None where a side is empty.
    """
    c1, m1, c2, m2 = (np.asarray(v, dtype=float) for v in (count1, n1, count2, n2))
    rho = np.broadcast_to(np.asarray(correlation, dtype=float), c1.shape)
    found = np.full(len(c1), np.nan)
    some = (m1 > 0) & (m2 > 0)
    c1, m1, c2, m2, rho = (v[some] for v in (c1, m1, c2, m2, rho))
    pooled = (c1 + c2) / (m1 + m2)
    variance = pooled * (1 - pooled) * (1 / m1 + 1 / m2 - 2 * rho / np.sqrt(m1 * m2))
    spread = np.sqrt(np.maximum(variance, 0.0))
    gap = np.abs(c1 / m1 - c2 / m2)
    z = np.divide(gap, spread, out=np.zeros(len(gap)), where=spread > 0)
    found[some] = 2 * stats.norm.sf(z)
    return [None if math.isnan(p) else float(p) for p in found]


def difference_p_value(count1: float, n1: float, count2: float, n2: float, *, correlation: float = 0.0) -> float:
    """As `difference_p_values`, of one pair.

    Raises
    ------
    ValueError
        A group is empty.
    """
    found = difference_p_values([count1], [n1], [count2], [n2], correlation=[correlation])[0]
    if found is None:
        raise ValueError("a group without rows has no rate to test")
    return found


def _estimates(value: Array, low: Array, high: Array) -> list[Estimate]:
    """NaN where undefined, as arrays; as records, `UNDEFINED`."""
    rows = zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    return [UNDEFINED if math.isnan(v) else Estimate(v, lo, hi) for v, lo, hi in rows]


def adjusted(p_values: list[float]) -> list[float]:
    """Benjamini–Hochberg adjusted p-values, in the order given."""
    if not p_values:
        return []
    return [float(p) for p in stats.false_discovery_control(np.asarray(p_values), method="bh")]


def rows_to_settle(base_rate: float, gap: float, *, power: float = 0.8, significance: float = 0.05) -> int:
    """Rows per group with which a gap of `gap` from `base_rate` would be found with the given power."""
    low = min(max(base_rate, 0.01), 0.99)
    high = low + gap if low + gap <= 0.999 else low - gap
    effect = abs(proportion_effectsize(min(max(high, 0.001), 0.999), low))
    one_tail = significance / 2
    return math.ceil(float(normal_sample_size_one_tail(effect, power, one_tail, std_null=math.sqrt(2))))


@cache
def _quantile(probability: float) -> float:
    return float(stats.norm.ppf(probability))


MOST_ROWS = 10_000_000
"""More rows per group than this nobody collects."""


def rows_needed(base_rate: float, gap: float, margin: float, *, variance: float | None = None) -> int | None:
    """Rows per group with which a true gap of this size would be settled with 80% power; None beyond `MOST_ROWS`.

    A gap beyond the margin has to be told from 0; one inside it has to be shown to lie inside, by two one-sided tests
    (Chow, Shao and Wang 2008, Sample Size Calculations in Clinical Research, sections 3.2 and 4.2). `variance` is that
    of one row where what is compared is no rate but a mean.
    """
    base_rate = min(max(base_rate, 0.01), 0.99)  # all or nothing in a sample is no proof of all or nothing
    room = margin - abs(gap)
    if room < 0 and variance is None:
        return rows_to_settle(base_rate, abs(gap))
    tails = (0.975, 0.8) if room < 0 else (0.95, 0.9)
    quantiles = sum(_quantile(tail) for tail in tails)
    spread = 2 * (base_rate * (1 - base_rate) if variance is None else variance)
    reach = abs(gap) if room < 0 else room
    rows = spread * (quantiles / reach) ** 2 if reach > 0 else math.inf
    return math.ceil(max(rows, 2)) if rows <= MOST_ROWS else None
