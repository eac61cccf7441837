"""Kaplan–Meier: a published example, statsmodels' own arithmetic by hand, and the edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ethics_kit.measures.survival import kaplan_meier, log_rank

# Freireich et al. 1963, 6-MP arm: weeks in remission of 21 children; those still in remission are censored.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def freireich():
    days = RELAPSED + CENSORED
    return kaplan_meier(days, [True] * 9 + [False] * 12, [1] * 21)


def test_the_6_mp_arm_of_freireich_1963():
    curve = freireich()
    assert curve.n == 21
    assert curve.days == (6, 7, 10, 13, 16, 22, 23)
    assert [round(s, 3) for s in curve.share] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.median == 23


def test_the_interval_of_the_first_step_is_greenwoods_on_the_log_log_scale():
    share = 18 / 21
    error = share * math.sqrt(3 / (21 * 18))
    spread = math.exp(1.959964 * error / (share * -math.log(share)))
    curve = freireich()
    assert (curve.low[0], curve.high[0]) == pytest.approx((share**spread, share ** (1 / spread)), abs=1e-6)


def test_counts_stand_for_as_many_rows():
    assert kaplan_meier([5, 9, 9], [True, True, False], [3, 2, 4]) == kaplan_meier(
        [5] * 3 + [9] * 6, [True] * 5 + [False] * 4, [1] * 9
    )


def test_nothing_that_ended_has_no_curve_and_no_median():
    curve = kaplan_meier([3, 4], [False, False], [2, 5])
    assert (curve.n, curve.days, curve.median) == (7, (), None)


def test_nothing_at_all_has_no_curve():
    assert kaplan_meier([], [], []).n == 0


def test_where_everything_ended_the_last_step_has_no_interval():
    curve = kaplan_meier([3, 4], [True, True], [2, 5])
    assert curve.share[-1] == pytest.approx(0, abs=1e-9)
    assert math.isnan(curve.low[-1])
    assert curve.median == 4


def slow_share(rows: list[tuple[int, bool]], day: int) -> float:
    share = 1.0
    for at in sorted({d for d, ended in rows if ended and d <= day}):
        risk = sum(d >= at for d, _ in rows)
        share *= 1 - sum(d == at and ended for d, ended in rows) / risk
    return share


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=50)
def test_the_curve_equals_a_product_over_days(rows):
    curve = kaplan_meier([d for d, _ in rows], [e for _, e in rows], [1] * len(rows))
    assert curve.days == tuple(sorted({d for d, ended in rows if ended}))
    assert curve.share == pytest.approx([slow_share(rows, int(day)) for day in curve.days], abs=1e-9)
    bounds = [(low, s, high) for low, s, high in zip(curve.low, curve.share, curve.high, strict=True) if low == low]
    assert all(0 <= low <= s <= high <= 1 for low, s, high in bounds)


# The other arm: 21 children on placebo, all of whom relapsed.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_the_log_rank_test_of_freireich_1963_is_the_published_16_79():
    days, ended = RELAPSED + CENSORED + PLACEBO, [True] * 9 + [False] * 12 + [True] * 21
    p_value = log_rank(days, ended, [1] * 42, ["6-MP"] * 21 + ["placebo"] * 21)
    assert stats.chi2.isf(p_value, 1) == pytest.approx(16.79, abs=0.005)  # Klein and Moeschberger 2003


def test_groups_that_cannot_be_told_apart_have_no_p_value():
    assert log_rank([1, 2], [True, True], [5, 5], ["a", "a"]) is None
    assert log_rank([1, 2], [False, False], [5, 5], ["a", "b"]) is None
    assert log_rank([1, 5], [False, True], [5, 5], ["a", "b"]) is None  # nobody of a was left when the first ended


def test_the_share_open_on_a_day_is_that_of_the_last_step():
    curve = freireich()
    assert [round(curve.open_after(day), 3) for day in (5, 6, 9.9, 10, 40)] == [1.0, 0.857, 0.807, 0.753, 0.448]
    assert curve.at(6).low == curve.low[0]
    assert (curve.at(5).value, curve.at(5).low, curve.longest) == (1.0, None, 35)
