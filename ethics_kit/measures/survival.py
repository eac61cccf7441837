"""How long things stay open, where some still are: the Kaplan–Meier estimate with pointwise intervals."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from ethics_kit.measures.proportions import Estimate


@dataclass(frozen=True)
class Curve:
    """After each of `days` on which something ended: the share still open, with its interval (NaN where undefined).

    `n` things were followed, one of them for `longest` days; `median` is the day by which half had ended, None where
    that was not reached.
    """

    n: int
    longest: float
    days: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    median: float | None

    def open_after(self, day: float) -> float:
        """The share still open after `day` days."""
        step = bisect_right(self.days, day)
        return self.share[step - 1] if step else 1.0

    def at(self, day: float) -> Estimate:
        """As `open_after`, with its interval where there is one: not before the first end, nor once all ended."""
        step = bisect_right(self.days, day)
        bounds = (self.low[step - 1], self.high[step - 1]) if step else (math.nan, math.nan)
        low, high = (None if math.isnan(bound) else bound for bound in bounds)
        return Estimate(self.open_after(day), low, high)


def kaplan_meier(
    days: Sequence[float], ended: Sequence[bool], counts: Sequence[int], *, confidence: float = 0.95
) -> Curve:
    """The curve of `counts` things that `ended` after so many days, or were still open then (censored).

    Intervals are Greenwood's on the scale of log(-log S), which keeps them between 0 and 1 (Kalbfleisch and Prentice
    1980).
    """
    status = np.repeat(np.asarray(ended, dtype=int), counts)
    longest = float(max(days, default=0.0))
    if not status.any():
        return Curve(len(status), longest, (), (), (), (), None)
    fitted = SurvfuncRight(np.repeat(np.asarray(days, dtype=float), counts), status)
    share, error = fitted.surv_prob, fitted.surv_prob_se
    inner = (share > 0) & (share < 1)
    spread = np.full(len(share), np.nan)
    spread[inner] = stats.norm.ppf((1 + confidence) / 2) * error[inner] / (share[inner] * np.abs(np.log(share[inner])))
    median = fitted.quantile(0.5)
    return Curve(
        n=len(status),
        longest=longest,
        days=tuple(fitted.surv_times.tolist()),
        share=tuple(share.tolist()),
        low=tuple((share ** np.exp(spread)).tolist()),
        high=tuple((share ** np.exp(-spread)).tolist()),
        median=float(median) if np.isfinite(median) else None,
    )


def log_rank(
    days: Sequence[float], ended: Sequence[bool], counts: Sequence[int], groups: Sequence[str]
) -> float | None:
    """P-value of the log-rank test that all groups have one curve (Mantel 1966, Cancer Chemotherapy Reports 50:163).

    None where there are fewer than two groups, or nothing ended while things of every group were open.
    """
    status = np.repeat(np.asarray(ended, dtype=int), counts)
    of, time = np.repeat(np.asarray(groups, dtype=object), counts), np.repeat(np.asarray(days, dtype=float), counts)
    if len(set(of)) < 2 or not status.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            p_value = float(survdiff(time, status, of)[1])
        except np.linalg.LinAlgError:
            return None
    return None if math.isnan(p_value) else p_value
