"""A share's change over time: a second route, and what holds of every trend."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import Table

from ethics_kit.measures.trend import share_trend

COUNTS, ROWS = [10, 20, 30], [100, 100, 100]


def test_the_change_is_the_slope_of_the_shares():
    found = share_trend(COUNTS, ROWS, [0, 1, 2])
    assert found.change.value == pytest.approx(0.1)
    assert found.change.low < 0.1 < found.change.high
    assert (found.n, found.periods) == (300, 3)


def test_the_test_is_cochrans_and_armitages():
    table = Table(np.array([[c, n - c] for c, n in zip(COUNTS, ROWS, strict=True)]), shift_zeros=False)
    z = table.test_ordinal_association(row_scores=np.arange(3)).zscore
    # statsmodels conditions on both margins, which multiplies the variance by n / (n - 1)
    expected = 2 * stats.norm.sf(abs(z) * np.sqrt(300 / 299))
    assert share_trend(COUNTS, ROWS, [0, 1, 2]).p_value == pytest.approx(expected)


def test_a_share_of_nought_has_an_interval_and_no_significance():
    found = share_trend([0, 0, 0], [10, 10, 10], [0, 1, 2])
    assert (found.change.value, found.p_value) == (0, 1.0)
    assert found.at_most() > 0.03


def test_periods_without_rows_do_not_count_and_one_period_has_no_trend():
    assert share_trend([1, 0, 3], [5, 0, 5], [0, 1, 2]).periods == 2
    assert share_trend([1, 0], [5, 0], [0, 1]) is None
    assert share_trend([], [], []) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(40, 90)), min_size=3, max_size=8))
@settings(max_examples=50)
def test_turning_time_round_turns_the_change_round(cells):
    counts, n = [c for c, _ in cells], [m for _, m in cells]
    at = list(range(len(cells)))
    there, back = share_trend(counts, n, at), share_trend(counts[::-1], n[::-1], at)
    assert there.change.value == pytest.approx(-back.change.value, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.change.low <= there.change.value <= there.at_most()


def test_false_alarms_stay_near_five_in_a_hundred():
    rng = np.random.default_rng(20261101)
    n = np.full(6, 40)
    drawn = [share_trend(rng.binomial(n, 0.2), n, np.arange(6)).p_value for _ in range(400)]
    assert np.mean(np.array(drawn) <= 0.05) == pytest.approx(0.05, abs=0.03)
