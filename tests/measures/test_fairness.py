"""Group comparisons: published numbers, fairlearn as a second route, and verdicts that small groups cannot fool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import fairlearn.metrics as fl
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from ethics_kit.measures import fairness, proportions
from ethics_kit.measures.fairness import METRICS, Cell, Comparison

# ProPublica COMPAS, two-year recidivism, medium or high score = selected (Compas Analysis.ipynb).
# "Other" is the rest of all 7,214 defendants.
COMPAS = {
    "African-American": {"tp": 1369, "fp": 805, "fn": 532, "tn": 990},
    "Caucasian": {"tp": 505, "fp": 349, "fn": 461, "tn": 1139},
    "Native American": {"tp": 9, "fp": 3, "fn": 1, "tn": 5},
    "Other": {"tp": 152, "fp": 125, "fn": 222, "tn": 547},
}
PAIR = {name: COMPAS[name] for name in ("African-American", "Caucasian")}
POLICY = {"margin": 0.05, "significance": 0.05, "minimum_group": 30}


def compared(groups: Mapping[str, Mapping[str, int]], *metrics: str) -> dict[tuple[str, str], Comparison]:
    """All comparisons of one attribute, by metric and group."""
    found = [
        c
        for metric in metrics or METRICS
        for c in fairness.compare("race", metric, fairness.metric_cells(groups, metric))
    ]
    return {(c.metric, c.group): c for c in found}


def judged(groups: Mapping[str, Mapping[str, int]], **policy: float) -> dict[tuple[str, str], Comparison]:
    found = fairness.judge(list(compared(groups).values()), **{**POLICY, **policy})
    return {(c.metric, c.group): c for c in found}


def selection(*shares: tuple[int, int]) -> list[Comparison]:
    """Groups g0, g1 … with so many selected of so many, compared on the selection rate."""
    cells = [Cell(f"g{i}", count, n) for i, (count, n) in enumerate(shares)]
    return fairness.compare("a", "selection_rate", cells)


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


@pytest.mark.parametrize("metric", METRICS)
def test_the_compas_pair_shows_a_disparity_on_every_rate(metric: str) -> None:
    assert {c.verdict for (name, _), c in judged(PAIR).items() if name == metric} == {"disparity"}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("minimum_group", [2, 30])
def test_eighteen_native_americans_are_inconclusive_also_without_a_minimum_group(
    metric: str, minimum_group: int
) -> None:
    assert judged(COMPAS, minimum_group=minimum_group)[metric, "Native American"].verdict == "inconclusive"


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


cell_counts = st.fixed_dictionaries({k: st.integers(1, 25) for k in ("tp", "fp", "fn", "tn")})
many_groups = st.lists(cell_counts, min_size=2, max_size=5).map(lambda rows: {f"g{i}": c for i, c in enumerate(rows)})


@given(many_groups)
@settings(max_examples=15, deadline=None)
def test_rates_equal_fairlearns_metric_frame(groups: dict[str, dict[str, int]]) -> None:
    data = rows(groups)
    metrics = {name: getattr(fl, name) for name in METRICS}
    frame = fl.MetricFrame(
        metrics=metrics, y_true=data.positive, y_pred=data.selected, sensitive_features=data.group
    ).by_group
    for (metric, group), found in compared(groups).items():
        assert found.rate.value == pytest.approx(frame.loc[group, metric])


@given(many_groups)
@settings(max_examples=15, deadline=None)
def test_a_gap_is_the_groups_rate_less_the_rate_of_everyone_else_pooled(groups: dict[str, dict[str, int]]) -> None:
    data = rows(groups)
    for (metric, group), found in compared(groups).items():
        own, rest = data[data.group == group], data[data.group != group]
        expected = getattr(fl, metric)(own.positive, own.selected) - getattr(fl, metric)(rest.positive, rest.selected)
        assert found.gap.value == pytest.approx(expected)
        assert found.n + found.rest_n == sum(c.n for c in fairness.metric_cells(groups, metric))


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
    cells = [Cell("empty", 0, 0), Cell("a", 10, 100), Cell("b", 60, 100)]
    found = fairness.judge(fairness.compare("x", "selection_rate", cells), **POLICY)
    assert [c.verdict for c in found] == ["not_estimable", "disparity", "disparity"]


def test_a_single_group_has_nothing_to_be_compared_with() -> None:
    assert verdicts((10, 100)) == ["not_estimable"]


def test_the_unknown_group_is_in_no_comparison_and_not_in_the_rest() -> None:
    cells = [Cell("a", 10, 100), Cell("b", 30, 100), Cell(fairness.UNKNOWN, 900, 900)]
    found = fairness.compare("x", "selection_rate", cells)
    assert [(c.group, c.rest_count, c.rest_n) for c in found] == [("a", 30, 100), ("b", 10, 100)]


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

DRAWS = 400


def any_disparity(rng: np.random.Generator, selected: list[float], n: int) -> bool:
    """Whether one record of random counts shows a disparity; a positive outcome has probability 1/2, whoever it is."""
    groups = {}
    for i, rate in enumerate(selected):
        cells = rng.multinomial(n, [rate / 2, rate / 2, (1 - rate) / 2, (1 - rate) / 2])
        groups[f"g{i}"] = dict(zip(("tp", "fp", "fn", "tn"), map(int, cells), strict=True))
    return any(c.verdict == "disparity" for c in judged(groups).values())


def four_fifths_fails(rng: np.random.Generator, groups: int, n: int) -> bool:
    rates = rng.binomial(n, 0.3, groups) / n
    return bool(rates.min() / rates.max() < 0.8)


@pytest.mark.parametrize("groups", [2, 10])
def test_without_any_disparity_at_most_one_record_in_twenty_shows_one(
    groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The verdict of a disparity needs gap and p-value only: the intervals are left out for speed.
    def quick(count1: float, n1: float, count2: float, n2: float, **_: float) -> proportions.Estimate:
        return proportions.Estimate(count1 / n1 - count2 / n2, -1.0, 1.0) if n1 and n2 else proportions.UNDEFINED

    monkeypatch.setattr(proportions, "difference", quick)
    monkeypatch.setattr(proportions, "ratio", quick)
    monkeypatch.setattr(proportions, "rate", lambda *_, **__: proportions.UNDEFINED)
    monkeypatch.setattr(proportions, "rows_to_settle", lambda *_: 1)
    rng = np.random.default_rng(20261101)
    share = np.mean([any_disparity(rng, [0.3] * groups, 100) for _ in range(DRAWS)])
    error = 3 * np.sqrt(0.05 * 0.95 / DRAWS)
    assert 0 < share <= 0.05 + error


@pytest.mark.parametrize(("groups", "share"), [(2, 0.31), (10, 0.99)])
def test_the_four_fifths_rule_cries_wolf_on_the_same_draws(groups: int, share: float) -> None:
    rng = np.random.default_rng(20261101)
    found = np.mean([four_fifths_fails(rng, groups, 100) for _ in range(2000)])
    assert found == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("groups", [2, 5])
def test_a_gap_of_twice_the_minimum_detectable_is_found(groups: int) -> None:
    rng = np.random.default_rng(20261101)
    selected = [0.3 + 2 * 0.192] + [0.3] * (groups - 1)  # .192: minimum detectable with 100 rows a group (ORACLES)
    assert np.mean([any_disparity(rng, selected, 100) for _ in range(40)]) >= 0.95


# --- counts -------------------------------------------------------------------------------------------------------


def table(**columns: list[object]) -> ibis.Table:
    kinds = {"selected": pa.bool_(), "positive": pa.bool_()}
    return ibis.memtable(pa.table({k: pa.array(v, kinds.get(k, pa.string())) for k, v in columns.items()}))


def test_each_decision_and_outcome_has_its_cell() -> None:
    found = fairness.counts(
        table(
            sex=["f"] * 6,
            selected=[True, True, True, False, False, False],
            positive=[True, False, None, True, False, None],
        ),
        ["sex"],
    )
    assert found == {
        "sex": {"f": dict.fromkeys(("tp", "fp", "selected_unlabelled", "fn", "tn", "other_unlabelled"), 1)}
    }


def test_a_missing_attribute_value_is_the_group_unknown() -> None:
    found = fairness.counts(table(sex=["f", None], selected=[True, True], positive=[True, True]), ["sex"])
    assert found["sex"] == {"f": {"tp": 1}, fairness.UNKNOWN: {"tp": 1}}


def test_a_row_without_a_decision_is_in_no_cell() -> None:
    found = fairness.counts(table(sex=["f", "m"], selected=[True, None], positive=[True, True]), ["sex"])
    assert found == {"sex": {"f": {"tp": 1}}}


def test_rows_without_an_outcome_count_in_the_selection_rate_only() -> None:
    groups = fairness.counts(table(sex=["f"] * 3, selected=[True, False, True], positive=[None, None, True]), ["sex"])[
        "sex"
    ]
    cells = {m: fairness.metric_cells(groups, m)[0] for m in METRICS}
    assert cells == {
        "selection_rate": Cell("f", 2, 3),
        "true_positive_rate": Cell("f", 1, 1),
        "false_positive_rate": Cell("f", 0, 0),
    }


def test_groups_are_named_in_one_order_whatever_the_order_of_rows() -> None:
    names = [f"g{i:02}" for i in range(30)]
    n = len(names)
    found = fairness.counts(table(sex=names[::-1], selected=[True] * n, positive=[None] * n), ["sex"])
    assert list(found["sex"]) == names


def test_no_rows_are_no_groups() -> None:
    assert fairness.counts(table(sex=[], selected=[], positive=[]), ["sex"]) == {"sex": {}}


maybe = st.sampled_from([True, False, None])
event_rows = st.lists(
    st.tuples(st.sampled_from(["f", "m", None]), st.sampled_from(["young", "old", None]), maybe, maybe), max_size=40
)


@given(event_rows)
@settings(max_examples=20, deadline=None)
def test_one_pass_over_several_attributes_equals_pandas_groupby_of_each(drawn: list[tuple[object, ...]]) -> None:
    names = ["sex", "age", "selected", "positive"]
    columns = {name: [row[i] for row in drawn] for i, name in enumerate(names)}
    found = fairness.counts(table(**columns), ["sex", "age"])
    frame = pd.DataFrame(columns, columns=names, dtype=object)
    frame = frame[frame.selected.notna()]
    labels = {
        (True, True): "tp",
        (True, False): "fp",
        (True, None): "selected_unlabelled",
        (False, True): "fn",
        (False, False): "tn",
        (False, None): "other_unlabelled",
    }
    frame["cell"] = [labels[s, None if pd.isna(p) else p] for s, p in zip(frame.selected, frame.positive, strict=True)]
    for name in ("sex", "age"):
        sizes = frame.assign(group=frame[name].fillna("unknown")).groupby(["group", "cell"]).size()
        expected: dict[str, dict[str, int]] = {}
        for (group, cell), size in sizes.items():
            expected.setdefault(group, {})[cell] = int(size)
        assert found[name] == expected
