"""Gaps within strata: Berkeley's admissions, kidney stones, and intervals by simulation and by inversion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import StratifiedTable

from ethics_kit.measures import proportions, strata
from ethics_kit.measures.proportions import UNDEFINED, Estimate

Stratum = tuple[int, int, int, int]

# Bickel, Hammel and O'Connell 1975; R's UCBAdmissions: admitted and rejected men, admitted and rejected women.
BERKELEY = {
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}
BERKELEY_GAP = {d: (a, a + b, c, c + e) for d, (a, b, c, e) in BERKELEY.items()}

# Charig et al. 1986, BMJ 292:879: successes of open surgery and of nephrolithotomy by size of stone.
KIDNEY = {"small": (81, 87, 234, 270), "large": (192, 263, 55, 80)}

share = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
maybe_empty = st.integers(0, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
some_strata = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(maybe_empty, maybe_empty).map(lambda pair: (*pair[0], *pair[1])), max_size=6
)


def tenfold(cells: dict[str, Stratum]) -> dict[str, Stratum]:
    return {name: tuple(10 * x for x in cell) for name, cell in cells.items()}


def within(estimate: Estimate, low: float, high: float) -> bool:
    return low <= estimate.low <= estimate.value <= estimate.high <= high


# --- published numbers -------------------------------------------------------------------------------------------


def test_berkeleys_test_and_common_odds_ratio_are_rs_mantelhaen_test_without_correction() -> None:
    found = strata.conditional(BERKELEY_GAP)
    # mantelhaen.test(UCBAdmissions, correct = FALSE): X-squared 1.5246, p-value 0.2169
    assert found.p_value == pytest.approx(stats.chi2.sf(1.5246, 1), abs=5e-5)
    assert found.odds_ratio.value == pytest.approx(0.9046968, abs=5e-8)
    assert (found.odds_ratio.low, found.odds_ratio.high) == pytest.approx((0.7719074, 1.0603298), abs=5e-7)


def test_berkeleys_gap_of_14_points_vanishes_within_departments_which_disagree() -> None:
    found = strata.conditional(BERKELEY_GAP)
    assert found.crude.value == pytest.approx(1198 / 2691 - 557 / 1835)
    assert found.crude.low > 0.1
    assert within(found.stratified, -0.05, 0.02)
    assert found.stratified.low < 0 < found.stratified.high
    assert found.homogeneity_p_value == pytest.approx(
        0.002071, abs=5e-7
    )  # Breslow-Day, Tarone: chi-square 18.826, df 5
    assert found.differences["A"].high < 0


def test_berkeley_is_no_reversal_as_the_gap_within_departments_is_noise_around_0() -> None:
    found = strata.conditional(BERKELEY_GAP)
    assert found.crude.value * found.stratified.value < 0
    assert (found.reversed, found.opposite_everywhere) == (False, False)


def test_kidney_stones_point_the_other_way_in_every_stratum() -> None:
    found = strata.conditional(KIDNEY)
    assert found.crude.value == pytest.approx(273 / 350 - 289 / 350)
    assert found.stratified.value > 0
    assert found.opposite_everywhere is True


def test_kidney_stones_are_a_reversal_beyond_chance_only_with_more_patients() -> None:
    assert strata.conditional(KIDNEY).reversed is False
    assert strata.conditional(tenfold(KIDNEY)).reversed is True


def test_a_reversal_beyond_chance_need_not_hold_in_every_stratum() -> None:
    found = strata.conditional(tenfold(KIDNEY) | {"rare": (9, 20, 10, 20)})
    assert (found.reversed, found.opposite_everywhere) == (True, False)
    level = strata.conditional(tenfold(KIDNEY) | {"level": (10, 20, 10, 20)})
    assert (level.reversed, level.opposite_everywhere) == (True, False)


def test_a_gap_that_keeps_its_sign_is_no_reversal() -> None:
    found = strata.conditional({"a": (300, 500, 200, 500), "b": (100, 500, 50, 500)})
    assert (found.reversed, found.opposite_everywhere) == (False, False)


# --- the stratified difference -----------------------------------------------------------------------------------


def test_the_difference_is_the_weighted_mean_of_the_strata() -> None:
    weights = [n1 * n0 / (n1 + n0) for _, n1, _, n0 in BERKELEY_GAP.values()]
    found = strata.conditional(BERKELEY_GAP)
    expected = np.average([d.value for d in found.differences.values()], weights=weights)
    assert found.stratified.value == pytest.approx(expected)


def test_the_interval_inverts_the_test_with_the_variance_of_sato() -> None:
    cells = np.array(list(BERKELEY_GAP.values()), dtype=float)
    p1, n1, p0, n0 = cells[:, 0] / cells[:, 1], cells[:, 1], cells[:, 2] / cells[:, 3], cells[:, 3]
    w = n1 * n0 / (n1 + n0)
    value = (w * (p1 - p0)).sum() / w.sum()

    def excess(gap: float) -> float:
        """Sato, Greenland and Robins 1989, in rates: w(p1 q0 + p0 q1)/2 and its term in the common gap."""
        p = w * ((n1 * p0 - n0 * p1) / (n1 + n0) + (n0 - n1) / (n1 + n0) / 2)
        q = w * (p1 * (1 - p0) + p0 * (1 - p1)) / 2
        return abs(value - gap) * w.sum() / math.sqrt((gap * p + q).sum()) - stats.norm.ppf(0.975)

    low, high = optimize.brentq(excess, -0.5, value), optimize.brentq(excess, value, 0.5)
    found = strata.conditional(BERKELEY_GAP).stratified
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("n1", "n0", "rest", "gap"),
    [
        ([200] * 4, [300] * 4, [0.1, 0.3, 0.5, 0.7], 0.05),
        ([2] * 100, [2] * 100, [0.3] * 100, 0.1),
        ([1] * 100, [5] * 100, [0.1] * 100, 0.0),
        ([6] * 5, [400] * 5, [0.3] * 5, 0.0),
        ([100] * 4, [1000] * 4, [0.01] * 4, 0.0),
    ],
    ids=["few large", "many tiny", "one a stratum", "a small group", "rare"],
)
def test_the_95_percent_interval_covers_a_common_gap_about_95_times_in_100(
    n1: list[int], n0: list[int], rest: list[float], gap: float
) -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(300):
        a, b = rng.binomial(n1, np.array(rest) + gap), rng.binomial(n0, rest)
        cells = np.stack([a, n1, b, n0], axis=1).astype(float)
        found = strata._mantel_haenszel(cells, 0.95)
        hits += found.low <= gap <= found.high
    assert 0.92 < hits / 300 <= 0.99


@given(share, share, st.sampled_from([0.9, 0.95]))
@settings(max_examples=50, deadline=None)
def test_one_stratum_is_the_plain_difference(own: tuple[int, int], rest: tuple[int, int], confidence: float) -> None:
    found = strata.conditional({"only": (*own, *rest)}, confidence=confidence)
    plain = proportions.difference(*own, *rest, confidence=confidence)
    assert found.crude == plain == found.differences["only"]
    got, want = ((e.value, e.low, e.high) for e in (found.stratified, plain))
    assert got == pytest.approx(want, abs=1e-12)
    assert (found.reversed, found.homogeneity_p_value) == (False, None)


def test_equivalence_is_the_90_percent_interval_of_the_same_difference() -> None:
    found = strata.conditional(BERKELEY_GAP)
    at_90 = strata.conditional(BERKELEY_GAP, confidence=0.9)
    assert found.equivalence == at_90.stratified == at_90.equivalence
    assert within(found.equivalence, found.stratified.low + 1e-4, found.stratified.high - 1e-4)


def test_strata_all_or_nothing_have_an_interval_as_wide_as_their_rows_allow() -> None:
    found = strata.conditional({"a": (0, 5, 0, 5), "b": (4, 4, 6, 6)})
    assert found.stratified.value == 0
    assert found.stratified.low < -0.2
    assert found.stratified.high > 0.2
    assert (found.p_value, found.odds_ratio, found.homogeneity_p_value) == (1, UNDEFINED, None)
    many = strata.conditional({"a": (0, 5000, 0, 5000), "b": (0, 4000, 0, 6000)})
    assert within(many.equivalence, -0.001, 0.001)


# --- tests over strata -------------------------------------------------------------------------------------------


def test_strata_of_one_odds_ratio_agree_and_strata_of_opposite_ones_do_not() -> None:
    alike = {"a": (200, 400, 100, 300), "b": (400, 600, 250, 500), "c": (100, 400, 100, 700)}
    assert strata.conditional(alike).homogeneity_p_value > 0.2
    assert strata.conditional(alike | {"d": (100, 400, 300, 400)}).homogeneity_p_value < 1e-6


@pytest.mark.parametrize(("half", "off"), [(500, 0), (500_000, 1), (50_000_000, 0)])
def test_homogeneity_is_defined_at_an_odds_ratio_of_1_and_next_to_it(half: int, off: int) -> None:
    n, apart = 2 * half, round(math.sqrt(half / 2))
    more, less = half + apart, half - apart
    found = strata.conditional({"a": (more + off, n, less, n), "b": (less, n, more, n)})
    assert found.odds_ratio.value == pytest.approx(1, abs=1e-4)
    breslow_day = 2 * apart**2 / (half / 4)  # by hand: expected count n/2, its variance n/8
    assert found.homogeneity_p_value == pytest.approx(stats.chi2.sf(breslow_day, 1), rel=5e-3)


def test_strata_that_disagree_are_not_missed_where_rounding_leaves_the_odds_ratio_just_off_1() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):  # each table beside its mirror image; unguarded, some give p = 1
        n, m = rng.integers(100, 300, (2, 4))
        a, b = rng.integers(1, n // 3), rng.integers(m * 2 // 3, m)
        cells = np.concatenate([np.stack([a, n, b, m], axis=1), np.stack([n - a, n, m - b, m], axis=1)])
        found = strata.conditional({str(i): tuple(map(int, cell)) for i, cell in enumerate(rng.permutation(cells))})
        assert found.homogeneity_p_value < 1e-20


def test_homogeneity_of_small_strata_is_tarones() -> None:
    cells = {"a": (3, 9, 1, 8), "b": (2, 7, 5, 9), "c": (6, 12, 1, 6), "d": (1, 5, 3, 11)}
    found = strata.conditional(cells)
    excess, variances = [], []
    for a, n, b, m in cells.values():  # Tarone 1985, Biometrika 72:91, the expected count by search

        def off(e: float, n: int = n, m: int = m, both: int = a + b) -> float:
            return math.log(e / (n - e) * (m - both + e) / (both - e)) - math.log(found.odds_ratio.value)

        e = optimize.brentq(off, max(0, a + b - m) + 1e-9, min(n, a + b) - 1e-9)
        excess.append(a - e)
        variances.append(1 / (1 / e + 1 / (n - e) + 1 / (a + b - e) + 1 / (m - a - b + e)))
    statistic = sum(x * x / v for x, v in zip(excess, variances, strict=True)) - sum(excess) ** 2 / sum(variances)
    assert found.homogeneity_p_value == pytest.approx(stats.chi2.sf(statistic, 3), rel=1e-9)


def test_a_stratum_of_one_outcome_says_nothing_on_odds() -> None:
    flat = strata.conditional(BERKELEY_GAP | {"G": (0, 50, 0, 70)})
    plain = strata.conditional(BERKELEY_GAP)
    assert (flat.p_value, flat.odds_ratio) == (plain.p_value, plain.odds_ratio)
    assert flat.homogeneity_p_value == plain.homogeneity_p_value
    assert abs(flat.stratified.value) < abs(plain.stratified.value)


def test_complete_separation_has_no_odds_ratio_but_a_p_value() -> None:
    found = strata.conditional({"a": (10, 10, 0, 10), "b": (8, 8, 0, 9)})
    assert (found.odds_ratio, found.homogeneity_p_value) == (UNDEFINED, None)
    assert 0 < found.p_value < 1e-7
    assert found.stratified.value == found.stratified.high == 1
    assert 0.7 < found.stratified.low < 1


def test_a_p_value_too_small_for_one_less_the_distribution_is_not_0() -> None:
    assert 0 < strata.conditional({"a": (900, 1000, 500, 1000), "b": (900, 1000, 500, 1000)}).p_value < 1e-100


@given(some_strata)
@settings(max_examples=60, deadline=None)
def test_the_test_and_the_odds_ratio_are_statsmodels_over_whole_tables(cells: dict[str, Stratum]) -> None:
    tables = [np.array([[a, n - a], [b, m - b]]) for a, n, b, m in cells.values() if n and m and 0 < a + b < n + m]
    found = strata.conditional(cells)
    if tables:
        table = StratifiedTable(tables)
        assert found.p_value == pytest.approx(table.test_null_odds().pvalue, abs=1e-12)
    if found.odds_ratio.defined:
        assert found.odds_ratio.value == pytest.approx(table.oddsratio_pooled)


# --- undefined ---------------------------------------------------------------------------------------------------


@given(some_strata)
@example({"a": (0, 3, 13, 13)})  # its interval reached a rounding error below -1
@settings(max_examples=100, deadline=None)
def test_no_figure_is_ever_nan_or_infinite(cells: dict[str, Stratum]) -> None:
    found = strata.conditional(cells)
    estimates = [found.crude, found.stratified, found.equivalence, found.odds_ratio, *found.differences.values()]
    figures = [x for e in estimates for x in (e.value, e.low, e.high)] + [found.p_value, found.homogeneity_p_value]
    assert all(x is None or (type(x) is float and math.isfinite(x)) for x in figures)
    if found.stratified.defined:
        assert within(found.stratified, -1, 1)
        assert 0 <= found.p_value <= 1


def test_a_stratum_with_an_empty_side_is_left_out_counted_and_not_in_the_crude_gap() -> None:
    lonely = {"none": (7, 9, 0, 0), "nobody": (0, 0, 3, 4), "empty": (0, 0, 0, 0)}
    found, without = strata.conditional(KIDNEY | lonely), strata.conditional(KIDNEY)
    assert (found.left_out, found.rows_left_out) == (("none", "nobody", "empty"), 13)
    assert (found.crude, found.stratified, found.p_value) == (without.crude, without.stratified, without.p_value)
    assert list(found.differences) == ["small", "large"]


@pytest.mark.parametrize("cells", [{}, {"a": (3, 9, 0, 0), "b": (0, 0, 1, 2)}])
def test_without_a_stratum_that_holds_both_sides_nothing_is_defined(cells: dict[str, Stratum]) -> None:
    found = strata.conditional(cells)
    assert found.crude == found.stratified == found.equivalence == found.odds_ratio == UNDEFINED
    assert (found.p_value, found.homogeneity_p_value, found.reversed, found.opposite_everywhere) == (None,) * 4
    assert (found.differences, found.left_out) == ({}, tuple(cells))


def test_an_impossible_count_is_refused() -> None:
    with pytest.raises(ValueError, match="a whole number between 0 and its n"):
        strata.conditional({"a": (10, 9, 1, 2)})
