"""Composite gaps: published numbers, fairlearn and exact tests as second routes, and what chance alone would show."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, hypergeom, multivariate_hypergeom
from statsmodels.stats.proportion import confint_proportions_2indep

from ethics_kit.measures import gaps, proportions
from ethics_kit.measures.proportions import UNDEFINED

# ProPublica COMPAS, two-year recidivism, medium or high score = selected (Compas Analysis.ipynb): tp, fp, fn, tn.
# "Other" is the rest of all 7,214 defendants.
COMPAS = {
    "African-American": (1369, 805, 532, 990),
    "Caucasian": (505, 349, 461, 1139),
    "Native American": (9, 3, 1, 5),
    "Other": (152, 125, 222, 547),
}
PAIR = ("African-American", "Caucasian")


def selection(*names: str) -> tuple[tuple[str, ...], list[int], list[int]]:
    return names, [sum(COMPAS[g][:2]) for g in names], [sum(COMPAS[g]) for g in names]


def odds(*names: str) -> gaps.EqualizedOdds:
    return gaps.equalized_odds(names, [COMPAS[g] for g in names], seed=1)


def letters(n: int) -> list[str]:
    return [f"g{i:02}" for i in range(n)]


def spread(counts: list[int], n: list[int], **options: float) -> gaps.Spread:
    return gaps.spread(letters(len(n)), counts, n, **{"seed": 1, "replicates": 200, **options})


share = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
shares = st.lists(share, min_size=2, max_size=6)
tables = st.lists(st.tuples(*[st.integers(1, 20)] * 4), min_size=2, max_size=5)

# --- published numbers -------------------------------------------------------------------------------------------


def test_spread_of_the_compas_pair_is_fairlearns_demographic_parity_difference() -> None:
    found = gaps.spread(*selection(*PAIR), seed=1)
    assert found.gap.value == pytest.approx(0.2402002, abs=5e-8)
    assert (found.highest, found.lowest) == PAIR
    assert found.p_value < 1e-40


def test_lowest_over_highest_of_the_compas_pair_is_fairlearns_ratio() -> None:
    found = gaps.four_fifths(*selection(*PAIR))
    assert found.ratio.value == pytest.approx(0.5916376, abs=5e-8)
    assert (found.below, found.clear) == (True, True)


def test_equalized_odds_difference_of_the_compas_pair_is_fairlearns_and_of_the_false_positive_rate() -> None:
    found = odds(*PAIR)
    assert found.gap.value == pytest.approx(0.2139250, abs=5e-8)
    assert found.rate == "false_positive_rate"
    assert found.false_positive_rate.highest == "African-American"


def test_ten_native_american_positives_drive_the_gap_and_chance_and_interval_show_it() -> None:
    without, found = odds("African-American", "Caucasian", "Other"), odds(*COMPAS)
    assert (found.rate, found.true_positive_rate.highest) == ("true_positive_rate", "Native American")
    assert found.gap.value == pytest.approx(9 / 10 - 152 / 374)
    assert found.by_chance > 3 * without.by_chance
    assert found.gap.high - found.gap.low > 2 * (without.gap.high - without.gap.low)


def test_a_false_positive_gap_of_14_points_of_eight_native_americans_is_within_chance() -> None:
    found = odds("Caucasian", "Native American").false_positive_rate
    assert found.gap.value == pytest.approx(3 / 8 - 349 / 1488)
    assert found.gap.value < found.by_chance_high
    assert found.gap.low < 0.02
    assert found.p_value > 0.3


# --- second routes -----------------------------------------------------------------------------------------------


@given(tables)
@settings(max_examples=20, deadline=None)
def test_gaps_and_ratio_equal_fairlearns(cells: list[tuple[int, int, int, int]]) -> None:
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    rows = [(g, *kinds[k]) for g, row in enumerate(cells) for k in range(4) for _ in range(row[k])]
    data = pd.DataFrame(rows, columns=["group", "selected", "positive"])
    routes = {"y_true": data.positive, "y_pred": data.selected, "sensitive_features": data.group}
    names, table = letters(len(cells)), np.array(cells)
    counts, n = table[:, :2].sum(axis=1), table.sum(axis=1)
    parity = gaps.spread(names, counts, n, seed=1, replicates=10)
    assert parity.gap.value == pytest.approx(fl.demographic_parity_difference(**routes))
    assert gaps.four_fifths(names, counts, n).ratio.value == pytest.approx(fl.demographic_parity_ratio(**routes))
    found = gaps.equalized_odds(names, cells, seed=1, replicates=10)
    assert found.gap.value == pytest.approx(fl.equalized_odds_difference(**routes, agg="worst_case"))


def test_omnibus_p_value_is_scipys_chi_square_where_expected_counts_allow() -> None:
    count, n = np.array([30, 44, 61]), np.array([100, 110, 150])
    expected = chi2_contingency([count, n - count], correction=False).pvalue
    assert gaps.omnibus_p_value(count, n) == pytest.approx(expected)


@pytest.mark.parametrize(("count", "n"), [((4, 1), (6, 9)), ((3, 0), (4, 20)), ((1, 30), (3, 40)), ((2, 2), (5, 5))])
def test_omnibus_p_value_of_small_groups_is_near_the_exact_one(count: tuple[int, int], n: tuple[int, int]) -> None:
    total, selected = sum(n), sum(count)
    possible = np.arange(max(0, selected - n[1]), min(selected, n[0]) + 1)
    distance = abs(possible - n[0] * selected / total)  # with two groups chi-square grows with it
    exact = hypergeom.pmf(possible, total, selected, n[0])[distance >= distance[possible == count[0]] - 1e-9].sum()
    assert gaps.omnibus_p_value(count, n) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2000) + 1e-3)


def test_omnibus_p_value_of_three_small_groups_is_near_the_exact_one() -> None:
    count, n = np.array([5, 2, 1]), np.array([6, 9, 12])
    possible = [(i, j, 8 - i - j) for i in range(7) for j in range(9) if 0 <= 8 - i - j <= 12]

    def distance(selected: tuple[int, ...]) -> float:
        return float(((np.array(selected) - n * 8 / 27) ** 2 / n).sum())

    far = [x for x in possible if distance(x) >= distance((5, 2, 1)) - 1e-9]
    exact = sum(multivariate_hypergeom.pmf(x, n, 8) for x in far)
    assert gaps.omnibus_p_value(count, n) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2000) + 1e-3)


def test_omnibus_p_value_holds_its_level_over_ten_groups_of_ten_rows() -> None:
    draws = np.random.default_rng(5).binomial(10, 0.1, (300, 10))
    found = [gaps.omnibus_p_value(counts, [10] * 10) for counts in draws]
    assert np.mean(np.array(found) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_bootstrap_interval_of_two_groups_far_apart_is_near_the_wald_interval() -> None:
    found = spread([300, 600], [1000, 1200], replicates=4000)
    low, high = confint_proportions_2indep(600, 1200, 300, 1000, compare="diff", method="wald")
    assert (found.gap.low, found.gap.high) == pytest.approx((low, high), abs=0.004)


def test_resampled_rates_have_the_variance_of_the_delta_method() -> None:
    cells = np.array([[30, 70], [120, 80]])
    drawn = gaps.resample(cells, 20_000, 1)
    rates = drawn[..., 0] / drawn.sum(axis=-1)
    p, n = cells[:, 0] / cells.sum(axis=1), cells.sum(axis=1)
    assert rates.var(axis=0) == pytest.approx(p * (1 - p) / n, rel=0.05)
    assert np.cov(rates.T)[0, 1] == pytest.approx(0, abs=5e-5)


@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=4).filter(np.any))
@settings(max_examples=30, deadline=None)
def test_each_replicate_has_the_rows_of_the_table_and_none_where_it_has_none(cells: list[list[int]]) -> None:
    drawn = gaps.resample(cells, 7, 3)
    assert drawn.shape == (7, *np.shape(cells))
    assert (drawn.sum(axis=(1, 2)) == np.sum(cells)).all()
    assert not drawn[:, np.array(cells) == 0].any()


def test_by_chance_is_the_simulated_mean_and_quantile_of_the_spread_under_one_rate() -> None:
    n = [50, 100, 150, 80]
    found = spread([15, 30, 45, 24], n, replicates=4000)
    rates = np.random.default_rng(9).binomial(n, 0.3, (20_000, 4)) / n
    gap = np.ptp(rates, axis=1)
    assert found.by_chance == pytest.approx(gap.mean(), rel=0.03)
    assert found.by_chance_high == pytest.approx(np.quantile(gap, 0.95), rel=0.05)


def test_equalized_odds_by_chance_is_simulated_under_common_rates() -> None:
    table = np.array([[30, 10, 20, 60], [60, 20, 40, 120], [15, 5, 10, 30]])
    found = gaps.equalized_odds("abc", table, seed=1, replicates=4000)
    rng = np.random.default_rng(9)
    tpr = np.ptp(rng.binomial([50, 100, 25], 0.6, (20_000, 3)) / [50, 100, 25], axis=1)
    fpr = np.ptp(rng.binomial([70, 140, 35], 1 / 7, (20_000, 3)) / [70, 140, 35], axis=1)
    assert found.gap.value == pytest.approx(0)
    assert found.by_chance == pytest.approx(np.maximum(tpr, fpr).mean(), rel=0.03)


# --- properties --------------------------------------------------------------------------------------------------


@given(shares)
@settings(max_examples=40, deadline=None)
def test_a_spread_lies_between_0_and_1_and_in_its_interval(cells: list[tuple[int, int]]) -> None:
    found = spread(*map(list, zip(*cells, strict=True)), replicates=50)
    assert 0 <= found.gap.low <= found.gap.value <= found.gap.high <= 1
    assert 0 <= found.by_chance <= found.by_chance_high <= 1
    assert 0 < found.p_value <= 1
    assert found.highest != found.lowest


@given(shares, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_groups_changes_nothing(cells: list[tuple[int, int]], random: object) -> None:
    named = list(zip(letters(len(cells)), *zip(*cells, strict=True), strict=True))
    shuffled = random.sample(named, len(named))
    first, again = (tuple(map(list, zip(*rows, strict=True))) for rows in (named, shuffled))
    assert gaps.spread(*first, seed=1, replicates=50) == gaps.spread(*again, seed=1, replicates=50)
    assert gaps.four_fifths(*first) == gaps.four_fifths(*again)
    assert gaps.omnibus_p_value(*first[1:]) == pytest.approx(gaps.omnibus_p_value(*again[1:]))
    tables = [(c, 1, n - c, 2) for _, c, n in named], [(c, 1, n - c, 2) for _, c, n in shuffled]
    found = [gaps.equalized_odds(g[0], t, seed=1, replicates=50) for g, t in zip((first, again), tables, strict=True)]
    assert found[0] == found[1]


@given(st.integers(5, 40), st.integers(2, 6))
@settings(max_examples=15, deadline=None)
def test_the_spread_by_chance_falls_with_the_rows(size: int, groups: int) -> None:
    few, many = (spread([size * k] * groups, [3 * size * k] * groups) for k in (1, 10))
    assert many.by_chance < few.by_chance
    assert many.by_chance_high < few.by_chance_high


def test_the_spread_by_chance_grows_with_the_number_of_groups() -> None:
    found = [spread([30] * k, [100] * k).by_chance for k in (2, 5, 10)]
    assert found == sorted(found)
    assert found[2] > 2 * found[0]


def test_equal_rates_have_an_interval_that_reaches_down_to_the_spread_of_0() -> None:
    found = spread([30] * 10, [100] * 10)
    assert (found.gap.value, found.gap.low) == (0, 0)
    assert found.gap.high > 0.1
    assert found.p_value == 1


def test_the_seed_decides_the_draws() -> None:
    assert spread([30, 40], [100, 100]) == spread([30, 40], [100, 100])
    assert spread([30, 40], [100, 100]).gap != spread([30, 40], [100, 100], seed=2).gap


def test_more_confidence_is_a_wider_interval() -> None:
    wide, narrow = (spread([30, 60], [100, 100], confidence=c) for c in (0.99, 0.8))
    assert wide.gap.low < narrow.gap.low < narrow.gap.high < wide.gap.high
    assert wide.by_chance_high > narrow.by_chance_high


def test_an_interval_of_little_confidence_still_holds_its_value() -> None:
    found = spread([1, 0, 5], [1, 1, 10], confidence=0.1)  # most draws lack one of the two single rows
    assert (found.gap.value, found.gap.high) == (1, 1)


# --- undefined rates ---------------------------------------------------------------------------------------------


def test_a_group_without_rows_is_left_out_and_named() -> None:
    found = gaps.spread("abc", [0, 10, 20], [0, 40, 40], seed=1)
    assert found.left_out == ("a",)
    assert (found.gap.value, found.highest, found.lowest) == (0.25, "c", "b")
    assert gaps.four_fifths("abc", [0, 10, 20], [0, 40, 40]).left_out == ("a",)


@pytest.mark.parametrize(("counts", "n"), [([], []), ([3], [9]), ([3, 0], [9, 0])])
def test_fewer_than_two_groups_with_rows_have_no_spread(counts: list[int], n: list[int]) -> None:
    found = spread(counts, n)
    assert found.gap == UNDEFINED
    assert (found.by_chance, found.by_chance_high, found.highest, found.lowest, found.p_value) == (None,) * 5
    assert gaps.omnibus_p_value(counts, n) is None
    screen = gaps.four_fifths(letters(len(n)), counts, n)
    assert (screen.ratio, screen.ratios, screen.below, screen.clear) == (UNDEFINED, {}, None, None)


@pytest.mark.parametrize("rate", [0, 1])
def test_rates_all_0_or_all_1_are_equal(rate: int) -> None:
    found = spread([20 * rate, 30 * rate], [20, 30])
    assert (found.gap.value, found.gap.high, found.by_chance, found.p_value) == (0, 0, 0, 1)


def test_equalized_odds_leaves_a_group_out_of_the_rate_it_has_no_rows_for() -> None:
    found = gaps.equalized_odds("abc", [(5, 1, 5, 9), (4, 2, 6, 8), (0, 9, 0, 1)], seed=1)
    assert (found.true_positive_rate.left_out, found.false_positive_rate.left_out) == (("c",), ())
    assert (found.gap.value, found.rate) == (pytest.approx(0.8), "false_positive_rate")


def test_equalized_odds_is_undefined_and_not_the_other_rates_gap_where_one_rate_is() -> None:
    found = gaps.equalized_odds("ab", [(0, 1, 0, 9), (4, 5, 6, 5)], seed=1)
    assert (found.gap, found.rate, found.by_chance, found.by_chance_high) == (UNDEFINED, None, None, None)
    assert found.false_positive_rate.gap.value == pytest.approx(0.4)
    assert gaps.equalized_odds([], [], seed=1).gap == UNDEFINED


def test_replicates_in_which_a_group_vanishes_are_left_out_of_the_interval() -> None:
    found = spread([1, 500], [1, 1000])
    assert found.gap.low > 0.4  # one of one against a half: never 0 for want of the group


# --- four fifths -------------------------------------------------------------------------------------------------


def test_each_group_is_divided_by_the_highest_with_katz_intervals() -> None:
    found = gaps.four_fifths("abc", [30, 50, 45], [100, 100, 100])
    assert list(found.ratios) == ["a", "c"]
    assert found.ratios["a"] == found.ratio == proportions.ratio(30, 100, 50, 100)
    assert found.ratios["c"] == proportions.ratio(45, 100, 50, 100)
    assert (found.highest, found.lowest) == ("b", "a")


def test_exactly_four_fifths_is_not_below() -> None:
    assert gaps.four_fifths("ab", [24, 30], [100, 100]).below is False  # 0.24 / 0.3 is a little less in floating point
    assert gaps.four_fifths("ab", [7999, 10_000], [10_000, 10_000]).below is True


def test_a_ratio_below_by_chance_is_not_clear() -> None:
    found = gaps.four_fifths("ab", [7, 10], [20, 20])
    assert (found.below, found.clear) == (True, False)


def test_a_large_group_can_be_clear_where_the_lowest_is_too_small_to_be() -> None:
    found = gaps.four_fifths("abc", [1, 300, 600], [10, 1000, 1000])
    assert found.lowest == "a"
    assert found.ratio.high > 0.8
    assert found.clear is True


def test_a_group_of_which_nobody_is_selected_has_the_ratio_0_and_an_upper_limit() -> None:
    large = gaps.four_fifths("ab", [0, 500], [1000, 1000])
    assert (large.ratio.value, large.ratio.low, large.lowest, large.clear) == (0, 0, "a", True)
    small = gaps.four_fifths("ab", [0, 50], [3, 100])
    assert (small.below, small.clear) == (True, False)
    assert small.ratio.high > 1


def test_nobody_selected_anywhere_is_no_ratio() -> None:
    found = gaps.four_fifths("ab", [0, 0], [10, 20])
    assert (found.ratio, found.below, found.clear) == (UNDEFINED, None, None)


def test_without_any_disparity_the_rule_fails_as_often_as_published_and_is_rarely_clear() -> None:
    draws = np.random.default_rng(3).binomial(100, 0.3, (400, 5))
    found = [gaps.four_fifths("abcde", counts, [100] * 5) for counts in draws]
    assert np.mean([f.below for f in found]) == pytest.approx(0.84, abs=0.05)  # ORACLES: five groups of 100 rows
    assert np.mean([f.clear for f in found]) < 0.2


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "n", "message"),
    [
        ([1, 2], [5], r"counts and n differ in shape: \(2,\) and \(1,\)"),
        ([6], [5], "a whole number between 0 and its n"),
        ([-1], [5], "a whole number between 0 and its n"),
        ([1.5], [5], "a whole number between 0 and its n"),
    ],
)
def test_impossible_counts_are_refused(counts: list[float], n: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gaps.omnibus_p_value(counts, n)


def test_names_and_counts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        gaps.spread("abc", [1, 2], [5, 5], seed=1)


def test_a_table_without_rows_is_not_resampled() -> None:
    with pytest.raises(ValueError, match="a table without rows cannot be resampled"):
        gaps.resample([[0, 0]], 10, 1)
