"""Cells of several attributes at once, from counts: small ones pooled in part, and differential fairness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats
from scipy.optimize import elementwise
from statsmodels.stats.proportion import proportion_confint

from ethics_kit.measures.gaps import Counts, Rates, against_chance, checked, extremes
from ethics_kit.measures.proportions import UNDEFINED, Estimate

Grid = tuple[Rates, Rates, Rates]
CORRELATIONS = ((np.arange(40) + 0.5) / 40)[:, np.newaxis] ** 4
CONCENTRATIONS = 1 / CORRELATIONS - 1
"""What intervals are averaged over, denser towards cells that are alike."""


@dataclass(frozen=True)
class Pooled:
    """Partially pooled rates with intervals, NaN for a cell without rows, and the fitted prior (None without rows).

    The prior weighs as much as `concentration` rows; None where a common rate is as likely: then all are pooled.
    """

    mean: Rates
    low: Rates
    high: Rates
    prior_mean: float | None
    concentration: float | None


@dataclass(frozen=True)
class Epsilon:
    """Differential fairness over `cells` with rows; with fewer than two, None.

    `outcome` has the largest ratio; `highest` and `lowest` are the places of the cells with the extreme smoothed rates.
    `by_chance` is the mean if all cells had their pooled rate, `by_chance_high` its quantile at `confidence`.
    """

    epsilon: Estimate
    by_chance: float | None
    by_chance_high: float | None
    outcome: Literal["selected", "not_selected"] | None
    highest: int | None
    lowest: int | None
    cells: int


def pooled(counts: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> Pooled:
    """Empirical Bayes: a beta prior fitted to all cells by maximum likelihood; a cell's rate is its posterior mean.

    Intervals, equal-tailed, average the posterior over what is unknown of the prior (Kass and Steffey 1989, JASA
    84:717), with a flat prior on the standard deviation between cells (Gelman 2006, Bayesian Analysis 1:515): from the
    fitted prior alone they cover some 75% where few or small cells leave its concentration a guess. A single cell, or
    rates all 0 or all 1, tell nothing of that deviation: each cell then has its own Wilson interval.
    """
    count, rows = checked(counts, n)
    held = rows > 0
    mean, low, high = (np.full(rows.shape, np.nan) for _ in range(3))
    if not held.any():
        return Pooled(mean, low, high, None, None)
    table = np.stack([count[held], rows[held]])
    (y, size), place, times = np.unique(table, axis=1, return_inverse=True, return_counts=True)
    overall = float(count.sum() / rows.sum())
    if place.size == 1 or overall in (0, 1):
        mean[held] = overall
        low[held], high[held] = proportion_confint(*table, alpha=1 - confidence, method="wilson")
        return Pooled(mean, low, high, overall, None)
    grid = _grid(y, size, times)
    prior_mean, concentration = _fit(y, size, times, grid, overall)
    centre = (prior_mean * concentration + y) / (concentration + size) if concentration else np.full(y.shape, overall)
    mean[held] = centre[place]
    low[held], high[held] = _interval(y, size, centre, grid, confidence)[:, place]
    return Pooled(mean, low, high, prior_mean, concentration)


def _likelihood(y: Counts, n: Counts, times: Counts, mean: Rates, concentration: Rates) -> Rates:
    each = stats.betabinom.logpmf(y, n, mean * concentration, (1 - mean) * concentration)
    return np.asarray((times * each).sum(axis=-1, keepdims=True))


def _grid(y: Counts, n: Counts, times: Counts) -> Grid:
    """The prior's mean, that mean's variance and the log posterior at each of `CONCENTRATIONS`.

    Means are weighted as in Williams 1982, Applied Statistics 31:144, and integrated out by Laplace's method.
    """
    weights = times * n / (1 + (n - 1) * CORRELATIONS)
    total = weights.sum(axis=1, keepdims=True)
    mean = (weights * y / n).sum(axis=1, keepdims=True) / total
    variance = mean * (1 - mean) / total
    flat = np.log(CORRELATIONS) / 4  # the spacing of the grid's standard deviations
    return mean, variance, _likelihood(y, n, times, mean, CONCENTRATIONS) + np.log(variance) / 2 + flat


def _fit(y: Counts, n: Counts, times: Counts, grid: Grid, overall: float) -> tuple[float, float | None]:
    """Mean and concentration of greatest likelihood; the latter is None where a common rate is as likely."""

    def cost(point: Rates) -> float:
        return -float(_likelihood(y, n, times, special.expit(point[0]), np.exp(point[1]))[0])

    best = int(grid[2].argmax())
    bounds = [(-30, 30), (np.log(1e-3), np.log(1e6))]
    start = special.logit(grid[0][best, 0]), np.clip(np.log(CONCENTRATIONS[best, 0]), *bounds[1])
    found = optimize.minimize(cost, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-4, "fatol": 1e-6})
    if -found.fun < (times * stats.binom.logpmf(y, n, overall)).sum() + 0.01:  # a smaller gain may be rounding
        return overall, None
    return float(special.expit(found.x[0])), float(np.exp(found.x[1]))


def _interval(y: Counts, n: Counts, centre: Rates, grid: Grid, confidence: float) -> Rates:
    """Low and high ends (2, cells): quantiles of a mixture of betas, one per concentration."""
    weights = special.softmax(grid[2])[:, 0]
    likely = weights > 1e-5
    mean, variance, concentration = (part[likely] for part in (*grid[:2], CONCENTRATIONS))
    each = (mean * concentration + y) / (concentration + n)
    spread = each * (1 - each) / (concentration + n + 1) + variance * (concentration / (concentration + n)) ** 2
    worth = each * (1 - each) / spread - 1
    a, b = each * worth, (1 - each) * worth

    def below(rate: Rates, tail: Rates, cell: Counts) -> Rates:
        return np.asarray(np.tensordot(weights[likely], special.betainc(a[:, cell], b[:, cell], rate), 1) - tail)

    tails = np.array([[1 - confidence], [1 + confidence]]) / 2
    precision = {"xatol": 1e-9, "xrtol": 1e-5}
    low, high = elementwise.find_root(below, (0.0, 1.0), args=(tails, np.arange(y.size)), tolerances=precision).x
    return np.stack([np.minimum(low, centre), np.maximum(high, centre)])


def differential_fairness(
    counts: ArrayLike,
    n: ArrayLike,
    *,
    seed: int,
    concentration: float = 1.0,
    confidence: float = 0.95,
    replicates: int = 1000,
) -> Epsilon:
    """Largest log ratio of two cells' rates of being selected or of not (Foulds et al. 2020, ICDE, smoothed estimator).

    Rates are smoothed by a symmetric Dirichlet prior worth `concentration` rows, half of them selected; 1 as in the
    authors' code and AIF360. That pulls tiny cells to one half and widens epsilon; `by_chance` holds it too.
    ValueError unless it is above 0: epsilon would be infinite where a cell lacks an outcome.
    """
    if concentration <= 0:
        raise ValueError(f"concentration must be above 0, not {concentration:g}")
    count, rows = checked(counts, n)
    held = np.lexsort((count, rows))[np.count_nonzero(rows == 0) :]
    if held.size < 2:
        return Epsilon(UNDEFINED, None, None, None, None, None, held.size)

    def epsilon(selected: Counts, of: Counts) -> Rates:
        low, high = extremes(selected, of, concentration)
        return np.asarray(np.log(np.maximum(high / low, (1 - low) / (1 - high))))

    count, rows = count[held], rows[held]
    found = against_chance(epsilon, count, rows, confidence=confidence, replicates=replicates, seed=seed)
    low, high = extremes(count, rows, concentration)
    outcome: Literal["selected", "not_selected"] = "selected" if low + high <= 1 else "not_selected"
    rates = (count + concentration / 2) / (rows + concentration)
    return Epsilon(*found, outcome, int(held[rates.argmax()]), int(held[rates.argmin()]), held.size)
