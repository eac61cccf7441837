"""Attested evidence: what named persons state, one finding per question that serves a requirement."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Question, Section
from ethics_kit.record import Finding, Status
from ethics_kit.stages.case import Case, Outcome


def section(stage: str, section_id: str) -> Section:
    """A section of a stage's questionnaire."""
    return next(s for s in catalogue.sections(stage) if s.id == section_id)


def attested(case: Case, section_id: str) -> Outcome:
    """The findings of one section's answers. Not answered, not signed, stale or without evidence: not assessed."""
    asked = section(case.stage, section_id).questions
    return Outcome(tuple(_finding(case, q) for q in asked if q.requirement and case.shown(q) is not False))


def _finding(case: Case, question: Question) -> Finding:
    assert question.requirement
    doubt = case.doubt(question)
    given = case.given.get(question.id)
    status: Status = "not_assessed"
    if doubt:
        statement = f"{question.text} — {doubt}."
    else:
        value = case.answer(question)
        choice = next((c for c in question.options if c.value == value), None)
        status = choice.effect if choice else "met"
        shown = choice.label if choice else value
        statement = f"{question.text} — {shown}"
    return Finding(
        id=f"{question.requirement}.{question.id}",
        requirement=question.requirement,
        status=status,
        evidence="attested",
        statement=statement,
        null_reason="a statement, not a number",
        source=given.answer.evidence if given else None,
        action=None if status == "met" else question.guidance,
        author=f"{given.answer.by}, {given.answer.role}" if given and given.answer.by else None,
        stated_on=given.answer.on if given else None,
        inherited=bool(given and given.inherited),
    )
