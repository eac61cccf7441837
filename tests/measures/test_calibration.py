"""Calibration by group: by hand, sklearn as a second route, and intervals that cover what they should."""

from __future__ import annotations

from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from ethics_kit.measures import amounts, calibration, scores
from ethics_kit.measures.calibration import Calibration
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import UNDEFINED
from ethics_kit.measures.scores import ScoreSums
from ethics_kit.measures.sums import Moments

Group = tuple[np.ndarray, np.ndarray]
"""Scores and outcomes."""


def counted(groups: dict[str | None, Group], *, bins: int = 10) -> ScoreSums:
    columns = {
        "score": np.concatenate([p for p, _ in groups.values()]).astype(float),
        "positive": np.concatenate([y for _, y in groups.values()]).astype(bool),
        "sex": pa.array([name for name, (p, _) in groups.items() for _ in p], pa.string()),
    }
    return scores.score_sums(ibis.memtable(pa.table(columns)), ["sex"], bins=bins)


def quickly_counted(groups: dict[str, Group], *, bins: int = 1) -> ScoreSums:
    """The same sums by numpy, for speed; no score is 1."""
    found = {}
    for name, (p, y) in groups.items():
        place = (p * bins).astype(int)
        cells = {(b, bool(o)): p[(place == b) & (y == o)] for b in range(bins) for o in (False, True)}
        found[name] = {
            cell: Moments(len(v), 0, Fraction(float(v.sum())), Fraction(float((v**2).sum())))
            for cell, v in cells.items()
        }
    return ScoreSums(0.0, 1.0, bins, {"sex": found})


def calibrated(groups: dict[str | None, Group], **how: float) -> dict[str, Calibration]:
    return calibration.calibrations(counted(groups), "sex", **how)


def constant(score: float, positives: int, n: int) -> Group:
    return np.full(n, score), np.arange(n) < positives


# --- the reliability table ----------------------------------------------------------------------------------------


def test_a_reliability_table_by_hand() -> None:
    p, y = np.array([0.12, 0.18, 0.15, 0.95, 1.0]), np.array([0, 1, 0, 1, 1])
    found = calibrated({"f": (p, y)})["f"]
    assert [(b.low, b.high, b.n) for b in found.bins] == [(0.1, 0.2, 3), (0.9, 1.0, 2)]
    assert [b.mean_score for b in found.bins] == pytest.approx([0.15, 0.975])
    assert [b.observed.value for b in found.bins] == pytest.approx([1 / 3, 1])
    assert found.bins[1].observed.low == pytest.approx(proportion_confint(2, 2, method="wilson")[0])
    assert found.error == pytest.approx((3 * (1 / 3 - 0.15) + 2 * 0.025) / 5)
    assert found.in_the_large.value == pytest.approx(3 / 5 - 2.4 / 5)


outcomes = st.lists(st.tuples(st.integers(0, 999), st.booleans()), min_size=1, max_size=60)


@given(outcomes)
@settings(max_examples=25, deadline=None)
def test_the_reliability_table_is_sklearns_calibration_curve(rows: list[tuple[int, bool]]) -> None:
    # A thousandth's half more, so that no score lies on an edge: sklearn puts it in the bin below.
    p, y = np.array([n / 1000 + 0.0005 for n, _ in rows]), np.array([o for _, o in rows])
    found = calibrated({"f": (p, y)})["f"]
    observed, predicted = calibration_curve(y, p, n_bins=10)
    assert [b.observed.value for b in found.bins] == pytest.approx(list(observed))
    assert [b.mean_score for b in found.bins] == pytest.approx(list(predicted))
    sizes = np.bincount((p * 10).astype(int))
    assert found.error == pytest.approx(np.average(abs(observed - predicted), weights=sizes[sizes > 0]))


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (7, 0.3), (10, 0.3), (40, 0.25), (500, 0.011), (9, 0.0), (9, 1.0)])
def test_the_error_by_chance_of_one_bin_is_the_binomials_mean_deviation(n: int, p: float) -> None:
    found = calibrated({"f": constant(p, 0, n)})["f"]
    counts = np.arange(n + 1)
    assert found.error_by_chance == pytest.approx(abs(counts / n - p) @ stats.binom.pmf(counts, n, p), abs=1e-12)


def test_the_error_by_chance_is_that_of_simulated_outcomes() -> None:
    chance = np.random.default_rng(20261101)
    p = np.round(chance.beta(2, 5, 300), 6)
    drawn = [
        calibration.calibrations(quickly_counted({"f": (p, chance.random(300) < p)}, bins=10), "sex")["f"]
        for _ in range(300)
    ]
    errors = np.array([c.error for c in drawn])
    assert errors.mean() == pytest.approx(drawn[0].error_by_chance, abs=4 * errors.std() / 300**0.5)
    assert errors.mean() > 0.03  # although every score is right: the fewer the rows, the more


# --- calibration in the large -------------------------------------------------------------------------------------


