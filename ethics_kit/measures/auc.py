"""The area under the ROC curve, with its variance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from ethics_kit.measures.proportions import UNDEFINED, Estimate, rate

Array = npt.NDArray[np.float64]


def placements(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """For each positive row the other rows that it is above, for each other row the positive ones that it is above.

    Ties count a half. From midranks (Sun and Xu 2014, IEEE Signal Processing Letters 21:1389).
    """
    ranks = stats.rankdata(scores)
    return tuple(ranks[side] - stats.rankdata(scores[side]) for side in (positive, ~positive))


def delong(scores: npt.ArrayLike, positive: npt.ArrayLike) -> tuple[float, float]:
    """AUC (0 to 1, ties count a half) and its variance (DeLong et al. 1988, Biometrics 44:837).

    Raises
    ------
    ValueError
        Fewer than 2 positive or 2 other rows.
    """
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=np.bool_)
    m, n = int(y.sum()), int((~y).sum())
    if min(m, n) < 2:
        raise ValueError(f"{m} positive and {n} other rows: two of each are needed")
    of_positive, of_other = placements(s, y)
    above, below = of_positive / n, 1 - of_other / m
    return float(above.mean()), float(above.var(ddof=1) / m + below.var(ddof=1) / n)


def estimate(value: float, variance: float, smaller: int, *, confidence: float = 0.95) -> Estimate:
    """An AUC with Wilson's interval at the number of independent pairs its variance is worth.

    Where the variance is 0 it tells nothing, and the rows of the `smaller` class stand in.
    """
    if smaller < 2:
        return UNDEFINED
    worth = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else smaller
    return rate(value * worth, worth, confidence=confidence)
