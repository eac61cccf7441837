"""How many rows a slow computation may have: coarse steps, whatever else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain, repeat

import pytest

from ethics_kit.measures.affordable import LEAST, PROBE, affordable


def clocked(
    per_row: float, *, each: float = 0.0, delays: Iterable[float] = ()
) -> tuple[Callable[[int], None], Callable[[], float], list[int]]:
    """Work of so many seconds per row and `each` run, the clock that says so, and the rows of each run.

    The first run takes a minute more; `delays` come on top of the runs after it.
    """
    now, done, more = [0.0], list[int](), chain([60.0], delays, repeat(0.0))

    def work(rows: int) -> None:
        done.append(rows)
        now[0] += rows * per_row + each + next(more)

    return work, lambda: now[0], done


@pytest.mark.parametrize(
    ("per_row", "rows"), [(0.0, 2000), (0.0299, 2000), (0.0301, 1000), (0.1, 500), (0.3, 125), (9.0, 100)]
)
def test_rows_are_halved_until_the_budget_holds_and_never_fall_below_a_hundred(per_row: float, rows: int) -> None:
    work, clock, _ = clocked(per_row)
    found = affordable(work, 2000, seconds=60, clock=clock)
    assert (found.rows, found.cut) == (rows, rows < 2000)


@pytest.mark.parametrize(("per_row", "rows"), [(0.0001, 2000), (0.001, 250)])
def test_work_that_is_done_many_times_over_costs_as_often(per_row: float, rows: int) -> None:
    work, clock, _ = clocked(per_row)
    assert affordable(work, 2000, seconds=60, times=200, clock=clock).rows == rows


@pytest.mark.parametrize("each", [0.0, 0.01, 0.9])
def test_what_a_run_costs_whatever_its_rows_cuts_nothing(each: float) -> None:
    work, clock, _ = clocked(0.001, each=each)
    assert affordable(work, 2000, seconds=60, clock=clock).rows == 2000


def test_a_machine_that_is_busy_now_and_then_cuts_nothing() -> None:
    work, clock, _ = clocked(0.001, delays=[30.0, 0.0, 30.0, 30.0, 30.0])
    assert affordable(work, 2000, seconds=60, clock=clock).rows == 2000


def test_time_in_which_the_processor_did_something_else_does_not_count() -> None:
    assert affordable(lambda rows: time.sleep(rows / 1000), 2000, seconds=0.5).rows == 2000


def test_few_rows_are_all_used_without_a_probe() -> None:
    work, clock, done = clocked(9.0)
    assert affordable(work, LEAST, seconds=1, clock=clock).rows == LEAST
    assert done == []


def test_probes_are_of_twenty_rows_and_no_more_where_these_are_slow_in_earnest() -> None:
    work, clock, done = clocked(9.0)
    affordable(work, 500, seconds=1, clock=clock)
    assert set(done) == {PROBE}


def test_a_probe_has_never_more_rows_than_there_are() -> None:
    work, clock, done = clocked(0.0, each=0.9)
    affordable(work, 150, seconds=0.1, clock=clock)
    assert max(done) == 80
