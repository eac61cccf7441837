"""The count table: one pass that loses no row, and every share by pandas' own group-by."""

from __future__ import annotations

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import counts
from ethics_kit.measures.metrics import BINARY, CONVERSATIONS, Metric
from ethics_kit.measures.proportions import Pair, Sample

FLAGS = ["selected", "positive"]


def table(**columns: list[object]) -> ibis.Table:
    kinds = {name: pa.string() for name in columns if name in ("sex", "age", "plan")}
    return ibis.memtable(pa.table({k: pa.array(v, kinds.get(k, pa.bool_())) for k, v in columns.items()}))


def test_each_decision_and_outcome_is_counted() -> None:
    yes_no = [True, True, True, False, False, False]
    outcome = [True, False, None, True, False, None]
    found = counts.count(table(sex=["f"] * 6, selected=yes_no, positive=outcome), ["sex"], FLAGS).table
    lines = sorted(found[["selected", "positive", "correct", "rows"]].itertuples(index=False, name=None))
    assert lines == [(0, -1, -1, 1), (0, 0, 1, 1), (0, 1, 0, 1), (1, -1, -1, 1), (1, 0, 0, 1), (1, 1, 1, 1)]


def test_a_missing_attribute_value_is_the_group_unknown_and_in_no_pair() -> None:
    found = counts.count(table(sex=["f", "m", None], selected=[True] * 3, positive=[True] * 3), ["sex"], FLAGS)
    assert found.shares(BINARY["selection_rate"], "sex")["n"].to_dict() == {"f": 1, "m": 1, counts.UNKNOWN: 1}
    assert [(p.group, p.rest.n) for p in found.pairs(BINARY["selection_rate"], "sex")] == [("f", 1), ("m", 1)]
    assert found.unknown("sex") == (1, 3)


def test_rows_without_an_outcome_count_in_the_selection_rate_only() -> None:
    rows = table(sex=["f"] * 3, selected=[True, False, True], positive=[None, None, True])
    found = counts.count(rows, ["sex"], FLAGS)
    shares = {name: tuple(found.shares(metric, "sex").loc["f"]) for name, metric in BINARY.items()}
    assert shares["selection_rate"] == (2, 3)
    assert shares["true_positive_rate"] == (1, 1)
    assert shares["false_positive_rate"] == (0, 0)
    assert shares["accuracy"] == (1, 1)


def test_groups_are_named_in_one_order_whatever_the_order_of_rows() -> None:
    names = [f"g{i:02}" for i in range(30)]
    found = counts.count(table(sex=names[::-1], selected=[True] * 30, positive=[None] * 30), ["sex"], FLAGS)
    assert [p.group for p in found.pairs(BINARY["selection_rate"], "sex")] == names


def test_no_rows_are_no_groups() -> None:
    found = counts.count(table(sex=[], selected=[], positive=[]), ["sex"], FLAGS)
    assert found.pairs(BINARY["selection_rate"], "sex") == []


def test_who_asked_and_got_no_answer_was_not_granted_a_person() -> None:
    rows = table(sex=["f"] * 4, asked=[True, True, False, True], granted=[True, None, None, False])
    found = counts.count(rows, ["sex"], ["asked", "granted"])
    assert tuple(found.shares(CONVERSATIONS["handover_granted"], "sex").loc["f"]) == (1, 3)


def test_a_combination_with_an_unknown_part_is_compared_with_none() -> None:
    rows = table(sex=["f", "m", None, "m"], age=["old", None, "old", "old"], selected=[True] * 4, positive=[None] * 4)
    found = counts.count(rows, ["sex", "age"], FLAGS)
    assert [p.group for p in found.pairs(BINARY["selection_rate"], "sex", "age")] == ["f × old", "m × old"]


maybe = st.sampled_from([True, False, None])
sexes, ages = st.sampled_from(["f", "m", None]), st.sampled_from(["young", "old", None])
drawn_rows = st.lists(st.tuples(sexes, ages, maybe, maybe), max_size=40)


def slow(frame: pd.DataFrame, metric: Metric, keys: list[str]) -> dict[object, tuple[int, int]]:
    """Count and n by group, row by row."""
    found: dict[object, tuple[int, int]] = {}
    for row in frame.to_dict("records"):
        key = tuple(row[k] or counts.UNKNOWN for k in keys)
        known = {flag: row[flag] for flag in FLAGS}
        known["correct"] = None if None in known.values() else known["selected"] == known["positive"]

        def meets(conditions: dict[str, bool | None], known: dict[str, bool | None] = known) -> bool:
            return all(known[f] is not None and (w is None or known[f] == w) for f, w in conditions.items())

        count, n = found.get(key, (0, 0))
        inside = meets(dict(metric.bottom))
        found[key] = (count + (inside and meets(dict(metric.top))), n + inside)
    return found


@given(drawn_rows)
@settings(max_examples=30, deadline=None)
def test_one_pass_equals_a_loop_over_rows_for_each_attribute_and_for_both(drawn: list[tuple[object, ...]]) -> None:
    names = ["sex", "age", *FLAGS]
    columns = {name: [row[i] for row in drawn] for i, name in enumerate(names)}
    found = counts.count(table(**columns), ["sex", "age"], FLAGS)
    frame = pd.DataFrame(columns, columns=names, dtype=object).where(lambda f: f.notna(), None)
    for metric in BINARY.values():
        for keys in (["sex"], ["age"], ["sex", "age"]):
            shares = found.shares(metric, *keys)
            quick = {k if isinstance(k, tuple) else (k,): (int(c), int(n)) for k, c, n in shares.itertuples()}
            assert quick == slow(frame, metric, keys)


@given(drawn_rows)
@settings(max_examples=30, deadline=None)
def test_within_strata_every_known_row_is_in_one_stratum(drawn: list[tuple[object, ...]]) -> None:
    names = ["sex", "age", *FLAGS]
    found = counts.count(table(**{n: [r[i] for r in drawn] for i, n in enumerate(names)}), ["sex", "age"], FLAGS)
    inside = found.within(BINARY["selection_rate"], "age", "sex")
    known = [r for r in drawn if None not in (r[0], r[1], r[2])]
    assert sum(p.own.n for pairs in inside.values() for p in pairs) == len(known)


def test_bounds_hold_every_way_the_unknown_rows_could_fall() -> None:
    pair = Pair("a", Sample(3, 10, 10), Sample(9, 20, 20))
    low, high = counts.bounds(pair, Sample(2, 5, 5))
    gaps = [(3 + y) / (10 + y + n) - (9 + 2 - y) / (20 + (2 - y) + (3 - n)) for y in range(3) for n in range(4)]
    assert (low, high) == pytest.approx((min(gaps), max(gaps)))
    assert counts.bounds(Pair("a", Sample(0, 0, 0), Sample(9, 20, 20)), Sample(2, 5, 5)) is None
