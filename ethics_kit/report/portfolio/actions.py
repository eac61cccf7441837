"""What was planned or accepted for open findings, over the portfolio: rows of a page, and a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from ethics_kit.record import Finding, Record

FILE = "actions.csv"
COLUMNS = (
    "system", "stage", "record_id", "finding", "requirement", "result", "action", "owner", "due", "overdue_days",
    "waived_until", "link",
)  # fmt: skip
FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001 - spreadsheets read the full-width signs as well
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True)
class Action:
    """An open finding with an owner and a date, or with a waiver; `link` leads to it from the reports folder."""

    system: str
    name: str
    stage: str
    record_id: str
    link: str
    finding: Finding
    day: date

    @property
    def overdue(self) -> int:
        """Days since the action was due; 0 where it is still to come, or has no date."""
        return max((self.day - self.finding.due).days, 0) if self.finding.due else 0

    @property
    def lapsed(self) -> bool:
        """Whether there is a waiver, and it has ended."""
        return self.finding.waiver is not None and self.finding.waiver.until < self.day

    @property
    def ends(self) -> date:
        """The day by which something has to happen: the action's, or that on which the waiver ends."""
        days = [self.finding.due, self.finding.waiver.until if self.finding.waiver else None]
        return min(day for day in days if day)


def of_record(record: Record, folder: str, day: date) -> list[Action]:
    """The open actions and waivers of the record in ``reports/<system>/<stage>/<folder>``, as of `day`."""
    system = record.system
    page = "/".join(quote(part) for part in (system["id"], record.stage, folder, "report.html"))
    return [
        Action(
            system["id"], system["name"], record.stage, record.record_id, f"{page}#f-{quote(finding.id)}", finding, day
        )
        for finding in record.findings
        if finding.status not in ("met", "not_applicable") and ((finding.owner and finding.due) or finding.waiver)
    ]


def ranked(actions: Iterable[Action]) -> list[Action]:
    """The longest overdue first, then waivers that have ended, then by the day on which something has to happen."""
    return sorted(actions, key=lambda a: (-a.overdue, not a.lapsed, a.ends, a.system, a.stage, a.finding.id))


def table(actions: Iterable[Action]) -> bytes:
    """The rows as CSV (RFC 4180: commas, CRLF), in UTF-8 with a byte order mark.

    Without the mark Excel reads UTF-8 as the machine's own code page; pandas, R and LibreOffice skip it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _row(action)] for action in ranked(actions))
    return text.getvalue().encode("utf-8-sig")


def _row(action: Action) -> tuple[str | int | date | None, ...]:
    finding, waiver = action.finding, action.finding.waiver
    return (
        action.system,
        action.stage,
        action.record_id,
        finding.id,
        finding.requirement,
        finding.status,
        finding.action,
        finding.owner,
        finding.due,
        action.overdue if finding.due else None,
        waiver.until if waiver else None,
        action.link,
    )


def _cell(value: str | int | date | None) -> str:
    """A cell that no spreadsheet takes for a formula, on one line and without signs that cannot be seen."""
    if value is None:
        return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return f"'{text}" if text.startswith(FORMULA) else text
