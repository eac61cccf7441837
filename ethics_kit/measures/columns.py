"""What a column of a file holds, and how its values are read: ids, texts, times, numbers, flags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.ids import salesforce_15
from ethics_kit.measures.times import Dates, moment

ColumnType = Literal["id", "text", "time", "number", "flag"]

TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
WITH_COMMA = r"^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Form:
    """How a file writes numbers and times; `time_zone` is the IANA name of that in which times lack an offset."""

    decimal: Literal["point", "comma"] = "point"
    dates: Dates = "iso"
    time_zone: str | None = None


@dataclass(frozen=True)
class Column:
    """A column of the file, and the type and range of numbers its role asks for.

    `values` maps what the file writes to what is read; `salesforce` ids are read in their form of 15 characters.
    """

    name: str
    type: ColumnType
    required: bool = False
    unique: bool = False
    low: float = -math.inf
    high: float = math.inf
    form: Form = Form()
    values: Mapping[str, str] = field(default_factory=dict)
    salesforce: bool = False

    @property
    def wanted(self) -> str:
        """What its values have to be, in two words."""
        if self.salesforce:
            return "a Salesforce id"
        return f"a {self.type}" + (" in range" if math.isfinite(self.low) or math.isfinite(self.high) else "")

    @property
    def allowed(self) -> str:
        """What its values may be, in words."""
        if self.salesforce:
            return "15 characters, or 18 of which the last three fit the case of the others"
        form = self.form.dates if self.type == "time" else self.form.decimal
        bounds = {self.low: f"{self.low:g} or more", self.high: f"{self.high:g} or less"}
        words = (words for bound, words in bounds.items() if math.isfinite(bound))
        return ", ".join([ALLOWED.get((self.type, form)) or ALLOWED[self.type, ""], *words])


ALLOWED = {
    ("id", ""): "an id in every row",
    ("text", ""): "text",
    ("flag", ""): "yes/no, true/false or 1/0",
    ("number", "point"): "finite numbers with a decimal point",
    ("number", "comma"): "finite numbers with a decimal comma and no mark between thousands",
    ("time", "iso"): "ISO dates or times, such as 2026-10-31 or 2026-10-31T14:05:00Z",
    ("time", "day_first"): "dates or times such as 31.10.2026 or 31/10/2026 14:05, or ISO ones",
    ("time", "month_first"): "dates or times such as 10/31/2026 or 10/31/2026 2:05 PM, or ISO ones",
}


def filled(value: ir.Value) -> ir.Value:
    """`value` without surrounding space; blank text is null."""
    return value.strip().nullif("") if value.type().is_string() else value


def mapped(value: ir.Value, column: Column) -> ir.Value:
    """A value that is filled as the dossier's map translates it: null where the map has no entry."""
    if not column.values:
        return value
    return value.cast("string").cases(*column.values.items(), else_=ibis.null("string"))


def typed(value: ir.Value, column: Column) -> ir.Value:
    """The file's value as the column's type; one that cannot be read so is null."""
    clean = mapped(filled(value), column)
    match column.type:
        case "id" | "text":
            text = clean if clean.type().is_string() else clean.cast("string")
            return salesforce_15(text) if column.salesforce else text
        case "time":
            return moment(clean, dates=column.form.dates, time_zone=column.form.time_zone)
        case "number":
            return _number(clean, comma=column.form.decimal == "comma" and not column.values)
    if clean.type().is_boolean():
        return clean
    word = clean.cast("string").lower()
    return ibis.cases((word.isin(TRUE), True), (word.isin(FALSE), False), else_=ibis.null("boolean"))


def _number(clean: ir.Value, *, comma: bool) -> ir.Value:
    """A finite number; with a decimal comma a point is no part of it, since it may stand between thousands."""
    if clean.type().is_integer():
        return clean.cast("float64")
    if clean.type().is_numeric():
        number = clean.cast("float64")
    else:
        text = clean.cast("string")
        if comma and clean.type().is_string():
            text = ibis.ifelse(text.re_search(WITH_COMMA), text.replace(",", "."), ibis.null("string"))
        number = text.try_cast("float64")
    return ibis.ifelse(number.isnan() | number.isinf(), ibis.null("float64"), number)
