"""Checks what hangs on answers: contradictions, criteria for an impact assessment, and levels that open a question."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Condition, Contradiction
from ethics_kit.project import STAGES


def stage_of(question_id: str) -> str | None:
    """The stage that asks a question; None where none does."""
    return next((stage for stage in STAGES if question_id in catalogue.questions(stage)), None)


def problems() -> list[str]:
    """Where a condition names a question nobody asks or an answer nobody offers; empty when all is whole."""
    found = []
    for rule in catalogue.contradictions():
        found += _contradiction_problems(rule)
    for criterion in catalogue.dpia_criteria():
        found += _condition_problems(f"criterion {criterion.id}", criterion.any_of, STAGES[:1])
    found += [
        f"impact_analysis.{q.id}: has from_level, but the level is found only here"
        for q in catalogue.questions("impact_analysis").values()
        if q.from_level != "I"
    ]
    return found


def _contradiction_problems(rule: Contradiction) -> list[str]:
    where = f"contradiction {rule.id}"
    found = _condition_problems(where, rule.when, STAGES[: STAGES.index(rule.stage) + 1])
    if "attested" not in catalogue.stage_requirements(rule.stage).get(rule.requirement, ()):
        found.append(f"{where}: {rule.stage} owes no attested evidence for {rule.requirement}")
    if len({c.question for c in rule.when}) < 2:
        found.append(f"{where}: names fewer than two questions")
    if all(stage_of(c.question) != rule.stage for c in rule.when):
        found.append(f"{where}: names no question of {rule.stage}")
    return found


def _condition_problems(where: str, named: Sequence[Condition], stages: Sequence[str]) -> list[str]:
    found = []
    for condition in named:
        stage = stage_of(condition.question)
        if stage not in stages:
            found.append(f"{where}: {' and '.join(stages)} ask no question {condition.question}")
        elif not set(condition.is_) <= {c.value for c in catalogue.questions(stage)[condition.question].options}:
            found.append(f"{where}: {condition.question} does not offer all of {', '.join(condition.is_)}")
    return found
