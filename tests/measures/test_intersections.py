"""Partial pooling and differential fairness: simulated truths, brute force over pairs, and honest intervals."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from ethics_kit.measures import intersections, proportions
from ethics_kit.measures.proportions import UNDEFINED

share = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
shares = st.lists(share, min_size=1, max_size=8).map(lambda cells: tuple(map(list, zip(*cells, strict=True))))


def simulated(
    seed: int, cells: int, rows: tuple[int, int], mean: float, concentration: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True rates, counts and rows of cells drawn from a beta prior."""
    rng = np.random.default_rng(seed)
    n = rng.integers(*rows, cells)
    rates = rng.beta(mean * concentration, (1 - mean) * concentration, cells)
    return rates, rng.binomial(n, rates), n


def epsilon(counts: list[int], n: list[int], **options: float) -> intersections.Epsilon:
    return intersections.differential_fairness(counts, n, **{"seed": 1, "replicates": 200, **options})


# --- the fit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "concentration"), [(0.3, 20), (0.1, 100), (0.6, 2)])
def test_the_fit_recovers_the_simulated_mean_and_concentration(mean: float, concentration: float) -> None:
    _, counts, n = simulated(4, 2000, (20, 400), mean, concentration)
    found = intersections.pooled(counts, n)
    assert found.prior_mean == pytest.approx(mean, abs=4 * math.sqrt(mean * (1 - mean) / concentration / 2000))
    assert found.concentration == pytest.approx(concentration, rel=0.15)


def test_the_fit_has_the_greatest_likelihood_found_by_another_search() -> None:
    _, counts, n = simulated(8, 60, (5, 80), 0.25, 12)
    found = intersections.pooled(counts, n)

    def cost(point: np.ndarray) -> float:
        """The marginal likelihood written out, without its binomial coefficients."""
        a, b = np.exp(point)
        return -float((special.betaln(counts + a, n - counts + b) - special.betaln(a, b)).sum())

    other = np.exp(optimize.minimize(cost, [0.0, 0.0], method="BFGS", options={"gtol": 1e-3}).x)
    assert found.concentration == pytest.approx(other.sum(), rel=2e-3)
    assert found.prior_mean == pytest.approx(other[0] / other.sum(), rel=1e-3)


def test_a_cells_rate_is_the_posterior_mean_under_the_fitted_prior() -> None:
    _, counts, n = simulated(8, 30, (5, 80), 0.25, 12)
    found = intersections.pooled(counts, n)
    a, b = found.prior_mean * found.concentration, (1 - found.prior_mean) * found.concentration
    assert found.mean == pytest.approx(stats.beta.mean(a + counts, b + n - counts))


def test_cells_no_further_apart_than_chance_are_pooled_completely_and_it_shows() -> None:
    found = intersections.pooled([31, 31, 29, 60], [100, 100, 100, 200])
    assert found.concentration is None
    assert found.prior_mean == 151 / 500
    assert found.mean == pytest.approx([151 / 500] * 4)
    assert (found.high - found.low)[3] < (found.high - found.low)[0]


def test_cells_clearly_apart_are_hardly_pooled() -> None:
    found = intersections.pooled([100, 900, 500], [1000, 1000, 1000])
    assert found.concentration < 20
    assert found.mean == pytest.approx([0.1, 0.9, 0.5], abs=0.01)


@given(shares)
@settings(max_examples=60, deadline=None)
def test_a_pooled_rate_lies_between_the_raw_rate_and_the_prior_mean_and_in_its_interval(
    cells: tuple[list[int], list[int]],
) -> None:
    count, n = map(np.array, cells)
    found = intersections.pooled(count, n)
    held = n > 0
    raw, prior = count[held] / n[held], found.prior_mean
    mean, low, high = found.mean[held], found.low[held], found.high[held]
    if held.any():
        assert (np.minimum(raw, prior) - 1e-9 <= mean).all()
        assert (mean <= np.maximum(raw, prior) + 1e-9).all()
        assert (low >= 0).all()
        assert (low <= mean + 1e-12).all()
        assert (mean <= high + 1e-12).all()
        assert (high <= 1).all()
    assert np.isnan(found.mean[~held]).all()


def test_shrinkage_falls_with_the_rows_of_a_cell() -> None:
    _, counts, n = simulated(2, 100, (50, 100), 0.4, 10)
    found = intersections.pooled([*counts, 1, 10, 100], [*n, 1, 10, 100])  # three cells of which all are selected
    shrunk = (1 - found.mean[-3:]) / (1 - found.prior_mean)
    assert shrunk == pytest.approx([found.concentration / (found.concentration + k) for k in (1, 10, 100)], rel=1e-6)


