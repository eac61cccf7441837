"""Sums of scores by group and bin: against pandas and numpy, and what a score out of range is told."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ethics_kit.measures import scores
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.sums import Moments

KINDS = {"score": pa.float64(), "positive": pa.bool_(), "sex": pa.string(), "age": pa.string()}


def table(rows: list[tuple[Any, ...]]) -> ibis.Table:
    """Score, positive, sex, age."""
    return ibis.memtable(
        pa.table({k: pa.array([r[i] for r in rows], kind) for i, (k, kind) in enumerate(KINDS.items())})
    )


def of_scores(values: list[float | None], **how: float) -> scores.ScoreSums:
    return scores.score_sums(table([(v, None, "f", None) for v in values]), ["sex"], **how)


maybe = st.sampled_from([True, False, None])
hundredths = st.integers(0, 100).map(lambda n: n / 100)
event_rows = st.lists(
    st.tuples(st.none() | hundredths, maybe, st.sampled_from(["f", "m", None]), st.sampled_from(["a", "b", None])),
    max_size=50,
)


@given(event_rows, st.sampled_from([1, 4, 10, 100]))
@settings(max_examples=25, deadline=None)
def test_sums_equal_those_of_pandas_and_of_numpys_histogram(rows: list[tuple[Any, ...]], bins: int) -> None:
    found = scores.score_sums(table(rows), ["sex", "age"], bins=bins)
    frame = pd.DataFrame(rows, columns=list(KINDS), dtype=object)
    for name in ("sex", "age"):
        parts = dict(list(frame.groupby(frame[name].fillna(UNKNOWN))))
        assert list(found.groups[name]) == sorted(parts)
        for group, part in parts.items():
            held = found.groups[name][group]
            for outcome in (True, False, None):
                own = part[part.positive.isna() if outcome is None else part.positive.eq(outcome)]
                known = own.score.dropna().astype(float).to_numpy()
                moments = [held.get((place, outcome), Moments()) for place in range(bins)]
                expected = np.histogram(known, bins=found.edges)[0]
                assert [m.n for m in moments] == list(expected)
                assert float(sum(m.total for m in moments)) == pytest.approx(known.sum())
                assert float(sum(m.squares for m in moments)) == pytest.approx((known**2).sum())
                assert held.get((None, outcome), Moments()).missing == own.score.isna().sum()


@pytest.mark.parametrize(("score", "place"), [(0.0, 0), (0.3, 3), (0.7, 7), (0.29, 2), (0.9999, 9), (1.0, 9)])
def test_a_score_on_an_edge_is_in_the_bin_above_it_and_the_highest_in_the_last(score: float, place: int) -> None:
    assert list(of_scores([score]).groups["sex"]["f"]) == [(place, None)]


def test_scores_of_another_range_have_their_own_bins() -> None:
    found = of_scores([-50.0, -0.1, 0.0, 50.0], bins=2, low=-50, high=50)
    assert {key: m.n for key, m in found.groups["sex"]["f"].items()} == {(0, None): 2, (1, None): 2}


def test_scores_out_of_range_are_refused_with_their_number_and_range() -> None:
    message = (
        r"^2 of 4 scores lie outside 0 to 1: they range from -0\.2 to 3\.5; give their own range as `low` and `high`$"
    )
    with pytest.raises(ValueError, match=message):
        of_scores([-0.2, 0.4, 1.0, 3.5, None])


@pytest.mark.parametrize(("low", "high", "count"), [(0, 1, 4), (0, 100, 3), (-1, 200, 1)])
def test_scores_out_of_range_are_counted_nan_among_them(low: float, high: float, count: int) -> None:
    events = table([(v, None, None, None) for v in (0.0, 1.0, 50.0, 101.0, -0.5, float("nan"), None)])
    assert scores.out_of_range(events, low, high) == count


def test_no_rows_are_no_groups() -> None:
    found = scores.score_sums(table([]), ["sex"])
    assert found.groups == {"sex": {}}
    assert scores.summary(found, "sex") == {}
    assert scores.out_of_range(table([])) == 0


# --- how scores are spread ----------------------------------------------------------------------------------------


def test_a_mean_has_the_t_interval_of_all_rows_labelled_or_not() -> None:
    values, outcomes = [0.1, 0.4, 0.5, 0.9], [True, False, None, None]
    found = scores.score_sums(table([(v, o, "f", None) for v, o in zip(values, outcomes, strict=True)]), ["sex"])
    mean = scores.summary(found, "sex", confidence=0.9)["f"].mean
    low, high = stats.t.interval(0.9, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (mean.value, mean.low, mean.high) == pytest.approx((np.mean(values), low, high))


def test_percentiles_are_interpolated_within_their_bin() -> None:
    # Four rows in [0, .1), none in between, four in [.8, .9): a tenth of 8 rows is 0.8 of the first four.
    found = scores.summary(of_scores([0.05] * 4 + [0.85] * 4), "sex")["f"]
    assert found.percentiles == pytest.approx({10: 0.02, 25: 0.05, 50: 0.1, 75: 0.85, 90: 0.88})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from([1, 10, 50]))
@settings(max_examples=25, deadline=None)
def test_a_percentile_is_at_most_a_bins_width_off(values: list[float], bins: int) -> None:
    found = scores.summary(of_scores(values, bins=bins), "sex")["f"].percentiles
    for percent, value in found.items():
        # The smallest score with that share of rows at or below it, in whole numbers: 0.1 is not a tenth.
        exact = sorted(values)[-(-percent * len(values) // 100) - 1]
        assert abs(value - exact) <= 1 / bins + 1e-12


def test_a_group_without_scores_has_no_mean_and_no_percentile() -> None:
    found = scores.summary(of_scores([None, None]), "sex")["f"]
    assert (found.n, found.missing, found.mean) == (0, 2, UNDEFINED)
    assert found.percentiles == dict.fromkeys(scores.PERCENTILES)


def test_one_score_has_no_interval() -> None:
    assert scores.summary(of_scores([0.3, None]), "sex")["f"].mean == Estimate(0.3, None, None)


def test_edges_are_written_in_so_few_digits_that_all_engines_read_them_alike() -> None:
    edges = scores.ScoreSums(low=0.3507, high=0.9997, bins=100, groups={}).edges

    assert edges[20] == 0.4805
    assert (edges[0], edges[-1], len(edges)) == (0.3507, 0.9997, 101)
