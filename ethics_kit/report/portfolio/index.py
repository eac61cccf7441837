"""The portfolio's first page: systems by stages, worst first. A script adds a filter; nothing needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ethics_kit.languages import SOURCE
from ethics_kit.project import STAGES, write_atomic
from ethics_kit.report import html
from ethics_kit.report.paper import css_string
from ethics_kit.report.portfolio import sparkline
from ethics_kit.report.portfolio.sparkline import Line
from ethics_kit.report.portfolio.summary import Entry, System

FILE = "index.html"
LONGEST, SHORT = 300, 200
"""A statement of more characters than the first is cut to the second; the report has all of it."""

WORDS = {
    "failed": "Failed",
    "altered": "Altered or missing",
    "reject": "Reject",
    "undetermined": "Undetermined",
    "missing": "Not assessed",
    "approve_with_conditions": "Approve with conditions",
    "approve": "Approve",
}
"""What a stage's cell says, worst first."""
REVIEW_WORDS = {
    "draft": "draft",
    "submitted": "submitted",
    "returned": "returned",
    "superseded": "superseded",
    "withdrawn": "withdrawn",
    "unreadable": "its review is not in order",
}
LEVEL_WORDS = {"undetermined": "Undetermined", "IV": "IV", "III": "III", "II": "II", "I": "I", "": "–"}
"""Impact levels, highest first; one that is not determined counts as the highest."""


@dataclass(frozen=True)
class Row:
    """One system as a row of the page."""

    system: System
    statement: str
    left: int
    overdue: int
    trend: Line | None


def write_index(
    reports: Path, systems: Sequence[System], *, as_of: date, confidentiality: str, language: str = SOURCE
) -> Path:
    """Write ``index.html`` for `systems`, in their order; ages are counted up to the day `as_of`."""
    rows = [_row(system, as_of) for system in systems]
    page = (
        html.environment(language)
        .get_template("index.html.j2")
        .render(
            rows=rows,
            stages=STAGES,
            day=as_of,
            counts=_counts(systems),
            waits=_waits(systems, as_of),
            words=WORDS,
            review_words=REVIEW_WORDS,
            level_words=LEVEL_WORDS,
            levels=[level for level in LEVEL_WORDS if level and any(s.level == level for s in systems)],
            state=state,
            labels=labels,
            confidentiality=confidentiality,
        )
    )
    path = reports / FILE
    write_atomic(path, page.encode())
    return path


def state(entry: Entry) -> str:
    """A key of `WORDS`: the recommendation as it stands on the page's day, or why there is none."""
    return entry.today if entry.status == "ok" and entry.today else entry.status


def labels(columns: Sequence[str]) -> str:
    """The names of the columns after the first as CSS, for screens where each cell has a line of its own.

    Written into each row they would be a tenth of the page.
    """
    rules = (
        f".systems td:nth-child({place})::before {{ content: {css_string(f'{name}: ')} }}"
        for place, name in enumerate(columns, 2)
    )
    return f"@media screen and (max-width: 60rem) {{ {' '.join(rules)} }}"


def _counts(systems: Sequence[System]) -> dict[str, int]:
    found = Counter(state(entry) for system in systems for entry in system.entries.values())
    return {name: found[name] for name in WORDS if found[name]}


def _waits(systems: Sequence[System], day: date) -> dict[str, int]:
    entries = [entry for system in systems for entry in system.entries.values()]
    assessed = [s for s in systems if any(e.status != "missing" for e in s.entries.values())]
    return {
        "decisions": sum(e.review.state == "submitted" for e in entries),
        "actions": sum(len(e.overdue(day)) for e in entries),
        "reviews": sum(s.due.on is None or s.due.on < day for s in assessed),
        "unassessed": len(systems) - len(assessed),
    }


def _row(system: System, day: date) -> Row:
    overdue = sum(len(e.overdue(day)) for e in system.entries.values())
    told = system.worst[1].statement if system.worst else ""
    statement = told if len(told) <= LONGEST else told[:SHORT]
    trend = sparkline.line(system.trend) if system.trend else None
    return Row(system, statement, len(told) - len(statement), overdue, trend)
