"""Days, weeks, months and quarters in a sequence: which one a day lies in, and which are missing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

Every = Literal["day", "week", "month", "quarter"]

LENGTHS: dict[Every, range] = {
    "day": range(1, 2),
    "week": range(7, 8),
    "month": range(28, 32),
    "quarter": range(90, 93),
}
"""Days from one period's beginning to the next."""

MONTHS: dict[Every, int] = {"month": 1, "quarter": 3}


def beginning(day: date, every: Every) -> date:
    """The first day of the period that holds `day`; weeks begin on Monday."""
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=day.weekday())
    return date(day.year, day.month - (day.month - 1) % MONTHS[every], 1)


def after(start: date, every: Every) -> date:
    """The first day of the period after the one that begins on `start`."""
    if every in MONTHS:
        year, month = divmod(start.year * 12 + start.month - 1 + MONTHS[every], 12)
        return date(year, month + 1, 1)
    return start + timedelta(days=LENGTHS[every].start)


def inferred(days: Collection[date]) -> Every | None:
    """The length of period whose beginnings `days` are, from the two that lie closest; None where none fits."""
    gaps = [(later - earlier).days for earlier, later in pairwise(sorted({*days}))]
    closest = min(gaps, default=0)
    return next((every for every, lengths in LENGTHS.items() if closest in lengths), None)


def name(start: date, every: Every) -> str:
    """A period in ISO form: months and quarters by their first month, others by their first day."""
    return start.isoformat()[: 7 if every in MONTHS else 10]


def sequence(first: date, end: date, every: Every) -> list[date]:
    """The first days of all periods from the one that begins on `first` to the last that is over by `end`."""
    found = []
    while (following := after(first, every)) <= end:
        found.append(first)
        first = following
    return found
