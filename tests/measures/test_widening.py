"""Gaps that widen: the line, its error, and how often chance is called a trend."""

import numpy as np
import pytest

from ethics_kit.measures.proportions import Sample
from ethics_kit.measures.widening import widening


def samples(counts, n):
    return [Sample(c, n, n) for c in counts]


def found(own, rest, n=200, places=None):
    places = range(len(own)) if places is None else places
    return widening(list(places), samples(own, n), samples(rest, n), confidence=0.95)


def test_growth_and_error_are_those_of_a_weighted_line_by_another_route():
    own, rest, places = [110, 122, 128, 140], [100, 101, 99, 100], [0, 1, 3, 4]
    gaps = (np.array(own) - np.array(rest)) / 200
    smooth = [(np.array(side) + 0.5) / 201 for side in (own, rest)]
    variances = sum(p * (1 - p) / 200 for p in smooth)
    line, covariance = np.polyfit(places, gaps, 1, w=1 / np.sqrt(variances), cov="unscaled")
    trend = found(own, rest, places=places)
    assert trend.growth.value == pytest.approx(line[0] * 4)
    assert trend.growth.value / trend.span == pytest.approx(line[0])
    assert trend.error == pytest.approx(np.sqrt(covariance[0, 0]) * 4)
    assert trend.last == pytest.approx(np.polyval(line, 4))


def test_a_gap_below_zero_that_moves_further_down_grows():
    assert found([90, 80, 60], [100, 100, 100]).growth.value > 0.1
    assert found([60, 80, 90], [100, 100, 100]).growth.value < -0.1


def test_a_gap_that_only_changes_its_side_has_not_grown():
    trend = found([80, 100, 120], [100, 100, 100])
    assert trend.growth.value == pytest.approx(0, abs=0.01)
    assert trend.p_value > 0.5


def test_no_gap_at_all_has_an_error_and_no_trend():
    trend = found([100, 100, 100], [100, 100, 100])
    assert (trend.growth.value, trend.p_value) == (0, 1)
    assert trend.error > 0


def test_rates_of_all_or_nothing_have_a_variance():
    trend = found([0, 0, 0], [200, 200, 200])
    assert np.isfinite(trend.error)
    assert trend.error > 0


@pytest.mark.parametrize("gap", [0.0, 0.1])
@pytest.mark.parametrize("periods", [3, 6])
def test_without_a_trend_one_is_called_as_often_as_set(gap, periods):
    rng = np.random.default_rng(4)
    called = 0
    for _ in range(600):
        own, rest = rng.binomial(130, 0.7 + gap, periods), rng.binomial(600, 0.7, periods)
        trend = widening(range(periods), samples(own, 130), samples(rest, 600), confidence=0.95)
        called += trend.p_value <= 0.05
    assert called / 600 < 0.075


def test_the_growth_said_to_be_detectable_is_found_in_four_of_five_draws():
    rng = np.random.default_rng(7)
    line = np.array([0.0, 0.5, 1.0])
    size = found([100, 110, 120], [80, 80, 80]).detectable(0.05)
    called = 0
    for _ in range(600):
        own, rest = rng.binomial(200, 0.5 + size * line), rng.binomial(200, 0.4, 3)
        called += found(own, rest).p_value <= 0.05
    assert called / 600 == pytest.approx(0.8, abs=0.06)
