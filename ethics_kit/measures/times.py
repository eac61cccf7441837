"""Times as files write them, read in UTC: ISO or day or month first, with an offset or by the clocks of a zone."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir

Dates = Literal["iso", "day_first", "month_first"]

ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?$"
OFFSET = r"\d:\d{2}.*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
LOCAL = (
    r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})"
    r"(?:(?:, ?|T| )(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?"
    r"[ \x{A0}\x{202F}]?([AaPp][Mm])?( ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?))?)?$"
)
"""Two numbers and a year, then perhaps a clock time, AM or PM, and an offset."""


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))  # type: ignore[untyped-decorator]
def _clock(zone: str, instant: ir.TimestampValue) -> ir.TimestampValue:
    """What the clocks of a zone show at an instant: DuckDB's own function."""


def moment(clean: ir.Value, *, dates: Dates = "iso", time_zone: str | None = None) -> ir.TimestampValue:
    """A time in UTC, without a zone of its own; null where it cannot be read with certainty.

    That is: in another form than ISO or that of `dates`, infinite, outside the years 1 to 9999, or shown twice or never
    by the clocks of `time_zone`. Without `time_zone` a time that has no offset is in UTC. A day begins at its midnight.
    """
    kind = clean.type()
    if kind.is_string():
        text = clean if dates == "iso" else _iso(clean, dates)
        text = ibis.ifelse(text.re_search(ISO_TIME), text, ibis.null("string"))
        utc = text.try_cast("timestamp('UTC')").cast("timestamp")
        local, whole_day = ~has_offset(text), ~text.contains(":")
    elif kind.is_timestamp() or kind.is_date():
        utc = clean.cast("timestamp")
        local, whole_day = ibis.literal(getattr(kind, "timezone", None) is None), ibis.literal(kind.is_date())
    else:
        return ibis.null("timestamp")
    utc = ibis.ifelse(utc.year().between(1, 9999), utc, ibis.null("timestamp"))
    return ibis.ifelse(local, _in_utc(utc, time_zone, whole_day), utc) if time_zone else utc


def has_offset(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a time written as text says its offset from UTC."""
    return text.re_search(OFFSET)


def _iso(text: ir.StringValue, dates: Dates) -> ir.StringValue:
    """`text` in ISO form where it is day or month first, else as it is."""
    one, two, year, hours, minutes, rest, half, offset = (text.re_extract(LOCAL, n) for n in range(1, 9))
    day, month = (one, two) if dates == "day_first" else (two, one)
    hour = hours.try_cast("int64")
    halved = ibis.ifelse(hour.between(1, 12), hour % 12 + ibis.ifelse(half.lower() == "pm", 12, 0), ibis.null("int64"))
    hour = ibis.ifelse(half == "", hour, halved)
    date = year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")
    clock = date + "T" + hour.cast("string").lpad(2, "0") + ":" + minutes + rest + offset
    return ibis.ifelse(text.re_search(LOCAL), ibis.ifelse(hours == "", date, clock), text)


def _in_utc(clock: ir.TimestampValue, zone: str, whole_day: ir.BooleanValue) -> ir.TimestampValue:
    """What the clocks of `zone` show, in UTC, by the offsets of the day before and the day after.

    Where both offsets give an instant at which the clocks show this, they show it twice; where neither does, never.
    A whole day begins once all the same: at the earlier of two midnights, or when the clocks leap over it.
    """
    read = clock.cast("timestamp('UTC')")

    def by_offset_of(days: int) -> tuple[ir.TimestampValue, ir.BooleanValue]:
        near = read + ibis.interval(days=days)
        instant = read + (near.cast("timestamp") - _clock(zone, near))
        return instant.cast("timestamp"), _clock(zone, instant) == clock

    (before, may_be_before), (after, may_be_after) = by_offset_of(-1), by_offset_of(1)
    nothing = ibis.null("timestamp")
    return ibis.cases(
        (may_be_before & ((before == after) | ~may_be_after | whole_day), before),
        (may_be_after & ~may_be_before, after),
        (whole_day, before),
        else_=nothing,
    )
