"""Importance: means with intervals from exact sums, the same as by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ethics_kit.measures import importance

RNG = np.random.default_rng(7)
VALUES = RNG.normal(size=(400, 3)) * [1.0, 3.0, 0.0]
FEATURES = ("light", "heavy", "none")
GROUPS = np.array(["a", "b", None, "few"], dtype=object)[RNG.choice(4, 400, p=[0.5, 0.3, 0.18, 0.02])]


def test_the_mean_absolute_attribution_has_its_t_interval_and_the_heaviest_comes_first() -> None:
    found = importance.importances(VALUES, FEATURES)
    assert [i.feature for i in found] == ["heavy", "light", "none"]
    column = np.abs(VALUES[:, 1])
    low, high = stats.t.interval(0.95, 399, loc=column.mean(), scale=stats.sem(column))
    assert (found[0].mean.value, found[0].mean.low, found[0].mean.high) == pytest.approx((column.mean(), low, high))
    assert sum(i.share or 0.0 for i in found) == pytest.approx(1.0)


def test_a_feature_that_adds_nothing_has_no_interval() -> None:
    last = importance.importances(VALUES, FEATURES)[-1]
    assert (last.mean.value, last.mean.low, last.share) == (0.0, None, 0.0)


def test_where_nothing_is_added_at_all_shares_are_undefined() -> None:
    assert [i.share for i in importance.importances(np.zeros((5, 2)), ("a", "b"))] == [None, None]


def test_a_group_is_held_against_all_others_by_welchs_test() -> None:
    found = importance.by_group(VALUES, FEATURES, "gender", GROUPS, minimum=20)
    heavy = next(g for g in found if (g.group, g.feature) == ("a", "heavy"))
    own, rest = (np.abs(VALUES[mask, 1]) for mask in (GROUPS == "a", np.isin(GROUPS, ["b", "few"])))
    test = stats.ttest_ind(own, rest, equal_var=False)
    assert heavy.adjusted_p == pytest.approx(test.pvalue, rel=1e-4)
    assert heavy.gap.gap.value == pytest.approx(own.mean() - rest.mean(), abs=1e-6)


def test_small_groups_and_unknown_ones_are_not_compared() -> None:
    found = importance.by_group(VALUES, FEATURES, "gender", GROUPS, minimum=20)
    assert {g.group for g in found} == {"a", "b"}


def test_p_values_are_adjusted_over_all_comparisons() -> None:
    found = importance.by_group(VALUES, FEATURES, "gender", GROUPS, minimum=20)
    able = [g.adjusted_p for g in found if g.adjusted_p is not None]
    fixed = importance.adjusted(found)
    assert [g.adjusted_p for g in fixed] == pytest.approx(list(stats.false_discovery_control(able)))


def test_values_apart_only_in_their_last_digits_count_as_equal() -> None:
    values = np.full((50, 1), 0.1) + RNG.normal(size=(50, 1)) * 1e-15
    assert importance.importances(values, ("x",))[0].mean.low is None
