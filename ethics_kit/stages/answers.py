"""Attested evidence: what named persons state, one finding per question that serves a requirement."""

from __future__ import annotations

from dataclasses import replace

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Condition, Question, Section
from ethics_kit.project import STAGES
from ethics_kit.record import Finding, Status
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding

QUICK = "quick"
"""The id of the section that the short questionnaire is."""


def section(stage: str, section_id: str) -> Section:
    """A section of a stage's questionnaire; `QUICK` is the stage's share of the short one."""
    if section_id == QUICK:
        return Section(
            id=QUICK,
            title="The short questionnaire",
            intro="What weighs most in the impact level. An answer you do not give counts at its worst.",
            questions=tuple(q for q in catalogue.questions(stage).values() if q.quick),
        )
    return next(s for s in catalogue.sections(stage) if s.id == section_id)


def asked(case: Case, question_id: str) -> tuple[Case, Question]:
    """A question of any stage, with the case in which its answer counts: same dossier, same day."""
    stage = next(s for s in STAGES if question_id in catalogue.questions(s))
    return case if stage == case.stage else replace(case, stage=stage), catalogue.questions(stage)[question_id]


def holds(case: Case, condition: Condition) -> bool | None:
    """Whether the answer that counts is among those named; None while there is none.

    A question that is not asked of this system has no answer that counts.
    """
    at, question = asked(case, condition.question)
    if at.shown(question) is False:
        return False
    value = at.answer(question)
    return None if value is None else value in condition.is_


def given_label(case: Case, question_id: str) -> str:
    """The answer that counts, in the words of its choice; "open" while there is none."""
    at, question = asked(case, question_id)
    value = at.answer(question)
    return next((c.label for c in question.options if c.value == value), value or "open")


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
        statement = f"The question “{question.text}” was {doubt}."
    else:
        value = case.answer(question)
        choice = next((c for c in question.options if c.value == value), None)
        status = choice.effect if choice else "met"
        shown = choice.label if choice else value
        statement = f"The answer to “{question.text}” is: {shown}"
    return attested_finding(
        question.requirement,
        question.id,
        status,
        statement,
        **({"null_reason": doubt} if doubt else {}),
        source=given.answer.evidence if given else None,
        action=None if status == "met" else question.guidance,
        author=f"{given.answer.by}, {given.answer.role}" if given and given.answer.by else None,
        stated_on=given.answer.on if given else None,
        inherited=bool(given and given.inherited),
    )
