"""The clocks of a time zone: which moment in UTC they show, and which times they show twice or never."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

SECOND = timedelta(seconds=1)
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Between these the changes of a zone's clocks are looked up; before and after, the first and last offset hold."""


STEP = timedelta(days=3)
"""Clocks are looked at this often: none in the database changes twice within six days (Hebron in 2040: seven)."""


@functools.cache
def changes(zone: str) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    """Moments in UTC at which the clocks of an IANA zone change, with their offset before and after.

    Source: the IANA time zone database, by way of `zoneinfo`.
    """
    found, clocks = [], ZoneInfo(zone)
    day, known = FIRST, _offset(clocks, FIRST)
    while day < LAST:
        before, day = day, day + STEP
        new = _offset(clocks, day)
        if new != known:
            after = day
            while after - before > SECOND:
                middle = before + (after - before) // SECOND // 2 * SECOND
                before, after = (middle, after) if _offset(clocks, middle) == known else (before, middle)
            found.append((after, known, new))
            known = new
    return tuple(found)


def _offset(clocks: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(clocks).utcoffset() or timedelta()


@functools.cache
def in_utc(zone: str) -> Callable[[ir.Value, ir.Value, ir.Value], ir.TimestampValue]:
    """A function of a time, whether it is `local` to the zone and whether it stands for a `whole_day`: the UTC time.

    The year 0 where the clocks show the time twice, or never (DuckDB takes no null from it). A whole day begins all the
    same: at the first of two midnights, or when the clocks leap over it.
    """
    edges, offsets, of_days = _pieces(zone)

    def convert(time: pa.Array, local: pa.Array, whole_day: pa.Array) -> pa.Array:
        clock = time.to_numpy(zero_copy_only=False).astype("datetime64[us]")
        piece = np.searchsorted(edges, clock, side="right")
        shift = np.where(whole_day.to_numpy(zero_copy_only=False), of_days[piece], offsets[piece])
        moved = clock - np.where(local.to_numpy(zero_copy_only=False), shift, np.timedelta64(0, "us"))
        return pa.array(np.where(np.isnat(moved), np.datetime64("0000", "us"), moved), pa.timestamp("us"))

    convert.__name__ = "in_utc_" + "".join(c if c.isalnum() else f"_{ord(c)}" for c in zone)
    signature = (("timestamp", "boolean", "boolean"), "timestamp")
    function: Callable[[ir.Value, ir.Value, ir.Value], ir.TimestampValue]
    function = ibis.udf.scalar.pyarrow(convert, signature=signature)
    return function


def _pieces(zone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the local time line is cut, and for each piece the offset (none: uncertain), and that for whole days."""
    first = _offset(ZoneInfo(zone), FIRST)
    edges: list[datetime] = []
    offsets: list[timedelta | None] = [first]
    of_days = [first]
    for moment, old, new in changes(zone):
        clock = moment.replace(tzinfo=None)
        edges += [clock + min(old, new), clock + max(old, new)]
        offsets += [None, new]
        of_days += [old, new]
    return np.array(edges, "datetime64[us]"), np.array(offsets, "timedelta64[us]"), np.array(of_days, "timedelta64[us]")
