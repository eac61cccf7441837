"""Whether a gap widens over periods: weighted least squares with the variances that the counts give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import WLS

from ethics_kit.measures.proportions import Estimate, Sample


@dataclass(frozen=True)
class Widening:
    """How much further from 0 the line through the gaps ends than it began; negative where a gap closed.

    `p_value` is two-sided, `last` the gap where the line ends, `span` the periods from its first point to its last:
    growth over span is the slope.
    """

    growth: Estimate
    p_value: float
    last: float
    span: float
    error: float

    def detectable(self, significance: float) -> float:
        """The growth that a two-sided test finds with 80% power."""
        return float(stats.norm.isf(significance / 2) + stats.norm.ppf(0.8)) * self.error


def widening(places: Sequence[int], own: Sequence[Sample], rest: Sequence[Sample], *, confidence: float) -> Widening:
    """The trend of own less rest rates at `places` (whole periods, in order, three or more).

    A period weighs by the inverse of its gap's variance, from what its rows are worth, half a case added to either side
    of a rate (so that none has a variance of 0). Their scale is known and not estimated from the few residuals.
    """
    gaps = np.array([a.rate - b.rate for a, b in zip(own, rest, strict=True)])
    variances = np.array([_variance(a) + _variance(b) for a, b in zip(own, rest, strict=True)])
    at = np.array(places, dtype=float) - places[-1]
    line = WLS(gaps, np.column_stack([np.ones(len(at)), at]), weights=1 / variances).fit(
        cov_type="fixed scale", cov_kwds={"scale": 1.0}
    )
    last, slope = (float(part) for part in line.params)
    span = float(at[-1] - at[0])
    first = last - slope * span
    ends = math.copysign(1, last), math.copysign(1, first)
    gradient = np.array([ends[0] - ends[1], ends[1] * span])
    error = float(np.sqrt(gradient @ line.cov_params() @ gradient))
    growth = abs(last) - abs(first)
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return Widening(
        growth=Estimate(growth, growth - reach, growth + reach),
        p_value=float(2 * stats.norm.sf(abs(growth) / error)),
        last=last,
        span=span,
        error=error,
    )


def _variance(sample: Sample) -> float:
    count, n = sample.worth
    p = (count + 0.5) / (n + 1)
    return p * (1 - p) / n
