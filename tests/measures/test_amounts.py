"""Gaps between means: published numbers, scipy and regression as second routes, intervals that cover."""

from __future__ import annotations

from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from ethics_kit.measures import amounts, proportions, sums
from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.sums import Moments

# Student's sleep data (Cushny and Peebles 1905): extra hours of sleep under two drugs; R's `sleep`.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def held(values: list[float]) -> Moments:
    exact = [Fraction(v) for v in values]
    return Moments(len(exact), 0, sum(exact, Fraction(0)), sum((v * v for v in exact), Fraction(0)))


def ends(estimate: Estimate) -> tuple[float | None, float | None]:
    return estimate.low, estimate.high


# --- means and gaps -----------------------------------------------------------------------------------------------


def test_the_gap_of_students_sleep_data_is_rs_welch_test() -> None:
    found = amounts.mean_gap(held(FIRST), held(SECOND))
    assert (found.mean, found.rest_mean, found.gap.value) == pytest.approx((0.75, 2.33, -1.58))
    assert ends(found.gap) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    assert found.p_value == pytest.approx(0.07939, abs=5e-6)


def test_the_mean_of_students_sleep_data_has_rs_t_interval() -> None:
    found = amounts.mean(held(FIRST))
    assert (found.low, found.value, found.high) == pytest.approx((-0.5297804, 0.75, 2.0297804), abs=5e-8)


numbers = st.lists(st.integers(-500, 500).map(lambda n: n / 10), min_size=2, max_size=12)


@given(numbers, numbers)
@settings(max_examples=60, deadline=None)
def test_a_gap_is_scipys_welch_test_of_the_rows(first: list[float], second: list[float]) -> None:
    assume(np.ptp(first) > 0.5 and np.ptp(second) > 0.5)  # scipy warns of values it takes for equal
    found = amounts.mean_gap(held(first), held(second), confidence=0.8)
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert found.gap.value == pytest.approx(np.mean(first) - np.mean(second), abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)
    assert ends(found.gap) == pytest.approx(tuple(expected.confidence_interval(0.8)), abs=1e-6)
    assert ends(found.equivalence) == pytest.approx(tuple(expected.confidence_interval(0.9)), abs=1e-6)


def test_hours_waited_are_compared_from_the_table() -> None:
    columns = {"hours": pa.array([*FIRST, *SECOND, None, 99.0]), "sex": pa.array(["f"] * 10 + ["m"] * 11 + [None])}
    groups = amounts.moments(ibis.memtable(pa.table(columns)), ["sex"], "hours")["sex"]
    ((own, rest),) = sums.against_rest(groups)["f"]
    found = amounts.mean_gap(own, rest)
    assert (found.n, found.rest_n, rest.missing) == (10, 10, 1)
    assert found.p_value == pytest.approx(0.07939, abs=5e-6)


@pytest.mark.parametrize(("own", "rest"), [([], [1.0, 2.0]), ([1.0], [1.0, 2.0, 3.0]), ([1.0, 2.0], [5.0])])
def test_fewer_than_two_rows_on_a_side_have_no_gap(own: list[float], rest: list[float]) -> None:
    found = amounts.mean_gap(held(own), held(rest))
    assert (found.gap, found.equivalence, found.p_value) == (UNDEFINED, UNDEFINED, None)
    assert (found.n, found.rest_n, found.left_out) == (0, 0, len(own) + len(rest))


def test_without_any_spread_a_gap_has_neither_interval_nor_test() -> None:
    found = amounts.mean_gap(held([0.1] * 3), held([0.3] * 4))
    assert found.gap == Estimate(pytest.approx(-0.2), None, None)
    assert found.p_value is None


def test_one_side_without_spread_is_compared_by_the_others() -> None:
    found = amounts.mean_gap(held([1.0, 1.0, 1.0]), held([1.0, 2.0, 3.0]))
    assert found.p_value == pytest.approx(stats.ttest_ind_from_stats(1, 0, 3, 2, 1, 3, equal_var=False).pvalue)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], UNDEFINED), ([2.5], Estimate(2.5, None, None)), ([2.5] * 9, Estimate(2.5, None, None))],
)
def test_a_mean_without_spread_has_no_interval(values: list[float], expected: Estimate) -> None:
    assert amounts.mean(held(values)) == expected


# --- among those alike --------------------------------------------------------------------------------------------


def test_one_stratum_is_the_plain_gap() -> None:
    pair = (held(FIRST), held(SECOND))
    assert amounts.stratified_gap([pair]) == amounts.mean_gap(*pair)


strata = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4)


