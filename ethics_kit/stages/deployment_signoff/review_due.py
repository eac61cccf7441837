"""G3 and B5: reviews due, overdue, late, and planned too late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from ethics_kit.dates import months_after
from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import reviews
from ethics_kit.stages.evidence import attested_finding, not_assessed

PLANNED = "next_review_due"
"""The question for the day that the organisation itself has set."""


def review_due(case: Case) -> Outcome:
    """G3 and B5: reviews held so far against the cadence of the impact level, and the next one."""
    held, months = reviews.held(case), reviews.cadence(case)
    if not held:
        names = {"G3": "review_overdue", "B5": "assessments_recur"}
        return Outcome(tuple(not_assessed(r, n, reviews.awaited(case)) for r, n in names.items()))
    days = [review.on for review in held]
    due = months_after(days[-1], months)
    planned = _planned(case, days[-1], due)
    findings = (_overdue(case, days, due), *([planned] if planned else []), _recur(days, months))
    return Outcome(findings, (_table(case, held, months, due),))


def _overdue(case: Case, days: Sequence[date], due: date) -> Finding:
    overdue = (case.as_of - due).days
    level, months = case.level.holds, reviews.cadence(case)
    return Finding(
        id="G3.review_overdue",
        requirement="G3",
        status="met" if overdue <= 0 else "not_met",
        evidence="measured",
        statement=f"The last review is of {days[-1]}; level {level} wants one every {months} months: "
        + (f"next due {due}." if overdue <= 0 else f"overdue since {due}."),
        value=overdue,
        unit="days overdue (negative: days left)",
        n=len(days),
        threshold=0,
        method="date of the last review plus the level's review_months",
        source="framework/levels.yaml",
        action=None if overdue <= 0 else "Hold the overdue review.",
    )


def _planned(case: Case, last: date, due: date) -> Finding | None:
    """The organisation's own date against the cadence; None while the question has no answer that counts."""
    question = catalogue.questions(case.stage)[PLANNED]
    given = case.given.get(PLANNED)
    if given is None or case.doubt(question) or not isinstance(given.answer.value, date):
        return None
    planned = given.answer.value
    late, past = planned > due, planned < case.as_of
    if past:
        told = f"lies before {case.as_of}, so that no next review is planned; the last one is of {last}."
    else:
        told = f"is {'later than' if late else 'within'} what the impact level allows: {due}."
    return attested_finding(
        "G3",
        "next_review_within_cadence",
        "not_met" if late or past else "met",
        f"The next review is planned for {planned}, which {told}",
        action="Plan the next review within the cadence of the impact level." if late or past else None,
        source="framework/levels.yaml",
        author=f"{given.answer.by}, {given.answer.role}",
        stated_on=given.answer.on,
        inherited=given.inherited,
    )


def _recur(days: Sequence[date], months: int) -> Finding:
    late = sum(later > months_after(earlier, months) for earlier, later in pairwise(days))
    return Finding(
        id="B5.assessments_recur",
        requirement="B5",
        status="not_met" if late else "inconclusive" if len(days) < 2 else "met",
        evidence="measured",
        statement=f"{late} of {max(len(days) - 1, 0)} intervals between {len(days)} past assessments were longer "
        f"than {months} months." + (" One assessment shows no interval yet." if len(days) < 2 else ""),
        value=late,
        unit="intervals too long",
        n=len(days),
        threshold=0,
        method="intervals between consecutive assessments against the level's review_months",
        source="framework/levels.yaml",
        action=None if not late and len(days) > 1 else "Keep to the cadence of the level.",
    )


def _table(case: Case, held: Sequence[reviews.Review], months: int, due: date) -> Table:
    before: list[date | None] = [None, *(review.on for review in held[:-1])]
    rows: list[list[str | int | float | None]] = [
        [r.on.isoformat(), r.shown_by, (r.on - b).days if b else None, _in_time(b, r.on, months)]
        for b, r in zip(before, held, strict=True)
    ]
    rows.append([due.isoformat(), "next due", (due - held[-1].on).days, "overdue" if due < case.as_of else "to come"])
    altered = case.history("deployment_signoff").altered
    note = "A sign-off record counts as a review once people have decided on it; a run by itself does not."
    if altered:
        note += f" Not counted, as they were altered: {', '.join(altered)}."
    return Table(
        id="B5.reviews",
        title="Reviews held, and the next one",
        requirement="B5",
        columns=["on", "shown by", "days since the one before", "cadence"],
        rows=rows,
        note=note,
    )


def _in_time(before: date | None, on: date, months: int) -> str:
    if before is None:
        return "first"
    return "late" if on > months_after(before, months) else "in time"
