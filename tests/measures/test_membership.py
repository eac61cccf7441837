"""Membership inference: against pairs counted one by one, a bootstrap, and scores that know nothing."""

from __future__ import annotations

from itertools import product

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ethics_kit.measures import membership
from ethics_kit.measures.membership import Attack, attack
from ethics_kit.measures.proportions import UNDEFINED, Estimate

SCHEMA = {"score": "float64", "positive": "boolean", "member": "boolean"}


def on(inside: list[float], outside: list[float], confidence: float = 0.95) -> Attack:
    """The attack on losses as they are."""
    losses = sorted({*inside, *outside})
    return attack([inside.count(x) for x in losses], [outside.count(x) for x in losses], confidence=confidence)


def losses(*rows: tuple[float | None, bool | None, bool | None], probability: bool = True) -> list[dict[str, float]]:
    sample = ibis.memtable([dict(zip(SCHEMA, row, strict=True)) for row in rows], schema=SCHEMA)
    found = membership.losses(sample, probability=probability).to_pyarrow().to_pylist()
    return [dict(row) for row in found]


few = st.lists(st.integers(0, 6).map(float), min_size=2, max_size=25)


@given(few, few)
@settings(max_examples=50)
def test_the_area_is_the_share_of_pairs_where_the_member_has_the_smaller_loss(a: list[float], b: list[float]) -> None:
    pairs = [1.0 if x < y else 0.5 if x == y else 0.0 for x, y in product(a, b)]
    assert on(a, b).auc.value == pytest.approx(np.mean(pairs))


@given(few, few)
@settings(max_examples=50)
def test_the_interval_is_wilsons_at_delongs_variance_from_the_placements_of_each_row(
    a: list[float], b: list[float]
) -> None:
    def before(x: float, y: float) -> float:
        return 1.0 if x < y else 0.5 if x == y else 0.0

    own = [np.mean([before(x, y) for y in b]) for x in a]
    other = [np.mean([before(x, y) for x in a]) for y in b]
    variance = np.var(own, ddof=1) / len(a) + np.var(other, ddof=1) / len(b)
    area = np.mean(own)
    pairs = area * (1 - area) / variance if variance > 1e-12 else min(len(a), len(b))
    found = on(a, b).auc
    wilson = proportion_confint(area * pairs, pairs, method="wilson")
    assert (found.low, found.high) == pytest.approx(wilson, abs=1e-6)


def test_delongs_interval_holds_the_true_area_as_often_as_it_says() -> None:
    rng, truth = np.random.default_rng(7), stats.norm.cdf(0.5 / np.sqrt(2))
    held = 0
    for _ in range(300):
        values = np.concatenate([rng.normal(0, 1, 80), rng.normal(0.5, 1, 120)])
        order = np.argsort(values)
        member = order < 80
        found = attack(member, ~member).auc
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert 0.91 <= held / 300 <= 0.985


def test_the_threshold_takes_one_in_a_hundred_of_the_others_and_the_rate_is_that_of_members_below_it() -> None:
    inside = [0.1] * 30 + [5.0] * 70
    outside = [0.1] * 4 + [0.2] * 6 + [5.0] * 990
    found = on(inside, outside)
    assert found.true_positive_rate.value == 0.3
    assert found.false_positive_rate.value == 0.01
    exact = stats.binomtest(30, 100).proportion_ci(0.95, "exact")
    assert (found.true_positive_rate.low, found.true_positive_rate.high) == pytest.approx((exact.low, exact.high))
    assert found.advantage == pytest.approx(0.3 - 0.004)


def test_losses_that_tie_at_the_threshold_are_not_split() -> None:
    found = on([0.1] * 50 + [9.0] * 50, [0.1] * 11 + [9.0] * 989)
    assert found.true_positive_rate.value == 0.0


def test_on_few_others_the_low_false_positive_rate_is_not_told() -> None:
    found = on([0.1] * 50, [0.1] * 499)
    assert found.true_positive_rate == UNDEFINED
    assert found.auc.value == 0.5


def test_without_a_member_or_another_nothing_is_defined() -> None:
    assert attack([0, 0], [3, 4]) == Attack(0, 7, UNDEFINED, UNDEFINED, UNDEFINED, None)
    assert attack([], []).advantage is None


def test_a_single_member_has_an_area_and_no_interval() -> None:
    assert on([0.0], [1.0, 2.0]).auc == Estimate(1.0, None, None)


def test_the_loss_of_a_probability_is_its_distance_from_the_label_and_orders_rows_like_the_log_loss() -> None:
    told = losses((0.9, True, True), (0.2, True, False), (0.2, False, True), (0.9, True, False))
    assert told == [
        {"loss": pytest.approx(0.1), "members": 1, "outside": 1},
        {"loss": pytest.approx(0.2), "members": 1, "outside": 0},
        {"loss": pytest.approx(0.8), "members": 0, "outside": 1},
    ]
    assert np.argsort([row["loss"] for row in told]).tolist() == np.argsort(-np.log([0.9, 0.8, 0.2])).tolist()


def test_rows_that_lack_anything_are_left_out() -> None:
    assert losses((None, True, True), (0.5, None, True), (0.5, True, None)) == []


@pytest.mark.parametrize("sign", [1, -1])
def test_a_score_on_another_scale_counts_by_its_place_whichever_way_it_points(sign: int) -> None:
    rows = [(sign * 10.0, False, True), (sign * 20.0, False, False), (sign * 70.0, True, True)]
    told = losses(*rows, (sign * 15.0, True, False), probability=False)
    assert told == [
        {"loss": 0.0, "members": 2, "outside": 0},
        {"loss": pytest.approx(2 / 3), "members": 0, "outside": 2},
    ]
