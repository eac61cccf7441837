"""How long people wait for what they were promised: days from receipt to the end, counted where the table is.

Tables have their roles as column names (framework/tables.yaml). Every function returns counts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import survival
from ethics_kit.measures.survival import Curve
from ethics_kit.measures.timelines import Share

DAY = 86_400
WAITED = {"days": "days", "age": "age", "ended": "done"}
"""What a cell says, and the columns that say it of a row."""


@dataclass(frozen=True)
class Cell:
    """`n` things of one group (None: not known) received `age` days ago, that ended or were still open after `days`."""

    group: str | None
    days: int
    age: int
    ended: bool
    n: int


def waits(rows: ir.Table, ended: str, *, end: datetime) -> list[Cell]:
    """Count the rows (time, and the column `ended`) by calendar days taken and days since receipt.

    An end at or after the moment `end` is still to come; one before the receipt is none.
    """
    waited = _waited(rows, ended, end)
    return [_cell(row) for row in _counted(waited.select(group=ibis.null("string"), **WAITED))]


def waits_by(rows: ir.Table, ended: str, columns: Sequence[str], *, end: datetime) -> dict[str, list[Cell]]:
    """As `waits`, by the groups of each of these text columns."""
    found: dict[str, list[Cell]] = {column: [] for column in columns}
    if found:
        waited = _waited(rows, ended, end)
        parts = [waited.select(column=ibis.literal(column), group=column, **WAITED) for column in found]
        for row in _counted(ibis.union(*parts)):
            found[row["column"]].append(_cell(row))
    return found


def _counted(table: ir.Table) -> list[dict[str, Any]]:
    keys = table.columns
    rows: list[dict[str, Any]] = table.group_by(keys).aggregate(n=table.count()).order_by(keys).to_pyarrow().to_pylist()
    return rows


def _cell(row: Mapping[str, Any]) -> Cell:
    return Cell(row["group"], int(row["days"]), int(row["age"]), bool(row["ended"]), int(row["n"]))


def in_time(rows: ir.Table, ended: str, promise: int, *, end: datetime) -> ir.Table:
    """The rows whose `promise` (days) has run out, with a flag `yes`: ended within it. Days count as in `waits`."""
    due = _waited(rows, ended, end).filter(ibis._.age >= promise)
    return due.mutate(yes=due.done & (due.days <= promise))


def done(rows: ir.Table, ended: str, *, end: datetime) -> ir.BooleanColumn:
    """Whether each row (time, and the column `ended`) had ended before `end`, and not before its receipt."""
    return ((rows[ended] < ibis.literal(end, type="timestamp")) & (rows[ended] >= rows.time)).fill_null(False)


def days_open(rows: ir.Table, ended: str, *, end: datetime) -> ir.NumericValue:
    """Calendar days from the receipt of each row to its end, else to the last day before `end`."""
    return _day(ibis.ifelse(done(rows, ended, end=end), rows[ended], _last(end))) - _day(rows.time)


def _waited(rows: ir.Table, ended: str, end: datetime) -> ir.Table:
    return rows.mutate(
        done=done(rows, ended, end=end),
        days=days_open(rows, ended, end=end),
        age=_day(_last(end)) - _day(rows.time),
    )


def _last(end: datetime) -> ir.TimestampValue:
    return ibis.literal(end, type="timestamp") - ibis.interval(days=1)


def _day(moment: ir.TimestampValue) -> ir.NumericValue:
    return moment.truncate("D").epoch_seconds() / DAY


@dataclass(frozen=True)
class Kept:
    """Things due, and those of them that ended within the promise; of the others, `open` are still waited for.

    `not_due` were received less than the promised time ago, so that nothing can be said of them yet.
    """

    in_time: int
    due: int
    open: int
    not_due: int


def kept(cells: Iterable[Cell], promise: int) -> Kept:
    """What became of things whose `promise` (days) has run out, however soon they ended: open ones are late."""
    in_time = due = still_open = not_due = 0
    for cell in cells:
        if cell.age < promise:
            not_due += cell.n
            continue
        due += cell.n
        in_time += cell.n * (cell.ended and cell.days <= promise)
        still_open += cell.n * (not cell.ended)
    return Kept(in_time, due, still_open, not_due)


def curve(cells: Iterable[Cell], *, confidence: float = 0.95) -> Curve:
    """The Kaplan–Meier curve of all cells; what is still open counts for as long as it has been."""
    held = list(cells)
    return survival.kaplan_meier(
        [c.days for c in held], [c.ended for c in held], [c.n for c in held], confidence=confidence
    )


def by_group(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """The cells of each known group."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.group is not None:
            found.setdefault(cell.group, []).append(cell)
    return dict(sorted(found.items()))


def apart(cells: Iterable[Cell]) -> float | None:
    """The p-value of the log-rank test that all known groups wait alike; None where it cannot be had."""
    held = [c for c in cells if c.group is not None]
    return survival.log_rank(
        [c.days for c in held], [c.ended for c in held], [c.n for c in held], [str(c.group) for c in held]
    )


@dataclass(frozen=True)
class Repeats:
    """Reports, those that name an earlier one, and those of them whose earlier one had been corrected by then.

    `unknown` name a report that is not there.
    """

    reports: int
    repeats: int
    after_correction: int
    unknown: int

    @property
    def share(self) -> Share:
        return Share(self.repeats, self.reports)


def repeats(reports: ir.Table) -> Repeats:
    """Reports (id, time, corrected, repeat_of) that repeat earlier ones. A report that names itself is none."""
    table = _naming(reports)
    first = reports.group_by(first="id").aggregate(corrected=reports.corrected.min(), known=reports.count())
    joined = table.left_join(first, table.repeat_of == first.first)
    row = (
        joined.aggregate(
            repeats=joined.count(),
            after=(joined.corrected_right <= joined.time).sum(),
            unknown=joined.known.isnull().sum(),
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    total = int(reports.count().to_pyarrow().as_py())
    return Repeats(total, int(row["repeats"]), int(row["after"] or 0), int(row["unknown"] or 0))


def _naming(reports: ir.Table) -> ir.Table:
    return reports.filter((reports.repeat_of.notnull() & (reports.repeat_of != reports.id)).fill_null(False))


def longest_chain(reports: ir.Table) -> int:
    """The most reports (id, repeat_of) that lead back to one another, without going round in a circle; it reads ids."""
    table = _naming(reports)
    pairs = table.select(table.id, table.repeat_of).to_pyarrow().to_pylist()
    earlier = {str(p["id"]): str(p["repeat_of"]) for p in pairs}
    longest = 0
    for report in earlier:
        seen = {report}
        while (report := earlier.get(report, report)) not in seen:
            seen.add(report)
        longest = max(longest, len(seen))
    return longest
