"""Decisions among several classes: against sklearn and fairlearn, and who is placed lower than deserved."""

from __future__ import annotations

from typing import Any

import fairlearn.metrics as fl
import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import multilabel_confusion_matrix

from ethics_kit.measures import classes
from ethics_kit.measures.classes import Confusion, Placed
from ethics_kit.measures.counts import UNKNOWN

ORDER = ["urgent", "high", "low"]
COLUMNS = ["decision", "deserved", "sex", "age"]


def table(rows: list[tuple[Any, ...]]) -> ibis.Table:
    return ibis.memtable(pa.table({k: pa.array([r[i] for r in rows], pa.string()) for i, k in enumerate(COLUMNS)}))


def counted(cells: dict[tuple[str, str | None], int], sex: str | None = "f") -> Confusion:
    return classes.confusion(table([(*cell, sex, None) for cell, n in cells.items() for _ in range(n)]), ["sex"], ORDER)


some_class = st.sampled_from([*ORDER, "spam", None])
event_rows = st.lists(
    st.tuples(some_class, some_class, st.sampled_from(["f", "m", None]), st.sampled_from(["a", None])), max_size=60
)


@given(event_rows)
@settings(max_examples=20, deadline=None)
def test_counts_equal_pandas_and_leave_no_row_out_unsaid(rows: list[tuple[Any, ...]]) -> None:
    found = classes.confusion(table(rows), ["sex", "age"], ORDER)
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    kept = frame[frame.decision.isin(ORDER) & (frame.deserved.isin(ORDER) | frame.deserved.isna())]
    for name in ("sex", "age"):
        parts = dict(list(kept.groupby(kept[name].fillna(UNKNOWN))))
        assert list(found.groups[name]) == sorted(parts)
        for group, part in parts.items():
            pairs = [(d, None if pd.isna(r) else r) for d, r in zip(part.decision, part.deserved, strict=True)]
            assert found.groups[name][group] == {pair: pairs.count(pair) for pair in set(pairs)}
    for column in ("decision", "deserved"):
        assert found.outside[column] == {c: n for c in ["spam"] if (n := int((frame[column] == "spam").sum()))}
    assert found.undecided == frame.decision.isna().sum()


known_rows = st.lists(
    st.tuples(st.sampled_from(ORDER), st.sampled_from(ORDER), st.sampled_from("fm"), st.none()), min_size=1, max_size=60
)


@given(known_rows)
@settings(max_examples=20, deadline=None)
def test_each_class_against_the_rest_is_sklearns_confusion_matrix(rows: list[tuple[Any, ...]]) -> None:
    found = classes.one_vs_rest(classes.confusion(table(rows), ["sex"], ORDER), "sex")
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for group, part in frame.groupby("sex"):
        matrices = multilabel_confusion_matrix(part.deserved, part.decision, labels=ORDER)
        for one, ((tn, fp), (fn, tp)) in zip(ORDER, matrices, strict=True):
            cells = {metric: next(c for c in held if c[0] == group)[1:] for metric, held in found[one].items()}
            assert cells == {
                "selection_rate": (tp + fp, tn + fp + fn + tp),
                "true_positive_rate": (tp, tp + fn),
                "false_positive_rate": (fp, fp + tn),
                "positive_predictive_value": (tp, tp + fp),
            }


def test_rates_of_a_class_are_fairlearns_of_that_class_as_a_flag() -> None:
    cells = {
        ("urgent", "urgent"): 5,
        ("high", "urgent"): 3,
        ("urgent", "low"): 2,
        ("low", "low"): 7,
        ("high", "high"): 4,
    }
    rows = [
        (*cell, sex, None) for sex, extra in (("f", 0), ("m", 3)) for cell, n in cells.items() for _ in range(n + extra)
    ]
    found = classes.one_vs_rest(classes.confusion(table(rows), ["sex"], ORDER), "sex")["urgent"]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    names = ("selection_rate", "true_positive_rate", "false_positive_rate")
    metrics = fl.MetricFrame(
        metrics={name: getattr(fl, name) for name in names},
        y_true=frame.deserved == "urgent",
        y_pred=frame.decision == "urgent",
        sensitive_features=frame.sex,
    ).by_group
    for name in names:
        assert {group: count / n for group, count, n in found[name]} == pytest.approx(dict(metrics[name]))


