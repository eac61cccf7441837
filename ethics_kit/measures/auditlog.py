"""The running number of an audit log and the model versions in it: what is missing, repeated, out of time or unknown.

Tables have their roles as column names (framework/tables.yaml). Every function returns counts only; rows stay where
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class Run:
    """Running numbers that no row has: `first` to `last`, in a row."""

    first: int
    last: int

    @property
    def missing(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Numbering:
    """What the running numbers of `rows` rows show.

    `numbered` rows have a whole number, `numbers` different ones, from `low` to `high`. `missing` numbers in between
    stand in no row, in `runs` runs; `longest` lists the longest of these, in order of their numbers. `backwards` counts
    the numbers whose row is earlier than that of the number before, of `timed` that have a time and a number before
    them; the largest such step is `furthest` seconds.
    """

    rows: int
    numbered: int
    numbers: int
    low: int | None
    high: int | None
    missing: int
    runs: int
    longest: tuple[Run, ...]
    timed: int
    backwards: int
    furthest: float

    @property
    def repeated(self) -> int:
        """Rows whose number another row has already."""
        return self.numbered - self.numbers

    @property
    def span(self) -> int:
        """How many numbers there are from the lowest to the highest."""
        return 0 if self.low is None or self.high is None else self.high - self.low + 1


def numbering(events: ir.Table, *, most: int = 20, tolerance: float = 0.0) -> Numbering:
    """Holes, repeats and steps back in time along the column `sequence`, in one window over its numbers.

    A repeated number stands at its earliest time, so that a row logged twice is no step back. Time may step back by
    `tolerance` seconds. At most `most` runs of missing numbers are listed.
    """
    whole = (events.sequence == events.sequence.floor()).fill_null(False)
    numbered = events.filter(whole)
    numbers = numbered.group_by(number=numbered.sequence.cast("int64")).aggregate(
        rows=ibis._.count(), at=numbered.time.cast("timestamp").min()
    )
    along = ibis.window(order_by=numbers.number)
    behind = numbers.mutate(earlier=numbers.number.lag().over(along), left=numbers["at"].lag().over(along))
    before = behind.mutate(back=behind.left.delta(behind["at"], unit="microsecond") / 1e6)
    hole = before.number - before.earlier - 1
    run = ibis.struct({"first": before.earlier + 1, "last": before.number - 1})
    stepped = (before.back > tolerance).fill_null(False)
    row = _row(
        before.aggregate(
            numbered=before.rows.sum(),
            numbers=before.count(),
            low=before.number.min(),
            high=before.number.max(),
            missing=hole.sum(),
            runs=(hole > 0).sum(),
            holes=run.collect(where=hole > 0, order_by=[hole.desc(), before.number])[:most],
            timed=before.back.count(),
            backwards=stepped.sum(),
            furthest=before.back.max(where=stepped),
        )
    )
    runs = sorted((Run(hole["first"], hole["last"]) for hole in row.pop("holes") or ()), key=lambda r: r.first)
    low, high = row.pop("low"), row.pop("high")
    furthest = float(row.pop("furthest") or 0.0)
    counts = {name: int(value or 0) for name, value in row.items()}
    rows = int(events.count().to_pyarrow().as_py())
    return Numbering(rows=rows, low=low, high=high, longest=tuple(runs), furthest=furthest, **counts)


@dataclass(frozen=True)
class Version:
    """A model version that is known, and the days from and until which it was in use, where that is bounded."""

    name: str
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class VersionUse:
    """Events by one model version: all, and those outside the days in which it was in use."""

    name: str
    events: int
    outside: int
    known: bool

    @property
    def unexplained(self) -> int:
        return self.outside if self.known else self.events


def versions(events: ir.Table, known: Sequence[Version]) -> list[VersionUse]:
    """Events by model version, those of unknown versions first, then by number; rows without a version are left out."""
    day = events.time.cast("timestamp").date()
    outside: list[ir.BooleanValue] = [ibis.literal(False)]
    for version in known:
        of_version = events.model_version == version.name
        if version.first:
            outside.append(of_version & (day < ibis.literal(version.first)))
        if version.last:
            outside.append(of_version & (day > ibis.literal(version.last)))
    rows = events.mutate(outside=ibis.or_(*outside)).filter(ibis._.model_version.notnull())
    counted = rows.group_by("model_version").aggregate(events=ibis._.count(), outside=ibis._.outside.sum())
    names = {version.name for version in known}
    found = [
        VersionUse(str(r["model_version"]), int(r["events"]), int(r["outside"] or 0), r["model_version"] in names)
        for r in counted.to_pyarrow().to_pylist()
    ]
    return sorted(found, key=lambda use: (use.known, -use.events, use.name))


def _row(table: ir.Table) -> dict[str, Any]:
    found: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return found
