"""What is withheld: attacked with the total, with other measures of the same groups, and with margins."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ethics_kit.measures.disclosure import withheld, withheld_crossed
from ethics_kit.stages.case import hide_alike, hide_small

SMALL = 10
sizes = st.lists(st.integers(0, 40), min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 30, 20], set()),
        ([50, 30, 4], {1, 2}),
        ([50, 30, 4, 3], {1, 2, 3}),
        ([50, 9, 8], {1, 2}),
        ([0, 50, 4], {1, 2}),
        ([4], {0}),
        ([4, 0], {0}),
        ([], set()),
    ],
)
def test_the_next_smallest_is_withheld_until_the_rest_is_no_small_number_itself(counts, hidden):
    assert withheld(counts, SMALL) == hidden


@given(sizes)
def test_no_small_count_and_no_small_rest_follows_from_the_total(counts):
    hidden = withheld(counts, SMALL)
    assert all(n == 0 or n >= SMALL for place, n in enumerate(counts) if place not in hidden)
    assume(any(n >= SMALL for n in counts) and hidden)
    rest = sum(counts) - sum(n for place, n in enumerate(counts) if place not in hidden)
    assert rest >= SMALL
    assert len(hidden) > 1


def pinned(unknowns, equations):
    """The unknowns that a linear attack finds: their unit vector lies in the span of what is known."""
    matrix = np.array(equations, dtype=float).reshape(-1, len(unknowns))
    rank = np.linalg.matrix_rank(matrix) if len(matrix) else 0
    units = np.eye(len(unknowns))
    return [u for i, u in enumerate(unknowns) if np.linalg.matrix_rank(np.vstack([matrix, units[i]])) == rank]


@given(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=3, max_size=6))
def test_no_small_count_follows_from_two_other_measures_of_the_same_group(groups):
    """The positives and the negatives of a group add up to all of it, and each measure's total is known."""
    blocks = [
        [[f"g{i}", row] for i, row in enumerate(column)]
        for column in ([p + n for p, n in groups], [p for p, _ in groups], [n for _, n in groups])
    ]
    shown, _ = hide_alike(blocks, key=0, n_column=1, counts=(), small=SMALL)
    unknowns = [(b, i) for b, block in enumerate(shown) for i, row in enumerate(block) if row[1] is None]
    small = {(b, i) for b, i in unknowns if 0 < blocks[b][i][1] < SMALL}
    assume(small and all(sum(n >= SMALL for _, n in block) for block in blocks))
    equations = [[float(u[0] == b) for u in unknowns] for b in range(3)]
    equations += [[float(u == (0, i)) - float(u in ((1, i), (2, i))) for u in unknowns] for i in range(len(groups))]
    assert not small & set(pinned(unknowns, equations))
    for block in shown:
        assert all(row[1] is None or row[1] == 0 or row[1] >= SMALL for row in block)


@given(st.lists(st.integers(1, 30), min_size=12, max_size=12))
def test_no_small_combination_follows_from_the_groups_own_numbers(counts):
    cells = list(product("abc", "wxyz"))
    hidden = withheld_crossed(cells, counts, SMALL)
    assert all(n == 0 or n >= SMALL for place, n in enumerate(counts) if place not in hidden)
    assume(hidden)
    unknowns = sorted(hidden)
    lines = [
        [i for i, cell in enumerate(cells) if cell[part] == value]
        for part, values in ((0, "abc"), (1, "wxyz"))
        for value in values
    ]
    equations = [[float(u in line) for u in unknowns] for line in lines if set(line) & hidden]
    alone = {u for u in unknowns for line in lines if u in line and not any(counts[i] >= SMALL for i in line)}
    for place in pinned(unknowns, equations):
        assert counts[place] >= SMALL or place in alone


def test_a_row_is_withheld_with_its_rate_and_keeps_its_name():
    rows = [["a", 500, 0.5, "x"], ["b", 40, 0.4, "y"], ["c", 3, 1.0, "z"]]
    shown, hidden = hide_small(rows, n_column=1, counts=[2], small=SMALL)
    assert shown == [["a", 500, 0.5, "x"], ["b", None, None, "y"], ["c", None, None, "z"]]
    assert hidden == 2
