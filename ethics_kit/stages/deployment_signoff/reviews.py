"""When people last looked at the system as a whole, as far as the table and the kit's own records tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis

from ethics_kit import archive, review
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.record import Record
from ethics_kit.stages.case import Case


@dataclass(frozen=True)
class Review:
    """One review, and what shows it."""

    on: date
    shown_by: str


def held(case: Case) -> list[Review]:
    """Reviews up to `as_of`, oldest first: past assessments, and sign-off records that people decided on."""
    found = {}
    if case.has("past_assessments", "date"):
        days_held = case.table("past_assessments").select(day=ibis._.date.truncate("D")).distinct()
        days = {moment.date() for moment in days_held.to_pyarrow()["day"].to_pylist()}
        found = {day: Review(day, "table past_assessments") for day in days}
    for record in case.history("deployment_signoff").records:
        day = decided_on(case, record)
        if day is not None:
            found[day] = Review(day, f"decision on record {record.record_id[:12]}")
    return [found[day] for day in sorted(found)]


def decided_on(case: Case, record: Record) -> date | None:
    """The day by which people had decided on a record, up to `as_of`; None where they had not, or withdrew it since.

    A run by itself is no review. A review that is not in order counts as none.
    """
    folder = archive.stage_folder(case.reports, case.dossier.id, record.stage) / record.folder_name
    try:
        entries = [entry for entry in review.read(folder, record).entries if entry.on <= case.as_of]
    except InputError:
        return None
    day = None
    for number, entry in enumerate(entries, start=1):
        state = review.replayed(record, entries[:number])[0].state
        if entry.act == "decide" and state == "decided":
            day = entry.on
        elif state == "withdrawn":
            return None
    return day


def awaited(case: Case) -> str:
    """What to supply, in words, where no review is shown."""
    if not case.has("past_assessments", "date"):
        return case.lacking("past_assessments", "date")
    return "an assessment before the as-of date"


def cadence(case: Case) -> int:
    """The longest time between two reviews at this impact level, in months."""
    return catalogue.levels()[case.level.holds].review_months
