"""Times as files write them, read in UTC: ISO or day or month first, with an offset or by the clocks of a zone."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.clocks import in_utc

Dates = Literal["iso", "day_first", "month_first"]

ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?$"
LOCAL_DAY = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}),?"
SPACE = "[ \u00a0\u202f]?"
LOCAL_TIME = (
    LOCAL_DAY + r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?)|" + SPACE + "[AaPp][Mm])?)?$"
)
"""Two numbers and a year, then perhaps a clock time, and after it an offset, or AM or PM."""
HALF_DAY = SPACE + "[AaPp][Mm]$"
OFFSET = r"\d:\d{2}.*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"


def moment(clean: ir.Value, *, dates: Dates = "iso", time_zone: str | None = None) -> ir.TimestampValue:
    """A time in UTC, without a zone of its own; null where it cannot be read with certainty.

    That is: in another form than ISO or that of `dates`, infinite, outside the years 1 to 9999, or shown twice or never
    by the clocks of `time_zone`. Without `time_zone` a time that has no offset is in UTC. A day begins at its midnight.
    """
    kind = clean.type()
    if kind.is_string():
        time = _written(clean, dates)
        local, whole_day = ~has_offset(clean), ~clean.contains(":")
    elif kind.is_timestamp() or kind.is_date():
        time = clean.cast("timestamp")
        local, whole_day = ibis.literal(getattr(kind, "timezone", None) is None), ibis.literal(kind.is_date())
    else:
        return ibis.null("timestamp")
    return _in_calendar(in_utc(time_zone)(_in_calendar(time), local, whole_day) if time_zone else time)


def _in_calendar(time: ir.TimestampValue) -> ir.TimestampValue:
    return ibis.ifelse(time.year().between(1, 9999), time, ibis.null("timestamp"))


def has_offset(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a time written as text says its offset from UTC."""
    return text.re_search(OFFSET)


def _written(text: ir.StringValue, dates: Dates) -> ir.TimestampValue:
    """The time that `text` says, in UTC where it has an offset; null where it is in another form."""
    nothing = ibis.null("timestamp")
    iso = ibis.ifelse(text.re_search(ISO_TIME), _cast(text), nothing)
    if dates == "iso":
        return iso
    turned = text.re_replace(LOCAL_DAY, r"\3-\2-\1" if dates == "day_first" else r"\3-\1-\2")
    halves = _of_half_a_day(_cast(turned.re_replace(HALF_DAY, "")), text.re_search("[Pp][Mm]$"))
    return ibis.cases((~text.re_search(LOCAL_TIME), iso), (text.re_search(HALF_DAY), halves), else_=_cast(turned))


def _of_half_a_day(time: ir.TimestampValue, afternoon: ir.BooleanValue) -> ir.TimestampValue:
    """The time that a clock of 12 hours shows: 12 AM is midnight; null where its hour is not one of 1 to 12."""
    hour, half = time.hour(), ibis.interval(hours=12)
    return ibis.cases(
        (~hour.between(1, 12), ibis.null("timestamp")),
        (afternoon & (hour < 12), time + half),
        (~afternoon & (hour == 12), time - half),
        else_=time,
    )


def _cast(text: ir.StringValue) -> ir.TimestampValue:
    """An ISO time in UTC; DuckDB takes no space before an offset."""
    return text.replace(" +", "+").replace(" -", "-").try_cast("timestamp('UTC')").cast("timestamp")
