"""Numbers by group, such as hours waited or errors of a forecast: means, and gaps between means, from exact sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import ibis.expr.types as ir
from scipy import stats

from ethics_kit.measures import sums
from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.sums import Groups, Moments


def moments(events: ir.Table, attributes: Sequence[str], value: str, *, by: Sequence[str] = ()) -> dict[str, Groups]:
    """Per attribute, the moments of the column `value` by group and stratum (the columns `by`; none: ``()``)."""
    return sums.moments(events, attributes, [value], by=by)[value]


def mean(held: Moments, *, confidence: float = 0.95) -> Estimate:
    """The mean with its t interval; no interval under two rows or where all values are equal."""
    if held.mean is None:
        return UNDEFINED
    if not held.variance:
        return Estimate(held.mean, None, None)
    low, high = stats.t.interval(confidence, held.n - 1, loc=held.mean, scale=math.sqrt(held.variance / held.n))
    return Estimate(held.mean, float(low), float(high))


@dataclass(frozen=True)
class MeanGap:
    """A group's mean less that of the rest, in the number's unit; `equivalence` is its 90% interval.

    `n` and `rest_n` rows were compared. `left_out` rows were not: their stratum has fewer than two on either side.
    """

    n: int
    rest_n: int
    left_out: int
    mean: float | None
    rest_mean: float | None
    gap: Estimate
    equivalence: Estimate
    p_value: float | None


def mean_gap(own: Moments, rest: Moments, *, confidence: float = 0.95) -> MeanGap:
    """Difference of two means with Welch's interval and test (Welch 1947, Biometrika 34:28).

    Undefined under two rows on either side; without interval and test where neither side's values differ.
    """
    return stratified_gap([(own, rest)], confidence=confidence)


def stratified_gap(strata: Sequence[tuple[Moments, Moments]], *, confidence: float = 0.95) -> MeanGap:
    """Difference of means among those alike: the strata's differences, weighted by n1·n2 / (n1 + n2).

    The weights of Cochran (1954, Biometrics 10:417) and of Mantel and Haenszel; each stratum has its own variances,
    and the degrees of freedom are Satterthwaite's (1946, Biometrics Bulletin 2:110). One stratum is Welch's test.
    """
    used = [(own, rest) for own, rest in strata if min(own.n, rest.n) > 1]
    n, rest_n = sum(own.n for own, _ in used), sum(rest.n for _, rest in used)
    left_out = sum(own.n + rest.n for own, rest in strata) - n - rest_n
    if not used:
        return MeanGap(0, 0, left_out, None, None, UNDEFINED, UNDEFINED, None)
    weights = [Fraction(own.n * rest.n, own.n + rest.n) for own, rest in used]
    shares = [weight / sum(weights) for weight in weights]
    first = sum((s * own.total / own.n for s, (own, _) in zip(shares, used, strict=True)), Fraction(0))
    second = sum((s * rest.total / rest.n for s, (_, rest) in zip(shares, used, strict=True)), Fraction(0))
    sides = [(float(s), side) for s, pair in zip(shares, used, strict=True) for side in pair]
    parts = [(share**2 * (side.variance or 0.0) / side.n, side.n - 1) for share, side in sides]
    gap, variance = float(first - second), math.fsum(part for part, _ in parts)
    if variance == 0:
        unsure = Estimate(gap, None, None)
        return MeanGap(n, rest_n, left_out, float(first), float(second), unsure, unsure, None)
    freedom = variance**2 / math.fsum(part**2 / df for part, df in parts)
    spread = stats.t(freedom, loc=gap, scale=math.sqrt(variance))
    wide, ninety = (Estimate(gap, *map(float, spread.interval(level))) for level in (confidence, 0.9))
    p_value = float(2 * stats.t.sf(abs(gap) / math.sqrt(variance), freedom))
    return MeanGap(n, rest_n, left_out, float(first), float(second), wide, ninety, p_value)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First estimate less an independent second; undefined where either has no interval.

    The interval is that of Zou and Donner 2008 (Statistics in Medicine 27:1693), from the two intervals.
    """
    (a, low1, high1), (b, low2, high2) = ((e.value, e.low, e.high) for e in (first, second))
    if a is None or b is None or low1 is None or high1 is None or low2 is None or high2 is None:
        return UNDEFINED
    return Estimate(a - b, a - b - math.hypot(a - low1, high2 - b), a - b + math.hypot(high1 - a, b - low2))


@dataclass(frozen=True)
class ForecastErrors:
    """A forecast's errors in one group, forecast less target and in their unit; `missing` rows lack one of the two.

    `error` and `absolute` are the moments behind the means, for comparing groups by `mean_gap`.
    """

    n: int
    missing: int
    mean_error: Estimate
    mean_absolute_error: Estimate
    root_mean_square_error: Estimate
    error: Moments
    absolute: Moments


def forecast_errors(
    events: ir.Table, attributes: Sequence[str], *, confidence: float = 0.95
) -> dict[str, dict[str, ForecastErrors]]:
    """Per attribute and group, the errors of the forecast `score` of the number `target`, with t intervals.

    That of the root mean square follows from the mean square's by the delta method, and ends at 0.
    """
    error = events.score - events.target
    erring = events.select(*attributes, error=error, absolute=error.abs(), square=error * error)
    names = ("error", "absolute", "square")
    found = sums.moments(erring, attributes, names)
    return {
        attribute: {
            group: _errors(*(found[name][attribute][group][()] for name in names), confidence=confidence)
            for group in groups
        }
        for attribute, groups in found["error"].items()
    }


def _errors(error: Moments, absolute: Moments, square: Moments, *, confidence: float) -> ForecastErrors:
    return ForecastErrors(
        n=error.n,
        missing=error.missing,
        mean_error=mean(error, confidence=confidence),
        mean_absolute_error=mean(absolute, confidence=confidence),
        root_mean_square_error=_root(mean(square, confidence=confidence)),
        error=error,
        absolute=absolute,
    )


def _root(square: Estimate) -> Estimate:
    if square.value is None:
        return UNDEFINED
    root = math.sqrt(square.value)
    if square.high is None or root == 0:
        return Estimate(root, None, None)
    reach = (square.high - square.value) / (2 * root)
    return Estimate(root, max(root - reach, 0.0), root + reach)