@given(strata)
@settings(max_examples=30, deadline=None)
def test_a_stratified_gap_is_the_coefficient_of_a_regression_with_an_intercept_per_stratum(
    drawn: list[tuple[list[float], list[float]]],
) -> None:
    rows = [
        (value, own, str(place))
        for place, pair in enumerate(drawn)
        for own, values in zip((1, 0), pair, strict=True)
        for value in values
    ]
    formula = "value ~ own" + (" + C(stratum)" if len(drawn) > 1 else "")
    fitted = smf.ols(formula, pd.DataFrame(rows, columns=["value", "own", "stratum"])).fit()
    found = amounts.stratified_gap([(held(own), held(rest)) for own, rest in drawn])
    assert found.gap.value == pytest.approx(fitted.params["own"], abs=1e-8)
    assert found.gap.value == pytest.approx(found.mean - found.rest_mean, abs=1e-9)


def test_two_strata_by_hand() -> None:
    # Weights 2·2/4 = 1 and 3·6/9 = 2; gaps 1 and 4; variances 1/2 + 1/2 and 4/3 + 4/6 in thirds.
    first = (held([1.0, 2.0]), held([0.0, 1.0]))
    second = (held([4.0, 6.0, 8.0]), held([0.0, 0.0, 2.0, 2.0, 4.0, 4.0]))
    found = amounts.stratified_gap([first, second])
    variances = [0.5 / 2 / 9, 0.5 / 2 / 9, 4 / 3 * 4 / 9, 3.2 / 6 * 4 / 9]
    freedom = sum(variances) ** 2 / sum(v**2 / df for v, df in zip(variances, (1, 1, 2, 5), strict=True))
    t = 3 / sum(variances) ** 0.5
    assert found.gap.value == pytest.approx((1 * 1 + 2 * 4) / 3)
    assert found.p_value == pytest.approx(2 * stats.t.sf(t, freedom))
    assert found.gap.high == pytest.approx(3 + stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5)


def test_strata_reverse_a_gap_that_only_their_mix_makes() -> None:
    # Urgent cases wait 1 or 2 hours, others 10 or 11; the group's are mostly not urgent (Simpson's paradox).
    urgent, other = [1.0, 2.0] * 5, [10.0, 11.0] * 5
    own, rest = (urgent[:2], other * 3), ([v + 0.5 for v in urgent * 3], [v + 0.5 for v in other[:2]])
    plain = amounts.mean_gap(held(own[0] + own[1]), held(rest[0] + rest[1]))
    alike = amounts.stratified_gap([(held(a), held(b)) for a, b in zip(own, rest, strict=True)])
    assert plain.gap.low > 0
    assert alike.gap.value == pytest.approx(-0.5)


def test_a_stratum_with_one_row_on_a_side_is_left_out_and_counted() -> None:
    full = (held(FIRST), held(SECOND))
    found = amounts.stratified_gap([full, (held([1.0]), held([5.0, 6.0])), (held([]), held([5.0] * 4))])
    assert found.left_out == 7
    assert found.gap == amounts.mean_gap(*full).gap


def test_no_strata_have_no_gap() -> None:
    assert amounts.stratified_gap([]).gap == UNDEFINED


def test_stratified_intervals_cover_and_tests_keep_their_level() -> None:
    chance = np.random.default_rng(20261101)
    sizes, means, spreads = [(4, 30), (12, 9), (25, 6)], [1.0, 8.0, 30.0], [(0.5, 1.0), (3.0, 2.0), (5.0, 9.0)]
    draws, covered, found = 800, 0, 0
    for _ in range(draws):
        pairs = [
            tuple(held(list(m + s * chance.standard_normal(n))) for n, s in zip(size, spread, strict=True))
            for size, m, spread in zip(sizes, means, spreads, strict=True)
        ]
        gap = amounts.stratified_gap(pairs)
        covered += gap.gap.low <= 0 <= gap.gap.high
        found += gap.p_value < 0.05
    assert 0.93 <= covered / draws <= 0.97
    assert found == draws - covered


# --- differences of estimates -------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_the_difference_of_two_wilson_intervals_is_newcombes(first: int, second: int) -> None:
    found = amounts.difference(proportions.rate(first, 40), proportions.rate(second, 30))
    expected = proportions.difference(first, 40, second, 30)
    assert (found.value, *ends(found)) == pytest.approx((expected.value, *ends(expected)), abs=1e-12)


def test_a_difference_without_an_interval_on_a_side_is_undefined() -> None:
    assert amounts.difference(Estimate(1.0, None, None), Estimate(1.0, 0.0, 2.0)) == UNDEFINED
    assert amounts.difference(Estimate(1.0, 0.0, 2.0), UNDEFINED) == UNDEFINED


