"""Values that are not what their column has to hold: counted, with the first row and how the value there is written.

A value itself is told only where it stands in many rows: one that does not may be somebody's name or words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.columns import Column, filled, mapped, typed
from ethics_kit.measures.faults import Fault, shape
from ethics_kit.measures.times import has_offset, moment

MOST_SHOWN = 12
"""Values that a fault lists; more may be those of customers."""

ROWS_TO_SHOW = 10
"""A value that stands in fewer rows is told by its shape only."""


def value_faults(raw: ir.Table, columns: Mapping[str, Column], *, located: bool = True) -> list[Fault]:
    """All that is wrong with the values of a table that has these columns.

    Rows that have no order of their own, such as those of a database, are not `located`: only counts are told of them.
    """
    wanted = [_counts(raw[column.name], column) for column in columns.values()]
    counts = {f"{name}{number}": count for number, of_one in enumerate(wanted) for name, count in of_one.items()}
    seen = raw.aggregate(rows=raw.count(), **counts).to_pyarrow().to_pylist()[0]
    if not seen["rows"]:
        return [Fault(None, "no rows", "at least one row", "export the table again, or leave it out of the dossier")]
    found: list[Fault] = []
    offsets, clocks = [], []
    for number, (role, column) in enumerate(columns.items()):
        one = {name: seen[f"{name}{number}"] for name in wanted[number]}
        found += _column_faults(raw, role, column, one, seen["rows"], located)
        offsets += [column.name] * bool(one.get("offset"))
        clocks += [column.name] * bool(one.get("clock") and not column.form.time_zone)
    if offsets and clocks:
        what = f"times with an offset from UTC in {offsets[0]}, and without one in {clocks[0]}"
        todo = "name the time zone of those without (such as Europe/Berlin, or UTC), or export all with their offset"
        found.append(Fault(None, what, "all with an offset, or a `time_zone` for those without", todo, "time_zone"))
    return found


def _counts(value: ir.Value, column: Column) -> dict[str, ir.Scalar]:
    """What is counted of a column: blank, left out of its map, not of its type, uncertain by its zone's clocks."""
    clean = filled(value)
    counts = {"blank": clean.isnull().sum()}
    if column.values:
        counts["unmapped"] = (clean.notnull() & mapped(clean, column).isnull()).sum()
    if column.type == "time":
        offset, clock = _offsets(clean)
        counts |= {"offset": offset.sum(), "clock": clock.sum()}
    return counts | {name: wrong.sum() for name, wrong in _wrong(value, column).items()}


def _wrong(value: ir.Value, column: Column) -> dict[str, ir.BooleanValue]:
    """Whether a value is not of its column's type: in no way, or only by its zone's clocks.

    Nothing is asked where every value is of the type, as any text is one.
    """
    clean = filled(value)
    read, result = mapped(clean, column), typed(value, column)
    if read.equals(result):
        return {}
    bad = read.notnull() & result.isnull()
    if column.type == "number":
        bad |= ((result < column.low) | (result > column.high)).fill_null(False)
    if column.type == "time" and column.form.time_zone:
        uncertain = bad & moment(clean, dates=column.form.dates).notnull()
        return {"bad": bad & ~uncertain, "uncertain": uncertain}
    return {"bad": bad}


def _offsets(clean: ir.Value) -> tuple[ir.BooleanValue, ir.BooleanValue]:
    """Whether a time says its offset, and whether it is a clock time that does not; a date is neither."""
    kind = clean.type()
    if kind.is_string():
        return has_offset(clean), clean.contains(":") & ~has_offset(clean)
    if kind.is_timestamp() and kind.timezone is None:
        return ibis.literal(False) & clean.notnull(), clean != clean.truncate("D")
    return clean.notnull() if kind.is_timestamp() else clean.isnull() & False, clean.isnull() & False


def _column_faults(
    raw: ir.Table, role: str, column: Column, one: Mapping[str, Any], rows: int, located: bool
) -> Iterator[Fault]:
    def first(how: str) -> str:
        return _first(raw, column, how) if located else ""

    if one.get("unmapped"):
        what = f"{one['unmapped']} of {rows} values of {column.name} that `values` leaves out"
        what += _few(raw, column, least=0 if located else ROWS_TO_SHOW)
        yield Fault(role, what, "an entry for every value of the column", "add them to the map", "values")
    if one.get("uncertain"):
        what = f"{one['uncertain']} of {rows} times of {column.name} that the clocks of {column.form.time_zone} show "
        what += f"twice or never{first('uncertain')}"
        yield Fault(role, what, "times that are certain", "export the times in UTC, or with their offset", "time_zone")
    if one.get("bad"):
        what = f"{one['bad']} of {rows} values of {column.name} that are not {column.wanted}"
        what += first("bad")
        yield Fault(role, what, column.allowed, "correct the export, or name another column")
    if one["blank"] and column.required:
        what = f"{one['blank']} of {rows} rows without a value in {column.name}"
        yield Fault(role, what, "a value in every row", "correct the export; no row is dropped silently")


def _first(raw: ir.Table, column: Column, how: str) -> str:
    """The first row (from 1, without the header) that is wrong in this way, and how its value is written."""
    value = raw[column.name]
    rows = raw.select(wrong=_wrong(value, column)[how], value=value.cast("string"), place=ibis.row_number() + 1)
    wrong = rows.filter(rows.wrong)
    row = wrong.aggregate(place=wrong.place.min(), value=wrong.value.argmin(wrong.place)).to_pyarrow().to_pylist()[0]
    return f", the first in row {row['place']}, written like {shape(row['value'])}"


def _few(raw: ir.Table, column: Column, *, least: int) -> str:
    """The values that a map leaves out, where they are few, of those in at least so many rows.

    Rare ones may be somebody's own and are told by shape.
    """
    value = filled(raw[column.name]).cast("string")
    counted = raw.select(value=value).group_by("value").aggregate(rows=ibis._.count())
    left = counted.filter(
        counted.value.notnull() & counted.value.notin(list(column.values)) & (counted.rows >= least)
    ).limit(MOST_SHOWN + 1)
    found = left.to_pyarrow().to_pylist()
    if not 0 < len(found) <= MOST_SHOWN:
        return ""
    told = (f"“{row['value'][:40]}”" if row["rows"] >= ROWS_TO_SHOW else shape(row["value"]) for row in found)
    return ": " + ", ".join(sorted(set(told)))
