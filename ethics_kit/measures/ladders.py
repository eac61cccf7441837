"""How a quasi-identifier can be told less exactly, rung by rung: bands, months, first signs, not at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

Kind = Literal["number", "time", "text"]

ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"
FINEST_BANDS, MOST_SIGNS = 50, 12
"""No ladder begins with more bands than that, or with longer codes."""


@dataclass(frozen=True)
class Rung:
    """A coarser way to tell a value, in words, and made of the value on the rung below."""

    words: str
    made: Callable[[ir.Value], ir.Value]


@dataclass(frozen=True)
class Ladder:
    """A column as values of its kind, and the rungs above them, each coarser than the one before."""

    kind: Kind
    exact: Callable[[ir.Value], ir.Value]
    rungs: tuple[Rung, ...]


def _band(value: ir.Value, width: float) -> ir.Value:
    return (value / width).floor()


def _since(value: ir.Value, unit: str) -> ir.Value:
    return value.truncate(unit)


def _first(value: ir.Value, signs: int) -> ir.Value:
    return value.substr(0, signs)


LEFT_OUT = Rung("left out", lambda value: ibis.null(value.type()))


def ladders(rows: ir.Table, columns: Sequence[str]) -> dict[str, Ladder]:
    """The ladder of each column, by what its values look like; one pass for all."""
    looks = [_look(rows[name]) for name in columns]
    wanted = {f"{what}_{i}": value for i, look in enumerate(looks) for what, value in look.items()}
    (seen,) = rows.aggregate(**wanted).to_pyarrow().to_pylist()
    return {name: _ladder({what: seen[f"{what}_{i}"] for what in looks[i]}) for i, name in enumerate(columns)}


def _look(column: ir.Value) -> dict[str, ir.Scalar]:
    text, number = column.cast("string"), _number(column)
    return {
        "filled": text.count(),
        "numbers": number.count(),
        "low": number.min(),
        "high": number.max(),
        "distinct": number.nunique(),
        "times": _time(column).count(),
        "with_digits": text.re_search("[0-9]").sum(),
        "with_leading_zero": text.re_search("^0[0-9]").sum(),
        "longest": text.length().max(),
    }


def _number(column: ir.Value) -> ir.Value:
    if column.type().is_numeric():
        return column.cast("float64")
    number = column.cast("string").try_cast("float64")
    return ibis.ifelse(number.isinf() | number.isnan(), ibis.null("float64"), number)


def _time(column: ir.Value) -> ir.Value:
    if column.type().is_date() or column.type().is_timestamp():
        return column.cast("timestamp")
    text = column.cast("string")
    return ibis.ifelse(text.re_search(ISO_DATE), text, ibis.null("string")).try_cast("timestamp")


def _ladder(seen: dict[str, Any]) -> Ladder:
    filled = seen["filled"]
    exact = filled and seen["numbers"] == filled and max(abs(seen["low"]), abs(seen["high"])) <= 2**53
    if exact and not seen["with_leading_zero"]:
        return Ladder("number", _number, (*_bands(seen["low"], seen["high"], seen["distinct"]), LEFT_OUT))
    if filled and seen["times"] == filled:
        units = (("day", "D"), ("month", "M"), ("quarter", "Q"), ("year", "Y"))
        return Ladder("time", _time, (*(Rung(word, partial(_since, unit=unit)) for word, unit in units), LEFT_OUT))
    return Ladder("text", lambda column: column.cast("string"), (*_beginnings(seen), LEFT_OUT))


def _bands(low: float, high: float, distinct: int) -> Iterator[Rung]:
    """Widths of 5 and 10 times a power of ten, each a multiple of the one before, down to two bands.

    The first has fewer bands than there are values, and not many more than `FINEST_BANDS`.
    """
    reach = high - low
    if distinct < 3 or reach == math.inf:
        return
    bands = min(FINEST_BANDS, distinct - 1)
    width, times, divisor = 10.0 ** math.floor(math.log10(reach / bands)), 5, 0.0
    while 2 * width * times <= reach:
        width *= times
        if width * bands >= reach:
            divisor = float(times) if divisor else width
            yield Rung(f"bands of {width:g}", partial(_band, width=divisor))
        times = 2 if times == 5 else 5


def _beginnings(seen: dict[str, Any]) -> Iterator[Rung]:
    """The first signs of codes such as postcodes: short text with a digit in every value."""
    if not seen["filled"] or seen["with_digits"] < seen["filled"] or seen["longest"] > MOST_SIGNS:
        return
    for signs in range(seen["longest"] - 1, 0, -1):
        yield Rung(f"first {signs} signs" if signs > 1 else "first sign", partial(_first, signs=signs))
