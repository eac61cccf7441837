"""Whether a share moves with time: its change per unit of time, from counts by period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from scipy import stats

from ethics_kit.measures.proportions import Estimate


@dataclass(frozen=True)
class Trend:
    """The change of a share per unit of time over `n` rows in `periods` periods, with its interval.

    `error` is the standard error that the interval rests on, `p_value` that of the test of no change.
    """

    change: Estimate
    error: float
    p_value: float
    n: int
    periods: int

    def at_most(self, confidence: float = 0.95) -> float:
        """The bound that the change lies below with this confidence, on one side."""
        return (self.change.value or 0.0) + float(stats.norm.ppf(confidence)) * self.error


def share_trend(
    counts: Sequence[int], n: Sequence[int], at: Sequence[float], *, confidence: float = 0.95
) -> Trend | None:
    """The line through the shares `counts` / `n` of periods at times `at`, each weighted by its rows.

    The test is Cochran's and Armitage's (Armitage 1955, Biometrics 11:375), whose variance is that of the pooled share;
    the interval's pools with z²/2 more rows of either kind (Agresti and Coull 1998, American Statistician 52:119), so
    that a share of 0 has one. None where rows lie in fewer than two periods.
    """
    known = [(c, m, t) for c, m, t in zip(counts, n, at, strict=True) if m]
    if len({t for _, _, t in known}) < 2:
        return None
    count, rows, time = (np.array(column, dtype=float) for column in zip(*known, strict=True))
    z = float(stats.norm.ppf((1 + confidence) / 2))
    pooled = count.sum() / rows.sum()
    smoothed = (count.sum() + z * z / 2) / (rows.sum() + z * z)
    line = sm.WLS(count / rows, sm.add_constant(time), weights=rows)
    fitted = line.fit(cov_type="fixed scale", cov_kwds={"scale": smoothed * (1 - smoothed)})
    slope, error = float(fitted.params[1]), float(fitted.bse[1])
    exact = error * math.sqrt(pooled * (1 - pooled) / (smoothed * (1 - smoothed)))
    p_value = 2 * float(stats.norm.sf(abs(slope) / exact)) if exact else 1.0
    return Trend(Estimate(slope, slope - z * error, slope + z * error), error, p_value, int(rows.sum()), len(known))
