"""Calibration by group: do probabilities agree with what was observed, from the sums per score bin of `scores`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

from ethics_kit.measures import amounts, proportions
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import UNDEFINED, Estimate, Sample
from ethics_kit.measures.scores import ScoreSums
from ethics_kit.measures.sums import Moments, Stratum


@dataclass(frozen=True)
class Bin:
    """Labelled rows whose score lies in one bin: mean score, and the rate of positive outcomes observed."""

    low: float
    high: float
    n: int
    mean_score: float
    observed: Estimate


@dataclass(frozen=True)
class Calibration:
    """How a group's scores agree with what was observed, over its `n` labelled rows.

    `bins` are those with rows. `error` is the expected calibration error: the mean of |observed - mean score| over
    bins, weighted by rows. Chance alone makes it more than 0, the more so the fewer the rows: `error_by_chance` is its
    mean where scores are right. `in_the_large` is observed less predicted rate, `difference` that of the group less
    that of the rest.
    """

    n: int
    bins: tuple[Bin, ...]
    error: float | None
    error_by_chance: float | None
    in_the_large: Estimate
    p_value: float | None
    difference: Estimate
    difference_p_value: float | None


def calibrations(scores: ScoreSums, attribute: str, *, confidence: float = 0.95) -> dict[str, Calibration]:
    """Calibration of probabilities in each group; known groups are compared with all other known groups.

    Every row stands for itself. The test of `in_the_large` is the score test that its interval inverts; that of
    `difference` is the z test of Price and Bonett 2004, Computational Statistics & Data Analysis 45:449.

    Raises
    ------
    ValueError
        The scores' range is not 0 to 1.
    """
    if (scores.low, scores.high) != (0, 1):
        raise ValueError(
            f"calibration needs probabilities, 0 to 1; these scores range over {scores.low:g} to {scores.high:g}"
        )
    groups = scores.groups[attribute]
    labelled = {group: _labelled(strata) for group, strata in groups.items()}
    known = sum((held for group, held in labelled.items() if group != UNKNOWN), _NONE)
    found = {}
    for group, strata in groups.items():
        own = labelled[group]
        rest = known - own if group != UNKNOWN else _NONE
        large = _in_the_large(own, confidence)
        bins = _bins(strata, scores.edges, confidence)
        found[group] = Calibration(
            n=own.n,
            bins=bins,
            error=_weighted([(b.n, abs((b.observed.value or 0.0) - b.mean_score)) for b in bins]),
            error_by_chance=_by_chance(bins),
            in_the_large=large,
            p_value=_p_value(own),
            difference=amounts.difference(large, _in_the_large(rest, confidence)),
            difference_p_value=_difference_p_value(own, rest),
        )
    return found


@dataclass(frozen=True)
class _Labelled:
    """Moments of the scores of labelled rows, and of outcome (1 or 0) less score."""

    scores: Moments
    residuals: Moments

    def __add__(self, other: _Labelled) -> _Labelled:
        return _Labelled(self.scores + other.scores, self.residuals + other.residuals)

    def __sub__(self, part: _Labelled) -> _Labelled:
        return _Labelled(self.scores - part.scores, self.residuals - part.residuals)

    @property
    def n(self) -> int:
        return self.scores.n

    @property
    def predicted(self) -> float:
        return self.scores.mean or 0.0

    @property
    def observed(self) -> Sample:
        """Positive outcomes, worth the rows whose rate would vary as outcome less score does: n·r(1 - r) / variance.

        Not Σp(1 - p): with it, scores too far apart make intervals that miss the truth in one of three cases.
        """
        rate = (self.scores.total + self.residuals.total) / self.n
        variance = self.residuals.squares / self.n - (self.residuals.total / self.n) ** 2
        own = rate * (1 - rate)
        effective = float(self.n * own / variance) if own and variance else float(self.n)
        return Sample(float(rate * self.n), self.n, effective)


_NONE = _Labelled(Moments(), Moments())


def _labelled(strata: Mapping[Stratum, Moments]) -> _Labelled:
    cells = [(positive, held) for (_, positive), held in strata.items() if positive is not None]
    scores = sum((held for _, held in cells), Moments())
    positive = sum((held for positive, held in cells if positive), Moments())
    total, squares = positive.n - scores.total, positive.n - 2 * positive.total + scores.squares
    return _Labelled(scores, Moments(scores.n, 0, total, squares))


def _in_the_large(held: _Labelled, confidence: float) -> Estimate:
    """Wilson's interval of the observed rate, less the predicted one."""
    if not held.n:
        return UNDEFINED
    seen = proportions.rate(*held.observed.worth, confidence=confidence)
    value, low, high = (end - held.predicted for end in (held.observed.rate, seen.low or 0.0, seen.high or 0.0))
    return Estimate(value, low, high)


def _p_value(held: _Labelled) -> float | None:
    if not held.n:
        return None
    count, n = held.observed.worth
    if held.predicted in (0, 1):
        return 1.0 if held.observed.rate == held.predicted else 0.0
    return float(proportions_ztest(count, n, held.predicted, prop_var=held.predicted)[1])


def _difference_p_value(own: _Labelled, rest: _Labelled) -> float | None:
    if not own.n or not rest.n:
        return None
    departures, variance = [], 0.0
    for side in (own, rest):
        count, n = side.observed.worth
        rate = (count + 1) / (n + 2)  # one row more of either outcome: no rate is 0 or 1
        departures.append(rate - side.predicted)
        variance += rate * (1 - rate) / (n + 2)
    return float(2 * stats.norm.sf(abs(departures[0] - departures[1]) / math.sqrt(variance)))


def _bins(strata: Mapping[Stratum, Moments], edges: Sequence[float], confidence: float) -> tuple[Bin, ...]:
    found = []
    for place, (low, high) in enumerate(pairwise(edges)):
        negative, positive = (strata.get((place, outcome), Moments()) for outcome in (False, True))
        mean = (negative + positive).mean
        if mean is not None:
            found.append((low, high, positive.n, negative.n + positive.n, mean))
    observed = proportions.rates([count for *_, count, _, _ in found], [n for *_, n, _ in found], confidence=confidence)
    return tuple(Bin(low, high, n, mean, seen) for (low, high, _, n, mean), seen in zip(found, observed, strict=True))


def _weighted(parts: Sequence[tuple[int, float]]) -> float | None:
    n = sum(rows for rows, _ in parts)
    return math.fsum(rows * value for rows, value in parts) / n if n else None


def _by_chance(bins: Sequence[Bin]) -> float | None:
    """Weighted mean of |X/n - p| for binomial X, by de Moivre (Diaconis and Zabell 1991, Statistical Science 6:284)."""
    n, p = (np.array([getattr(b, name) for b in bins], dtype=float) for name in ("n", "mean_score"))
    over = np.floor(n * p) + 1
    departures = 2 * over * (1 - p) * stats.binom.pmf(over, n, p) / n
    return _weighted([(b.n, float(departure)) for b, departure in zip(bins, departures, strict=True)])
