"""Numbers as a reader sees them: no more digits than their interval supports, none fewer than their meaning needs.

How many digits an interval supports is the rounding rule of the Particle Data Group (Review of Particle Physics,
Introduction, section 5.3), taken for half of the interval's width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

MOST = 6
"""Decimals that are always enough; a record holds ten significant digits."""

HUGE = 1e15
"""From here on, numbers are written with an exponent."""

LANDMARKS = (-1.0, 0.0, 1.0)
"""None and all: a number beside one of these is not shown as if it were that, as far as `MOST` decimals go."""


def short(value: float) -> str:
    """A number without an interval: three decimals, or four where three turn a little into nothing or nearly all."""
    return _text(value, 3, LANDMARKS, most=4)


def limit(threshold: float) -> str:
    """A threshold of the policy as it was set, without idle zeros."""
    return str(threshold) if isinstance(threshold, int) else f"{threshold:.10g}"


def decimals(half_width: float) -> int:
    """Decimals that an error of `half_width` supports, never fewer than none.

    Of its three leading digits, 100 to 354 support two digits, 355 to 949 one, and 950 to 999 are taken as 1000, with
    two.
    """
    exponent = math.floor(math.log10(half_width))
    leading = round(half_width / 10.0 ** (exponent - 2))
    digits = 1 if 355 <= leading <= 949 else 2
    return max(0, digits - 1 - exponent - (leading >= 950))


def rounded(
    value: float, low: float | None, high: float | None, threshold: float | None = None
) -> tuple[str, str | None, str | None]:
    """`value` and the ends of its interval, as text, each with the decimals that the interval supports.

    Each stays on its side of the `threshold`, and of zero and one where the whole interval lies on that side: where
    rounding would hide on which side it is, that number has more decimals. An interval that holds zero does not tell a
    value from it. An end that is unknown stays None, and half of the width is then the distance to the other end;
    without an interval, or with one of no width, there are three decimals. Integers stay integers.
    """
    ends = [end for end in (low, high) if end is not None]
    half_width = (max(ends) - min(ends)) / 2 if len(ends) == 2 else max((abs(value - e) for e in ends), default=0)
    places = decimals(half_width) if half_width > 0 else 3
    marks = [mark for mark in LANDMARKS if mark < min((value, *ends)) or max((value, *ends)) < mark]
    marks += [] if threshold is None else [threshold]
    return (
        _text(value, places, marks),
        None if low is None else _text(low, places, marks),
        None if high is None else _text(high, places, marks),
    )


def _text(number: float, places: int, marks: Iterable[float], most: int = MOST) -> str:
    if isinstance(number, int):
        return str(number)
    if abs(number) >= HUGE:
        return f"{number:.10g}"
    enough = places
    while enough < most and not _keeps_sides(number, enough, marks):
        enough += 1
    return str(_at(number, enough if _keeps_sides(number, enough, marks) else places))


def _at(number: float, places: int) -> Decimal:
    """`number` as it is written, rounded half to even: 0.475 is 0.48, as 47.5% is 48%. Zero has no sign."""
    return Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) + Decimal(0)


def _keeps_sides(number: float, places: int, marks: Iterable[float]) -> bool:
    shown = float(_at(number, places))
    return all((shown > mark) - (shown < mark) == (number > mark) - (number < mark) for mark in marks)