# --- forecasts ----------------------------------------------------------------------------------------------------


def forecasts(rows: list[tuple[float | None, float | None, str | None]]) -> ibis.Table:
    kinds = {"score": pa.float64(), "target": pa.float64(), "sex": pa.string()}
    return ibis.memtable(pa.table({k: pa.array([r[i] for r in rows], t) for i, (k, t) in enumerate(kinds.items())}))


tenths = st.integers(0, 400).map(lambda n: n / 10)


@given(st.lists(st.tuples(tenths, tenths, st.sampled_from("fm")), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_forecast_errors_equal_sklearns(rows: list[tuple[float, float, str]]) -> None:
    found = amounts.forecast_errors(forecasts(rows), ["sex"])["sex"]
    frame = pd.DataFrame(rows, columns=["score", "target", "sex"])
    assert list(found) == sorted(frame.sex.unique())
    for group, part in frame.groupby("sex"):
        errors = found[group]
        assert errors.n == len(part)
        assert errors.mean_error.value == pytest.approx((part.score - part.target).mean(), abs=1e-9)
        assert errors.mean_absolute_error.value == pytest.approx(mean_absolute_error(part.target, part.score))
        assert errors.root_mean_square_error.value == pytest.approx(root_mean_squared_error(part.target, part.score))


def test_forecast_intervals_are_t_intervals_of_the_errors_and_the_delta_methods() -> None:
    error = np.array([1.0, -2.0, 3.0, 0.5, -1.5])
    found = amounts.forecast_errors(forecasts([(10 + e, 10.0, "f") for e in error]), ["sex"], confidence=0.9)["sex"][
        "f"
    ]
    t = stats.t.ppf(0.95, 4)
    for estimate, values in ((found.mean_error, error), (found.mean_absolute_error, abs(error))):
        reach = t * values.std(ddof=1) / 5**0.5
        assert ends(estimate) == pytest.approx((values.mean() - reach, values.mean() + reach))
    root = (error**2).mean() ** 0.5
    reach = t * (error**2).std(ddof=1) / 5**0.5 / (2 * root)
    assert ends(found.root_mean_square_error) == pytest.approx((max(root - reach, 0), root + reach))


def test_a_root_mean_square_interval_ends_at_zero() -> None:
    found = amounts.forecast_errors(forecasts([(10.0, 10.0, "f"), (19.0, 10.0, "f")]), ["sex"])["sex"]["f"]
    assert found.root_mean_square_error.low == 0


def test_a_root_mean_square_interval_covers() -> None:
    errors, draws = np.random.default_rng(20261101).normal(0, 2, (400, 150)), np.repeat(np.arange(400), 150).astype(str)
    columns = {"score": errors.ravel(), "target": np.zeros(errors.size), "draw": draws}
    found = amounts.forecast_errors(ibis.memtable(pa.table(columns)), ["draw"])["draw"]
    ranges = [ends(errors.root_mean_square_error) for errors in found.values()]
    assert 0.92 <= np.mean([low <= 2 <= high for low, high in ranges]) <= 0.98


def test_rows_without_forecast_or_target_are_missing() -> None:
    found = amounts.forecast_errors(forecasts([(1.0, None, "f"), (None, 1.0, "f"), (2.0, 1.0, "f")]), ["sex"])["sex"][
        "f"
    ]
    assert (found.n, found.missing, found.mean_error) == (1, 2, Estimate(1.0, None, None))


def test_perfect_forecasts_have_no_error_and_no_interval() -> None:
    found = amounts.forecast_errors(forecasts([(1.0, 1.0, None)] * 3), ["sex"])["sex"]["unknown"]
    assert found.root_mean_square_error == Estimate(0.0, None, None)


def test_a_group_without_any_pair_has_undefined_errors() -> None:
    found = amounts.forecast_errors(forecasts([(1.0, None, "f")]), ["sex"])["sex"]["f"]
    assert (found.mean_error, found.mean_absolute_error, found.root_mean_square_error) == (UNDEFINED,) * 3


def test_groups_errors_are_compared_from_the_same_sums() -> None:
    rows = [(10 + e, 10.0, "f") for e in FIRST] + [(10 + e, 10.0, "m") for e in SECOND]
    found = amounts.forecast_errors(forecasts(rows), ["sex"])["sex"]
    assert amounts.mean_gap(found["f"].error, found["m"].error).p_value == pytest.approx(0.07939, abs=5e-6)


def test_no_forecasts_are_no_groups() -> None:
    assert amounts.forecast_errors(forecasts([]), ["sex"]) == {"sex": {}}
