"""S4.1: whether the steps were what the impact level asks for: staged, planned, heeded, decided by the committee."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from ethics_kit.checks.answers import LINK
from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Status
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff import rollout_rows as counted
from ethics_kit.stages.evidence import REGISTER, not_assessed

if TYPE_CHECKING:
    from ethics_kit.measures.rollout import Decision


def step_findings(case: Case) -> Iterator[Finding]:
    """The steps as the level wants them, against the plan, and against what the step before allowed."""
    level = case.level.holds
    yield _staged(case)
    if level in ("III", "IV"):
        yield _planned(case)
    if len(counted.starts(case)) > 1:
        yield _went_on(case)
        if level == "IV":
            yield _committee(case)


def _counted(
    case: Case, name: str, status: Status, statement: str, *, value: int, unit: str, n: int, threshold: int, action: str
) -> Finding:
    level = case.level.holds
    return Finding(
        id=f"S4.1.{name}",
        requirement="S4.1",
        status=status,
        evidence="measured",
        statement=statement,
        value=value,
        unit=unit,
        n=n,
        threshold=threshold,
        method=REGISTER,
        source=f"levels.yaml, level {level}: {catalogue.levels()[level].rollout}",
        action=None if status == "met" else action,
    )


def _staged(case: Case) -> Finding:
    """Level I may go live at once; from level II the first step exposes fewer than a later one, taken or planned."""
    exposed, plan = counted.exposed(case), counted.binding(case)
    sizes = [exposed[step] for step in sorted(exposed)]
    coming = [s.exposed for s in plan.steps if s.step > len(sizes)] if plan else []
    growing = sum(later > earlier for earlier, later in pairwise([*sizes, *coming]))
    asked = 0 if case.level.holds == "I" else 1
    told = ", ".join(f"{size:,}" for size in sizes)
    statement = f"{len(sizes)} steps exposed {told} customers"
    statement += f"; the plan has {len(coming)} more" if coming else ""
    return _counted(
        case,
        "staged",
        "met" if growing >= asked else "not_met",
        f"{statement}. The rollout that level {case.level.holds} asks for: "
        f"{catalogue.levels()[case.level.holds].rollout}.",
        value=growing,
        unit="steps larger than the one before",
        n=len(sizes),
        threshold=asked,
        action="Expose few customers first, and more only after a look at the guardrails.",
    )


def _planned(case: Case) -> Finding:
    """From level III the plan stands before the first step, and no step goes beyond it."""
    name, plan, started = "planned", counted.stated(case), counted.starts(case)
    if plan is None:
        return not_assessed("S4.1", name, "the plan of the rollout with its steps (rollout in deployment_signoff.yaml)")
    planned = {s.step: s for s in plan.steps}
    room = 2 - case.dossier.policy.rollout.planned_min.value
    beyond = [
        step
        for step, size in counted.exposed(case).items()
        if step not in planned or size > room * planned[step].exposed or started[step] < planned[step].starts
    ]
    late = plan.on >= started[1]
    statement = f"The plan is of {plan.on}, the first step of {started[1]}"
    statement += ": fixed after the fact, so its margins and looks do not count. " if late else ". "
    statement += (
        f"Steps begun early, larger than planned or not planned at all: {', '.join(map(str, beyond))}."
        if beyond
        else "No step began early or went beyond the plan."
    )
    return _counted(
        case,
        name,
        "not_met" if late or beyond else "met",
        statement,
        value=len(beyond) + late,
        unit="departures from a plan fixed beforehand",
        n=len(started),
        threshold=0,
        action="Fix the next steps, margins and looks before they begin, and keep to them.",
    )


def allowed(case: Case, step: int) -> Decision | None:
    """What all guardrails and groups together allowed after a step; None where none could be compared."""
    from ethics_kit.measures.rollout import worst

    decisions = [look.decision for s in counted.series(case) if (look := s.look(step)) is not None]
    return worst(decisions) if decisions else None


def _went_on(case: Case) -> Finding:
    """Steps that exposed more customers although the step before had not said *proceed*.

    Without a plan fixed beforehand nobody agreed when to hold: harm that was shown counts, the rest is not assessed.
    """
    exposed, name = counted.exposed(case), "went_on"
    against = {
        later: verdict
        for earlier, later in pairwise(sorted(exposed))
        if exposed[later] > exposed[earlier] and (verdict := allowed(case, earlier)) != "proceed"
    }
    if against and counted.binding(case) is None and "roll_back" not in against.values():
        steps = ", ".join(map(str, against))
        lacking = f"a plan fixed before the first step: without one nobody agreed when step {steps} might begin"
        return not_assessed("S4.1", name, lacking)
    told = "; ".join(
        f"step {step} began although step {step - 1} "
        + (f"said {verdict.replace('_', ' ')}" if verdict else "could not be compared")
        for step, verdict in against.items()
    )
    return _counted(
        case,
        name,
        "not_met" if against else "met",
        (f"S{told[1:]}" if told else "No step exposed more customers than the look before it allowed") + ".",
        value=len(against),
        unit="steps taken against the look before",
        n=len(exposed) - 1,
        threshold=0,
        action="Take these steps back, or have those who may waive say why they were taken.",
    )


def _committee(case: Case) -> Finding:
    """At level IV a decision of the committee lies between each step and the next."""
    plan, started = counted.stated(case), counted.starts(case)
    decided = {s.step: s for s in plan.steps} if plan else {}
    between = [step for step in started if step > 1]
    for step in decided.values():
        if step.minute and not LINK.match(step.minute):
            case.documents[f"minute of rollout step {step.step}"] = case.dossier.folder / step.minute
    silent = [s for s in between if s not in decided or not decided[s].decided]
    if silent:
        steps = ", ".join(map(str, silent))
        return not_assessed("S4.1", "committee", f"who decided on step {steps}, when, and the minute (rollout.steps)")
    untimely = [s for s in between if not started[s - 1] < (decided[s].decided_on or case.as_of) <= started[s]]
    told = ", ".join(f"step {s} by {decided[s].decided_by} on {decided[s].decided_on}" for s in between)
    return _counted(
        case,
        "committee",
        "not_met" if untimely else "met",
        f"Decided: {told}."
        + (f" Not between the steps: {', '.join(f'step {s}' for s in untimely)}." if untimely else ""),
        value=len(untimely),
        unit="steps not decided between the steps",
        n=len(between),
        threshold=0,
        action="Let the committee decide after each step, before the next begins.",
    )
