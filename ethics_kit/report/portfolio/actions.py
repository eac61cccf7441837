"""What was planned or accepted for open findings, over the portfolio: rows of a page, and a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from ethics_kit.report.portfolio.summary import Action, Entry, System

FILE = "actions.csv"
COLUMNS = (
    "system", "stage", "record_id", "finding", "requirement", "result", "action", "owner", "due", "overdue_days",
    "waived_until", "link",
)  # fmt: skip
FORMULA = tuple("=+-@＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula; some read the full-width signs as well."""


@dataclass(frozen=True)
class Row:
    """An open finding with an owner and a date, or with a waiver, as of `day`."""

    system: System
    entry: Entry
    action: Action
    day: date

    @property
    def link(self) -> str:
        """The finding on its record's page, from the reports folder."""
        return f"{self.entry.link}#f-{quote(self.action.finding)}"

    @property
    def overdue(self) -> int:
        """Days since the action was due; 0 where it is not, or a waiver holds."""
        return self.action.days_overdue(self.day)

    @property
    def lapsed(self) -> bool:
        """Whether there is a waiver, and it has ended."""
        return self.action.waived_until is not None and self.action.waived_until < self.day

    @property
    def ends(self) -> date:
        """The day by which something has to happen: the action's, or that on which the waiver ends."""
        return min(day for day in (self.action.due, self.action.waived_until) if day)


def open_rows(systems: Iterable[System], day: date) -> list[Row]:
    """The longest overdue first, then waivers that have ended, then by the day on which something has to happen."""
    rows = [row for system in systems for row in _of_system(system, day)]
    return sorted(rows, key=lambda r: (-r.overdue, not r.lapsed, r.ends, r.system.id, r.entry.stage, r.action.finding))


def _of_system(system: System, day: date) -> Iterator[Row]:
    for entry in system.entries.values():
        for action in entry.actions:
            if planned(action):
                yield Row(system, entry, action, day)


def planned(action: Action) -> bool:
    """Whether somebody is to do something by a day, or has accepted the finding until one."""
    return bool((action.owner and action.due) or action.waived_until)


def unplanned(system: System) -> int:
    """How many findings that are not met have neither an action with an owner and a date, nor a waiver."""
    return sum(a.status == "not_met" and not planned(a) for e in system.entries.values() for a in e.actions)


def table(rows: Iterable[Row]) -> bytes:
    """The rows as CSV (RFC 4180: commas, CRLF), in UTF-8 with a byte order mark.

    Without the mark Excel reads UTF-8 as the machine's own code page; pandas, R and LibreOffice skip it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _values(row)] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _values(row: Row) -> tuple[str | int | date | None, ...]:
    entry, action = row.entry, row.action
    return (
        row.system.id,
        entry.stage,
        entry.record_id,
        action.finding,
        action.requirement,
        action.status,
        action.action,
        action.owner,
        action.due,
        row.overdue if action.due else None,
        action.waived_until,
        row.link,
    )


def _cell(value: str | int | date | None) -> str:
    """A cell that no spreadsheet takes for a formula, on one line and without signs that cannot be seen."""
    if value is None:
        return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return f"'{text}" if text.startswith(FORMULA) else text
