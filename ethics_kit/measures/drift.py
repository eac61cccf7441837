"""How far a distribution has moved from a baseline, from counts by bin alone: PSI and Kolmogorov–Smirnov.

The population stability index of two samples from one distribution is not 0: with B bins, n and m rows it is about
(1/n + 1/m) times a chi-square with B - 1 degrees of freedom (Yurdakul and Naranjo 2020, Journal of Risk Model
Validation 14(4)), noncentral where the distributions differ. That gives its noise level and its interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from ethics_kit.measures.proportions import UNDEFINED, Estimate

SMOOTHED = 0.5
"""Rows added to every bin of both samples, so that an empty bin has a logarithm (Jeffreys' prior)."""

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """One sample against the baseline, over the `bins` that either holds.

    `noise` is the PSI, and `ks_p` the p-value of the Kolmogorov–Smirnov distance `ks`, that chance alone explains; both
    are None where the bins have no order. All but the numbers of rows is undefined with an empty sample or one bin.
    """

    rows: int
    baseline_rows: int
    bins: int
    psi: Estimate
    noise: float | None
    ks: float | None
    ks_p: float | None


def compare(
    baseline: Mapping[str, int],
    counts: Mapping[str, int],
    *,
    false_alarm_rate: float,
    ordered: bool,
    confidence: float = 0.95,
) -> Drift:
    """Two samples' rows by bin. `ordered` bins are in the order of their names, numbers in these by size.

    `false_alarm_rate` is the chance that `noise` is exceeded without a drift.
    """
    bins = [b for b in sorted({*baseline, *counts}, key=_in_order) if baseline.get(b, 0) + counts.get(b, 0)]
    before, now = (np.array([side.get(b, 0) for b in bins], dtype=float) for side in (baseline, counts))
    m, n = int(before.sum()), int(now.sum())
    if len(bins) < 2 or not (m and n):
        return Drift(n, m, len(bins), UNDEFINED, None, None, None)
    index = psi(before, now)
    distance = ks_distance(before, now) if ordered else None
    return Drift(
        rows=n,
        baseline_rows=m,
        bins=len(bins),
        psi=_interval(index, n, m, len(bins), confidence),
        noise=noise(n, m, len(bins), false_alarm_rate),
        ks=distance,
        ks_p=None if distance is None else ks_p_value(distance, n, m),
    )


def _in_order(name: str) -> list[str | int]:
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def psi(before: ArrayLike, now: ArrayLike) -> float:
    """Population stability index of two count vectors over the same bins, each bin with half a row more."""
    p, q = _smoothed(before), _smoothed(now)
    return float(((q - p) * np.log(q / p)).sum())


def _smoothed(counts: ArrayLike) -> Shares:
    rows = np.asarray(counts, dtype=float) + SMOOTHED
    return np.asarray(rows / rows.sum())


def noise(n: int, m: int, bins: int, false_alarm_rate: float) -> float:
    """The PSI that samples of n and m rows from one distribution exceed with this probability."""
    return float((1 / n + 1 / m) * stats.chi2.isf(false_alarm_rate, bins - 1))


def rows_for_noise(limit: float, m: int, bins: int, false_alarm_rate: float) -> int | None:
    """Rows with which the noise against a baseline of m rows is at most `limit`; None where no number suffices."""
    room = limit / float(stats.chi2.isf(false_alarm_rate, bins - 1)) - 1 / m
    return math.ceil(1 / room) if room > 0 else None


def ks_distance(before: ArrayLike, now: ArrayLike) -> float:
    """Largest distance between two cumulative shares over bins in order; finer bins might show a larger one."""
    cumulated = [np.cumsum(side) / np.sum(side) for side in (np.asarray(before, float), np.asarray(now, float))]
    return float(np.abs(cumulated[0] - cumulated[1]).max())


def ks_p_value(distance: float, n: int, m: int) -> float:
    """Kolmogorov's asymptotic p-value; with binned values true p-values are smaller (Noether 1963)."""
    return float(stats.kstwobign.sf(distance * math.sqrt(n * m / (n + m))))


def _interval(index: float, n: int, m: int, bins: int, confidence: float) -> Estimate:
    """The indices under which the one found is not in either tail; drawn out to hold it, since noise adds to it."""
    scale, tail, df = 1 / n + 1 / m, (1 - confidence) / 2, bins - 1
    found = index / scale
    low = _noncentrality(lambda shift: stats.ncx2.sf(found, df, shift) - tail, found)
    high = _noncentrality(lambda shift: tail - special.chndtr(found, df, shift), found)
    return Estimate(index, min(low * scale, index), max(high * scale, index))


def _noncentrality(excess: Callable[[float], float], found: float) -> float:
    """Where `excess`, which grows with the shift, is 0; 0 where it is positive from the start."""
    if excess(1e-9) >= 0:
        return 0.0
    return float(optimize.brentq(excess, 1e-9, found + 12 * math.sqrt(found + 1) + 60, rtol=1e-6))
