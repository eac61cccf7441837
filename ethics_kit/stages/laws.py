"""Which laws and standards apply to a system, and which of their clauses reach it."""

from __future__ import annotations

from dataclasses import dataclass

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.framework.crosswalk import Clause, Part
from ethics_kit.stages.case import Case, months_between


@dataclass(frozen=True)
class Decision:
    """Whether a law or standard applies, and who said so; `inherited` from the organisation."""

    applies: bool
    reason: str
    by: str
    inherited: bool


def decisions(case: Case) -> dict[str, Decision]:
    """The decisions that count: taken by the as-of day, and no longer ago than the policy allows."""
    own = case.dossier.stage(schema.ImpactAnalysis).standards
    limit = case.dossier.policy.records.answers_max_age_months.value
    return {
        name: Decision(d.applies == "yes", d.reason, f"{d.by}, {d.on}", name not in own)
        for name, d in {**case.dossier.organisation.standards, **own}.items()
        if d.on <= case.as_of and months_between(d.on, case.as_of) < limit
    }


def out_of_reach(case: Case, part: Part) -> str | None:
    """Who answered that clauses do not reach the system, or None where they do, or nobody has said.

    `case` is one of the impact analysis, which asks the questions.
    """
    if part.reach is None:
        return None
    said = []
    for condition in part.reach.when:
        question = catalogue.questions("impact_analysis")[condition.question]
        answer = case.answer(question)
        if answer is None or answer in condition.is_:
            return None
        given = case.given[question.id].answer
        said.append(f"{given.by}, {given.on}")
    return "; ".join(dict.fromkeys(said))


def open_reach(case: Case, part: Part) -> list[str]:
    """The questions on which it hangs whether clauses reach the system, where their answers are missing."""
    asked = catalogue.questions("impact_analysis")
    questions = [asked[c.question] for c in part.reach.when] if part.reach else []
    return [q.id for q in questions if case.answer(q) is None]


def in_force(case: Case, clause: Clause) -> bool:
    """Whether a clause's day is not still to come; a clause without a day counts."""
    day = clause.in_force.from_ if clause.in_force else None
    return day is None or day <= case.as_of


def cited(part: Part, clause: Clause) -> str:
    """A clause as one cites it within its standard."""
    return f"{part.cite} {clause.number}".strip() if clause.number else "no clause id"