def test_rows_whose_deserved_class_is_not_known_count_in_the_selection_rate_only() -> None:
    found = classes.one_vs_rest(counted({("urgent", None): 4, ("urgent", "high"): 1, ("low", "low"): 1}), "sex")[
        "urgent"
    ]
    assert found == {
        "selection_rate": [("f", 5, 6)],
        "true_positive_rate": [("f", 0, 0)],
        "false_positive_rate": [("f", 1, 2)],
        "positive_predictive_value": [("f", 0, 1)],
    }


# --- placed lower or higher ---------------------------------------------------------------------------------------

CELLS = {
    ("urgent", "urgent"): 10,
    ("high", "urgent"): 4,
    ("low", "urgent"): 2,
    ("low", "high"): 3,
    ("high", "high"): 6,
    ("urgent", "high"): 5,
    ("urgent", "low"): 1,
    ("low", "low"): 9,
    ("low", None): 50,
}


def test_placed_lower_counts_those_who_could_have_been() -> None:
    (found,) = classes.placed_lower(counted(CELLS), "sex")
    assert found == Placed("f", count=4 + 2 + 3, n=10 + 4 + 2 + 3 + 6 + 5)


def test_placed_higher_counts_those_who_could_have_been() -> None:
    (found,) = classes.placed_higher(counted(CELLS), "sex")
    assert found == Placed("f", count=5 + 1, n=3 + 6 + 5 + 1 + 9)


@given(known_rows)
@settings(max_examples=20, deadline=None)
def test_placed_lower_is_a_plain_loop_and_higher_its_mirror(rows: list[tuple[Any, ...]]) -> None:
    place = {name: i for i, name in enumerate(ORDER)}
    lower = {p.group: p for p in classes.placed_lower(classes.confusion(table(rows), ["sex"], ORDER), "sex")}
    mirrored = classes.placed_higher(classes.confusion(table(rows), ["sex"], ORDER[::-1]), "sex")
    for group in {row[2] for row in rows}:
        steps = [place[d] - place[r] for d, r, sex, _ in rows if sex == group and r != "low"]
        assert lower[group] == Placed(group, sum(s > 0 for s in steps), len(steps))
    assert list(lower.values()) == mirrored


def test_who_deserved_the_lowest_class_cannot_be_placed_lower() -> None:
    (found,) = classes.placed_lower(counted({("low", "low"): 3}, sex=None), "sex")
    assert found == Placed(UNKNOWN, 0, 0)


# --- what cannot be counted ---------------------------------------------------------------------------------------


def test_a_class_outside_the_order_is_reported_by_column_and_in_no_group() -> None:
    found = counted({("urgent", "spam"): 2, ("spam", "spam"): 1, ("Low", "low"): 4, ("low", "low"): 1})
    assert found.outside == {"decision": {"Low": 4, "spam": 1}, "deserved": {"spam": 3}}
    assert found.groups == {"sex": {"f": {("low", "low"): 1}}}


@pytest.mark.parametrize(
    ("order", "got"), [(["a", "b", "a"], "a, b, a"), (["a"], "a"), ([], "none")], ids=["twice", "one", "none"]
)
def test_an_order_needs_two_classes_each_once(order: list[str], got: str) -> None:
    with pytest.raises(ValueError, match=rf"^the order of classes needs two or more, each once; got {got}$"):
        classes.confusion(table([]), ["sex"], order)


def test_no_rows_are_no_groups() -> None:
    found = classes.confusion(table([]), ["sex"], ORDER)
    assert found == Confusion(tuple(ORDER), {"sex": {}}, {"decision": {}, "deserved": {}}, 0)
    assert classes.one_vs_rest(found, "sex") == {one: {} for one in ORDER}
    assert classes.placed_lower(found, "sex") == []
