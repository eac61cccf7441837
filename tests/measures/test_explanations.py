"""Attributions held against the model: they add up, their order holds, the model goes by them, permuting agrees."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ethics_kit.measures import resampling
from ethics_kit.measures.additivity import SINGLE, additivity
from ethics_kit.measures.agreement import agreement
from ethics_kit.measures.faithfulness import faithfulness
from ethics_kit.measures.rankstability import rank_stability

WEIGHTS = np.array([3.0, -2.0, 1.0, 0.0])


def linear(n=400, *, seed=1, weights=WEIGHTS):
    """Rows, the linear model w·x, and its SHAP values w·(x − mean x) with base w·mean x."""
    rows = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, len(weights)))).rename(columns="x{}".format)
    mean = rows.to_numpy().mean(axis=0)

    def predict(frame):
        return frame.to_numpy(dtype=float) @ weights

    return rows, predict, (rows.to_numpy() - mean) * weights, float(mean @ weights)


# --- additivity ----------------------------------------------------------------------------------------------------


def test_shap_values_of_a_linear_model_add_up():
    rows, predict, parts, base = linear()
    found = additivity(parts, base, predict(rows))
    assert (found.outside, found.n) == (0, 400)
    assert found.largest < 1e-14 * 100
    assert found.worst < 0.1


def test_one_row_that_does_not_add_up_is_counted():
    rows, predict, parts, base = linear()
    parts[7, 2] += 1e-9
    found = additivity(parts, base, predict(rows))
    assert (found.outside, found.largest) == (1, pytest.approx(1e-9, rel=1e-4))
    assert found.worst > 1


def test_single_precision_is_allowed_its_own_error_and_no_more():
    rows, predict, parts, base = linear()
    single = parts.astype(np.float32)
    assert additivity(single, base, predict(rows)).outside > 300
    assert additivity(single, base, predict(rows), tolerance=SINGLE).outside == 0
    single[0, 0] += 1e-3
    assert additivity(single, base, predict(rows), tolerance=SINGLE).outside == 1


@given(st.sampled_from([1e-6, 1e-3, 1e3, 1e6]))
@settings(max_examples=4)
def test_the_tolerance_knows_no_unit(scale):
    rows, predict, parts, base = linear(50)
    as_is, scaled = (additivity(parts * k, base * k, predict(rows) * k) for k in (1, scale))
    assert (as_is.outside, scaled.outside) == (0, 0)
    parts[0, 0] *= 1 + 1e-9
    assert additivity(parts * scale, base * scale, predict(rows) * scale).outside == 1


def test_an_attribution_that_is_no_number_does_not_add_up():
    found = additivity([[np.nan, 1.0], [0.5, 0.5]], 0.0, [1.0, 1.0])
    assert found.outside == 1


def test_nothing_to_add_up_adds_up_to_nothing():
    assert additivity([[0.0, 0.0]], 0.0, [0.0]).outside == 0
    assert additivity([[0.0, 0.0]], 0.0, [0.1]).outside == 1


def test_a_base_may_differ_by_row():
    assert additivity([[1.0], [1.0]], [2.0, 3.0], [3.0, 4.0]).outside == 0


def test_attributions_without_their_outputs_are_refused():
    with pytest.raises(ValueError, match="one per row"):
        additivity([[1.0], [2.0]], 0.0, [1.0])


# --- the bootstrap -------------------------------------------------------------------------------------------------


@given(st.integers(0, 50))
@settings(max_examples=10)
def test_the_matrix_product_draws_what_a_loop_over_clusters_would(seed):
    chance = np.random.default_rng(seed)
    values, clusters = chance.normal(size=(12, 2)), chance.integers(0, 4, 12)
    held = sorted(set(clusters))
    weights = np.random.default_rng(seed).multinomial(len(held), np.full(len(held), 1 / len(held)), size=5)
    slow = []
    for draw in weights:
        rows = [row for c, times in zip(held, draw, strict=True) for _ in range(times) for row in values[clusters == c]]
        slow.append(np.mean(rows, axis=0))
    assert resampling.resampled_means(values, clusters=clusters, draws=5, seed=seed) == pytest.approx(np.array(slow))


def test_the_bootstrap_has_the_standard_error_of_a_mean():
    values = np.random.default_rng(3).normal(size=(500, 1))
    drawn = resampling.resampled_means(values, draws=4000)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(500), rel=0.05)


def test_rows_that_repeat_within_clusters_tell_no_more_than_the_clusters():
    values = np.random.default_rng(4).normal(size=(100, 1))
    once = resampling.resampled_means(values, seed=1)
    repeated = resampling.resampled_means(np.repeat(values, 9, axis=0), clusters=np.repeat(np.arange(100), 9), seed=1)
    assert repeated == pytest.approx(once)


# --- the order of features -----------------------------------------------------------------------------------------


def test_an_order_that_is_plain_is_claimed_whole():
    *_, parts, _ = linear()
    found = rank_stability(parts, ["a", "b", "c", "d"])
    assert found.sets == [["a"], ["b"], ["c"], ["d"]]
    assert [(f.rank, f.lowest, f.highest) for f in found.features] == [(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4)]
    assert sum(f.share.value for f in found.features) == pytest.approx(1)
    assert found.features[0].share.value == pytest.approx(0.5, abs=0.03)
    assert found.features[0].share.low < 0.5 < found.features[0].share.high


def test_features_that_matter_alike_are_a_set_and_no_order():
    *_, parts, _ = linear(weights=np.array([1.0, 0.1, 1.0, 0.1]))
    found = rank_stability(parts, ["a", "b", "c", "d"])
    assert [sorted(s) for s in found.sets] == [["a", "c"], ["b", "d"]]
    assert {(f.lowest, f.highest) for f in found.features[:2]} == {(1, 2)}


def test_few_rows_support_no_order():
    *_, parts, _ = linear(6, weights=np.array([1.0, 0.9, 1.1]))
    assert rank_stability(parts, ["a", "b", "c"]).cuts == ()


def test_features_that_are_all_alike_are_seldom_ordered():
    chance = np.random.default_rng(9)
    claimed = [rank_stability(chance.normal(size=(80, 6)), list("abcdef"), draws=300).cuts for _ in range(60)]
    assert sum(map(bool, claimed)) <= 6


def test_attributions_of_nothing_support_nothing():
    found = rank_stability(np.zeros((20, 2)), ["a", "b"])
    assert found.cuts == ()
    assert not any(f.share.defined for f in found.features)


def test_one_feature_has_the_only_share():
    (only,) = rank_stability([[1.0], [2.0]], ["a"]).features
    assert (only.share.value, only.rank, only.highest) == (1, 1, 1)


# --- deletion and insertion ----------------------------------------------------------------------------------------


def test_attributions_of_an_additive_model_beat_every_random_order():
    rows, predict, parts, _ = linear()
    found = faithfulness(predict, rows, parts)
    assert found.deletion.low > 0.2
    assert found.insertion.low > 0.2
    curves = found.curves
    assert [len(c) for c in curves.values()] == [5, 5, 5]
    first, between, last = (curves[name][1:-1] for name in ("attributions", "random", "reverse"))
    assert all(a < b < c for a, b, c in zip(first, between, last, strict=True))


def test_attributions_at_random_are_no_better_than_random_orders():
    rows, predict, parts, _ = linear(2000)
    found = faithfulness(predict, rows, np.random.default_rng(5).permuted(parts, axis=1))
    assert found.deletion.low < 0 < found.deletion.high or abs(found.deletion.value) < 0.05
    assert found.deletion.high < 0.1


def test_attributions_with_the_wrong_sign_are_worse_than_random_orders():
    rows, predict, parts, _ = linear()
    assert faithfulness(predict, rows, -parts).deletion.high < 0
    assert faithfulness(predict, rows, -parts).insertion.high < 0


def test_areas_are_those_of_replacing_cell_by_cell():
    rows, predict, parts, _ = linear(30, seed=8)
    found = faithfulness(predict, rows, parts, seed=2)
    own, other = rows.to_numpy(), rows.to_numpy()[np.random.default_rng(2).permutation(30)]
    areas = np.zeros((2, 30))
    for i, (k, sign) in itertools.product(range(30), enumerate((-1, 1))):
        row, curve = own[i].copy(), [own[i] @ WEIGHTS]
        for j in np.argsort(sign * parts[i], kind="stable"):
            row[j] = other[i, j]
            curve.append(row @ WEIGHTS)
        areas[k, i] = np.trapezoid(curve) / 4
    change = np.abs((own - other) @ WEIGHTS)
    both = found.deletion.value + found.insertion.value
    assert both == pytest.approx((areas[1] - areas[0]).sum() / change.sum())


def test_text_and_missing_values_are_replaced_as_they_are():
    rows = pd.DataFrame({"plan": ["a", "b", None] * 20, "use": pd.array([1, 2, None, 4] * 15, dtype="Int64")})
    seen = []

    def predict(frame):
        seen.append(frame.dtypes.to_dict() == rows.dtypes.to_dict())
        return (frame["plan"] == "a").to_numpy(dtype=float) + frame["use"].fillna(0).to_numpy(dtype=float)

    parts = np.column_stack([rows["plan"] == "a", rows["use"].fillna(0)]).astype(float)
    assert faithfulness(predict, rows, parts - parts.mean(axis=0)).deletion.low > 0
    assert all(seen)


def test_one_feature_has_no_order_to_judge():
    rows, predict, parts, _ = linear(20, weights=np.array([1.0]))
    assert not faithfulness(predict, rows, parts).deletion.defined


def test_a_model_that_says_always_the_same_has_nothing_to_explain():
    rows, _, parts, _ = linear(20)
    found = faithfulness(lambda frame: np.ones(len(frame)), rows, parts)
    assert not found.deletion.defined


def test_clusters_of_equal_rows_widen_the_interval_to_what_they_are_worth():
    rows, predict, parts, _ = linear(60)
    once = faithfulness(predict, rows, parts)
    again = pd.concat([rows] * 9, ignore_index=True)
    alone, together = (
        faithfulness(predict, again, np.tile(parts, (9, 1)), clusters=c) for c in (None, np.tile(np.arange(60), 9))
    )
    assert together.deletion.high - together.deletion.low > alone.deletion.high - alone.deletion.low
    assert once.deletion.value == pytest.approx(together.deletion.value, abs=0.15)


# --- permutation importance ----------------------------------------------------------------------------------------


def test_for_a_linear_model_permuting_finds_the_same_shares():
    rows, predict, parts, _ = linear(4000)
    found = agreement(predict, rows, parts)
    assert found.permuted == pytest.approx([3 / 6, 2 / 6, 1 / 6, 0], abs=0.01)
    assert found.attributed == pytest.approx([3 / 6, 2 / 6, 1 / 6, 0], abs=0.01)
    assert found.overlap.value > 0.98
    assert found.overlap.low > 0.95
    assert found.rank_correlation.value == pytest.approx(1)


def test_attributions_to_the_wrong_features_disagree():
    rows, predict, parts, _ = linear()
    found = agreement(predict, rows, parts[:, ::-1])
    assert found.overlap.value == pytest.approx(1 / 3, abs=0.05)
    assert found.overlap.high < 0.5
    assert found.rank_correlation.value == pytest.approx(-1)


def test_rank_correlation_is_spearmans():
    chance = np.random.default_rng(2)
    rows, predict, _, _ = linear(50)
    found = agreement(predict, rows, chance.normal(size=(50, 4)))
    assert found.rank_correlation.value == pytest.approx(stats.spearmanr(found.attributed, found.permuted).statistic)


def test_where_nothing_counts_there_is_nothing_to_agree_on():
    rows, _, parts, _ = linear(20)
    assert not agreement(lambda frame: np.ones(len(frame)), rows, parts).overlap.defined


@pytest.mark.parametrize("measure", [faithfulness, agreement])
def test_attributions_of_other_columns_are_refused(measure):
    rows, predict, parts, _ = linear(20)
    with pytest.raises(ValueError, match=r"attributions of shape \(20, 3\) for rows of shape \(20, 4\)"):
        measure(predict, rows, parts[:, :3])
