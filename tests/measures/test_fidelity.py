"""Fidelity: a reason counts where it names what pushed most towards the decision."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.fidelity import fidelity

VALUES = np.array([[3.0, 2.0, -4.0], [1.0, 2.0, -4.0], [-3.0, 2.0, 1.0], [-3.0, -2.0, 0.0]])
SELECTED = np.array([True, True, False, False])


def borne_out(named: list[int], *, top: int = 2, selected: np.ndarray = SELECTED, sign: float = 1.0) -> list[bool]:
    values = sign * VALUES
    output = np.where(selected, sign, -sign)
    found = fidelity(values, output, selected, np.eye(3, dtype=bool)[named], top=top)
    assert found is not None
    assert found.higher is (sign > 0)
    return list(found.borne_out)


def test_a_reason_among_the_weightiest_towards_the_decision_is_borne_out() -> None:
    assert borne_out([0, 1, 0, 1]) == [True, True, True, True]
    assert borne_out([1, 0, 1, 1], top=1) == [False, False, False, False]


def test_what_pushed_the_other_way_never_counts() -> None:
    assert borne_out([2, 2, 1, 2], top=3) == [False, False, False, False]


def test_where_low_outputs_are_selected_the_direction_turns() -> None:
    assert borne_out([0, 1, 0, 1], sign=-1.0) == [True, True, True, True]


def test_a_row_without_attributions_or_reason_is_not_borne_out() -> None:
    values, named = VALUES.copy(), np.eye(3, dtype=bool)[[0, 1, 0, 1]]
    values[0], named[1] = np.nan, False
    found = fidelity(values, values.sum(axis=1) + np.array([0, 5, -5, -5]), SELECTED, named, top=2)
    assert found is not None
    assert list(found.borne_out) == [False, False, True, True]


def test_the_direction_needs_decisions_of_both_kinds() -> None:
    assert fidelity(VALUES, np.ones(4), np.ones(4, dtype=bool), np.ones((4, 3), dtype=bool), top=1) is None


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=2, max_size=12), st.integers(1, 3))
def test_it_agrees_with_sorting_each_row(rows: list[list[int]], top: int) -> None:
    selected = np.arange(len(rows)) % 2 == 0
    named = np.eye(3, dtype=bool)[np.arange(len(rows)) % 3]
    found = fidelity(np.array(rows, dtype=float), np.where(selected, 1.0, 0.0), selected, named, top=top)
    assert found is not None
    for i, row in enumerate(rows):
        pushed = [value if selected[i] else -value for value in row]
        best = sorted(range(3), key=lambda j: -pushed[j])[:top]
        assert found.borne_out[i] == any(j == i % 3 and pushed[j] > 0 for j in best)
