"""Boundaries against published tables, a second route and simulation; the confidence sequence against its reference."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ethics_kit.measures import sequential

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
PUBLISHED = {
    "obrien_fleming": (4.8769, 3.3569, 2.6803, 2.2898, 2.0310),
    "pocock": (2.4380, 2.4268, 2.4101, 2.3966, 2.3859),
}


@pytest.mark.parametrize("spending", PUBLISHED)
def test_five_equal_two_sided_looks_have_the_published_boundaries(spending):
    found = sequential.boundaries(FIFTHS, alpha=0.05, spending=spending, sides=2)
    assert found == pytest.approx(PUBLISHED[spending], abs=1.5e-4)  # the tables' own grids err in the fourth digit


@pytest.mark.parametrize("spending", PUBLISHED)
@pytest.mark.parametrize(("sides", "fractions"), [(1, (0.3, 1.0)), (2, (0.3, 1.0)), (1, (0.1, 0.15, 1.0))])
def test_the_chance_to_cross_is_alpha_by_the_multivariate_normal(spending, sides, fractions):
    bounds = sequential.boundaries(fractions, alpha=0.05, spending=spending, sides=sides)
    shared = [[math.sqrt(min(a, b) / max(a, b)) for a in fractions] for b in fractions]
    together = stats.multivariate_normal(cov=shared, abseps=1e-9, releps=1e-9, maxpts=10**7)
    inside = together.cdf(bounds, lower_limit=None if sides == 1 else [-b for b in bounds])
    assert 1 - inside == pytest.approx(0.05, abs=2e-6)


@pytest.mark.parametrize("spending", PUBLISHED)
def test_paths_without_drift_cross_as_often_as_may_be_spent_by_each_look(spending):
    fractions, information = [0.1, 0.4, 0.6, 1.0], [30.0, 260.0, 300.0, 900.0]
    bounds = sequential.boundaries(fractions, alpha=0.05, spending=spending, information=information)
    rng = np.random.default_rng(7)
    steps = rng.normal(size=(400_000, 4)) * np.sqrt(np.diff([0.0, *information]))
    crossed = (np.cumsum(steps, axis=1) / np.sqrt(information) >= bounds).cumsum(axis=1) > 0
    assert crossed.mean(axis=0) == pytest.approx(sequential.spent(fractions, 0.05, spending), abs=0.0012)


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5), st.sampled_from(sorted(PUBLISHED)))
@settings(max_examples=25, deadline=None)
def test_one_look_more_never_lowers_the_boundaries_before_it(parts, spending):
    fractions = np.cumsum(parts) / sum(parts)
    whole = sequential.boundaries(fractions, alpha=0.05, spending=spending)
    before = sequential.boundaries(fractions[:-1], alpha=0.05, spending=spending)
    assert whole[:-1] == pytest.approx(before, abs=1e-6)
    assert whole[-1] >= stats.norm.isf(0.05) - 1e-9


def test_a_single_look_is_the_plain_test():
    for spending in PUBLISHED:
        (found,) = sequential.boundaries([1.0], alpha=0.05, spending=spending)
        assert found == pytest.approx(stats.norm.isf(0.05))


def test_a_look_that_adds_nothing_or_comes_after_the_plan_spends_nothing():
    found = sequential.boundaries([0.5, 0.5002, 1.0, 1.0], alpha=0.05, spending="pocock", information=[5, 5.002, 9, 12])
    assert [math.isinf(b) for b in found] == [False, True, False, True]
    assert sequential.boundaries([0.5, 1.0], alpha=0.05, spending="pocock", information=[0, 0]) == [math.inf] * 2
    assert sequential.boundaries([], alpha=0.05, spending="pocock") == []


def test_information_that_falls_is_refused():
    with pytest.raises(ValueError, match="information cannot fall"):
        sequential.boundaries([0.5, 1.0], alpha=0.05, spending="pocock", information=[5, 4])


def test_the_mixture_has_the_values_of_its_reference_implementation():
    two = sequential.mixture_scale(100, 0.05, sides=2)
    assert two == pytest.approx(12.60056, abs=1e-5)
    assert float(sequential.mixture_bound(100, 0.05, scale=two, sides=2)) == pytest.approx(30.35209, abs=1e-5)
    one = sequential.mixture_scale(100, 0.05)
    assert float(sequential.mixture_bound(100, 0.05, scale=one)) == pytest.approx(27.66071, abs=1e-5)


@given(st.floats(0, 1e7), st.floats(1e-4, 0.2), st.floats(1.0, 1e5))
def test_the_one_sided_mixture_reaches_one_over_alpha_at_its_bound(time, alpha, scale):
    bound = float(sequential.mixture_bound(time, alpha, scale=scale))
    whole = time + scale
    logarithm = 0.5 * math.log(4 * scale / whole) + bound**2 / (2 * whole) + stats.norm.logcdf(bound / math.sqrt(whole))
    assert logarithm == pytest.approx(math.log(1 / alpha), rel=1e-9)


def test_the_mixture_bound_is_tightest_near_where_it_is_tuned():
    scales = np.geomspace(1, 1e4, 400)
    bounds = [float(sequential.mixture_bound(500, 0.025, scale=s, sides=2)) for s in scales]
    assert scales[int(np.argmin(bounds))] == pytest.approx(sequential.mixture_scale(500, 0.025, sides=2), rel=0.1)