@pytest.mark.parametrize("positives", [0, 1, 4, 10, 20])
def test_where_all_scores_are_equal_the_interval_is_wilsons_less_the_score(positives: int) -> None:
    found = calibrated({"f": constant(0.2, positives, 20)})["f"].in_the_large
    low, high = proportion_confint(positives, 20, method="wilson")
    assert (found.low, found.high) == pytest.approx((low - 0.2, high - 0.2), abs=1e-12)


def test_where_all_scores_are_equal_the_test_is_the_z_test_of_observed_less_expected() -> None:
    # Expected 20 of 100, variance 100·0.2·0.8 = 16, observed 30 (Seillier-Moiseiwitsch and Dawid 1993).
    found = calibrated({"f": constant(0.2, 30, 100)})["f"]
    assert found.p_value == pytest.approx(2 * stats.norm.sf(10 / 4))


def test_scores_that_tell_outcomes_apart_narrow_the_interval_and_ones_that_mislead_widen_it() -> None:
    y = np.arange(100) < 40
    for score, worth in (
        (np.where(y, 0.7, 0.2), 0.4 * 0.6 / (0.25 * 0.24)),
        (np.where(y, 0.2, 0.7), 0.24 / (2.25 * 0.24)),
    ):
        found = calibrated({"f": (score, y)})["f"].in_the_large
        low, high = proportion_confint(40 * worth, 100 * worth, method="wilson")
        assert (found.low, found.high) == pytest.approx((low - score.mean(), high - score.mean()))


@given(outcomes)
@settings(max_examples=25, deadline=None)
def test_the_test_rejects_what_the_interval_leaves_out(rows: list[tuple[int, bool]]) -> None:
    p, y = np.array([n / 1000 + 0.0005 for n, _ in rows]), np.array([o for _, o in rows])
    found = calibration.calibrations(quickly_counted({"f": (p, y)}), "sex")["f"]
    assume(1e-9 < found.p_value < 1 - 1e-9)
    again = calibration.calibrations(quickly_counted({"f": (p, y)}), "sex", confidence=1 - found.p_value)["f"]
    assert min(abs(again.in_the_large.low), abs(again.in_the_large.high)) == pytest.approx(0, abs=1e-6)


def test_quick_sums_of_the_simulations_are_those_of_the_measure() -> None:
    chance = np.random.default_rng(5)
    groups = {}
    for name in "ab":
        p = np.round(chance.beta(2, 5, 80), 6)
        groups[name] = (p, chance.random(80) < p)
    slow = calibration.calibrations(counted(groups, bins=4), "sex")
    quick = calibration.calibrations(quickly_counted(groups, bins=4), "sex")
    for name in groups:
        for field in ("error", "p_value", "difference_p_value"):
            assert getattr(slow[name], field) == pytest.approx(getattr(quick[name], field))
        assert slow[name].difference.low == pytest.approx(quick[name].difference.low)


DRAWS = 800


def simulated(chance: np.random.Generator, truth, *sizes: int) -> dict[str, Calibration]:
    """Groups whose outcomes follow `truth` of the score; scores differ between groups."""
    groups = {}
    for place, n in enumerate(sizes):
        p = chance.beta(1 + place, 6, n)
        groups[str(place)] = (p, chance.random(n) < truth(p))
    return calibration.calibrations(quickly_counted(groups), "sex")


@pytest.mark.parametrize("sizes", [(40, 400), (200, 200)])
def test_intervals_cover_and_tests_keep_their_level_where_scores_are_right(sizes: tuple[int, int]) -> None:
    chance = np.random.default_rng(20261101)
    drawn = [simulated(chance, lambda p: p, *sizes)["0"] for _ in range(DRAWS)]
    for interval in ("in_the_large", "difference"):
        ranges = [(getattr(c, interval).low, getattr(c, interval).high) for c in drawn]
        assert 0.93 <= np.mean([low <= 0 <= high for low, high in ranges]) <= 0.97
    assert np.mean([c.p_value < 0.05 for c in drawn]) <= 0.05 + 3 * (0.05 * 0.95 / DRAWS) ** 0.5
    assert np.mean([c.difference_p_value < 0.05 for c in drawn]) <= 0.05 + 3 * (0.05 * 0.95 / DRAWS) ** 0.5


def test_groups_whose_scores_are_equally_overconfident_show_no_difference() -> None:
    # Outcomes have one rate whatever the score: with the variance Σp(1 - p) a third of intervals would miss.
    chance = np.random.default_rng(20261101)
    drawn = []
    for _ in range(600):
        groups = {}
        for name in "ab":
            p = chance.choice([0.02, 0.78], 150)
            groups[name] = (p, chance.random(150) < 0.4)
        drawn.append(calibration.calibrations(quickly_counted(groups), "sex")["a"])
    assert np.mean([c.difference.low <= 0 <= c.difference.high for c in drawn]) >= 0.93
    assert np.mean([c.difference_p_value < 0.05 for c in drawn]) <= 0.07
    assert np.mean([c.in_the_large.low <= 0 <= c.in_the_large.high for c in drawn]) >= 0.93


