"""B2: the clauses of the GDPR and the CCPA, and the findings that bear on them so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ethics_kit.framework import catalogue, crosswalk
from ethics_kit.framework.crosswalk import Clause, Part
from ethics_kit.project import STAGES
from ethics_kit.record import Duty, Finding, Status, Table
from ethics_kit.stages import laws, refused
from ethics_kit.stages.answers import attested
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.conclude import settled
from ethics_kit.stages.evidence import REGISTER, not_assessed

LAWS = ("gdpr", "ccpa")
BY_NOW = set(STAGES[:2])
LOOKED_AT: set[Status] = {"met", "not_met", "inconclusive"}

State = Literal["shown", "open", "later", "not_asked", "nothing", "to_come", "out_of_reach"]
STATES: dict[State, str] = {
    "shown": "a finding bears on it",
    "open": "the findings due by now are not assessed",
    "later": "awaits bias testing or deployment sign-off",
    "not_asked": "what bears on it is not asked of this system, or not applicable",
    "nothing": "nothing of the framework bears on it",
    "to_come": "not yet in force",
    "out_of_reach": "does not reach this system, by answers of the impact analysis",
}


@dataclass(frozen=True)
class Placed:
    """One clause of a law with its state; `requirements` are those that give it: found, awaited or mapped."""

    law: str
    cited: str
    state: State
    requirements: tuple[str, ...]


def privacy_law_evidence(case: Case) -> Outcome:
    """B2: for each clause of the GDPR and the CCPA that applies, whether a finding bears on it yet."""
    name = "clauses_with_a_finding"
    inquiry = Case(case.dossier, "impact_analysis", case.as_of, case.reports)
    decided = laws.decisions(inquiry)
    open_ = [catalogue.standards()[law].short for law in LAWS if law not in decided]
    if open_:
        return Outcome((not_assessed("B2", name, f"the decision whether it applies, for {' and '.join(open_)}"),))
    applying = [law for law in LAWS if decided[law].applies]
    if not applying:
        return Outcome((not_assessed("B2", name, "a law that applies: by the dossier neither GDPR nor CCPA does"),))
    found, asked = _by_requirement(case)
    placed = [
        _place(inquiry, law, part, clause, found, asked)
        for law in applying
        for part in crosswalk.mapping(law).parts
        for clause in part.rows
        if clause.id
    ]
    return Outcome((_finding(placed),), (_table(placed),))


def _by_requirement(case: Case) -> tuple[dict[str, list[Finding]], set[str]]:
    """The findings of the impact analysis's record and of this stage, and the requirements they are asked for."""
    from ethics_kit.stages.design_review import STEPS  # this step is one of them

    steps = [step for step in STEPS if step is not privacy_law_evidence]
    outcomes = [case.taken.get(step.__name__) or refused.outcome(step, case) for step in steps]
    outcomes += [attested(case, section.id) for section in catalogue.sections(case.stage)]
    own = [f for outcome in outcomes for f in outcome.findings]
    duties: list[Duty] = list(case.obligations.duties)
    findings = {d.requirement: settled(case, d, [f for f in own if f.requirement == d.requirement]) for d in duties}
    earlier = case.earlier("impact_analysis")
    if earlier:
        duties += earlier.obligations.duties
        for finding in earlier.findings:
            findings.setdefault(finding.requirement, []).append(finding)
    asked = {d.requirement for d in duties if d.weight == "required"}
    return findings, asked if earlier else asked | set(catalogue.stage_requirements("impact_analysis"))


def _place(
    inquiry: Case, law: str, part: Part, clause: Clause, found: Mapping[str, list[Finding]], asked: set[str]
) -> Placed:
    state, requirements = _state(clause, found, asked)
    if laws.out_of_reach(inquiry, part):
        state, requirements = "out_of_reach", tuple(clause.bears)
    elif not laws.in_force(inquiry, clause):
        state, requirements = "to_come", tuple(clause.bears)
    return Placed(law, laws.cited(part, clause), state, requirements)


def _state(clause: Clause, found: Mapping[str, list[Finding]], asked: set[str]) -> tuple[State, tuple[str, ...]]:
    """Shown by any finding that was looked at; open where one is due by this stage; else later, or not asked."""
    if not clause.bears:
        return "nothing", ()
    statuses = {r: {f.status for f in found.get(r, ())} for r in clause.bears}
    shown = tuple(r for r, told in statuses.items() if told & LOOKED_AT)
    if shown:
        return "shown", shown
    due = {r for r in clause.bears if BY_NOW & set(catalogue.requirements()[r].stages)}
    awaited = tuple(r for r in clause.bears if r in due & asked and statuses[r] != {"not_applicable"})
    if awaited:
        return "open", awaited
    later = tuple(r for r in clause.bears if r not in due)
    return ("later", later) if later else ("not_asked", tuple(clause.bears))


def _finding(placed: list[Placed]) -> Finding:
    count = {state: sum(p.state == state for p in placed) for state in STATES}
    shown, due = count["shown"], count["shown"] + count["open"]
    awaited = _together(p for p in placed if p.state == "open")
    return Finding(
        id="B2.clauses_with_a_finding",
        requirement="B2",
        status="met" if due and shown == due else "not_assessed",
        evidence="measured",
        statement=f"A finding bears on {shown} of the {due} clauses in force that can have one by now"
        + (f"; open: {', '.join(awaited)}" if awaited else "")
        + (f". {count['later']} more await a later workbook." if count["later"] else ".")
        + " A finding on a clause does not say that the clause is kept.",
        value=shown / due if due else None,
        null_reason=None if due else "no clause can have a finding by now",
        unit="share of clauses",
        n=due,
        threshold=1.0,
        method=REGISTER,
        source=f"the kit's crosswalk, looked up on {max(crosswalk.mapping(p.law).checked_on for p in placed)}",
        action="Supply what the open requirements await; their own findings say what." if awaited else None,
    )


def _together(placed: Iterable[Placed]) -> list[str]:
    named = {r for p in placed for r in p.requirements}
    return [r for r in catalogue.requirements() if r in named]


def _table(placed: list[Placed]) -> Table:
    rows: list[list[str | int | float | None]] = []
    for law in dict.fromkeys(p.law for p in placed):
        for state, words in STATES.items():
            listed = [p for p in placed if p.law == law and p.state == state]
            if listed:
                which = "; ".join(p.cited for p in listed)
                rows.append([catalogue.standards()[law].short, words, len(listed), which, ", ".join(_together(listed))])
    return Table(
        id="B2.clauses",
        title="Clauses of the GDPR and the CCPA, and whether a finding bears on them yet",
        requirement="B2",
        columns=["law", "state", "clauses", "which", "requirements"],
        rows=rows,
        note="Findings of the impact analysis and the design review count here, whatever their result. Which "
        "requirement bears on which clause stands in the impact analysis.",
    )
