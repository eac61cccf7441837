"""Running numbers of an audit log, counted by hand and by a second route."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.measures import auditlog
from ethics_kit.measures.auditlog import Run, Version

START = datetime.fromisoformat("2026-05-01")


def log(*rows):
    """Rows of (running number, seconds after the start)."""
    frame = pd.DataFrame(
        {
            "sequence": pd.Series([r[0] for r in rows], dtype="float64"),
            "time": pd.Series([START + timedelta(seconds=r[1]) for r in rows], dtype="datetime64[us]"),
        }
    )
    return ibis.memtable(frame)


def test_holes_are_the_numbers_between_the_lowest_and_the_highest_that_no_row_has():
    found = auditlog.numbering(log((3, 0), (4, 1), (7, 2), (8, 3), (12, 4)))
    assert (found.low, found.high, found.span) == (3, 12, 10)
    assert (found.missing, found.runs) == (5, 2)
    assert found.longest == (Run(5, 6), Run(9, 11))
    assert [run.missing for run in found.longest] == [2, 3]


def test_only_the_longest_runs_are_listed_and_all_are_counted():
    found = auditlog.numbering(log((1, 0), (3, 1), (6, 2), (10, 3)), most=2)
    assert found.runs == 3
    assert found.longest == (Run(4, 5), Run(7, 9))


def test_a_row_without_a_whole_number_is_not_numbered():
    found = auditlog.numbering(log((1, 0), (None, 1), (2.5, 2), (2, 3)))
    assert (found.rows, found.numbered, found.missing) == (4, 2, 0)


def test_a_row_logged_twice_is_a_repeat_and_no_step_back_in_time():
    found = auditlog.numbering(log((1, 0), (1, 50), (2, 10), (3, 20)))
    assert (found.repeated, found.backwards) == (1, 0)


def test_steps_back_are_counted_once_each_with_the_furthest():
    found = auditlog.numbering(log((1, 0), (2, 100), (3, 40), (4, 41), (5, 40.5)))
    assert (found.timed, found.backwards, found.furthest) == (4, 2, 60)
    assert auditlog.numbering(log((1, 0), (2, 100), (3, 40), (4, 41), (5, 40.5)), tolerance=1).backwards == 1


def test_an_empty_log_and_one_row_have_no_hole():
    empty, single = auditlog.numbering(log()), auditlog.numbering(log((5, 0)))
    assert (empty.rows, empty.numbered, empty.missing, empty.span) == (0, 0, 0, 0)
    assert (single.span, single.missing, single.timed) == (1, 0, 0)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 500)), min_size=1, max_size=60),
)
def test_counts_agree_with_a_walk_along_the_numbers(rows):
    first = {}
    for number, second in rows:
        first[number] = min(second, first.get(number, second))
    numbers = sorted(first)
    steps = [first[a] - first[b] for a, b in pairwise(numbers)]
    found = auditlog.numbering(log(*rows))
    assert found.missing == len(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    assert found.repeated == len(rows) - len(numbers)
    assert found.backwards == sum(step > 0 for step in steps)
    assert found.furthest == max([0, *steps])


KNOWN = [Version("m-2"), Version("m-1", date(2026, 1, 1), date(2026, 6, 30))]


@pytest.mark.parametrize(
    ("version", "day", "unexplained"),
    [
        ("m-2", "2020-01-01", 0),
        ("m-1", "2026-06-30 23:59:59", 0),
        ("m-1", "2026-07-01", 1),
        ("m-1", "2025-12-31", 1),
        ("m-3", "2026-03-01", 1),
    ],
)
def test_a_version_is_known_within_its_days(version, day, unexplained):
    frame = pd.DataFrame({"model_version": [version], "time": pd.to_datetime([day])})
    (use,) = auditlog.versions(ibis.memtable(frame), KNOWN)
    assert (use.events, use.unexplained) == (1, unexplained)


def test_unknown_versions_come_first_and_blanks_are_left_out():
    frame = pd.DataFrame({"model_version": ["m-2", "m-2", "x", None], "time": pd.to_datetime(["2026-07-02"] * 4)})
    found = auditlog.versions(ibis.memtable(frame), KNOWN)
    assert [(use.name, use.events, use.known) for use in found] == [("x", 1, False), ("m-2", 2, True)]
