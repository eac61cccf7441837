"""Uplift against a hold-out: pandas and regression as second routes, intervals that cover, ties and what is missing."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ethics_kit.measures import amounts, proportions, uplift
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import UNDEFINED
from ethics_kit.measures.uplift import Arms

KINDS = {"treated": pa.bool_(), "good": pa.bool_(), "score": pa.float64(), "sex": pa.string(), "age": pa.string()}
Rows = list[tuple[Any, ...]]


def table(rows: Rows) -> ibis.Table:
    return ibis.memtable(
        pa.table({k: pa.array([r[i] for r in rows], kind) for i, (k, kind) in enumerate(KINDS.items())})
    )


def of_arms(**groups: Arms) -> uplift.Uplift:
    """Rows with such counts per group."""
    rows: Rows = []
    for name, arms in groups.items():
        rows += [(True, place < arms.good, 0.5, name, None) for place in range(arms.n)]
        rows += [(False, place < arms.held_out_good, 0.5, name, None) for place in range(arms.held_out_n)]
    return uplift.uplift(table(rows), ["sex"])


def loop(frame: pd.DataFrame) -> Arms:
    treated, held_out = (frame[frame.treated.eq(arm)].good for arm in (True, False))
    return Arms(int(treated.sum()), len(treated), int(held_out.sum()), len(held_out))


maybe = st.sampled_from([True, False, True, False, None])
event_rows = st.lists(
    st.tuples(
        maybe,
        maybe,
        st.sampled_from([0.1, 0.2, 0.2, 0.7, 0.9, None]),
        st.sampled_from(["f", "m", None]),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=50,
)


@given(event_rows, st.sampled_from([2, 3, 10]))
@settings(max_examples=25, deadline=None)
def test_counts_equal_pandas_by_decile_and_group(rows: Rows, deciles: int) -> None:
    found = uplift.uplift(table(rows), ["sex", "age"], deciles=deciles)
    frame = pd.DataFrame(rows, columns=list(KINDS), dtype=object)
    used = frame[frame.treated.notna() & frame.good.notna()]
    scored = used[used.score.notna()]
    middle = scored.score.astype(float).rank(ascending=False, method="average") - 1
    places = (middle * 2).astype(int) * deciles // (2 * max(len(scored), 1)) + 1
    assert {place: effect.arms for place, effect in found.deciles.items()} == {
        place: loop(part) for place, part in scored.groupby(places)
    }
    assert found.overall.arms == loop(used)
    for name in ("sex", "age"):
        expected = {group: loop(part) for group, part in used.groupby(used[name].fillna(UNKNOWN))}
        assert {group: held.effect.arms for group, held in found.groups[name].items()} == expected
        for group, held in found.groups[name].items():
            others = [arms for other, arms in expected.items() if UNKNOWN not in (group, other) and other != group]
            assert held.rest.arms == sum(others, Arms())
    assert (found.left_out, found.without_score) == (len(frame) - len(used), len(used) - len(scored))


def test_without_ties_deciles_are_tenths_of_the_rows_highest_scores_first() -> None:
    scores = np.random.default_rng(1).permutation(1000) / 1000
    rows = [(place % 2 == 0, score >= 0.9, score, "f", None) for place, score in enumerate(scores)]
    found = uplift.uplift(table(rows), ["sex"]).deciles
    assert {place: effect.arms.n + effect.arms.held_out_n for place, effect in found.items()} == dict.fromkeys(
        range(1, 11), 100
    )
    assert found[1].arms.good + found[1].arms.held_out_good == 100


def test_equal_scores_stay_in_the_decile_of_their_mean_rank_whatever_the_order_of_rows() -> None:
    # 40 rows: the highest, 30 equal ones of whose middle 15.5 are before (the fourth tenth), 9 lower.
    scores = [0.9] + [0.5] * 30 + [0.1 + place / 100 for place in range(9)]
    rows = [(place % 2 == 0, place % 3 == 0, score, "f", None) for place, score in enumerate(scores)]
    found, again = (uplift.uplift(table(r), ["sex"]) for r in (rows, rows[::-1]))
    sizes = {place: effect.arms.n + effect.arms.held_out_n for place, effect in found.deciles.items()}
    assert sizes == {1: 1, 4: 30, 8: 1, 9: 4, 10: 4}
    assert found == again


def test_an_effect_has_newcombes_interval_and_a_positive_one_helps() -> None:
    # Newcombe 1998, example (a): 56/70 against 48/80, interval by method 10.
    found = uplift.effect(Arms(56, 70, 48, 80))
    assert found.uplift.value == pytest.approx(0.2)
    assert (found.uplift.low, found.uplift.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (found.treated, found.held_out) == (proportions.rate(56, 70), proportions.rate(48, 80))
    assert found.p_value == proportions.difference_p_value(56, 70, 48, 80)


def test_a_groups_uplift_is_compared_with_the_rests_from_the_two_intervals() -> None:
    found = of_arms(a=Arms(80, 100, 50, 100), b=Arms(60, 100, 55, 100), c=Arms(30, 50, 28, 50))
    rest = uplift.effect(Arms(90, 150, 83, 150))
    held = found.groups["sex"]["a"]
    assert held.rest == rest
    assert held.gap == amounts.difference(uplift.effect(Arms(80, 100, 50, 100)).uplift, rest.uplift)
    assert held.gap.value == pytest.approx(0.3 - (90 - 83) / 150)


def test_with_many_rows_the_test_of_two_uplifts_is_a_regressions_of_the_interaction() -> None:
    found = of_arms(a=Arms(620, 1000, 500, 1000), b=Arms(560, 1000, 510, 1000))
    cells = [(1, 1, 620, 1000), (0, 1, 500, 1000), (1, 0, 560, 1000), (0, 0, 510, 1000)]
    rows = [(t, own, int(place < good)) for t, own, good, n in cells for place in range(n)]
    frame = pd.DataFrame(rows, columns=["treated", "own", "good"])
    fitted = smf.ols("good ~ treated * own", frame).fit(cov_type="HC0")
    held = found.groups["sex"]["a"]
    assert held.gap.value == pytest.approx(fitted.params["treated:own"])
    assert held.p_value == pytest.approx(fitted.pvalues["treated:own"], abs=0.002)
    low, high = fitted.conf_int().loc["treated:own"]
    assert (held.gap.low, held.gap.high) == pytest.approx((low, high), abs=0.002)


def test_the_test_of_two_uplifts_by_hand_with_half_a_row_more_of_either_outcome() -> None:
    found = of_arms(a=Arms(3, 4, 0, 5), b=Arms(2, 6, 2, 7)).groups["sex"]["a"]
    rates, sizes = np.array([3.5 / 5, 0.5 / 6, 2.5 / 7, 2.5 / 8]), np.array([5, 6, 7, 8])
    z = abs(rates[0] - rates[1] - rates[2] + rates[3]) / np.sqrt((rates * (1 - rates) / sizes).sum())
    assert z == pytest.approx(1.6913, abs=1e-4)
    assert found.p_value == pytest.approx(2 * norm.sf(z))


@pytest.mark.parametrize("sizes", [(40, 30, 400, 200), (150, 150, 150, 150)])
def test_intervals_of_gaps_cover_and_tests_keep_their_level(sizes: tuple[int, int, int, int]) -> None:
    chance = np.random.default_rng(20261101)
    rates = np.array([0.3, 0.2, 0.75, 0.65])  # both groups gain a tenth
    draws, covered, found = 600, 0, 0
    for _ in range(draws):
        good = chance.binomial(sizes, rates)
        own, rest = Arms(good[0], sizes[0], good[1], sizes[1]), Arms(good[2], sizes[2], good[3], sizes[3])
        held = uplift.compared({"own": own, "rest": rest})["own"]
        covered += held.gap.low <= 0 <= held.gap.high
        found += held.p_value < 0.05
    assert 0.93 <= covered / draws <= 0.97
    assert found / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5


def test_one_group_has_nothing_to_be_compared_with() -> None:
    held = of_arms(a=Arms(30, 50, 20, 50)).groups["sex"]["a"]
    assert (held.gap, held.p_value, held.rest.uplift) == (UNDEFINED, None, UNDEFINED)


def test_the_unknown_group_is_shown_and_in_no_comparison() -> None:
    rows = [(arm, good, 0.5, sex, None) for arm in (True, False) for good in (True, False) for sex in ("f", "m", None)]
    found = uplift.uplift(table(rows * 3), ["sex"]).groups["sex"]
    assert found[UNKNOWN].gap == UNDEFINED
    assert found[UNKNOWN].effect.arms == Arms(3, 6, 3, 6)
    assert found["f"].rest.arms == Arms(3, 6, 3, 6)


def test_an_arm_without_rows_leaves_the_effect_undefined_and_not_zero() -> None:
    held = of_arms(a=Arms(3, 9, 0, 0), b=Arms(3, 9, 4, 9)).groups["sex"]["a"]
    assert held.effect.treated.value == pytest.approx(1 / 3)
    assert (held.effect.held_out, held.effect.uplift, held.effect.p_value) == (UNDEFINED, UNDEFINED, None)
    assert (held.gap, held.p_value) == (UNDEFINED, None)


def test_no_rows_are_no_effects() -> None:
    found = uplift.uplift(table([]), ["sex"])
    assert (found.deciles, found.groups, found.left_out, found.without_score) == ({}, {"sex": {}}, 0, 0)
    assert found.overall.uplift == UNDEFINED
