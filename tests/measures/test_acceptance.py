"""The System Usability Scale and sizes of samples, against slow second routes."""

from __future__ import annotations

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import acceptance
from ethics_kit.measures.acceptance import ITEMS
from ethics_kit.measures.proportions import Estimate, rate


def table(*rows: list[int | None]) -> ibis.Table:
    return ibis.memtable([dict(zip(ITEMS, row, strict=True)) for row in rows], schema=dict.fromkeys(ITEMS, "float64"))


def scores(*rows: list[int | None]) -> list[float | None]:
    found = acceptance.usability_score(table(*rows)).name("score").to_pyarrow()
    return found.to_pylist()


def by_hand(answers: list[int]) -> float:
    """Brooke's rule, item by item."""
    points = 0
    for number, answer in enumerate(answers, 1):
        points += answer - 1 if number % 2 else 5 - answer
    return points * 2.5


def test_brookes_own_example_scores_55() -> None:
    assert scores([5, 4, 2, 1, 2, 3, 2, 4, 5, 2]) == [55.0]


@given(st.lists(st.lists(st.integers(1, 5), min_size=10, max_size=10), min_size=1, max_size=30))
@settings(max_examples=10, deadline=None)
def test_scores_follow_brookes_rule_item_by_item(rows: list[list[int]]) -> None:
    assert scores(*rows) == [by_hand(row) for row in rows]


def test_best_worst_and_indifferent_answers_score_100_0_and_50() -> None:
    assert scores([5, 1] * 5, [1, 5] * 5, [3] * 10) == [100.0, 0.0, 50.0]


@pytest.mark.parametrize(("item", "possible"), [(0, False), (6, False), (2.5, False), (None, None)])
def test_a_missing_or_impossible_item_leaves_no_score(item: float | None, possible: bool | None) -> None:
    row = [3, 3, 3, 3, 3, 3, 3, 3, 3, item]
    assert scores(row) == [None]  # type: ignore[arg-type]
    assert acceptance.possible(table(row)).name("p").to_pyarrow().to_pylist() == [possible]  # type: ignore[arg-type]


@given(st.integers(1, 60), st.floats(0, 1), st.sampled_from([0.5, 0.78, 0.95]))
def test_so_many_rows_settle_a_rate_and_one_fewer_do_not(n: int, share: float, limit: float) -> None:
    value = round(share * n) / n
    if abs(value - limit) < 1e-3:
        return
    needed = acceptance.rows_for_rate(value, limit)
    assert needed is not None

    def outside(rows: int) -> bool:
        found = rate(value * rows, rows)
        return not (found.low or 0.0) <= limit <= (found.high or 0.0)

    assert outside(needed)
    assert needed == 1 or not outside(needed - 1)


def test_a_rate_at_the_limit_is_never_settled() -> None:
    assert acceptance.rows_for_rate(0.78, 0.78) is None


def test_rows_for_a_mean_fall_with_the_square_of_the_distance() -> None:
    assert acceptance.rows_for_mean(Estimate(70.0, 66.0, 74.0), 68.0, 20) == 80
    assert acceptance.rows_for_mean(Estimate(72.0, 68.0, 76.0), 68.0, 20) == 20
    assert acceptance.rows_for_mean(Estimate(68.0, 66.0, 70.0), 68.0, 20) is None
    assert acceptance.rows_for_mean(Estimate(70.0, None, None), 68.0, 20) is None
