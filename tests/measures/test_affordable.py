"""How many rows a slow computation may have: coarse steps, whatever the clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ethics_kit.measures.affordable import LEAST, PROBE, affordable


def clocked(per_row: float) -> tuple[Callable[[int], None], Callable[[], float]]:
    """Work that takes so many seconds per row, and the clock that says so; the first run takes a minute more."""
    now, first = [0.0], [60.0]

    def work(rows: int) -> None:
        now[0] += rows * per_row + first[0]
        first[0] = 0.0

    return work, lambda: now[0]


@pytest.mark.parametrize(
    ("per_row", "rows"), [(0.0, 2000), (0.0299, 2000), (0.0301, 1000), (0.1, 500), (0.3, 125), (9.0, 100)]
)
def test_rows_are_halved_until_the_budget_holds_and_never_fall_below_a_hundred(per_row: float, rows: int) -> None:
    work, clock = clocked(per_row)
    found = affordable(work, 2000, seconds=60, clock=clock)
    assert (found.rows, found.cut) == (rows, rows < 2000)


def test_few_rows_are_all_used_without_a_probe() -> None:
    done: list[int] = []
    assert affordable(done.append, LEAST, seconds=1).rows == LEAST
    assert done == []


def test_the_probe_is_of_twenty_rows() -> None:
    done: list[int] = []
    affordable(done.append, 500, seconds=1)
    assert set(done) == {PROBE}
