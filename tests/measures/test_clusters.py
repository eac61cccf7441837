"""Rows that repeat within a unit: moments against plain loops, and what the rows are worth."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import clusters, fairness, metrics, proportions

SELECTION = metrics.BINARY["selection_rate"]


def pairs_of(frame: pd.DataFrame) -> dict[str, proportions.Pair]:
    found = clusters.moments(ibis.memtable(frame), "group", cluster="unit", metrics=[SELECTION])
    return {p.group: p for p in clusters.pairs(found["selection_rate"])}


def slow_variance(frame: pd.DataFrame, groups: list[str]) -> tuple[float, float, np.ndarray]:
    """Rate, linearised variance and each cluster's residual, cluster by cluster."""
    own = frame[frame.group.isin(groups)]
    rate = own.selected.mean()
    rows = own.groupby("unit").selected.agg(["sum", "count"])
    residuals = (rows["sum"] - rate * rows["count"]) / len(own)
    c = len(rows)
    return rate, c / (c - 1) * float((residuals**2).sum()), residuals


rows = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc"), st.booleans()), min_size=12, max_size=80)


@given(rows)
@settings(max_examples=40, deadline=None)
def test_variance_and_correlation_equal_those_of_a_plain_loop(drawn):
    frame = pd.DataFrame(drawn, columns=["unit", "group", "selected"])
    for name, pair in pairs_of(frame).items():
        others = [g for g in frame.group.unique() if g != name]
        own = frame[frame.group == name]
        if not others or own.unit.nunique() < 2 or frame[frame.group != name].unit.nunique() < 2:
            continue
        rate, variance, mine = slow_variance(frame, [name])
        assert pair.own.rate == pytest.approx(rate)
        if 0 < rate < 1 and variance > 1e-12:
            effective = min(rate * (1 - rate) / variance, len(own))
            assert pair.own.effective <= effective + 1e-9
            assert pair.own.effective >= 0.02 * effective
        _, rest_variance, _ = slow_variance(frame, others)
        assert -1 <= pair.correlation <= 1
        if pair.correlation and variance > 1e-12 and rest_variance > 1e-12:
            _, _, theirs = slow_variance(frame, others)
            product = float(mine.reindex(theirs.index).fillna(0) @ theirs)
            c = frame.unit.nunique()
            expected = c / (c - 1) * product / (variance * rest_variance) ** 0.5
            assert pair.correlation == pytest.approx(max(-1, min(1, expected)), abs=1e-6)


def test_rows_of_their_own_cluster_are_worth_what_they_are():
    chance = np.random.default_rng(1)
    frame = pd.DataFrame({"unit": range(4000), "group": ["a", "b"] * 2000, "selected": chance.random(4000) < 0.3})
    pair = pairs_of(frame)["a"]
    assert pair.own.effective == pytest.approx(2000, rel=0.003)
    assert pair.correlation == 0


def test_twelve_equal_decisions_of_one_account_are_worth_one():
    chance = np.random.default_rng(2)
    accounts = pd.DataFrame({"unit": range(600), "group": ["a", "b"] * 300, "selected": chance.random(600) < 0.4})
    repeated = pairs_of(pd.concat([accounts] * 12))["a"]
    assert repeated.own.n == 3600
    assert repeated.own.effective == pytest.approx(300, rel=0.02)


def test_weighted_rows_are_worth_no_more_than_kishs_number():
    frame = pd.DataFrame({"unit": range(200), "group": ["a", "b"] * 100, "selected": [True] * 100 + [False] * 100})
    weighted = ibis.memtable(frame.assign(weight=[3.0] * 100 + [1.0] * 100))
    found = clusters.moments(weighted, "group", cluster="unit", metrics=[SELECTION], weight="weight")
    for pair in clusters.pairs(found["selection_rate"]):
        assert pair.own.rate == 0.75
        assert pair.own.effective <= 200**2 / 500  # (50 · 3 + 50)² / (50 · 9 + 50)
        assert pair.own.effective > 70


def test_fewer_than_thirty_clusters_are_not_estimable():
    frame = pd.DataFrame({"unit": [i // 12 for i in range(600)], "group": ["a"] * 300 + ["b"] * 300, "selected": True})
    judged = fairness.judge(
        fairness.compare("x", "selection_rate", list(pairs_of(frame).values()), margin=0.05),
        significance=0.05,
        minimum_group=30,
    )
    assert {c.verdict for c in judged} == {"not_estimable"}
    assert all(c.rate.value is None for c in judged)


def test_rows_without_attribute_are_in_no_comparison():
    frame = pd.DataFrame({"unit": range(9), "group": ["a", "b", None] * 3, "selected": True})
    assert {name: p.own.n + p.rest.n for name, p in pairs_of(frame).items()} == {"a": 6, "b": 6}


def test_correlation_narrows_the_interval_of_a_difference_and_none_leaves_newcombes():
    plain = proportions.difference(30, 100, 20, 100)
    tied = proportions.difference(30, 100, 20, 100, correlation=0.6)
    assert plain.value == tied.value
    assert plain.low < tied.low < tied.value < tied.high < plain.high
    almost = proportions.difference(30, 100, 20, 100, correlation=1e-9)
    assert (almost.low, almost.high) == pytest.approx((plain.low, plain.high), abs=1e-6)
