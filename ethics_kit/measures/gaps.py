"""Gaps over all groups of one attribute, from counts, each beside what chance alone would show. Rows are independent.

Highest less lowest grows with the number of groups even where all rates are equal: read it against `by_chance`, not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_chisquare

from ethics_kit.measures import proportions
from ethics_kit.measures.proportions import UNDEFINED, Estimate

Counts = NDArray[np.int64]
Rates = NDArray[np.float64]
Names = Sequence[str]
Statistic = Callable[[Counts, Counts], Rates]
PERMUTATIONS = 2000


@dataclass(frozen=True)
class Spread:
    """Highest less lowest rate. With fewer than two groups all is None but `left_out`: the groups without rows.

    `by_chance` is the mean spread if all groups had their pooled rate, `by_chance_high` its quantile at `confidence`.
    """

    gap: Estimate
    by_chance: float | None
    by_chance_high: float | None
    highest: str | None
    lowest: str | None
    p_value: float | None
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class EqualizedOdds:
    """The larger of two spreads, and the rate it is of; None unless both are defined."""

    gap: Estimate
    by_chance: float | None
    by_chance_high: float | None
    rate: Literal["true_positive_rate", "false_positive_rate"] | None
    true_positive_rate: Spread
    false_positive_rate: Spread


@dataclass(frozen=True)
class FourFifths:
    """Each other group's rate over the highest, `ratio` being the lowest; None with fewer than two or nobody selected.

    `below`: some ratio is under 0.8. `clear`: some ratio's whole interval is.
    """

    ratio: Estimate
    ratios: dict[str, Estimate]
    highest: str | None
    lowest: str | None
    below: bool | None
    clear: bool | None
    left_out: tuple[str, ...]


def checked(counts: ArrayLike, n: ArrayLike) -> tuple[Counts, Counts]:
    """Both as integer arrays; ValueError unless they have one shape and each count is whole, between 0 and its n."""
    count, rows = np.asarray(counts), np.asarray(n)
    if count.shape != rows.shape:
        raise ValueError(f"counts and n differ in shape: {count.shape} and {rows.shape}")
    if not np.all((count >= 0) & (count <= rows) & (count % 1 == 0) & (rows % 1 == 0)):
        raise ValueError("each count must be a whole number between 0 and its n")
    return count.astype(np.int64), rows.astype(np.int64)


def resample(cells: ArrayLike, replicates: int, seed: int) -> Counts:
    r"""Multinomial bootstrap of a whole count table: (replicates, \*its shape); ValueError if it has no rows."""
    table = np.asarray(cells)
    if not table.any():
        raise ValueError("a table without rows cannot be resampled")
    drawn = np.random.default_rng(seed).multinomial(table.sum(), table.ravel() / table.sum(), size=replicates)
    return drawn.reshape(replicates, *table.shape)


def extremes(counts: Counts, n: Counts, concentration: float = 0.0) -> tuple[Rates, Rates]:
    """Extreme rates along the last axis, smoothed by `concentration` rows, half selected; NaN below two groups."""
    rates = np.divide(counts + concentration / 2, n + concentration, out=np.full(n.shape, np.nan), where=n > 0)
    rates[np.count_nonzero(n, axis=-1) < 2] = np.nan
    return np.fmin.reduce(rates, axis=-1), np.fmax.reduce(rates, axis=-1)


def against_chance(
    statistic: Statistic, counts: Counts, n: Counts, *, confidence: float, replicates: int, seed: int
) -> tuple[Estimate, float, float]:
    """A statistic of counts and n with its percentile bootstrap interval, its mean by chance and a quantile of that.

    By chance: if all groups, along the last axis, had their pooled rate. Replicates where the statistic is NaN are left
    out. Resampling moves it up, at times past the value: the interval is then drawn out to hold the value.
    """
    value = float(statistic(counts, n))
    drawn = resample(np.stack([counts, n - counts]), replicates, seed)
    resampled = statistic(drawn[:, 0], drawn.sum(axis=1))
    defined = np.append(resampled[~np.isnan(resampled)], value)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    pooled = counts.sum(axis=-1, keepdims=True) / n.sum(axis=-1, keepdims=True)
    equal = np.random.default_rng([seed, 1]).binomial(n, pooled, size=(replicates, *n.shape))
    chance = statistic(equal, np.broadcast_to(n, equal.shape))
    gap = Estimate(value, min(float(low), value), max(float(high), value))
    return gap, float(chance.mean()), float(np.quantile(chance, confidence))


def omnibus_p_value(counts: ArrayLike, n: ArrayLike, *, seed: int = 0) -> float | None:
    """P-value that all groups have one rate; None with fewer than two groups, 1 where all rates are 0 or all are 1.

    Pearson's chi-square; where an expected count is below 5, its Monte Carlo permutation test with both margins fixed.
    """
    count, rows = (cells[np.asarray(n) > 0] for cells in checked(counts, n))
    if rows.size < 2:
        return None
    pooled = count.sum() / rows.sum()
    if pooled in (0, 1):
        return 1.0
    if rows.min() * min(pooled, 1 - pooled) >= 5:
        return float(proportions_chisquare(count, rows)[1])
    ordered, draw = np.sort(rows), np.random.default_rng(seed).multivariate_hypergeometric
    drawn = draw(ordered, count.sum(), size=PERMUTATIONS, method="marginals")
    permuted = ((drawn - pooled * ordered) ** 2 / ordered).sum(axis=1)
    hits = np.count_nonzero(permuted >= ((count - pooled * rows) ** 2 / rows).sum() * (1 - 1e-9))
    return (1 + int(hits)) / (1 + PERMUTATIONS)


def spread(
    groups: Names, counts: ArrayLike, n: ArrayLike, *, seed: int, confidence: float = 0.95, replicates: int = 1000
) -> Spread:
    """Highest less lowest rate over the groups with rows, with its interval and the omnibus p-value."""
    names, count, rows, left_out = _by_rate(groups, counts, n)
    if len(names) < 2:
        return Spread(UNDEFINED, None, None, None, None, None, left_out)
    found = against_chance(_widest, count[None], rows[None], confidence=confidence, replicates=replicates, seed=seed)
    return Spread(*found, names[-1], names[0], omnibus_p_value(count, rows, seed=seed), left_out)


def _by_rate(groups: Names, counts: ArrayLike, n: ArrayLike) -> tuple[list[str], Counts, Counts, tuple[str, ...]]:
    """Groups with rows by rate and name, so that no result hangs on the order given; and those without."""
    count, rows = checked(counts, n)
    left_out = tuple(sorted(group for group, of in zip(groups, rows, strict=True) if not of))
    kept = sorted(np.flatnonzero(rows).tolist(), key=lambda i: (count[i] / rows[i], groups[i]))
    return [groups[i] for i in kept], count[kept], rows[kept], left_out


def _widest(counts: Counts, n: Counts) -> Rates:
    """The largest of several rates' spreads, from (..., rates, groups)."""
    lowest, highest = extremes(counts, n)
    return np.asarray((highest - lowest).max(axis=-1))


