"""Deletion and insertion in the order of attributions beat random orders, or do not."""

import itertools

import numpy as np
import pandas as pd
import pytest

from ethics_kit.measures.faithfulness import faithfulness
from tests.measures.linear import WEIGHTS, linear


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


def test_attributions_of_other_columns_are_refused():
    rows, predict, parts, _ = linear(20)
    with pytest.raises(ValueError, match=r"attributions of shape \(20, 3\) for rows of shape \(20, 4\)"):
        faithfulness(predict, rows, parts[:, :3])
