"""S2.2: whether the fairness constraint that the design chose is met by the system as it runs."""

from __future__ import annotations

from ethics_kit.measures import fairness
from ethics_kit.record import Finding, Interval
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import families
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed


def constraint_met(case: Case) -> Outcome:
    """S2.2: whether the constraint that the design chose is met."""
    if case.dossier.system.kind == "generative":
        return Outcome()
    awaits = tested(case).awaits
    return Outcome((not_assessed("S2.2", "constraint_met", awaits) if awaits else _finding(case),))


def _finding(case: Case) -> Finding:
    chosen = families.constraint(case)
    if chosen is None:
        return not_assessed("S2.2", "constraint_met", "the constraint chosen (constraint in design_review.yaml)")
    rows = [
        c
        for c in tested(case).all()
        if c.attribute in chosen.attributes and c.metric in families.CONSTRAINED[chosen.metric] and c.within is None
    ]
    missing = set(chosen.attributes) - {c.attribute for c in rows}
    if missing:
        return not_assessed("S2.2", "constraint_met", f"{chosen.metric} by {', '.join(sorted(missing))}")
    worst = fairness.worst(rows)
    scale, gap = told.scale(worst.metric), worst.gap
    status = told.STATUS[worst.verdict]
    words = {"met": "is met", "not_met": "is not met", "inconclusive": "is neither shown nor refuted"}
    return Finding(
        id="S2.2.constraint_met",
        requirement="S2.2",
        status=status,
        evidence="measured",
        statement=f"{told.sentence(chosen.metric.replace('_', ' '))} for {', '.join(chosen.attributes)}, chosen by "
        f"{chosen.by} on {chosen.on}, {words.get(status, 'cannot be estimated')}: largest gap "
        f"{scale.gap(gap.value) if gap.value is not None else 'unknown'} in {scale.label}, for {worst.group}.",
        value=gap.value,
        null_reason=None if gap.defined else "not estimable",
        unit=scale.unit,
        interval=Interval(low=gap.low, high=gap.high, level=case.dossier.policy.fairness.confidence.value)
        if gap.defined
        else None,
        n=int(worst.effective + worst.rest_effective),
        threshold=worst.margin,
        method="the verdicts on the rates that the constraint wants equal, each group against all others",
        source="design_review.yaml: constraint",
        action=None
        if status == "met"
        else "Change the model or its threshold, or choose another constraint, with reasons.",
    )
