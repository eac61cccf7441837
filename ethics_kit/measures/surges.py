"""Weeks with more events than usual: counts of a window against the rate of the time before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from scipy import stats


@dataclass(frozen=True)
class Window:
    """A window: its `count`, what the time before leads to expect, and the p-value of as many or more."""

    start: datetime
    count: int
    expected: float
    p_value: float


def windows(time: ir.Column, *, since: datetime, until: datetime, days: int) -> tuple[Window, ...]:
    """Whole windows of `days` back from `until` to `since`, against the rate of at most a year before `since`.

    Given the two counts together, the window's is binomial with its share of the time where both have one rate (the
    conditional test of Przyborowski and Wilenski 1940); p-values are adjusted by Bonferroni for the windows looked at.

    Parameters
    ----------
    time
        Timestamps of events, up to `until`.
    since, until
        The moment before which no window begins, and the first moment after the last one.
    days
        Length of a window.

    Returns
    -------
    tuple of Window
        Oldest first; empty where no window is whole, or nothing happened before `since` to compare with.
    """
    counts = _by_day(time)
    usual = {day: n for day, n in counts.items() if since - timedelta(days=365) <= day < since}
    whole = (until - since).days // days
    if not usual or whole < 1:
        return ()
    before, length = sum(usual.values()), (since - min(usual)).days
    found = []
    for number in range(whole, 0, -1):
        start = until - timedelta(days=number * days)
        count = sum(n for day, n in counts.items() if start <= day < start + timedelta(days=days))
        chance = stats.binom.sf(count - 1, count + before, days / (days + length))
        found.append(Window(start, count, before * days / length, min(float(chance) * whole, 1.0)))
    return tuple(found)


def _by_day(time: ir.Column) -> dict[datetime, int]:
    table = time.as_table().rename(time=time.get_name()).filter(ibis._.time.notnull())
    days = table.group_by(day=ibis._.time.truncate("D")).aggregate(n=ibis._.count())
    return {row["day"].replace(tzinfo=None): int(row["n"]) for row in days.to_pyarrow().to_pylist()}
