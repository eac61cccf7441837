"""How many rows a slow computation can afford: a probe of 20 rows is timed, and steps are coarse.

The number of rows decides what a record says, so it must not follow every breath of the clock: it is the most allowed,
halved as often as needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

PROBE = 20
LEAST = 100
"""Rows that are used in any case: fewer tell nothing."""


@dataclass(frozen=True)
class Affordable:
    """The number of rows, and whether time cut it short."""

    rows: int
    cut: bool


def affordable(
    work: Callable[[int], object], available: int, *, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> Affordable:
    """As many of the `available` rows as `work` (a function of a number of rows) is expected to do in `seconds`.

    The estimate is linear in rows, from one run on 20 of them after one that is not timed: a first run imports and
    compiles.
    """
    if available <= LEAST:
        return Affordable(available, False)
    work(PROBE)
    start = clock()
    work(PROBE)
    per_row = (clock() - start) / PROBE
    rows = available
    while rows > LEAST and per_row * rows > seconds:
        rows = max(rows // 2, LEAST)
    return Affordable(rows, rows < available)
