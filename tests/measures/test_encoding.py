"""Rows as points: every column has a like say in a distance, whatever its type and unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import encoding
from ethics_kit.measures.encoding import encode

NA = np.nan


def squared(column: object) -> np.ndarray:
    """Squared distances between all rows of a table of one column."""
    points = encode(pd.DataFrame({"x": column}))
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


numbers = st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(NA)), min_size=2, max_size=30)
texts = st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=2, max_size=30)


def test_numbers_are_standardised() -> None:
    points = encode(pd.DataFrame({"x": [1.0, 2.0, 3.0, 10.0]}))
    assert points.shape == (4, 1)
    assert points.mean() == pytest.approx(0)
    assert points.std() == pytest.approx(1)


def test_two_rows_at_random_differ_by_two_in_a_column_of_numbers() -> None:
    assert squared(np.random.default_rng(1).exponential(size=50)).mean() == pytest.approx(2)


@given(texts)
@settings(max_examples=50, deadline=None)
def test_a_column_of_text_never_outweighs_one_of_numbers(column: list[str | None]) -> None:
    found = squared(column)
    assert found.mean() <= 2 + 1e-9
    differs = found[found > 0]
    assert ((differs > 2 - 1e-9) & (differs < 4 + 1e-9)).all()


@given(texts)
@settings(max_examples=50, deadline=None)
def test_text_differs_where_it_differs(column: list[str | None]) -> None:
    same = np.array([[a == b for a in column] for b in column])
    assert ((squared(column) < 1e-9) == same).all()


def test_a_rare_flag_weighs_no_more_than_two_standard_deviations() -> None:
    assert squared([True] + [False] * 99)[0, 1] == pytest.approx(4)


@pytest.mark.parametrize("flag", [["yes", "no"], [True, False], [1, 0], [7.5, -2.0]])
def test_a_flag_means_the_same_however_it_is_written(flag: list[object]) -> None:
    places = [0, 1, 1, 0, 1, 1, 1]
    assert squared([flag[i] for i in places]) == pytest.approx(squared([["y", "n"][i] for i in places]))


def test_a_missing_number_lies_at_the_median_one_aside() -> None:
    points = encode(pd.DataFrame({"x": [1.0, 2.0, 9.0, NA]}))
    assert points[3, 0] == points[1, 0]
    assert points[:, 1].tolist() == [0, 0, 0, 1]


def test_infinity_is_a_missing_number() -> None:
    assert squared([1.0, 2.0, 9.0, np.inf]) == pytest.approx(squared([1.0, 2.0, 9.0, NA]))


def test_missing_text_is_a_value_of_its_own_and_not_the_word_for_it() -> None:
    assert (squared(["missing", None, "a"])[0] > 0).tolist() == [False, True, True]


@pytest.mark.parametrize("column", [[3.0] * 9, ["a"] * 9, [None] * 9, [NA] * 9, [0.1 + 0.2] * 9])
def test_a_constant_column_is_left_out(column: list[object]) -> None:
    assert encode(pd.DataFrame({"x": column})).shape == (9, 0)


def test_rare_values_are_one_value_and_so_are_those_beyond_the_cap() -> None:
    rare = ["a"] * 150 + ["b"] * 149 + ["c", "d"]
    assert squared(rare)[-1, -2] == 0
    assert squared(rare)[-1, 0] > 0
    many = [f"v{i:02}" for i in range(encoding.MOST_VALUES + 5)] * 4
    assert encode(pd.DataFrame({"x": many})).shape[1] == encoding.MOST_VALUES + 1


def test_an_id_in_every_row_says_nothing() -> None:
    assert encode(pd.DataFrame({"id": [f"c{i}" for i in range(500)]})).shape[1] == 0


def test_days_and_whole_numbers_with_gaps_are_numbers() -> None:
    days = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-05", None])
    assert squared(days) == pytest.approx(squared([0.0, 1.0, 4.0, NA]))
    assert squared(pd.array([0, 1, 4, None], dtype="Int64")) == pytest.approx(squared([0.0, 1.0, 4.0, NA]))


def test_categories_are_text() -> None:
    assert squared(pd.Categorical(["a", "b", "a"])) == pytest.approx(squared(["a", "b", "a"]))


def test_columns_of_the_same_name_both_count() -> None:
    twice = pd.DataFrame([[1.0, "a"], [2.0, "b"], [4.0, "a"]])
    twice.columns = ["x", "x"]
    assert encode(twice).shape == (3, 3)


@given(numbers, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_changes_no_point(column: list[float], random: object) -> None:
    frame = pd.DataFrame({"x": column, "t": [str(v) for v in column]})
    order = list(range(len(column)))
    random.shuffle(order)
    assert encode(frame.iloc[order]) == pytest.approx(encode(frame)[order])


def test_no_columns_are_points_without_a_place() -> None:
    assert encode(pd.DataFrame(index=range(4))).shape == (4, 0)


# --- two splits for a learner ---------------------------------------------------------------------------------------


def test_the_test_split_is_encoded_by_what_training_shows() -> None:
    train = pd.DataFrame({"x": [0.0, 2.0, 4.0, NA], "plan": ["a", "b", "a", None]})
    test = pd.DataFrame({"x": [4.0, NA, np.inf], "plan": ["a", "new", None]})
    numbers, others = encoding.learnt(train, test)
    assert numbers.mean(axis=0)[0] == pytest.approx(0)
    assert others[0] == pytest.approx(numbers[2])
    assert others[1, :2] == pytest.approx(numbers[3, :2])
    assert others[2] == pytest.approx(numbers[3])
    assert others[1, 2:].tolist() == [0, 0, 0]


def test_rare_text_in_training_and_new_text_later_are_one_value() -> None:
    train = pd.DataFrame({"plan": ["a"] * 150 + ["b"] * 149 + ["c", "d"]})
    numbers, others = encoding.learnt(train, pd.DataFrame({"plan": ["e", "a"]}))
    assert (others[0] == numbers[-1]).all()
    assert (others[1] == numbers[0]).all()
