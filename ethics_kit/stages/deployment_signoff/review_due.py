"""G3 and B5: reviews due, overdue and late."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from ethics_kit.framework import catalogue
from ethics_kit.record import Finding
from ethics_kit.stages.case import Case, Outcome, months_after
from ethics_kit.stages.evidence import not_assessed


def review_due(case: Case) -> Outcome:
    """G3 and B5: past assessments against the cadence of the impact level."""
    names = {"G3": "review_overdue", "B5": "assessments_recur"}
    if not case.has("past_assessments", "date"):
        awaits = case.lacking("past_assessments", "date")
        return Outcome(tuple(not_assessed(r, n, awaits) for r, n in names.items()))
    column = case.table("past_assessments").date
    dates = sorted(d.date() for d in column.as_table().to_pyarrow()[column.get_name()].to_pylist())
    months = catalogue.levels()[case.level.holds].review_months
    if not dates:
        return Outcome(tuple(not_assessed(r, n, "an assessment before the as-of date") for r, n in names.items()))
    due = months_after(dates[-1], months)
    overdue = (case.as_of - due).days
    late = _late_gaps(dates, months)
    g3 = Finding(
        id="G3.review_overdue",
        requirement="G3",
        status="met" if overdue <= 0 else "not_met",
        evidence="measured",
        statement=f"The last assessment is of {dates[-1]}; level {case.level.holds} wants one every {months} months: "
        + (f"next due {due}." if overdue <= 0 else f"overdue since {due}."),
        value=overdue,
        unit="days overdue (negative: days left)",
        n=len(dates),
        threshold=0,
        method="date of the last assessment plus the level's review_months",
        source="framework/levels.yaml",
        action=None if overdue <= 0 else "Hold the overdue review.",
    )
    b5 = Finding(
        id="B5.assessments_recur",
        requirement="B5",
        status="not_met" if late else "inconclusive" if len(dates) < 2 else "met",
        evidence="measured",
        statement=f"{late} of {max(len(dates) - 1, 0)} intervals between {len(dates)} past assessments were longer "
        f"than {months} months." + (" One assessment shows no interval yet." if len(dates) < 2 else ""),
        value=late,
        unit="intervals too long",
        n=len(dates),
        threshold=0,
        method="intervals between consecutive assessments against the level's review_months",
        source="framework/levels.yaml",
        action=None if not late and len(dates) > 1 else "Keep to the cadence of the level.",
    )
    return Outcome((g3, b5))


def _late_gaps(dates: list[date], months: int) -> int:
    return sum(later > months_after(earlier, months) for earlier, later in pairwise(dates))
