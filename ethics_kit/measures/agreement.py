"""Whether attributions and permutation importance, which knows nothing of them, put the same weight on features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ethics_kit.measures.attributions import per_cell
from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.resampling import DRAWS, percentile, resampled_means

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """What shares of the features' weight the two have in common (0 to 1), and their rank correlation (-1 to 1).

    `attributed` and `permuted` are each feature's shares, in the order of the columns.
    """

    overlap: Estimate
    rank_correlation: Estimate
    attributed: tuple[float, ...]
    permuted: tuple[float, ...]


def agreement(
    predict: Callable[[pd.DataFrame], Array],
    rows: pd.DataFrame,
    attributions: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = 0.95,
) -> Agreement:
    """Root mean square attribution against the root mean square change of the output when a feature is permuted.

    Permutation importance (Breiman 2001, Machine Learning 45:5) with the model's own output as the truth (Fisher, Rudin
    and Dominici 2019, JMLR 20:177). For a sum of functions of one feature each, the second is √2 times the first for
    every feature, so the shares are equal; the overlap is the sum of the smaller of a feature's two shares. Percentile
    bootstrap over clusters. Undefined where either finds no weight at all, the rank correlation also for one feature.

    Raises
    ------
    ValueError
        Not one attribution per cell of `rows`.
    """
    parts = per_cell(attributions, rows)
    n, width = parts.shape
    as_is, permuted = predict(rows), rows.iloc[np.random.default_rng(seed).permutation(n)]
    change = [predict(rows.assign(**{name: permuted[name].array})) - as_is for name in rows.columns]
    squares = np.column_stack([parts, *change]) ** 2
    whole = np.sqrt(squares.mean(axis=0))
    drawn = np.sqrt(resampled_means(squares, clusters=clusters, draws=draws, seed=seed))
    if not whole[:width].any() or not whole[width:].any():
        return Agreement(UNDEFINED, UNDEFINED, (), ())
    shares, of_draws = _shares(whole[None], width), _shares(drawn, width)
    overlaps = np.minimum(of_draws[0], of_draws[1]).sum(axis=1)
    overlap = float(np.minimum(shares[0], shares[1]).sum())
    return Agreement(
        percentile(overlap, overlaps, confidence=confidence),
        percentile(float(_spearman(*shares)[0]), _spearman(*of_draws), confidence=confidence),
        tuple(shares[0][0].tolist()),
        tuple(shares[1][0].tolist()),
    )


def _shares(sizes: Array, width: int) -> tuple[Array, Array]:
    with np.errstate(invalid="ignore"):
        found = [part / part.sum(axis=1, keepdims=True) for part in (sizes[:, :width], sizes[:, width:])]
    return found[0], found[1]


def _spearman(first: Array, second: Array) -> Array:
    """Spearman's rank correlation of each row of `first` with that of `second`; NaN where either is all ties."""
    ranks = [stats.rankdata(part, axis=1) for part in (first, second)]
    centred = [part - part.mean(axis=1, keepdims=True) for part in ranks]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
        return np.asarray((centred[0] * centred[1]).sum(axis=1) / spread)