def test_equal_cells_have_equal_results_in_any_order() -> None:
    first = intersections.pooled([3, 10, 3, 40], [20, 20, 20, 50])
    again = intersections.pooled([40, 3, 3, 10], [50, 20, 20, 20])
    assert first.mean[0] == first.mean[2]
    assert again.mean[[1, 3, 2, 0]] == pytest.approx(first.mean, rel=1e-6)
    assert again.low[[1, 3, 2, 0]] == pytest.approx(first.low, rel=1e-6)


def test_ten_thousand_cells_take_a_moment() -> None:
    _, counts, n = simulated(6, 10_000, (1, 3000), 0.2, 50)
    start = time.process_time()
    found = intersections.pooled(counts, n)
    assert time.process_time() - start < 5  # 0.5 s on a free machine
    assert found.concentration == pytest.approx(50, rel=0.05)


# --- intervals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "rows", "concentration"),
    [(30, (20, 200), 10), (40, (5, 30), 50), (12, (20, 200), 300), (6, (5, 60), 20), (150, (5, 30), 300)],
)
def test_pooled_intervals_cover_the_true_rates_also_where_concentration_is_a_guess(
    cells: int, rows: tuple[int, int], concentration: float
) -> None:
    hits = []
    for seed in range(40):
        rates, counts, n = simulated(seed, cells, rows, 0.3, concentration)
        found = intersections.pooled(counts, n)
        hits.append(np.mean((found.low <= rates) & (rates <= found.high)))
    assert 0.9 <= np.mean(hits) <= 0.99


def test_a_rare_outcome_in_one_cell_has_an_interval_up_to_its_own_rate_and_no_nan() -> None:
    rows = [1, 2, 4, 5, 8, 9, 14, 22, 25, 26, 31, 34, 36, 38, 40, 42, 45, 46, 16]
    found = intersections.pooled([0] * 18 + [1], rows)  # concentration runs to infinity
    assert (found.low <= found.mean).all()
    assert (found.mean < found.high).all()
    assert found.high[-1] > 1 / 16 > found.high[:-1].max()
    assert found.low[:-1].max() < 1e-4


def test_an_interval_holds_a_mean_that_a_prior_heaped_at_0_puts_beyond_its_quantile() -> None:
    found = intersections.pooled([0] * 27 + [38], [2000] * 28)
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()


@pytest.mark.parametrize(
    ("counts", "n"),
    [([3, 10, 8, 30, 2], [20, 20, 40, 50, 30]), ([30, 41], [100, 100]), ([5, 3, 4, 6, 2, 5], [10] * 6)],
)
def test_an_interval_averages_posteriors_over_concentrations_and_prior_means(counts: list[int], n: list[int]) -> None:
    axis = np.linspace(0.004, 0.996, 250)
    sd, mean = np.meshgrid(axis, axis)  # by brute force, flat in the mean and in the relative standard deviation
    concentration = 1 / sd**2 - 1
    a, b = mean * concentration, (1 - mean) * concentration
    log = sum(stats.betabinom.logpmf(c, k, a, b) for c, k in zip(counts, n, strict=True))
    weight = special.softmax(log)
    found = intersections.pooled(counts, n)
    for i, (count, rows) in enumerate(zip(counts, n, strict=True)):
        for end, tail in ((found.low[i], 0.025), (found.high[i], 0.975)):
            share = (weight * special.betainc(a + count, b + rows - count, end)).sum()
            assert share == pytest.approx(tail, abs=0.006)


def test_pooling_narrows_the_interval_of_a_small_cell_among_many_alike() -> None:
    _, counts, n = simulated(2, 100, (50, 100), 0.4, 200)
    found = intersections.pooled([*counts, 4], [*n, 10])
    raw = proportions.rate(4, 10)
    assert found.high[-1] - found.low[-1] < (raw.high - raw.low) / 2


def test_more_confidence_is_a_wider_interval() -> None:
    wide, narrow = (intersections.pooled([3, 10, 30], [20, 20, 50], confidence=c) for c in (0.95, 0.9))
    assert (wide.low < narrow.low).all()
    assert (narrow.high < wide.high).all()


@pytest.mark.parametrize(("counts", "n"), [([3], [10]), ([0, 0, 0], [10, 4, 50]), ([7, 9], [7, 9])])
def test_one_cell_or_one_outcome_leaves_each_cell_its_own_wilson_interval(counts: list[int], n: list[int]) -> None:
    found = intersections.pooled(counts, n)
    assert (found.prior_mean, found.concentration) == (sum(counts) / sum(n), None)
    for i, (count, rows) in enumerate(zip(counts, n, strict=True)):
        raw = proportions.rate(count, rows)
        assert (found.mean[i], found.low[i], found.high[i]) == pytest.approx((raw.value, raw.low, raw.high))


