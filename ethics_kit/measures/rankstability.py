"""How much each feature counts, and how much of the order of features the rows can support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ethics_kit.measures.proportions import MINIMUM_CLUSTERS, Estimate
from ethics_kit.measures.resampling import DRAWS, codes, percentile, resampled_means


@dataclass(frozen=True)
class Ranked:
    """A feature's share of the mean absolute attributions, its rank from 1, and the ranks it may have."""

    feature: str
    share: Estimate
    rank: int
    lowest: int
    highest: int


@dataclass(frozen=True)
class Stability:
    """Features by importance. At each of `cuts`, those before it are shown to be the more important set."""

    features: tuple[Ranked, ...]
    cuts: tuple[int, ...]
    n: int

    @property
    def sets(self) -> list[list[str]]:
        """The features in sets whose order is shown; within a set it is not."""
        ends = [0, *self.cuts, len(self.features)]
        return [[f.feature for f in self.features[start:end]] for start, end in pairwise(ends)]


def rank_stability(
    attributions: npt.ArrayLike,
    features: Sequence[str],
    *,
    clusters: npt.ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = 0.95,
) -> Stability:
    """Mean |attribution| of (rows × features), with bootstrap intervals of shares and ranks over clusters.

    Rank intervals: Goldstein and Spiegelhalter 1996, JRSS A 159:385, one feature at a time. A cut is claimed where the
    same features come first in so many draws that all cuts hold together (Bonferroni); fewer than `MINIMUM_CLUSTERS`
    support none. Shares are undefined, and nothing is claimed, where no feature has any attribution.

    Raises
    ------
    ValueError
        Not one column per feature, or no row.
    """
    sizes = np.abs(np.asarray(attributions, dtype=np.float64))
    if sizes.ndim != 2 or sizes.shape[1] != len(features) or not sizes.size:
        raise ValueError(f"attributions of shape {sizes.shape} for {len(features)} features")
    mean = sizes.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    drawn = resampled_means(sizes, clusters=clusters, draws=draws, seed=seed)[:, order]
    ranks = 1 + np.sum(drawn[:, None, :] > drawn[:, :, None], axis=2)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    lowest, highest = np.quantile(ranks, tails, axis=0, method="closest_observation").astype(int)
    with np.errstate(invalid="ignore"):
        shares, of_draws = mean[order] / mean.sum(), drawn / drawn.sum(axis=1, keepdims=True)
    found = tuple(
        Ranked(
            features[place],
            percentile(float(shares[i]), of_draws[:, i], confidence=confidence),
            i + 1,
            int(lowest[i]),
            int(highest[i]),
        )
        for i, place in enumerate(order)
    )
    enough = len(set(codes(clusters, len(sizes)).tolist())) >= MINIMUM_CLUSTERS
    return Stability(found, _cuts(drawn, confidence) if enough else (), len(sizes))


def _cuts(drawn: npt.NDArray[np.float64], confidence: float) -> tuple[int, ...]:
    least = np.minimum.accumulate(drawn, axis=1)[:, :-1]
    most_after = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1][:, 1:]
    held = np.mean(least > most_after, axis=0)
    needed = 1 - (1 - confidence) / max(len(held), 1)
    return tuple(int(k) + 1 for k in np.flatnonzero(held >= needed))
