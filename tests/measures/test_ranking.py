"""The first k by score: every order of tied rows averaged by brute force, pandas without ties, and what is left out."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import ranking
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.ranking import Places

KINDS = {"score": pa.float64(), "positive": pa.bool_(), "sex": pa.string(), "age": pa.string()}
Rows = list[tuple[Any, ...]]


def table(rows: Rows) -> ibis.Table:
    return ibis.memtable(
        pa.table({k: pa.array([r[i] for r in rows], kind) for i, (k, kind) in enumerate(KINDS.items())})
    )


def of_scores(scores: list[float | None], *ks: int, **how: bool) -> dict[int, ranking.TopK]:
    return ranking.top_k(table([(s, True, "f", None) for s in scores]), ["sex"], ks, **how)


few_rows = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.5, 0.5, 0.9, None]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["f", "m", None]),
        st.none(),
    ),
    max_size=6,
)


@given(few_rows, st.booleans())
@settings(max_examples=25, deadline=None)
def test_counts_are_the_mean_over_every_order_of_the_rows(rows: Rows, highest_first: bool) -> None:
    ks = [1, 2, 4, 9]
    found = ranking.top_k(table(rows), ["sex"], ks, highest_first=highest_first)
    sign = -1 if highest_first else 1
    for k in ks:
        totals: dict[str, np.ndarray] = {}
        orders = list(permutations(rows))
        for order in orders:
            scored = sorted((r for r in order if r[0] is not None), key=lambda r: sign * r[0])
            for row in scored[:k]:
                group = UNKNOWN if row[2] is None else row[2]
                totals.setdefault(group, np.zeros(3))[:] += (1, row[1] is not None, row[1] is True)
        for group, places in found[k].groups["sex"].items():
            selected = [places.selected, places.selected_labelled, places.selected_positives]
            assert selected == pytest.approx(list(totals.get(group, np.zeros(3)) / len(orders)))
        assert set(totals) <= set(found[k].groups["sex"])


def test_without_ties_the_selected_are_pandas_largest() -> None:
    chance = np.random.default_rng(20261101)
    frame = pd.DataFrame(
        {
            "score": chance.permutation(500) / 500,
            "positive": chance.random(500) < 0.3,
            "sex": chance.choice(["f", "m"], 500),
            "age": chance.choice(["a", "b", "c"], 500),
        }
    )
    found = ranking.top_k(ibis.memtable(frame), ["sex", "age"], [50, 100, 500])
    for k, top in found.items():
        first = frame.nlargest(k, "score")
        assert (top.cut_score, top.tied, top.places_left) == (first.score.min(), 0, 0)
        for name in ("sex", "age"):
            for group, places in top.groups[name].items():
                own, all_rows = first[first[name] == group], frame[frame[name] == group]
                assert places == Places(
                    rows=len(all_rows),
                    labelled=len(all_rows),
                    positives=all_rows.positive.sum(),
                    without_score=0,
                    selected=len(own),
                    selected_labelled=len(own),
                    selected_positives=own.positive.sum(),
                )


def test_rows_tied_at_the_cut_share_the_places_left_and_are_told() -> None:
    rows = [(0.9, True, "f", None), (0.5, True, "f", None), (0.5, False, "m", None), (0.5, None, "m", None)]
    top = ranking.top_k(table(rows), ["sex"], [3])[3]
    assert (top.cut_score, top.tied, top.places_left) == (0.5, 3, 2)
    groups = top.groups["sex"]
    assert (groups["f"].selected, groups["f"].selected_positives) == pytest.approx((1 + 2 / 3, 1 + 2 / 3))
    assert (groups["m"].selected, groups["m"].selected_labelled) == pytest.approx((4 / 3, 2 / 3))


def test_a_cut_between_scores_ties_nobody() -> None:
    top = of_scores([0.9, 0.5, 0.5, 0.1], 3)[3]
    assert (top.cut_score, top.tied, top.places_left) == (0.5, 0, 0)


@pytest.mark.parametrize(("highest_first", "cut"), [(True, 0.7), (False, 0.2)])
def test_the_first_may_be_the_highest_or_the_lowest(highest_first: bool, cut: float) -> None:
    assert of_scores([0.1, 0.2, 0.7, 0.9], 2, highest_first=highest_first)[2].cut_score == cut


@given(few_rows, st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_changes_nothing(rows: Rows, random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert ranking.top_k(table(rows), ["sex"], [2, 3]) == ranking.top_k(table(shuffled), ["sex"], [2, 3])


@pytest.mark.parametrize("highest_first", [True, False])
def test_rows_without_a_score_are_counted_and_never_selected(highest_first: bool) -> None:
    top = of_scores([None, 0.4, None], 3, highest_first=highest_first)[3]
    places = top.groups["sex"]["f"]
    assert (places.rows, places.without_score, places.selected, top.tied) == (3, 2, 1, 0)


def test_more_places_than_rows_select_everyone() -> None:
    top = of_scores([0.4, 0.4, 0.1], 5)[5]
    assert (top.groups["sex"]["f"].selected, top.cut_score, top.tied) == (3, 0.1, 0)


def test_all_rows_tied_share_all_places() -> None:
    top = of_scores([0.4] * 10, 3)[3]
    assert (top.groups["sex"]["f"].selected, top.tied, top.places_left) == (3, 10, 3)


@pytest.mark.parametrize("rows", [[], [(None, True, "f", None)]], ids=["no rows", "no scores"])
def test_nobody_to_rank_has_no_cut(rows: Rows) -> None:
    top = ranking.top_k(table(rows), ["sex"], [2])[2]
    assert (top.cut_score, top.tied, top.places_left) == (None, 0, 0)
    assert [places.selected for places in top.groups["sex"].values()] == [0] * len(rows)


def test_no_ks_are_no_answers() -> None:
    assert of_scores([0.4]) == {}


@pytest.mark.parametrize("k", [0, -3])
def test_a_k_under_one_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=rf"^{k} places cannot be given; k is 1 or more$"):
        of_scores([0.4], 5, k)
