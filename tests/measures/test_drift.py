"""Drift from binned counts: the noise of the index, its interval, and Kolmogorov–Smirnov distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ethics_kit.measures import drift

TEN = np.full(10, 0.1)
SKEWED = np.array([0.6, 0.2, 0.1, 0.05, 0.02, 0.015, 0.01, 0.003, 0.001, 0.001])
BEFORE, AFTER = np.array([30, 26, 20, 14, 10]) / 100, np.array([48, 24, 14, 9, 5]) / 100


def plain(before, now):
    """The index as textbooks have it, without smoothing; infinite where a bin is empty."""
    p, q = before / before.sum(-1, keepdims=True), now / now.sum(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((q - p) * np.log(q / p), nan=0.0, posinf=np.inf).sum(-1)


def named(counts):
    return {f"bin {i}": int(c) for i, c in enumerate(counts)}


def drawn(draws, shares, n, m, seed=5):
    rng = np.random.default_rng(seed)
    return rng.multinomial(m, shares, draws), rng.multinomial(n, shares, draws)


def test_the_noise_is_that_of_the_chi_square():
    assert drift.noise(100, 1000, 10, 0.05) == pytest.approx((1 / 100 + 1 / 1000) * 16.918978)


def test_the_usual_limit_alarms_in_45_percent_of_draws_without_drift_and_the_noise_level_in_5():
    before, now = drawn(2000, TEN, n=100, m=1000)
    assert (plain(before, now) > 0.1).mean() == pytest.approx(0.45, abs=0.03)
    limit = drift.noise(100, 1000, 10, 0.05)
    alarms = np.mean([drift.psi(b, a) > limit for b, a in zip(before, now, strict=True)])
    assert 0.03 < alarms < 0.06


@pytest.mark.parametrize(("n", "m"), [(100, 1000), (1000, 1000), (5000, 5000), (40, 5000)])
def test_uneven_bins_raise_no_more_false_alarms_than_set(n, m):
    before, now = drawn(2000, SKEWED, n, m)
    limit = drift.noise(n, m, 10, 0.05)
    assert np.mean([drift.psi(b, a) > limit for b, a in zip(before, now, strict=True)]) < 0.065


def test_over_many_features_together_a_period_alarms_no_more_often_than_set():
    rng, series, periods = np.random.default_rng(8), 8, 500
    rate = 0.05 / (2 * series)
    alarmed = 0
    for _ in range(periods):
        found = [
            drift.compare(
                named(rng.multinomial(900, TEN)), named(rng.multinomial(400, TEN)), false_alarm_rate=rate, ordered=True
            )
            for _ in range(series)
        ]
        alarmed += any(f.psi.value > f.noise or f.ks_p <= rate for f in found)
    assert alarmed / periods <= 0.07


def test_the_index_is_the_sum_of_its_definition_with_half_a_row_more_in_each_bin():
    p, q = np.array([10.5, 30.5, 0.5]) / 41.5, np.array([20.5, 15.5, 5.5]) / 41.5
    assert drift.psi([10, 30, 0], [20, 15, 5]) == pytest.approx(sum((q - p) * np.log(q / p)))


def test_an_empty_bin_leaves_the_index_finite():
    assert 0 < drift.psi([100, 0], [0, 100]) < 100


COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12)


@given(COUNTS)
def test_the_index_is_the_same_both_ways_never_negative_and_inside_its_interval(pairs):
    before, now = (np.array(side) for side in zip(*pairs, strict=True))
    assert drift.psi(before, now) == pytest.approx(drift.psi(now, before))
    found = drift.compare(named(before), named(now), false_alarm_rate=0.05, ordered=False)
    if found.psi.defined:
        assert 0 <= found.psi.low <= found.psi.value <= found.psi.high


@given(COUNTS)
def test_the_distance_is_that_of_scipy_on_the_rows(pairs):
    before, now = (np.array(side) for side in zip(*pairs, strict=True))
    if before.sum() and now.sum():
        rows = [np.repeat(np.arange(len(side)), side) for side in (before, now)]
        expected = stats.ks_2samp(*rows, method="asymp")
        assert drift.ks_distance(before, now) == pytest.approx(expected.statistic, abs=1e-12)


def test_the_p_value_is_kolmogorovs_and_on_the_safe_side_with_few_bins():
    assert drift.ks_p_value(1.3581 / np.sqrt(50), 100, 100) == pytest.approx(0.05, abs=1e-4)
    before, now = drawn(1000, BEFORE, n=300, m=300)
    distances = [drift.ks_distance(b, a) for b, a in zip(before, now, strict=True)]
    assert np.mean([drift.ks_p_value(d, 300, 300) <= 0.05 for d in distances]) < 0.04


@pytest.mark.parametrize("rows", [300, 3000])
def test_the_interval_holds_the_true_index_as_often_as_it_says(rows):
    true, rng, held = float(plain(BEFORE, AFTER)), np.random.default_rng(3), 0
    for _ in range(300):
        before, now = rng.multinomial(rows, BEFORE), rng.multinomial(rows, AFTER)
        found = drift.compare(named(before), named(now), false_alarm_rate=0.05, ordered=True).psi
        held += found.low <= true <= found.high
    assert 0.91 <= held / 300 <= 0.98


def test_without_drift_the_interval_begins_at_zero():
    assert drift.compare(named([500, 500]), named([501, 499]), false_alarm_rate=0.05, ordered=True).psi.low == 0


@pytest.mark.parametrize(
    ("before", "now"), [({}, {"a": 5, "b": 5}), ({"a": 5, "b": 5}, {"a": 0}), ({"a": 9}, {"a": 4})]
)
def test_no_rows_or_one_bin_tell_nothing(before, now):
    found = drift.compare(before, now, false_alarm_rate=0.05, ordered=True)
    assert (found.psi.value, found.noise, found.ks, found.ks_p) == (None, None, None, None)


def test_bins_are_in_the_order_of_their_numbers_and_those_of_one_side_count_too():
    before, now = {"bin 1": 20, "bin 2": 60, "bin 10": 20}, {"bin 1": 40, "bin 2": 20, "bin 10": 40}
    found = drift.compare(before, now, false_alarm_rate=0.05, ordered=True)
    assert (found.bins, found.rows, found.baseline_rows) == (3, 100, 100)
    assert found.ks == pytest.approx(0.2)  # with bin 10 before bin 2 it would be 0.4
    assert drift.compare({"a": 9}, {"b": 9}, false_alarm_rate=0.05, ordered=True).bins == 2


def test_bins_without_an_order_have_no_distance():
    found = drift.compare(named([9, 9]), named([5, 9]), false_alarm_rate=0.05, ordered=False)
    assert (found.ks, found.ks_p) == (None, None)


def test_the_rows_said_to_be_enough_bring_the_noise_down_to_the_limit():
    rows = drift.rows_for_noise(0.1, 1000, 10, 0.05)
    assert drift.noise(rows, 1000, 10, 0.05) <= 0.1 < drift.noise(rows - 1, 1000, 10, 0.05)
    assert drift.rows_for_noise(0.1, 100, 10, 0.05) is None
