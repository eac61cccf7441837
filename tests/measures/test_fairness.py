"""Group comparisons: published numbers, fairlearn as a second route, and verdicts that small groups cannot fool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_score
from statsmodels.stats.multitest import multipletests

from ethics_kit.measures import counts, fairness, proportions
from ethics_kit.measures.counts import Counts
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import BINARY

# ProPublica COMPAS, two-year recidivism, medium or high score = selected (Compas Analysis.ipynb).
# "Other" is the rest of all 7,214 defendants.
COMPAS = {
    "African-American": {"tp": 1369, "fp": 805, "fn": 532, "tn": 990},
    "Caucasian": {"tp": 505, "fp": 349, "fn": 461, "tn": 1139},
    "Native American": {"tp": 9, "fp": 3, "fn": 1, "tn": 5},
    "Other": {"tp": 152, "fp": 125, "fn": 222, "tn": 547},
}
PAIR = {name: COMPAS[name] for name in ("African-American", "Caucasian")}
POLICY = {"significance": 0.05, "minimum_group": 30}
MARGIN = 0.05
THREE = ("selection_rate", "true_positive_rate", "false_positive_rate")
FLAGS = {"tp": (1, 1), "fp": (1, 0), "fn": (0, 1), "tn": (0, 0)}


def counted(groups: Mapping[str, Mapping[str, int]]) -> Counts:
    """The count table of one attribute, race."""
    lines = [(race, *FLAGS[cell], n) for race, cells in groups.items() for cell, n in cells.items()]
    table = pd.DataFrame(lines, columns=["race", "selected", "positive", "rows"])
    table["correct"] = (table.selected == table.positive).astype(int)
    return Counts(table, ("race",), ("selected", "positive", "correct"))


def compared(groups: Mapping[str, Mapping[str, int]], *metrics: str) -> dict[tuple[str, str], Comparison]:
    """All comparisons of one attribute, by metric and group."""
    table = counted(groups)
    found = [
        c
        for metric in metrics or BINARY
        for c in fairness.compare("race", metric, table.pairs(BINARY[metric], "race"), margin=MARGIN)
    ]
    return {(c.metric, c.group): c for c in found}


def judged(
    groups: Mapping[str, Mapping[str, int]], *metrics: str, **policy: float
) -> dict[tuple[str, str], Comparison]:
    found = fairness.judge(list(compared(groups, *metrics).values()), **{**POLICY, **policy})
    return {(c.metric, c.group): c for c in found}


def selection(*shares: tuple[int, int]) -> list[Comparison]:
    """Groups g0, g1 … with so many selected of so many, compared on the selection rate."""
    pairs = proportions.independent([(f"g{i}", count, n) for i, (count, n) in enumerate(shares)])
    return fairness.compare("a", "selection_rate", pairs, margin=MARGIN)


def verdicts(*shares: tuple[int, int], **policy: float) -> list[str]:
    found = fairness.judge(selection(*shares), **{**POLICY, **policy})
    return [c.verdict for c in found]


# --- published numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "fpr", "fnr"),
    [("African-American", 44.85, 27.99), ("Caucasian", 23.45, 47.72), ("Native American", 37.5, 10.0)],
)
def test_error_rates_of_a_group_are_propublicas(group: str, fpr: float, fnr: float) -> None:
    found = compared(COMPAS)
    assert 100 * found["false_positive_rate", group].rate.value == pytest.approx(fpr, abs=0.005)
    assert 100 * (1 - found["true_positive_rate", group].rate.value) == pytest.approx(fnr, abs=0.005)


def test_selection_rate_gap_and_ratio_of_the_pair_are_fairlearns() -> None:
    found = compared(PAIR)["selection_rate", "Caucasian"]
    assert -found.gap.value == pytest.approx(0.2402002, abs=5e-8)
    assert found.ratio.value == pytest.approx(0.5916376, abs=5e-8)


def test_the_largest_error_rate_gap_of_the_pair_is_fairlearns_equalized_odds_difference() -> None:
    found = compared(PAIR, "true_positive_rate", "false_positive_rate")
    assert max(abs(c.gap.value) for c in found.values()) == pytest.approx(0.2139250, abs=5e-8)


def test_false_positive_gap_of_the_pair_has_the_published_intervals() -> None:
    found = compared(PAIR)["false_positive_rate", "African-American"]
    assert (found.gap.low, found.gap.high) == pytest.approx((0.18205, 0.24502), abs=5e-6)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((1.72124, 2.12411), abs=5e-6)


@pytest.mark.parametrize("metric", THREE)
def test_the_compas_pair_shows_a_disparity_on_every_rate(metric: str) -> None:
    assert {c.verdict for (name, _), c in judged(PAIR, *THREE).items() if name == metric} == {"disparity"}


@pytest.mark.parametrize("metric", THREE)
@pytest.mark.parametrize("minimum_group", [2, 30])
def test_eighteen_native_americans_are_inconclusive_also_without_a_minimum_group(
    metric: str, minimum_group: int
) -> None:
    assert judged(COMPAS, *THREE, minimum_group=minimum_group)[metric, "Native American"].verdict == "inconclusive"


def test_the_small_group_drives_fairlearns_point_gap() -> None:
    rates = {g: c["tp"] / (c["tp"] + c["fn"]) for g, c in COMPAS.items()}
    assert max(rates, key=rates.__getitem__) == "Native American"


# --- second route -------------------------------------------------------------------------------------------------


def rows(groups: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """One row per counted case: group, selected, positive."""
    meaning = {"tp": (1, 1), "fp": (1, 0), "fn": (0, 1), "tn": (0, 0)}
    return pd.DataFrame(
        [(g, *meaning[cell]) for g, cells in groups.items() for cell, n in cells.items() for _ in range(n)],
        columns=["group", "selected", "positive"],
    )


def negative_predictive_value(positive: pd.Series, selected: pd.Series) -> float:
    return float(precision_score(1 - positive, 1 - selected))


ROUTES = {
    "selection_rate": fl.selection_rate,
    "true_positive_rate": fl.true_positive_rate,
    "false_positive_rate": fl.false_positive_rate,
    "true_negative_rate": fl.true_negative_rate,
    "false_negative_rate": fl.false_negative_rate,
    "positive_predictive_value": precision_score,
    "negative_predictive_value": negative_predictive_value,
    "accuracy": accuracy_score,
    "base_rate": lambda positive, _: positive.mean(),
}


def test_every_rate_has_a_second_route() -> None:
    assert set(ROUTES) == set(BINARY)


cell_counts = st.fixed_dictionaries({k: st.integers(1, 25) for k in ("tp", "fp", "fn", "tn")})
many_groups = st.lists(cell_counts, min_size=2, max_size=5).map(lambda rows: {f"g{i}": c for i, c in enumerate(rows)})


@given(many_groups)
@settings(max_examples=15, deadline=None)
def test_rates_equal_fairlearns_metric_frame(groups: dict[str, dict[str, int]]) -> None:
    data = rows(groups)
    frame = fl.MetricFrame(
        metrics=ROUTES, y_true=data.positive, y_pred=data.selected, sensitive_features=data.group
    ).by_group
    for (metric, group), found in compared(groups).items():
        assert found.rate.value == pytest.approx(frame.loc[group, metric])


@given(many_groups)
@settings(max_examples=15, deadline=None)
def test_a_gap_is_the_groups_rate_less_the_rate_of_everyone_else_pooled(groups: dict[str, dict[str, int]]) -> None:
    data = rows(groups)
    for (metric, group), found in compared(groups).items():
        own, rest = data[data.group == group], data[data.group != group]
        expected = ROUTES[metric](own.positive, own.selected) - ROUTES[metric](rest.positive, rest.selected)
        assert found.gap.value == pytest.approx(expected)
        assert found.n + found.rest_n == counted(groups).shares(BINARY[metric], "race")["n"].sum()


@given(many_groups)
@settings(max_examples=15, deadline=None)
def test_adjusted_p_values_are_statsmodels_over_the_whole_record(groups: dict[str, dict[str, int]]) -> None:
    found = list(judged(groups).values())
    expected = multipletests([c.p_value for c in found], method="fdr_bh")[1]
    assert [c.adjusted_p for c in found] == pytest.approx(expected, abs=1e-12)


@given(many_groups, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_groups_changes_no_verdict(groups: dict[str, dict[str, int]], random: object) -> None:
    names = list(groups)
    random.shuffle(names)
    again = judged({name: groups[name] for name in names})
    assert {k: c.verdict for k, c in judged(groups).items()} == {k: c.verdict for k, c in again.items()}


# --- verdicts -----------------------------------------------------------------------------------------------------


def test_a_rate_without_rows_is_not_estimable_and_never_zero() -> None:
    empty = {"a": {"fn": 5, "tp": 5}, "b": {"fp": 5, "tn": 5}}
    found = judged(empty)["false_positive_rate", "a"]
    assert found.verdict == "not_estimable"
    assert (found.rate.value, found.gap.value, found.ratio.value, found.p_value, found.adjusted_p) == (None,) * 5
    # fairlearn 0.15 returns 0 there: ORACLES.
    assert fl.false_positive_rate([1] * 10, [1] * 5 + [0] * 5) == 0


def test_an_empty_group_does_not_shift_the_adjustment_of_the_others() -> None:
    assert verdicts((0, 0), (10, 100), (60, 100)) == ["not_estimable", "disparity", "disparity"]


def test_a_single_group_has_nothing_to_be_compared_with() -> None:
    assert verdicts((10, 100)) == ["not_estimable"]


def test_the_unknown_group_is_in_no_comparison_and_not_in_the_rest() -> None:
    groups = {"a": {"tp": 10, "tn": 90}, "b": {"tp": 30, "tn": 70}, counts.UNKNOWN: {"tp": 900}}
    found = compared(groups, "selection_rate").values()
    assert [(c.group, c.rest_rate.value, c.rest_n) for c in found] == [("a", 0.3, 100), ("b", 0.1, 100)]


def test_a_large_gap_with_many_rows_is_a_disparity() -> None:
    assert verdicts((300, 1000), (500, 1000)) == ["disparity", "disparity"]


def test_a_gap_within_the_margin_is_no_disparity_however_significant() -> None:
    found = fairness.judge(selection((31_000, 100_000), (30_000, 100_000)), **POLICY)
    assert found[0].adjusted_p < 1e-5
    assert found[0].verdict == "equivalent"


def test_a_gap_beyond_the_margin_that_is_not_significant_is_inconclusive() -> None:
    assert verdicts((30, 100), (38, 100)) == ["inconclusive", "inconclusive"]


def test_no_gap_with_few_rows_is_inconclusive_and_not_equivalent() -> None:
    assert verdicts((30, 100), (30, 100)) == ["inconclusive", "inconclusive"]


def test_no_gap_with_many_rows_is_equivalent() -> None:
    assert verdicts((3000, 10_000), (3000, 10_000)) == ["equivalent", "equivalent"]


def test_a_significant_gap_whose_interval_straddles_the_margin_is_inconclusive() -> None:
    assert verdicts((340, 1000), (300, 1000), significance=0.2) == ["inconclusive", "inconclusive"]


def test_equivalence_takes_the_90_percent_interval_inside_the_margin_on_both_sides() -> None:
    low, high = 0.0, 0.0
    for n in range(500, 2000, 50):
        found = fairness.judge(selection((int(0.3 * n), n), (int(0.3 * n), n)), **POLICY)[0]
        low, high = found.equivalence.low, found.equivalence.high
        assert found.equivalence == proportions.difference(int(0.3 * n), n, int(0.3 * n), n, confidence=0.9)
        assert (found.verdict == "equivalent") is (low > -0.05 and high < 0.05)
    assert high < 0.05


@pytest.mark.parametrize(("n", "verdict"), [(29, "inconclusive"), (30, "disparity")])
def test_a_group_under_the_minimum_is_inconclusive_on_either_side(n: int, verdict: str) -> None:
    assert verdicts((n, n), (0, 1000)) == [verdict, verdict]


def test_adjustment_takes_a_lone_small_p_value_back() -> None:
    lone = verdicts((72, 200), (52, 200))
    assert lone == ["disparity", "disparity"]
    among = fairness.judge(
        [*selection((72, 200), (52, 200)), *(replace(c, attribute="b") for c in selection((60, 200), (61, 200)))],
        **POLICY,
    )
    assert [c.verdict for c in among] == ["inconclusive"] * 4


def test_an_inconclusive_verdict_says_how_many_rows_would_settle_it() -> None:
    found = fairness.judge(selection((30, 100), (38, 100)), **POLICY)
    assert found[0].rows_needed == proportions.rows_to_settle(0.38, 0.08)  # beyond the margin: to tell it from 0
    assert all(c.rows_needed is None for c in fairness.judge(selection((300, 1000), (500, 1000)), **POLICY))


def test_nothing_to_judge_is_no_verdict() -> None:
    assert fairness.judge([], **POLICY) == []


# --- how often a verdict is wrong ---------------------------------------------------------------------------------


def four_fifths_fails(rng: np.random.Generator, groups: int, n: int) -> bool:
    rates = rng.binomial(n, 0.3, groups) / n
    return bool(rates.min() / rates.max() < 0.8)


@pytest.mark.parametrize(("groups", "share"), [(2, 0.31), (10, 0.99)])
def test_the_four_fifths_rule_cries_wolf_on_the_same_draws(groups: int, share: float) -> None:
    rng = np.random.default_rng(20261101)
    found = np.mean([four_fifths_fails(rng, groups, 100) for _ in range(2000)])
    assert found == pytest.approx(share, abs=0.03)


def test_nothing_to_compare_is_no_comparison() -> None:
    assert fairness.compare("a", "selection_rate", [], margin=MARGIN) == []
