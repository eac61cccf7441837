"""The gap between a group and the rest within strata of a legitimate factor, and whether it hides or reverses there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from ethics_kit.measures import proportions
from ethics_kit.measures.gaps import Rates, checked
from ethics_kit.measures.proportions import UNDEFINED, Estimate


@dataclass(frozen=True)
class Conditional:
    """A group's rate less the rest's, before and after stratification; None throughout where no stratum has both sides.

    Attributes
    ----------
    crude
        Over all rows of the strata used: those that hold rows of both sides.
    stratified, equivalence
        The Mantel-Haenszel difference, at `confidence` and at 90% for two one-sided tests.
    p_value
        Cochran-Mantel-Haenszel test without continuity correction; 1 where every stratum is all or nothing.
    odds_ratio
        Mantel-Haenszel; undefined where it would be 0 or infinite.
    homogeneity_p_value
        Breslow-Day test with Tarone's adjustment that the strata share one odds ratio. It wants some rows in every
        cell. None with an undefined odds ratio or fewer than two strata that hold both outcomes.
    reversed
        The crude and the stratified difference have opposite signs and neither interval holds 0: a flip that is noise
        around 0 is none.
    opposite_everywhere
        Simpson's paradox as described, chance aside: in every stratum the sign is opposite to the crude one.
    left_out, rows_left_out
        Strata with an empty side, and their rows.
    """

    crude: Estimate
    stratified: Estimate
    equivalence: Estimate
    p_value: float | None
    odds_ratio: Estimate
    homogeneity_p_value: float | None
    differences: dict[str, Estimate]
    reversed: bool | None
    opposite_everywhere: bool | None
    left_out: tuple[str, ...]
    rows_left_out: int


def conditional(strata: Mapping[str, tuple[int, int, int, int]], *, confidence: float = 0.95) -> Conditional:
    """The gap within strata; each stratum gives the group's count and n, then the rest's.

    Raises
    ------
    ValueError
        A count is not a whole number between 0 and its n.
    """
    used = {name: cells for name, cells in strata.items() if cells[1] and cells[3]}
    left_out = tuple(name for name in strata if name not in used)
    rows_left_out = sum(int(strata[name][1] + strata[name][3]) for name in left_out)
    table = np.array(list(strata.values())).reshape(-1, 4)
    checked(table[:, ::2], table[:, 1::2])
    if not used:
        nothing = (UNDEFINED, UNDEFINED, UNDEFINED, None, UNDEFINED, None)
        return Conditional(*nothing, {}, None, None, left_out, rows_left_out)
    cells = np.array(list(used.values()), dtype=float)
    crude = proportions.difference(*cells.sum(axis=0).tolist(), confidence=confidence)
    each = proportions.differences(*cells.T, confidence=confidence)
    stratified = _mantel_haenszel(cells, confidence)
    p_value, odds_ratio, homogeneity = _odds(cells, confidence)
    return Conditional(
        crude=crude,
        stratified=stratified,
        equivalence=_mantel_haenszel(cells, 0.9),
        p_value=p_value,
        odds_ratio=odds_ratio,
        homogeneity_p_value=homogeneity,
        differences=dict(zip(used, each, strict=True)),
        reversed=_side(crude) * _side(stratified) < 0,
        opposite_everywhere=all((found.value or 0) * (crude.value or 0) < 0 for found in each),
        left_out=left_out,
        rows_left_out=rows_left_out,
    )


def _side(estimate: Estimate) -> int:
    """The sign of an estimate whose interval is all on one side of 0; else 0."""
    return int((estimate.low or 0) > 0) - int((estimate.high or 0) < 0)


def _mantel_haenszel(cells: Rates, confidence: float) -> Estimate:
    """Mantel-Haenszel risk difference with Klingenberg's interval (2014, Statistics in Medicine 33:2968).

    It inverts the test with the variance of Sato, Greenland and Robins 1989 (Biometrics 45:1323), good for few large
    strata and for many small ones. That variance is 0 where every stratum is all or nothing: there, and in a single
    stratum, Newcombe's intervals of the strata are combined (Zou and Donner 2008, Statistics in Medicine 27:1693).
    """
    count1, n1, count0, n0 = cells.T
    n = n1 + n0
    weights = n1 * n0 / n
    weight = weights.sum()
    value = float((weights * (count1 / n1 - count0 / n0)).sum() / weight)
    q = float(((count1 * (n0 - count0) + count0 * (n1 - count1)) / (2 * n)).sum() / weight**2)
    if q == 0 or len(cells) == 1:
        return _combined(value, cells, weights / weight, confidence)
    p = float(((n1**2 * count0 - n0**2 * count1 + n1 * n0 * (n0 - n1) / 2) / n**2).sum() / weight**2)
    quantile = float(stats.chi2.ppf(confidence, 1))
    middle = value + quantile * p / 2
    reach = math.sqrt(max(middle**2 - value**2 + quantile * q, 0.0))
    return Estimate(value, max(min(middle - reach, value), -1.0), min(max(middle + reach, value), 1.0))


def _combined(value: float, cells: Rates, shares: Rates, confidence: float) -> Estimate:
    each = proportions.differences(*cells.T, confidence=confidence)
    values, lows, highs = np.array([(e.value, e.low, e.high) for e in each], dtype=float).T
    low, high = (float(np.linalg.norm(shares * reach)) for reach in (values - lows, highs - values))
    return Estimate(value, max(value - low, -1.0), min(value + high, 1.0))


def _odds(cells: Rates, confidence: float) -> tuple[float, Estimate, float | None]:
    """CMH p-value, common odds ratio and Tarone's p-value, from the strata that hold both outcomes."""
    count1, n1, count0, n0 = cells.T
    tables = np.array([[count1, n1 - count1], [count0, n0 - count0]])
    tables = tables[:, :, tables.sum(axis=0).all(axis=0) & tables.sum(axis=1).all(axis=0)]
    if not tables.size:
        return 1.0, UNDEFINED, None
    table = StratifiedTable(tables)
    p_value = float(stats.chi2.sf(table.test_null_odds().statistic, 1))
    if not (tables[0, 0] * tables[1, 1]).any() or not (tables[0, 1] * tables[1, 0]).any():
        return p_value, UNDEFINED, None
    ratio = float(table.oddsratio_pooled)
    low, high = table.oddsratio_pooled_confint(1 - confidence)
    if tables.shape[2] < 2:
        return p_value, Estimate(ratio, float(low), float(high)), None
    if abs(ratio - 1) < 1e-6:  # statsmodels divides by their difference; this moves all strata alike
        tables[0, 0] *= 1 + 3e-6
    tarone = StratifiedTable(tables).test_equal_odds(adjust=True).statistic
    return p_value, Estimate(ratio, float(low), float(high)), float(stats.chi2.sf(tarone, tables.shape[2] - 1))
