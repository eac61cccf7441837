"""How long a legal time limit runs for each request: calendar months or days, verification of identity, extensions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class Clock:
    """A time limit in calendar months and days, and what an extension adds to it at most.

    `from_verified`: it starts when the person's identity was confirmed, where that was needed, and not at receipt.
    """

    months: int = 0
    days: int = 0
    more_months: int = 0
    more_days: int = 0
    from_verified: bool = False


def due(requests: ir.Table, clock: Clock) -> ir.TimestampValue:
    """For each request (`time`, maybe `verified`, `extended_until`, `extended_on`) the first moment after its limit.

    The day of the start is not counted; months end on the same day of the month, or on its last (Regulation (EEC,
    Euratom) 1182/71 Art. 3(1), (2)(c)). An extension counts where the person was told of it within the first limit,
    and no further than the law permits.
    """
    verified = column(requests, "verified")
    start = requests.time
    if clock.from_verified:
        start = ibis.ifelse((verified > start).fill_null(False), verified, start)
    first = _after(start, clock.months, clock.days)
    furthest = _after(start, clock.months + clock.more_months, clock.days + clock.more_days)
    until = column(requests, "extended_until")
    extended = ibis.least(_after(until, 0, 0), furthest)
    counts = until.notnull() & (column(requests, "extended_on") < first) & (extended > first)
    return ibis.ifelse(counts.fill_null(False), extended, first)


def strictest(requests: ir.Table, clocks: Sequence[tuple[Clock, Collection[str]]]) -> ir.TimestampValue:
    """The earliest limit of the clocks that hold for a request; each holds for the regions it comes with.

    Where the `region` is not known, or no clock comes with it, all of them hold.
    """
    region = column(requests, "region", "string")
    known = {name for _, regions in clocks for name in regions}
    elsewhere = region.isnull() | region.notin(sorted(known)) if known else ibis.literal(True)
    limits = [
        ibis.ifelse((region.isin(sorted(regions)) if regions else False) | elsewhere, due(requests, clock), None)
        for clock, regions in clocks
    ]
    return ibis.least(*limits)


def column(requests: ir.Table, name: str, kind: str = "timestamp") -> ir.Value:
    """A column, or nulls where the table lacks it."""
    return requests[name] if name in requests.columns else ibis.null(kind)


def _after(moment: ir.TimestampValue, months: int, days: int) -> ir.TimestampValue:
    """The first moment after the day that lies so many months, then days, after a moment's day."""
    return moment.truncate("D") + ibis.interval(months=months) + ibis.interval(days=days + 1)