@pytest.mark.parametrize("n", [[], [0, 0]])
def test_without_rows_there_is_no_prior_and_no_rate(n: list[int]) -> None:
    found = intersections.pooled(n, n)
    assert (found.prior_mean, found.concentration) == (None, None)
    assert np.isnan([found.mean, found.low, found.high]).all()
    assert found.mean.size == len(n)


def test_cells_without_rows_do_not_exist() -> None:
    counts, n = [3, 10, 30], [20, 20, 50]
    found, plain = intersections.pooled([0, *counts, 0], [0, *n, 0]), intersections.pooled(counts, n)
    assert (found.mean[1:-1] == plain.mean).all()
    assert (found.low[1:-1] == plain.low).all()
    assert epsilon([0, *counts], [0, *n]).epsilon == epsilon(counts, n).epsilon


# --- differential fairness ---------------------------------------------------------------------------------------


@given(shares, st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=40, deadline=None)
def test_epsilon_is_the_largest_log_ratio_over_all_pairs_and_outcomes(
    cells: tuple[list[int], list[int]], concentration: float
) -> None:
    found = epsilon(*cells, concentration=concentration, replicates=5)
    rates = [(c + concentration / 2) / (n + concentration) for c, n in zip(*cells, strict=True) if n]
    ratios = {
        "selected": max((math.log(p / q) for p, q in itertools.permutations(rates, 2)), default=None),
        "not_selected": max((math.log((1 - p) / (1 - q)) for p, q in itertools.permutations(rates, 2)), default=None),
    }
    assert found.cells == len(rates)
    if len(rates) < 2:
        assert found.epsilon == UNDEFINED
    else:
        assert found.epsilon.value == pytest.approx(max(ratios.values()), abs=1e-12)
        assert ratios[found.outcome] == pytest.approx(found.epsilon.value, abs=1e-12)
        placed = [
            (cells[0][i] + concentration / 2) / (cells[1][i] + concentration) for i in (found.highest, found.lowest)
        ]
        assert placed == [max(rates), min(rates)]


def test_epsilon_of_equal_rates_is_0_without_smoothing_and_with_many_rows() -> None:
    assert epsilon([30, 60], [100, 200], concentration=1e-12).epsilon.value == pytest.approx(0, abs=1e-12)
    assert epsilon([30_000_000, 60_000_000], [100_000_000, 200_000_000]).epsilon.value == pytest.approx(0, abs=1e-7)


def test_epsilon_is_the_log_of_the_rates_ratio_where_rows_abound() -> None:
    found = epsilon([100_000, 400_000], [1_000_000, 1_000_000])
    assert found.epsilon.value == pytest.approx(math.log(4), abs=1e-4)
    assert (found.outcome, found.highest, found.lowest, found.cells) == ("selected", 1, 0, 2)


def test_extreme_cells_are_told_by_their_smoothed_rates() -> None:
    found = epsilon([1, 29, 10], [2, 50, 50])  # 1.5/3, 29.5/51, 10.5/51
    assert (found.highest, found.lowest) == (1, 2)


def test_the_rarer_outcome_decides() -> None:
    assert epsilon([900, 990], [1000, 1000]).outcome == "not_selected"
    assert epsilon([100, 10], [1000, 1000]).outcome == "selected"


def test_the_interval_is_near_the_delta_methods() -> None:
    found = epsilon([200, 400], [2000, 2000], replicates=2000).epsilon
    half = stats.norm.ppf(0.975) * math.sqrt(0.9 / 200 + 0.8 / 400)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.015)


def test_by_chance_is_simulated_under_a_common_rate_and_falls_with_the_rows() -> None:
    found = epsilon([30] * 6, [100] * 6, replicates=3000)
    rates = (np.random.default_rng(5).binomial(100, 0.3, (20_000, 6)) + 0.5) / 101
    ratios = [x.max(axis=1) / x.min(axis=1) for x in (rates, 1 - rates)]
    expected = np.log(np.maximum(*ratios))
    assert found.by_chance == pytest.approx(expected.mean(), rel=0.02)
    assert found.by_chance_high == pytest.approx(np.quantile(expected, 0.95), rel=0.03)
    assert epsilon([300] * 6, [1000] * 6).by_chance < found.by_chance / 2


def test_the_order_of_cells_changes_only_their_places() -> None:
    first, again = epsilon([5, 40, 9], [30, 90, 11]), epsilon([40, 9, 5], [90, 11, 30])
    assert (first.epsilon, first.by_chance, first.outcome) == (again.epsilon, again.by_chance, again.outcome)
    assert (first.highest, first.lowest, again.highest, again.lowest) == (2, 0, 1, 2)


@pytest.mark.parametrize("concentration", [0, -1])
def test_a_concentration_that_would_let_epsilon_be_infinite_is_refused(concentration: float) -> None:
    with pytest.raises(ValueError, match=f"concentration must be above 0, not {concentration}"):
        epsilon([1, 2], [5, 5], concentration=concentration)
