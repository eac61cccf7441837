"""Exact sums: against pandas and fractions, whatever the order of rows and however large the numbers."""

from __future__ import annotations

from fractions import Fraction

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import sums
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.sums import Moments


def table(hours: list[float | None], **texts: list[str | None]) -> ibis.Table:
    columns = {"hours": pa.array(hours, pa.float64())}
    return ibis.memtable(pa.table(columns | {k: pa.array(v, pa.string()) for k, v in texts.items()}))


def of_group(hours: list[float | None]) -> Moments:
    return sums.moments(table(hours, sex=["f"] * len(hours)), ["sex"], ["hours"])["hours"]["sex"]["f"][()]


cents = st.integers(-(10**6), 10**6).map(lambda n: n / 100)
maybe_text = st.sampled_from(["a", "b", None])
drawn_rows = st.lists(st.tuples(st.none() | cents, maybe_text, maybe_text, maybe_text), max_size=40)


@given(drawn_rows)
@settings(max_examples=25, deadline=None)
def test_moments_equal_pandas_by_group_and_stratum(rows: list[tuple]) -> None:
    columns = dict(zip(("hours", "sex", "age", "plan"), map(list, zip(*rows, strict=True)), strict=False)) or {
        name: [] for name in ("hours", "sex", "age", "plan")
    }
    found = sums.moments(table(**columns), ["sex", "age"], ["hours"], by=["plan"])["hours"]
    frame = pd.DataFrame(columns).astype({"hours": float})
    for attribute in ("sex", "age"):
        frame["group"] = frame[attribute].fillna(UNKNOWN)
        expected = {}
        for (group, plan), part in frame.groupby(["group", "plan"], dropna=False):
            expected.setdefault(group, {})[(None if pd.isna(plan) else plan,)] = part.hours
        assert {g: set(strata) for g, strata in found[attribute].items()} == {g: set(s) for g, s in expected.items()}
        for group, strata in expected.items():
            for stratum, hours in strata.items():
                held = found[attribute][group][stratum]
                assert (held.n, held.missing) == (hours.count(), hours.isna().sum())
                assert held.mean == (pytest.approx(hours.mean(), abs=1e-9) if held.n else None)
                assert held.variance == (pytest.approx(hours.var(), abs=1e-6) if held.n > 1 else None)


def test_numbers_written_in_decimals_are_summed_exactly() -> None:
    held = of_group([0.1, 0.2, 2.5])
    assert held == Moments(3, 0, Fraction(28, 10), Fraction(1 + 4 + 625, 100))


def test_equal_numbers_have_no_variance_at_all() -> None:
    assert of_group([0.1] * 3).variance == 0  # 0.1 + 0.1 + 0.1 is not 0.3 in floating point


@pytest.mark.parametrize("base", [1e-12, 1.0, 1e9, 1e15])
def test_a_small_spread_around_a_large_number_is_kept(base: float) -> None:
    step = base / 1e9
    assert of_group([base - step, base, base + step]).variance == pytest.approx(step**2, rel=1e-4)


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    hours = [1e16, 1.0, -1e16, 3.0, 1e-3] * 50
    assert of_group(hours) == of_group(sorted(hours)) == of_group(hours[::-1])


def test_zeros_alone_are_numbers() -> None:
    assert (of_group([0.0, 0.0]).mean, of_group([0.0, 0.0]).variance) == (0.0, 0.0)


def test_no_value_is_no_mean_and_one_value_no_variance() -> None:
    assert of_group([None, None]) == Moments(missing=2)
    assert (of_group([None]).mean, of_group([3.0]).variance) == (None, None)


def test_no_rows_are_no_groups() -> None:
    assert sums.moments(table([], sex=[]), ["sex"], ["hours"]) == {"hours": {"sex": {}}}


def test_groups_are_named_in_one_order() -> None:
    names = [f"g{i:02}" for i in range(20)]
    assert list(sums.moments(table([1.0] * 20, sex=names[::-1]), ["sex"], ["hours"])["hours"]["sex"]) == names


def test_the_rest_is_all_other_known_groups_in_the_same_stratum() -> None:
    data = table([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], sex=["f", "m", "x", None, "f", "m"], plan=["p"] * 4 + ["q", None])
    pairs = sums.against_rest(sums.moments(data, ["sex"], ["hours"], by=["plan"])["hours"]["sex"])
    assert {group: [(own.n, own.mean, rest.n, rest.mean) for own, rest in pair] for group, pair in pairs.items()} == {
        "f": [(1, 1.0, 2, 2.5), (1, 5.0, 0, None)],
        "m": [(1, 2.0, 2, 2.0), (0, None, 1, 5.0)],
        "x": [(1, 3.0, 2, 1.5), (0, None, 1, 5.0)],
    }
