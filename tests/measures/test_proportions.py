"""Rates, gaps, intervals and tests, against published numbers and second routes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, norm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from ethics_kit.measures import proportions
from ethics_kit.measures.proportions import UNDEFINED, Estimate

# ProPublica COMPAS (Compas Analysis.ipynb): false positives of African-American and of Caucasian defendants.
COMPAS_FPR = (805, 1795, 349, 1488)


@st.composite
def shares(draw: st.DrawFn, smallest: int = 1) -> tuple[int, int]:
    n = draw(st.integers(1, 5000))
    return draw(st.integers(min(smallest, n), n)), n


def wilson(count: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson 1927, written out."""
    z = norm.ppf(0.5 + confidence / 2)
    p = count / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def within(estimate: Estimate, low: float, high: float) -> bool:
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    slack = 1e-12
    return low - slack <= estimate.low <= estimate.value + slack <= estimate.high + 2 * slack <= high + 3 * slack


def test_wilson_interval_of_none_of_five_is_the_published_one() -> None:
    found = proportions.rate(0, 5)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.434, abs=5e-4)


@given(shares(0), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_interval_equals_the_formula_written_out(share: tuple[int, int], confidence: float) -> None:
    found = proportions.rate(*share, confidence=confidence)
    low, high = wilson(*share, confidence)
    assert found.low == pytest.approx(low, abs=1e-9)
    assert found.high == pytest.approx(high, abs=1e-9)
    assert within(found, 0, 1)


def test_newcombe_interval_of_the_compas_false_positive_rates() -> None:
    found = proportions.difference(*COMPAS_FPR)
    assert found.value == pytest.approx(0.2139250, abs=5e-8)
    assert (found.low, found.high) == pytest.approx((0.18205, 0.24502), abs=5e-6)


def test_log_interval_of_the_compas_false_positive_ratio() -> None:
    found = proportions.ratio(*COMPAS_FPR)
    assert found.value == pytest.approx(805 / 1795 / (349 / 1488))
    assert (found.low, found.high) == pytest.approx((1.72124, 2.12411), abs=5e-6)


# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
@pytest.mark.parametrize(
    ("pair", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_interval_is_that_of_his_paper(pair: tuple[int, ...], low: float, high: float) -> None:
    found = proportions.difference(*pair)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5.1e-5)


@given(shares(0), shares(0))
def test_newcombe_interval_follows_from_the_two_wilson_intervals(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = proportions.difference(*a, *b, confidence=0.9)
    p, q = a[0] / a[1], b[0] / b[1]
    (low_p, high_p), (low_q, high_q) = wilson(*a, 0.9), wilson(*b, 0.9)
    assert found.low == pytest.approx(p - q - math.hypot(p - low_p, high_q - q), abs=1e-7)
    assert found.high == pytest.approx(p - q + math.hypot(high_p - p, q - low_q), abs=1e-7)
    assert within(found, -1, 1)


@given(shares(0), shares(0))
def test_swapping_the_groups_turns_the_sign_of_a_difference(a: tuple[int, int], b: tuple[int, int]) -> None:
    one, other = proportions.difference(*a, *b), proportions.difference(*b, *a)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-9)


@given(shares(), shares())
def test_log_interval_equals_the_formula_written_out(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = proportions.ratio(*a, *b)
    spread = norm.ppf(0.975) * math.sqrt(1 / a[0] - 1 / a[1] + 1 / b[0] - 1 / b[1])
    middle = math.log(a[0] / a[1]) - math.log(b[0] / b[1])
    expected = [math.exp(middle + d) for d in (0, -spread, spread)]
    assert (found.value, found.low, found.high) == pytest.approx(expected, rel=1e-6)


def test_a_rate_without_rows_is_undefined_and_never_zero() -> None:
    assert proportions.rate(0, 0) == UNDEFINED
    assert not proportions.rate(0, 0).defined
    assert proportions.rate(0, 1).defined


@pytest.mark.parametrize("pair", [(0, 0, 1, 2), (1, 2, 0, 0), (0, 0, 0, 0)])
def test_a_gap_to_a_group_without_rows_is_undefined(pair: tuple[int, ...]) -> None:
    assert proportions.difference(*pair) == UNDEFINED
    assert proportions.ratio(*pair) == UNDEFINED


@pytest.mark.parametrize("pair", [(0, 5, 1, 5), (1, 5, 0, 5)])
def test_a_ratio_with_a_zero_count_is_undefined_and_its_difference_is_not(pair: tuple[int, ...]) -> None:
    assert proportions.ratio(*pair) == UNDEFINED
    assert proportions.difference(*pair).defined


@pytest.mark.parametrize("pair", [(0, 0, 1, 2), (1, 2, 0, 0)])
def test_a_group_without_rows_has_no_test(pair: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^a group without rows has no rate to test$"):
        proportions.difference_p_value(*pair)


@given(shares(0), shares(0))
def test_p_value_equals_the_uncorrected_chi_squared_test(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = proportions.difference_p_value(*a, *b)
    table = np.array([[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]])
    if 0 in table.sum(axis=0):
        assert found == 1
    else:
        assert found == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=1e-9)


def test_p_value_equals_the_pooled_z_test_of_statsmodels() -> None:
    a, n, b, m = 30, 100, 45, 120
    assert proportions.difference_p_value(a, n, b, m) == pytest.approx(proportions_ztest([a, b], [n, m])[1])


@pytest.mark.parametrize("pair", [(0, 5, 0, 9), (5, 5, 9, 9)])
def test_all_or_nothing_on_both_sides_is_no_evidence_of_a_gap(pair: tuple[int, ...]) -> None:
    assert proportions.difference_p_value(*pair) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_adjusted_p_values_equal_those_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert proportions.adjusted(p_values) == pytest.approx(expected, abs=1e-12)


def test_no_p_values_are_no_adjusted_ones() -> None:
    assert proportions.adjusted([]) == []


# Minimum detectable difference at base rate .3, 80% power, 5%, rounded to three places: ORACLES, recomputed.
@pytest.mark.parametrize(("n", "gap"), [(30, 0.353), (100, 0.192), (1000, 0.059), (10_000, 0.018)])
def test_rows_to_settle_a_minimum_detectable_gap_are_the_rows_it_was_found_with(n: int, gap: float) -> None:
    assert proportions.rows_to_settle(0.3, gap + 0.0005) <= n + 1
    assert proportions.rows_to_settle(0.3, gap - 0.0005) >= n


def test_that_many_rows_find_the_gap_four_times_in_five() -> None:
    rows = proportions.rows_to_settle(0.3, 0.1)
    rng = np.random.default_rng(20261101)
    first, second = rng.binomial(rows, 0.3, 1000), rng.binomial(rows, 0.4, 1000)
    found = np.mean(
        [proportions.difference_p_value(int(a), rows, int(b), rows) < 0.05 for a, b in zip(first, second, strict=True)]
    )
    assert found == pytest.approx(0.8, abs=0.04)


@given(st.floats(0, 1), st.floats(0.001, 0.5))
@settings(max_examples=60, deadline=None)
def test_a_smaller_gap_takes_no_fewer_rows(base: float, gap: float) -> None:
    rows = proportions.rows_to_settle(base, gap)
    assert rows >= 1
    if base + 2 * gap <= 0.99:
        assert rows >= proportions.rows_to_settle(base, 2 * gap)


def test_rows_that_settle_a_gap_inside_the_margin_grow_as_it_nears_the_margin() -> None:
    rows = [proportions.rows_needed(0.3, gap, 0.05) for gap in (0.0, 0.02, 0.04)]
    assert rows[0] is not None
    assert rows[1] is not None
    assert rows[2] is not None
    assert rows[0] < rows[1] < rows[2]
    assert proportions.rows_needed(0.3, 0.05, 0.05) is None


def test_with_the_rows_needed_four_of_five_samples_show_equivalence() -> None:
    rng = np.random.default_rng(11)
    n = proportions.rows_needed(0.3, 0.01, 0.06)
    assert n
    shown = 0
    for first, second in rng.binomial(n, [0.31, 0.3], size=(400, 2)):
        interval = proportions.difference(int(first), n, int(second), n, confidence=0.9)
        shown += (interval.low or 0) > -0.06 and (interval.high or 0) < 0.06
    assert 0.74 < shown / 400 < 0.99
