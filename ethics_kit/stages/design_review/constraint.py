"""S2.2: the fairness constraint the design chose, and whether the bias tests can check it."""

from __future__ import annotations

from ethics_kit import schema
from ethics_kit.record import Finding, Status, Table
from ethics_kit.schema import FairnessConstraint
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding, not_assessed

FAMILIES = {
    "independence": ("demographic_parity",),
    "separation": ("equal_opportunity", "equalized_odds"),
    "sufficiency": ("predictive_parity",),
}
"""Barocas, Hardt and Narayanan, Fairness and Machine Learning (2023), chapter 3: any two exclude each other."""

IMPOSSIBLE = (
    "Where groups differ in their base rates, no useful model has equal selection rates, equal error rates and equal "
    "precision at once (Chouldechova 2017, Big Data 5:153; Kleinberg, Mullainathan and Raghavan 2017, ITCS)."
)


def constraint_chosen(case: Case) -> Outcome:
    """S2.2: the fairness constraint chosen, what it can be tested by, and what was set aside for it."""
    if case.dossier.system.kind == "generative":
        return Outcome()
    chosen = case.dossier.stage(schema.DesignReview).constraint
    awaits = "the constraint chosen (constraint in design_review.yaml)"
    if chosen and chosen.on > case.as_of:
        awaits, chosen = f"{awaits}; it is dated {chosen.on}, after {case.as_of}", None
    if chosen is None:
        waits = not_assessed("S2.2", "constraint_chosen", awaits)
        return Outcome((waits.model_copy(update={"evidence": "attested"}),))
    return Outcome((_stated(chosen), _testable(case, chosen), _set_aside(chosen)), (_table(case, chosen),))


def _stated(chosen: FairnessConstraint) -> Finding:
    if schema.placeholder(chosen.reason):
        told = "Not assessed: the reason for the constraint only holds the place of one."
        return _finding(chosen, "constraint_chosen", "not_assessed", told, "Say why this constraint and no other.")
    told = f"{_words(chosen.metric)} for {', '.join(chosen.attributes)}: {chosen.reason}"
    return _finding(chosen, "constraint_chosen", "met", told, "")


def _testable(case: Case, chosen: FairnessConstraint) -> Finding:
    """Only an attribute that is held, and that says something of people, can be tested."""
    declared = case.dossier.system.attributes
    faults = []
    for name in chosen.attributes:
        attribute = declared.get(name)
        if attribute is None or attribute.column is None:
            faults.append(f"{name} is not held")
        elif attribute.class_ == "segment":
            faults.append(f"{name} is a segment, which says nothing of people")
    told = "It can be tested: every attribute it names is held, and of people."
    if faults:
        told = f"It cannot be tested as chosen: {'; '.join(faults)}."
    action = "Choose the constraint for attributes that are held, or say what stands in for them." if faults else ""
    return _finding(chosen, "constraint_testable", "not_met" if faults else "met", told, action)


def _set_aside(chosen: FairnessConstraint) -> Finding:
    """One of each other family has to have been looked at, since it cannot hold besides."""
    looked_at = {a.metric for a in chosen.considered if not schema.placeholder(a.reason)}
    others = [metrics for metrics in FAMILIES.values() if chosen.metric not in metrics]
    open_ = [" or ".join(map(_words, metrics)) for metrics in others if not looked_at & set(metrics)]
    if open_:
        told = f"Not assessed: nothing is said of {'; nor of '.join(open_)}, which cannot hold besides."
        action = "Say under constraint.considered why each was not chosen."
        return _finding(chosen, "alternatives_considered", "not_assessed", told, action)
    told = f"Set aside, with reasons: {', '.join(sorted(map(_words, looked_at)))}."
    return _finding(chosen, "alternatives_considered", "met", told, "")


def _finding(chosen: FairnessConstraint, name: str, status: Status, statement: str, action: str) -> Finding:
    return attested_finding(
        "S2.2",
        name,
        status,
        statement,
        source="design_review.yaml: constraint",
        action=action or None,
        author=chosen.by,
        stated_on=chosen.on,
    )


def _table(case: Case, chosen: FairnessConstraint) -> Table:
    policy = case.dossier.policy.fairness
    rows: list[list[str | int | float | None]] = [
        [_words(chosen.metric), "chosen", ", ".join(chosen.attributes), chosen.reason, f"{chosen.by}, {chosen.on}"],
    ]
    rows += [[_words(a.metric), "set aside", None, a.reason, None] for a in chosen.considered]
    if group := chosen.group_thresholds:
        told = f"{group.approved_by}, {group.role}, {group.on}"
        rows.append(["Thresholds by group", "may be tried", None, group.reason, told])
    return Table(
        id="S2.2.constraint",
        title="The fairness constraint chosen, and what was set aside for it",
        requirement="S2.2",
        columns=["constraint", "state", "attributes", "reason", "stated by"],
        rows=rows,
        note=f"Margin: {policy.margin.value * 100:g} points, from the policy. {IMPOSSIBLE} Stage 3 tests whether the "
        "chosen one is met.",
    )


def _words(metric: str) -> str:
    return metric[0].upper() + metric[1:].replace("_", " ")
