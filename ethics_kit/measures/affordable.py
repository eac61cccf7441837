"""How many rows a slow computation can afford.

The number of rows decides what a record says, so it must not follow the clock: only a model that is slow in earnest is
cut short, in halves, by an estimate that errs towards all rows on a busy machine as on an idle one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

PROBE = 20
"""Rows of the first probe."""
LEAST = 100
"""Rows that are used in any case: fewer tell nothing."""
TRIES = 3
"""The quickest of so many runs counts: the others met something else that the machine had to do."""
EARNEST = 1.0
"""Seconds of one run from which on what does not grow with rows no longer matters."""


@dataclass(frozen=True)
class Affordable:
    """The number of rows, and whether time cut it short."""

    rows: int
    cut: bool


def affordable(
    work: Callable[[int], object],
    available: int,
    *,
    seconds: float,
    times: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> Affordable:
    """As many of the `available` rows as `work` (a function of a number of rows) does `times` over in `seconds`.

    A probe is taken to grow with its rows, which makes too much of what each run costs whatever its size. So a probe
    that seems too slow is repeated with twice the rows, until all rows are affordable, or a run takes a second and it
    is the rows that cost. The time is the processor's, which other programs do not lengthen, unless `clock` is given.
    """
    if available <= LEAST:
        return Affordable(available, False)
    work(PROBE)  # not timed: a first run imports and compiles
    probe = PROBE
    needed = _quickest(work, probe, clock)
    while times * needed / probe * available > seconds and needed < EARNEST and 2 * probe <= available:
        probe *= 2
        needed = _quickest(work, probe, clock)
    rows = available
    while rows > LEAST and times * needed / probe * rows > seconds:
        rows = max(rows // 2, LEAST)
    return Affordable(rows, rows < available)


def _quickest(work: Callable[[int], object], rows: int, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(TRIES):
        start = clock()
        work(rows)
        taken.append(clock() - start)
    return min(taken)
