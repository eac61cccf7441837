"""How many of a population nobody else looks like, estimated from an extract of it by Pitman's sampling formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from ethics_kit.measures.anonymity import Sizes
from ethics_kit.measures.proportions import UNDEFINED, Estimate

EDGE = 1e-3
"""An α this near to 0 or 1 is that of a search that ran into the wall."""


@dataclass(frozen=True)
class Uniqueness:
    """Share of the population that is unique in it, with its interval, or why it cannot be told."""

    share: Estimate
    population: int
    reason: str | None = None


def population_uniqueness(found: Sizes, population: int, *, confidence: float) -> Uniqueness:
    """The expected share of unique people among `population`, of whom the extract's are taken for a random sample.

    Pitman's formula gives the probability of the classes' sizes; its α and θ are those of the largest likelihood
    (Hoshino 2001; ARX estimates so, too). The interval is that of the log odds, by the likelihood's curvature (delta
    method). Where the extract is the whole population, its own share is exact.
    """
    if not found.n:
        return Uniqueness(UNDEFINED, population, "no rows")
    if population <= found.n:
        share = found.unique / found.n
        return Uniqueness(Estimate(share, share, share), population)
    if found.classes in (1, found.n):
        reason = "all rows look alike" if found.classes == 1 else "no two rows look alike"
        return Uniqueness(UNDEFINED, population, f"{reason}, so that the estimate does not converge")
    best = optimize.minimize(_unlikelihood, (0.0, 1.0), args=(found,), method="Nelder-Mead", options={"maxiter": 2000})
    alpha, _ = _parameters(best.x)
    slope, curvature = _derivatives(best.x, found, population)
    if not best.success or not EDGE < alpha < 1 - EDGE or np.linalg.eigvalsh(curvature).min() <= 0:
        return Uniqueness(UNDEFINED, population, "the estimate does not converge on the sizes of these classes")
    spread = float(np.sqrt(slope @ np.linalg.solve(curvature, slope)))
    middle, reach = _log_odds(best.x, population), float(stats.norm.isf((1 - confidence) / 2)) * spread
    value, low, high = (float(v) for v in special.expit([middle, middle - reach, middle + reach]))
    return Uniqueness(Estimate(value, low, high), population)


def _parameters(free: NDArray[np.float64]) -> tuple[float, float]:
    """α between 0 and 1 and θ above −α, of two free numbers."""
    alpha = float(special.expit(free[0]))
    return alpha, float(np.exp(np.clip(free[1], -30, 30))) - alpha


def _unlikelihood(free: NDArray[np.float64], found: Sizes) -> float:
    """The negative logarithm of Pitman's formula, but for what does not hang on α and θ."""
    alpha, theta = _parameters(free)
    size, classes = np.array(found.counts, dtype=float).T
    u, n = found.classes, found.n
    begun = (u - 1) * np.log(alpha) + special.gammaln(theta / alpha + u) - special.gammaln(theta / alpha + 1)
    grown = classes @ (special.gammaln(size - alpha) - special.gammaln(1 - alpha))
    return -float(begun + grown - special.gammaln(theta + n) + special.gammaln(theta + 1))


def expected_share(alpha: float, theta: float, population: int) -> float:
    """Pitman's expected share of unique people: the chance that the last to come is like none of the others."""
    logs = special.gammaln([theta + alpha + population - 1, theta + 1, theta + alpha, theta + population])
    return float(np.exp(logs[0] + logs[1] - logs[2] - logs[3]))


def _log_odds(free: NDArray[np.float64], population: int) -> float:
    return float(special.logit(np.clip(expected_share(*_parameters(free), population), 1e-300, 1 - 1e-16)))


def _derivatives(
    free: NDArray[np.float64], found: Sizes, population: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The slope of the log odds and the curvature of the negative log likelihood, by central differences."""
    step = 1e-3
    steps = np.eye(2) * step
    slope = np.array([_log_odds(free + s, population) - _log_odds(free - s, population) for s in steps]) / (2 * step)

    def curve(s: NDArray[np.float64], t: NDArray[np.float64]) -> float:
        corners = [(1, s + t), (-1, s - t), (-1, t - s), (1, -s - t)]
        return sum(sign * _unlikelihood(free + move, found) for sign, move in corners) / (4 * step**2)

    return slope, np.array([[curve(s, t) for t in steps] for s in steps])
