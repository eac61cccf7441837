"""Periods in sequence."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.measures import periods

DAY = st.dates(date(1990, 1, 1), date(2090, 1, 1))
EVERY = st.sampled_from(["day", "week", "month", "quarter"])


@given(DAY, EVERY)
def test_a_day_lies_in_its_period_and_beginnings_stay(day, every):
    start = periods.beginning(day, every)
    assert start <= day < periods.after(start, every)
    assert periods.beginning(start, every) == start


@given(DAY, EVERY, st.integers(0, 200))
def test_a_sequence_holds_each_period_once_and_only_those_that_are_over(day, every, days):
    start, end = periods.beginning(day, every), day + timedelta(days=days)
    found = periods.sequence(start, end, every)
    assert all(periods.after(a, every) == b for a, b in pairwise(found))
    assert all(periods.after(p, every) <= end for p in found)
    assert not found or periods.after(periods.after(found[-1], every), every) > end


@pytest.mark.parametrize(
    ("days", "every"),
    [
        (["2026-01-01", "2026-02-01", "2026-04-01"], "month"),
        (["2026-01-31", "2026-02-28"], "month"),
        (["2026-03-02", "2026-03-09", "2026-03-30"], "week"),
        (["2026-03-02", "2026-03-03"], "day"),
        (["2026-01-01", "2026-04-01"], "quarter"),
        (["2026-01-01"], None),
        (["2026-01-01", "2026-03-01"], None),
        ([], None),
    ],
)
def test_the_length_is_told_by_the_closest_two_or_not_at_all(days, every):
    assert periods.inferred({date.fromisoformat(d) for d in days}) == every


def test_names_are_iso():
    assert periods.name(date(2026, 4, 1), "month") == periods.name(date(2026, 4, 1), "quarter") == "2026-04"
    assert periods.name(date(2026, 4, 6), "week") == "2026-04-06"
