"""The bootstrap over clusters, as one matrix product."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ethics_kit.measures.proportions import UNDEFINED, Estimate

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

DRAWS = 1000


def codes(clusters: npt.ArrayLike | None, rows: int) -> Codes:
    """The cluster of each row, numbered from 0; without clusters each row is its own."""
    if clusters is None:
        return np.arange(rows)
    return np.asarray(np.unique(np.asarray(clusters), return_inverse=True)[1], dtype=np.int64).reshape(rows)


def totals(values: Array, code: Codes) -> Array:
    """Sums of (rows × columns) `values` within each cluster: (clusters × columns)."""
    found = np.zeros((int(code.max()) + 1, values.shape[1]))
    np.add.at(found, code, values)
    return found


def resampled_means(
    values: Array, *, clusters: npt.ArrayLike | None = None, draws: int = DRAWS, seed: int = 0
) -> Array:
    """Column means of (rows × columns) `values` in (draws × columns) samples of whole clusters, with replacement.

    Multinomial weights on the clusters' sums (Efron 1979, Annals of Statistics 7:1; Davison and Hinkley 1997,
    Bootstrap Methods, section 3.8).
    """
    code = codes(clusters, len(values))
    sums = totals(np.column_stack([values, np.ones(len(values))]), code)
    weights = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    drawn = weights.astype(np.float64) @ sums
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])


def percentile(value: float, draws: Array, *, confidence: float) -> Estimate:
    """`value` with the percentile interval of its `draws`; undefined where value or draws are no numbers."""
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(known) < len(draws):
        return UNDEFINED
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
