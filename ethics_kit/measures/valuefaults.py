"""Values that are not what their column has to hold: counted, with an example where it is nobody's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.columns import Column, filled, mapped, typed
from ethics_kit.measures.faults import Fault
from ethics_kit.measures.times import has_offset, moment

MOST_SHOWN = 12
"""Values that a fault lists; more may be those of customers."""


def value_faults(raw: ir.Table, columns: Mapping[str, Column]) -> list[Fault]:
    """All that is wrong with the values of a table that has these columns."""
    counts: dict[str, ir.Scalar] = {"rows": raw.count()}
    for number, column in enumerate(columns.values()):
        counts |= {f"{name}{number}": count for name, count in _counts(raw[column.name], column).items()}
    seen = {k: v or 0 for k, v in raw.aggregate(**counts).to_pyarrow().to_pylist()[0].items()}
    if not seen["rows"]:
        return [Fault(None, "no rows", "at least one row", "export the table again, or leave it out of the dossier")]
    found: list[Fault] = []
    offsets, clocks = [], []
    for number, (role, column) in enumerate(columns.items()):
        one = {name: seen[f"{name}{number}"] for name in _counts(raw[column.name], column)}
        found += _column_faults(raw, role, column, one, seen["rows"])
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
    read, result = mapped(clean, column), typed(value, column)
    bad = read.notnull() & result.isnull()
    counts = {"blank": clean.isnull().sum()}
    if column.values:
        counts["unmapped"] = (clean.notnull() & read.isnull()).sum()
    if column.type == "number":
        bad |= ((result < column.low) | (result > column.high)).fill_null(False)
    if column.type == "time":
        offset, clock = _offsets(clean)
        counts |= {"offset": offset.sum(), "clock": clock.sum()}
        if column.form.time_zone:
            uncertain = bad & moment(clean, dates=column.form.dates).notnull()
            counts |= {"uncertain": uncertain.sum(), "instance": clean.cast("string").min(where=uncertain)}
            bad &= ~uncertain
    return counts | {"bad": bad.sum(), "example": clean.cast("string").min(where=bad)}


def _offsets(clean: ir.Value) -> tuple[ir.BooleanValue, ir.BooleanValue]:
    """Whether a time says its offset, and whether it is a clock time that does not (a day, or midnight, is neither)."""
    kind = clean.type()
    if kind.is_string():
        return has_offset(clean), clean.contains(":") & ~has_offset(clean)
    if kind.is_timestamp() and kind.timezone is None:
        return ibis.literal(False) & clean.notnull(), clean != clean.truncate("D")
    return clean.notnull() if kind.is_timestamp() else clean.isnull() & False, clean.isnull() & False


def _column_faults(raw: ir.Table, role: str, column: Column, one: Mapping[str, Any], rows: int) -> Iterator[Fault]:
    if one.get("unmapped"):
        what = f"{one['unmapped']} of {rows} values of {column.name} that `values` leaves out" + _few(raw, column)
        yield Fault(role, what, "an entry for every value of the column", "add them to the map", "values")
    if one.get("uncertain"):
        what = f"{one['uncertain']} of {rows} times of {column.name} that the clocks of {column.form.time_zone} show "
        what += f"twice or never, such as “{str(one['instance'])[:40]}”"
        yield Fault(role, what, "times that are certain", "export the times in UTC, or with their offset", "time_zone")
    if one["bad"]:
        what = f"{one['bad']} of {rows} values of {column.name} that are not {column.wanted}"
        what += "" if column.type == "id" else f", such as “{str(one['example'])[:40]}”"
        yield Fault(role, what, column.allowed, "correct the export, or name another column")
    if one["blank"] and column.required:
        what = f"{one['blank']} of {rows} rows without a value in {column.name}"
        yield Fault(role, what, "a value in every row", "correct the export; no row is dropped silently")


def _few(raw: ir.Table, column: Column) -> str:
    """The values that a map leaves out, where they are few."""
    value = filled(raw[column.name])
    left = value.cast("string").name("value").as_table().distinct()
    left = left.filter(left.value.notnull() & left.value.notin(list(column.values))).limit(MOST_SHOWN + 1)
    found = sorted(left.to_pyarrow()["value"].to_pylist())
    return "" if len(found) > MOST_SHOWN else ": " + ", ".join(f"“{v[:40]}”" for v in found)
