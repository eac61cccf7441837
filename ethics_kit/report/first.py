"""What a reader has to know in thirty seconds: what is asked, of whom and until when, and what weighs most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ethics_kit.project import STAGES
from ethics_kit.recommendation import by_status, leads, worst_first
from ethics_kit.record import WEAKEST, Finding, Record, Status
from ethics_kit.review import Review

Asked = Literal["submit", "decide", "second_person", "submit_again", "carry_out", "nothing", "void"]
WORST_SHOWN = 3
CONDITIONS_SHOWN = 4


@dataclass(frozen=True)
class First:
    """What page one says of a record besides its recommendation, reason and decision.

    `roles` are those that the decision lacks, or all of them where it lacks a second person. `due` is None where
    nothing is asked, or where the record's policy sets no time for a decision. `worst` has at most one finding of each
    requirement, with how many other open findings that requirement has. `conditions` are the first of them, and
    `conditions_left` how many follow. `requirements` counts those that are required here, by status.
    """

    asked: Asked
    roles: tuple[str, ...]
    due: date | None
    worst: list[tuple[Finding, int]]
    conditions: list[Finding]
    conditions_left: int
    conditioned_stages: list[str]
    requirements: dict[Status, int]


def first(record: Record, review: Review) -> First:
    """Page one of a record whose review stands as it does."""
    asked = _asked(record, review)
    found = record.recommendation
    conditions = worst_first(f for f in record.findings if f.id in found.conditions)
    return First(
        asked=asked,
        roles=review.signoff.missing or review.signoff.required,
        due=_due(record, asked, conditions),
        worst=list(_worst(record))[:WORST_SHOWN],
        conditions=conditions[:CONDITIONS_SHOWN],
        conditions_left=len(conditions[CONDITIONS_SHOWN:]),
        conditioned_stages=[stage for stage in STAGES if stage in found.conditions],
        requirements=requirements(record),
    )


def requirements(record: Record) -> dict[Status, int]:
    """How many of the requirements that are required here have each status, weakest first."""
    statuses = by_status(record.findings, record.obligations)
    return {status: statuses[status] for status in WEAKEST if statuses[status]}


def _asked(record: Record, review: Review) -> Asked:
    match review.state:
        case "draft":
            return "submit"
        case "submitted":
            return "decide" if review.signoff.missing else "second_person"
        case "returned":
            return "submit_again"
        case "decided":
            carries = review.decision == "approve_with_conditions" and record.recommendation.conditions
            return "carry_out" if carries else "nothing"
        case _:
            return "void"


def _due(record: Record, asked: Asked, conditions: Sequence[Finding]) -> date | None:
    if asked == "carry_out":
        return min((f.due for f in conditions if f.due), default=None)
    days = record.parameters.get("gate.decide_within_days")
    return record.as_of + timedelta(days=days) if asked not in ("nothing", "void") and isinstance(days, int) else None


def _worst(record: Record) -> Iterator[tuple[Finding, int]]:
    """The worst open finding of each requirement that is required here: first of those that lead to the verdict."""
    required = {d.requirement for d in record.obligations.required}
    leading = leads(record.recommendation)
    unsettled = [f for f in record.findings if f.requirement in required and f.status in WEAKEST[:3]]
    counts = Counter(f.requirement for f in unsettled)
    seen: set[str] = set()
    for finding in sorted(worst_first(unsettled, record.recommendation.blocking), key=lambda f: f.id not in leading):
        if finding.requirement not in seen:
            seen.add(finding.requirement)
            yield finding, counts[finding.requirement] - 1
