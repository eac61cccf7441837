"""Legal time limits: calendar months and days, verification, extensions, the strictest law."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import deadlines
from ethics_kit.measures.deadlines import Clock
from tests.measures.moments import table

MONTH = Clock(months=1, more_months=2, from_verified=True)
DAYS = Clock(days=45, more_days=45)
NAMES = "customer time verified extended_until extended_on region"


def on(day: str | None) -> datetime | None:
    return None if day is None else datetime.fromisoformat(day)


def last_day(clock: Clock, time: str, verified: str | None = None, until: str | None = None, told: str | None = None):
    """The last day of one request's limit."""
    rows = table(NAMES, ("ann", on(time), on(verified), on(until), on(told), None))
    return (rows.select(due=deadlines.due(rows, clock)).to_pyarrow()["due"][0].as_py() - timedelta(days=1)).date()


@pytest.mark.parametrize(
    ("time", "last"),
    [
        pytest.param("2026-03-05T23:59:59", "2026-04-05", id="the same day of the next month"),
        pytest.param("2026-01-31T08:00", "2026-02-28", id="or its last"),
        pytest.param("2024-01-31", "2024-02-29", id="or its last in a leap year"),
        pytest.param("2026-12-15", "2027-01-15", id="over new year"),
    ],
)
def test_a_month_ends_on_the_same_day_of_the_month(time: str, last: str) -> None:
    assert last_day(MONTH, time) == date.fromisoformat(last)


def test_45_days_do_not_count_the_day_of_receipt() -> None:
    assert last_day(DAYS, "2026-03-01T10:00") == date(2026, 4, 15)


@pytest.mark.parametrize(
    ("clock", "verified", "last"),
    [
        pytest.param(MONTH, "2026-03-10", "2026-04-10", id="starts on the day of verification"),
        pytest.param(MONTH, "2026-03-01", "2026-04-05", id="never before receipt"),
        pytest.param(DAYS, "2026-03-10", "2026-04-19", id="or at receipt, whatever verification takes"),
    ],
)
def test_a_clock_starts_as_its_law_says(clock: Clock, verified: str, last: str) -> None:
    assert last_day(clock, "2026-03-05", verified) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("until", "told", "last"),
    [
        pytest.param("2026-05-20", "2026-04-05", "2026-05-20", id="told on the last day of the first limit"),
        pytest.param("2026-05-20", "2026-04-06", "2026-04-05", id="told a day late"),
        pytest.param("2026-05-20", None, "2026-04-05", id="told on no known day"),
        pytest.param(None, "2026-03-20", "2026-04-05", id="told, but not until when"),
        pytest.param("2026-06-05", "2026-03-20", "2026-06-05", id="as far as the law permits"),
        pytest.param("2026-12-31", "2026-03-20", "2026-06-05", id="further than the law permits"),
        pytest.param("2026-03-20", "2026-03-10", "2026-04-05", id="shorter than the first limit"),
    ],
)
def test_an_extension_counts_where_the_person_was_told_in_time(until: str, told: str | None, last: str) -> None:
    assert last_day(MONTH, "2026-03-05", None, until, told) == date.fromisoformat(last)


def test_a_table_of_two_columns_has_a_limit_too() -> None:
    rows = table("customer time", ("ann", on("2026-03-05")))
    assert rows.select(due=deadlines.due(rows, MONTH)).to_pyarrow()["due"][0].as_py() == on("2026-04-06")


def slow_month(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def slow_last(time: date, verified: date | None, until: date | None, told: date | None) -> date:
    start = max(time, verified or time)
    first, furthest = slow_month(start, 1), slow_month(start, 3)
    return max(first, min(until, furthest)) if until and told and told <= first else first


day = st.dates(date(2023, 12, 1), date(2024, 5, 31))
requests = st.lists(st.tuples(day, day | st.none(), day | st.none(), day | st.none()), min_size=1, max_size=40)


@given(requests)
@settings(max_examples=15)
def test_limits_equal_a_loop_over_requests(drawn: list[tuple[Any, ...]]) -> None:
    moments = [[None if d is None else on(d.isoformat()) for d in row] for row in drawn]
    rows = table(NAMES, *(("ann", *row, None) for row in moments))
    found = rows.select(due=deadlines.due(rows, MONTH)).to_pyarrow()["due"].to_pylist()
    assert [(moment - timedelta(days=1)).date() for moment in found] == [slow_last(*row) for row in drawn]


@pytest.mark.parametrize(
    ("region", "last"),
    [
        pytest.param("north", "2026-04-05", id="a month where one law holds"),
        pytest.param("west", "2026-04-19", id="45 days where the other does"),
        pytest.param("overseas", "2026-04-05", id="the strictest where no law names the region"),
        pytest.param(None, "2026-04-05", id="the strictest where it is not known"),
    ],
)
def test_the_law_of_the_region_holds_and_else_the_strictest(region: str | None, last: str) -> None:
    rows = table(NAMES, ("ann", on("2026-03-05"), None, None, None, region))
    due = deadlines.strictest(rows, [(MONTH, ["north"]), (DAYS, ["west"])])
    assert rows.select(due=due).to_pyarrow()["due"][0].as_py() == on(last) + timedelta(days=1)


def test_without_any_region_the_strictest_holds() -> None:
    rows = table("customer time", ("ann", on("2026-03-05")))
    due = deadlines.strictest(rows, [(DAYS, []), (MONTH, [])])
    assert rows.select(due=due).to_pyarrow()["due"][0].as_py() == on("2026-04-06")
