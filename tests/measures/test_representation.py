"""Shares of a training sample against the base, with a verdict that small groups cannot fool."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import binom_test, proportion_confint

from ethics_kit.measures import representation
from ethics_kit.measures.representation import Shares

LIMITS = {"minimum": 0.8, "significance": 0.05, "minimum_group": 30}


def judged(groups, **limits):
    rows = representation.compare(Shares("a", groups, 0, 0), confidence=0.95)
    return {r.group: r for r in representation.judge(rows, **(LIMITS | limits))}


def test_each_customer_counts_once_and_only_where_it_was_learnt_from():
    sample = ibis.memtable(
        pd.DataFrame(
            {
                "customer": ["c1", "c1", "c2", "c3", "c9", "c4"],
                "split": ["train", "train", "Train", "TEST", "train", None],
            }
        )
    )
    rows = pd.DataFrame({"customer": ["c1", "c2", "c3", "c4", None], "held": ["x", "y", "y", None, "z"], "own": "w"})
    base = representation.one_group_each(ibis.memtable(rows), {"a": "held", "b": "own"})
    counted = representation.shares(["a", "b"], representation.training_rows(sample), base)
    found = counted["a"]
    assert counted["b"] == Shares("b", {"w": (3, 4)}, 1, 0)
    assert found.groups == {"x": (1, 1), "y": (1, 2)}
    assert (found.unknown, found.base_unknown) == (2, 1)  # c9 is no customer, c4 has no group


def test_a_customer_with_several_values_has_the_one_most_rows_have():
    langs = ["es", "en", "en", "fr", "de", None, None, "pt", None]
    rows = pd.DataFrame({"customer": list("aaabbcddd"), "lang": langs})
    found = representation.one_group_each(ibis.memtable(rows), {"l": "lang"}).order_by("customer").to_pandas()
    assert found["group"].fillna("none").tolist() == ["en", "de", "none", "pt"]


def test_share_ratio_interval_and_test_agree_with_a_second_route():
    row = judged({"x": (64, 1500), "y": (736, 8500)})["x"]
    low, high = proportion_confint(64, 800, method="wilson")
    assert (row.share.value, row.base_share) == (0.08, 0.15)
    assert (row.ratio.low, row.ratio.high) == pytest.approx((low / 0.15, high / 0.15))
    assert row.p_value == pytest.approx(binom_test(64, 800, 0.15))
    assert row.adjusted_p == pytest.approx(row.p_value)  # the two groups mirror each other
    fit = representation.goodness_of_fit(Shares("a", {"x": (64, 1500), "y": (736, 8500)}, 0, 0))
    z = (64 - 120) / np.sqrt(800 * 0.15 * 0.85)
    assert fit == pytest.approx(stats.chi2.sf(z**2, 1))


@pytest.mark.parametrize(
    ("groups", "verdict"),
    [
        ({"x": (500, 1500), "y": (2500, 8500)}, "equivalent"),
        ({"x": (240, 1500), "y": (2760, 8500)}, "disparity"),
        ({"x": (0, 1500), "y": (800, 8500)}, "disparity"),
        ({"x": (14, 100), "y": (786, 3900)}, "inconclusive"),
        ({"x": (0, 20), "y": (800, 3980)}, "inconclusive"),
        ({"x": (30, 1500), "y": (170, 8500)}, "inconclusive"),
        ({"x": (0, 1500), "y": (0, 8500)}, "not_estimable"),
        ({"x": (900, 1500), "y": (2100, 8500)}, "equivalent"),
    ],
    ids=["as among customers", "short", "absent", "small", "small and absent", "few rows", "no rows", "drawn more"],
)
def test_the_four_verdicts(groups, verdict):
    found = judged(groups)["x"]
    assert found.verdict == verdict
    assert (found.rows_needed is not None) == (verdict == "inconclusive")


def test_a_shortfall_that_many_groups_make_likely_is_not_called():
    groups = {f"g{i}": (50, 1000) for i in range(30)} | {"short": (34, 1000)}
    alone = judged({"short": (34, 1000), "rest": (1500, 30_000)})["short"]
    many = judged(groups)["short"]
    assert alone.verdict == "disparity"
    assert many.verdict == "inconclusive"
    assert many.adjusted_p > 0.05 > many.p_value


@pytest.mark.parametrize(("count", "settled"), [(36, "equivalent"), (32, "disparity")])
def test_the_rows_needed_settle_it(count, settled):
    row = judged({"x": (count, 1000), "y": (1000 - count, 22_000)})["x"]
    scale = row.rows_needed / 1000
    more = judged({"x": (round(count * scale), 1000), "y": (round((1000 - count) * scale), 22_000)})["x"]
    assert (row.verdict, more.verdict) == ("inconclusive", settled)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 300), st.integers(0, 900)), min_size=1))
def test_taking_rows_of_a_group_away_never_makes_it_better_represented(groups):
    groups = {g: (min(own, base), base) for g, (own, base) in groups.items()}
    before = judged(groups)
    for group, (own, base) in groups.items():
        if own and base:
            after = judged(groups | {group: (own // 2, base)})[group]
            assert (after.ratio.value or 0) <= before[group].ratio.value
            assert not (after.verdict == "equivalent" and before[group].verdict == "disparity")


def test_the_group_that_decides_is_the_shortest_of_the_worst_verdict():
    rows = judged({"a": (100, 1500), "b": (200, 1500), "c": (2700, 7000)})
    assert representation.worst([*rows.values()]).group == "a"