def test_a_shift_in_one_group_is_found_as_its_difference_from_the_rest() -> None:
    chance = np.random.default_rng(7)
    p = chance.beta(2, 5, (2, 3000))
    groups = {"a": (p[0], chance.random(3000) < p[0] + 0.08), "b": (p[1], chance.random(3000) < p[1])}
    found = calibrated(groups)
    assert found["a"].difference.low < 0.08 < found["a"].difference.high
    assert found["a"].difference_p_value < 1e-6
    assert found["a"].difference.value == pytest.approx(-found["b"].difference.value)
    assert found["b"].p_value > 0.01


def test_an_equal_shift_in_all_groups_is_no_difference() -> None:
    chance = np.random.default_rng(8)
    p = chance.beta(2, 5, (2, 2000))
    found = calibrated({name: (own, chance.random(2000) < own + 0.2) for name, own in zip("ab", p, strict=True)})
    assert found["a"].p_value < 1e-6
    assert found["a"].difference_p_value > 0.01


def test_the_rest_is_all_other_known_groups_pooled() -> None:
    groups = {"a": constant(0.2, 5, 20), "b": constant(0.4, 6, 20), "c": constant(0.6, 30, 60)}
    found = calibrated({**groups, None: constant(0.9, 0, 500)})
    pooled = tuple(np.concatenate([groups["b"][i], groups["c"][i]]) for i in (0, 1))
    alone = calibrated({"a": groups["a"], "rest": pooled})
    assert found["a"].difference == alone["a"].difference
    assert found["a"].difference == amounts.difference(alone["a"].in_the_large, alone["rest"].in_the_large)
    assert found["a"].difference_p_value == alone["a"].difference_p_value


def test_the_unknown_group_is_shown_and_not_compared() -> None:
    found = calibrated({"a": constant(0.2, 5, 20), "b": constant(0.3, 9, 40), None: constant(0.9, 10, 20)})
    unknown = found[UNKNOWN]
    assert unknown.in_the_large.value == pytest.approx(-0.4)
    assert (unknown.difference, unknown.difference_p_value) == (UNDEFINED, None)


def test_one_group_alone_has_no_difference() -> None:
    found = calibrated({"a": constant(0.2, 5, 20)})["a"]
    assert (found.difference, found.difference_p_value) == (UNDEFINED, None)


def test_scores_that_say_0_or_1_and_are_right_are_calibrated_and_one_that_is_wrong_is_not() -> None:
    right = calibrated({"a": (np.array([0.0, 1.0, 1.0]), np.array([0, 1, 1]))})["a"]
    assert (right.error, right.error_by_chance, right.p_value) == (0, 0, 1)
    wrong = calibrated({"a": constant(1.0, 0, 5)})["a"]
    assert wrong.p_value == 0
    assert (wrong.in_the_large.value, wrong.in_the_large.low) == (-1, -1)


# --- what is missing ----------------------------------------------------------------------------------------------


def events(rows: list[tuple[float | None, bool | None, str]]) -> ibis.Table:
    kinds = {"score": pa.float64(), "positive": pa.bool_(), "sex": pa.string()}
    return ibis.memtable(pa.table({k: pa.array([r[i] for r in rows], t) for i, (k, t) in enumerate(kinds.items())}))


def test_rows_without_score_or_label_do_not_count() -> None:
    rows = [(0.2, True, "f"), (0.4, False, "f"), (0.9, None, "f"), (None, True, "f")]
    found = calibration.calibrations(scores.score_sums(events(rows), ["sex"]), "sex")["f"]
    assert found.n == 2
    assert found.in_the_large.value == pytest.approx(0.5 - 0.3)


def test_a_group_without_labels_has_nothing_defined() -> None:
    found = calibration.calibrations(scores.score_sums(events([(0.2, None, "f"), (0.3, True, "m")]), ["sex"]), "sex")
    assert found["f"] == Calibration(0, (), None, None, UNDEFINED, None, UNDEFINED, None)


def test_no_rows_are_no_groups() -> None:
    assert calibration.calibrations(scores.score_sums(events([]), ["sex"]), "sex") == {}


def test_scores_that_are_no_probabilities_have_no_calibration() -> None:
    counted = scores.score_sums(events([(40.0, True, "f")]), ["sex"], high=100)
    message = r"^calibration needs probabilities, 0 to 1; these scores range over 0 to 100$"
    with pytest.raises(ValueError, match=message):
        calibration.calibrations(counted, "sex")


def test_pandas_finds_the_same_departure_by_group() -> None:
    chance = np.random.default_rng(9)
    frame = pd.DataFrame({"score": chance.random(500), "sex": chance.choice(["f", "m"], 500)})
    frame["positive"] = chance.random(500) < frame.score
    found = calibration.calibrations(scores.score_sums(ibis.memtable(frame), ["sex"]), "sex")
    for group, part in frame.groupby("sex"):
        assert found[group].in_the_large.value == pytest.approx((part.positive - part.score).mean(), abs=1e-12)
