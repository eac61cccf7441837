"""When the system was last looked at as a whole, as far as the table and the kit's own records tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ethics_kit.framework import catalogue
from ethics_kit.stages.case import Case


@dataclass(frozen=True)
class Review:
    """One review, and what shows it."""

    on: date
    shown_by: str


def held(case: Case) -> list[Review]:
    """Reviews up to `as_of`, oldest first: past assessments, and sign-off records that settled what is required."""
    found = {}
    if case.has("past_assessments", "date"):
        column = case.table("past_assessments").date
        days = {d.date() for d in column.as_table().to_pyarrow()[column.get_name()].to_pylist()}
        found = {day: Review(day, "table past_assessments") for day in days}
    for record in case.history("deployment_signoff").records:
        if record.recommendation.verdict != "undetermined":
            found[record.as_of] = Review(record.as_of, f"sign-off record {record.record_id[:12]}")
    return [found[day] for day in sorted(found)]


def awaited(case: Case) -> str:
    """What to supply, in words, where no review is shown."""
    if not case.has("past_assessments", "date"):
        return case.lacking("past_assessments", "date")
    return "an assessment before the as-of date"


def cadence(case: Case) -> int:
    """The longest time between two reviews at this impact level, in months."""
    return catalogue.levels()[case.level.holds].review_months
