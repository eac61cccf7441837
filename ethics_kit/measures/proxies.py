"""What stands in for a protected attribute: how well features tell its groups, together and one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from ethics_kit.measures import auc, encoding
from ethics_kit.measures.proportions import UNDEFINED, Estimate

FOLDS = 5
BINS = 10
"""Numbers are cut at their deciles, so that an association need not be a straight line."""
RIDGE = 1.0
"""What shrinks the discriminant's weights, in rows."""

Verdict = Literal["proxy", "no_proxy", "inconclusive"]


@dataclass(frozen=True)
class Association:
    """Cramér's V of a feature and an attribute (0 to 1), and the p-value of the χ² test that they are independent."""

    value: Estimate
    p_value: float | None
    n: int


@dataclass(frozen=True)
class Predicted:
    """How well the features together tell one group from all others: cross-validated AUC. `n` of its rows were told."""

    group: str
    auc: Estimate
    n: int


def association(feature: pd.Series[Any], group: pd.Series[Any], *, confidence: float = 0.95) -> Association:
    """Cramér's V, numbers cut at their deciles and missing values a class of their own; rows without a group are left
    out.

    The value is Bergsma's, corrected for bias (2013, Journal of the Korean Statistical Society 42:323); the interval
    inverts the noncentral χ² (Smithson 2003, Confidence Intervals, section 4.3), widened to hold the value; for its
    upper end a χ² is never less than expected by chance, or luck would pass for certainty. Undefined where either has
    one value only.
    """
    known = group.notna().to_numpy()
    own, other = (pd.factorize(part)[0] for part in (_classes(feature[known]), group[known]))
    n, r, c = len(own), len(set(own)), len(set(other))
    if min(r, c) < 2:
        return Association(UNDEFINED, None, n)
    table = np.bincount(own * c + other, minlength=r * c).reshape(r, c).astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    chi2, df, least = float(((table - expected) ** 2 / expected).sum()), (r - 1) * (c - 1), min(r, c) - 1
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    value = np.sqrt(max(chi2 / n - df / (n - 1), 0.0) / max(min(rows, columns) - 1, 1e-9))
    tail = (1 - confidence) / 2
    bounds = _noncentrality(chi2, df, 1 - tail), _noncentrality(max(chi2, df), df, tail)
    low, high = (np.sqrt(bound / (n * least)) for bound in bounds)
    value, low, high = (min(float(v), 1.0) for v in (value, low, high))
    return Association(Estimate(value, min(low, value), max(high, value)), float(stats.chi2.sf(chi2, df)), n)


def _noncentrality(chi2: float, df: int, probability: float) -> float:
    """The noncentrality under which a χ² no greater than this has that probability; 0 where none is so small."""

    def excess(noncentrality: float) -> float:
        return float(special.chndtr(chi2, df, noncentrality)) - probability

    if stats.chi2.cdf(chi2, df) <= probability:
        return 0.0
    return float(optimize.brentq(excess, 1e-12, 2 * chi2 + 50 * np.sqrt(chi2 + df) + 50))


def _classes(feature: pd.Series[Any]) -> pd.Series[Any]:
    numbers = encoding.numbers_of(feature)
    if numbers is None:
        text = feature.astype(object).where(feature.notna(), "missing").astype(str)
        common = text.value_counts().index[: encoding.MOST_VALUES]
        return text.where(text.isin(common), "other")
    known = np.isfinite(numbers)
    values = numbers[known]
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])) if known.any() else values
    if len(np.unique(values)) <= BINS:
        cuts = np.unique(values)
    return pd.Series(np.where(known, np.searchsorted(cuts, numbers, side="left"), -1), index=feature.index)


def predicted(
    features: pd.DataFrame, group: pd.Series[Any], *, minimum: int, seed: int = 0, confidence: float = 0.95
) -> list[Predicted]:
    """Each group of at least `minimum` rows against all others, by a linear discriminant of all features' classes.

    The discriminant is ridge regression on the group's indicator (Hastie, Tibshirani and Friedman 2009, sections 3.4.1
    and 4.3); features that tell a group only in combination with each other are not found. The mean of the AUC over
    `FOLDS` folds that hold each group in equal parts, with the mean of their DeLong variances (LeDell, Petersen and van
    der Laan 2015, Electronic Journal of Statistics 9:1583). A group of fewer rows, or with fewer beside it, is
    undefined.
    """
    known = group.notna().to_numpy()
    told = group[known].astype(str).to_numpy()
    sizes = {name: int(np.sum(told == name)) for name in sorted(set(told))}
    least = max(minimum, 3 * FOLDS)  # so that no fold has fewer than two of the others
    able = [name for name, n in sizes.items() if min(n, len(told) - n) >= least] if features.shape[1] else []
    found: dict[str, Estimate] = {}
    if able:
        points = np.column_stack([pd.get_dummies(_classes(features[name][known])) for name in features])
        scores, fold = _scored(points.astype(np.float64), told, able, seed)
        for name, held in zip(able, scores.T, strict=True):
            parts = [auc.delong(held[fold == place], told[fold == place] == name) for place in range(FOLDS)]
            value, variance = np.mean(parts, axis=0)
            found[name] = auc.estimate(float(value), float(variance) / FOLDS, sizes[name], confidence=confidence)
    return [Predicted(name, found.get(name, UNDEFINED), n) for name, n in sizes.items()]


def _scored(
    points: npt.NDArray[np.float64], told: npt.NDArray[Any], names: list[str], seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(rows × groups) discriminants, each learnt without the row's fold, and the folds."""
    fold, wanted = _folds(told, seed), told[:, None] == np.array(names)
    scores = np.empty(wanted.shape)
    for place in range(FOLDS):
        held = fold == place
        mean = points[~held].mean(axis=0)
        x = points[~held] - mean
        weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (wanted[~held] - wanted[~held].mean(0)))
        scores[held] = (points[held] - mean) @ weights
    return scores, fold


def _folds(told: npt.NDArray[Any], seed: int) -> npt.NDArray[np.int64]:
    """A fold for each row, each group spread evenly."""
    mixed = np.random.default_rng(seed).permutation(len(told))
    by_group = mixed[np.argsort(told[mixed], kind="stable")]
    fold = np.empty(len(told), dtype=np.int64)
    fold[by_group] = np.arange(len(told)) % FOLDS
    return fold


def verdict(found: Estimate, influence: Estimate, *, association_min: float, influence_min: float) -> Verdict:
    """A proxy has both: an association and an influence shown to reach their limits; it has none where one is shown
    not to."""
    pairs = [(found, association_min), (influence, influence_min)]
    if any(e.high is not None and e.high < limit for e, limit in pairs):
        return "no_proxy"
    if all(e.low is not None and e.low >= limit for e, limit in pairs):
        return "proxy"
    return "inconclusive"