def equalized_odds(
    groups: Names, cells: ArrayLike, *, seed: int, confidence: float = 0.95, replicates: int = 1000
) -> EqualizedOdds:
    """Equalized odds difference (fairlearn's, worst case) over the groups where each rate is defined.

    `cells` is (groups, 4): true positives, false positives, false negatives, true negatives.
    """
    table = np.asarray(cells).reshape(len(groups), 4)[np.argsort(list(groups))].T
    counts, n = checked(table[:2], table[:2] + table[2:])
    tpr = spread(sorted(groups), counts[0], n[0], confidence=confidence, replicates=replicates, seed=seed)
    fpr = spread(sorted(groups), counts[1], n[1], confidence=confidence, replicates=replicates, seed=seed)
    if tpr.gap.value is None or fpr.gap.value is None:
        return EqualizedOdds(UNDEFINED, None, None, None, tpr, fpr)
    found = against_chance(_widest, counts, n, confidence=confidence, replicates=replicates, seed=seed)
    larger = tpr.gap.value >= fpr.gap.value
    return EqualizedOdds(*found, "true_positive_rate" if larger else "false_positive_rate", tpr, fpr)


def four_fifths(groups: Names, counts: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> FourFifths:
    """Each group's selection rate over the highest (29 CFR 1607.4 D): a screen, never a verdict.

    Small groups fail it by chance alone, and the highest is picked after looking. Intervals are Katz's; where nobody of
    a group is selected, its upper limit comes from one half added to each cell (Walter 1975, Biometrika 62:371).
    """
    names, count, rows, left_out = _by_rate(groups, counts, n)
    if len(names) < 2 or not count.any():
        return FourFifths(UNDEFINED, {}, None, None, None, None, left_out)
    *others, best = zip(count.tolist(), rows.tolist(), strict=True)
    ratios = {name: _ratio(*own, *best, confidence) for name, own in zip(names, others, strict=False)}
    below = 5 * others[0][0] * best[1] < 4 * best[0] * others[0][1]
    clear = any(found.high is not None and found.high < 0.8 for found in ratios.values())
    return FourFifths(ratios[names[0]], ratios, names[-1], names[0], below, clear, left_out)


def _ratio(count: int, n: int, best: int, best_n: int, confidence: float) -> Estimate:
    if count:
        return proportions.ratio(count, n, best, best_n, confidence=confidence)
    _, high = confint_proportions_2indep(0, n, best, best_n, "log-adjusted", "ratio", 1 - confidence)
    return Estimate(0.0, 0.0, float(high))
