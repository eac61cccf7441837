"""C2.2: whether people who are alike are decided on alike."""

from __future__ import annotations

from functools import cache

from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import individuals
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed


@cache
def individual_fairness(case: Case) -> Outcome:
    """C2.2: decisions on people who are alike in what matters, and on the same people with an attribute changed."""
    results = tested(case)
    awaits = results.awaits or (
        None if individuals.sample(case) is not None else "what people are alike in (features in system.yaml)"
    )
    if awaits:
        return Outcome((not_assessed("C2.2", "consistency", awaits),))
    findings = [_consistency_finding(case)]
    tables: list[Table] = []
    held = results.of("C2.2")
    findings += [told.finding(case, "C2.2", name, rows) for name, rows in held.items()]
    for name in dict.fromkeys(rows[0].attribute for rows in held.values()):
        own = [rows for rows in held.values() if rows[0].attribute == name]
        tables.append(told.table(case, "C2.2", f"{name}.alike", own, _notes(case), title=f"People alike, by {name}"))
    models = individuals.flipped_attributes(case)
    if models and models.failed:
        findings.append(not_assessed("C2.2", "flip", f"a model that can be read: {models.failed}"))
    unread = [name for name, found in models.flips.items() if not found.read] if models else []
    if unread:
        tables.append(
            Table(
                id="C2.2.not_read",
                title="Attributes that the model does not read",
                requirement="C2.2",
                columns=["attribute"],
                rows=[[name] for name in unread],
                note="Flipping them changes no decision. What stands in for them elsewhere in the data still can.",
            )
        )
    return Outcome(tuple(findings), tuple(tables))


def _notes(case: Case) -> list[str]:
    rows = individuals.sample(case)
    size, features = 0 if rows is None else len(rows), ", ".join(case.dossier.system.features)
    near = (
        f"A seeded sample of {size:,} people. Near neighbours: members against the nearest of other groups, alike in "
        f"{features}; who has none near enough is left out (variance after Abadie and Imbens 2006)."
    )
    notes = [near]
    if individuals.flipped_attributes(case):
        notes.append("Flipped: the model's decisions after the change, less those as they are.")
    return notes


def _consistency_finding(case: Case) -> Finding:
    found, policy = individuals.consistency(case), case.dossier.policy.fairness
    limit = policy.consistency_min.value
    if found is None or found.value.value is None:
        return not_assessed("C2.2", "consistency", "features that tell people apart")
    value, low, high = found.value.value, found.value.low or 0.0, found.value.high or 1.0
    status: Status = "met" if low >= limit else "not_met" if high < limit else "inconclusive"
    expected = (
        f"; {found.expected:.0%} would be expected of decisions that ignore the features" if found.expected else ""
    )
    return Finding(
        id="C2.2.consistency",
        requirement="C2.2",
        status=status,
        evidence="measured",
        statement=f"Decisions agree with those on the {found.neighbours} nearest neighbours in {value:.1%} of cases"
        f"{expected}.",
        value=value,
        unit="share of agreement",
        interval=Interval(low=low, high=high, level=policy.confidence.value),
        n=found.n,
        threshold=limit,
        method="consistency (Zemel et al. 2013) over the dossier's features, a point never its own neighbour",
        source=policy.consistency_min.source,
        action=None
        if status == "met"
        else "Find decisions that differ between people alike, and say what explains them.",
    )
