"""P1.2: what decisions rest on, over all and by group, and whether the stored reasons are borne out by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ethics_kit.measures import fidelity, importance
from ethics_kit.measures.importance import GroupImportance, Importance
from ethics_kit.measures.proportions import rate
from ethics_kit.record import Finding, Table
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing.reasons import NO_WORDS
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed, share_finding
from ethics_kit.stages.labelled import of_people
from ethics_kit.stages.modelled import Modelled, modelled

NAME = "fidelity"
MOST_SHOWN = 20
SAMPLE_MORE = "Let the policy draw a larger sample (explanations.sample_rows), or derive reasons from the attributions."


def reasons_borne_out(case: Case) -> Outcome:
    """P1.2: whether a stored reason names what weighed most in its decision; the importance of each feature."""
    if case.dossier.system.kind not in ("scored", "ranked"):
        return Outcome()  # rules are their own reasons, and an assistant's answers are held against their sources
    found = modelled(case)
    if isinstance(found, str):
        return Outcome((not_assessed("P1.2", NAME, found),))
    finding, tables = _fidelity(case, found)
    known = found.values[found.known]
    if not len(known):
        return Outcome((finding,), tuple(tables))
    confidence = case.dossier.policy.fairness.confidence.value
    heaviest = importance.importances(known, found.features, confidence=confidence)
    tables += [_importance_table(found, heaviest), _group_table(case, found)]
    return Outcome((finding,), tuple(tables))


def _fidelity(case: Case, found: Modelled) -> tuple[Finding, list[Table]]:
    policy, glossary = case.dossier.policy.explanations, case.dossier.system.reasons
    if found.reasons is None:
        return not_assessed("P1.2", NAME, case.lacking("decisions", "reason")), []
    stands_for = {code: [f in reason.features for f in found.features] for code, reason in glossary.items()}
    if not any(any(features) for features in stands_for.values()):
        return not_assessed("P1.2", NAME, "the features that each reason stands for (reasons in system.yaml)"), []
    codes = found.reasons.astype(object).where(found.reasons.notna(), None).tolist()
    none = [False] * len(found.features)
    named = np.array([stands_for.get(code, none) for code in codes], dtype=bool)
    output = found.attributions.base + found.values.sum(axis=1)
    held = fidelity.fidelity(found.values, output, found.selected, named, top=policy.top_features.value)
    if held is None:
        return not_assessed("P1.2", NAME, "decisions that select and decisions that do not"), []
    n, hits = len(codes), int(held.borne_out.sum())
    finding = share_finding(
        case,
        "P1.2",
        NAME,
        hits,
        n,
        statement=f"The stored reason of {n - hits:,} of {n:,} decisions is not among the {policy.top_features.value} "
        "features that weighed most towards the decision.",
        at_least=policy.fidelity_min.value,
        unit="share of decisions",
        action="Derive each reason from the model's own attributions, when the decision is made.",
        source=policy.fidelity_min.source,
    )
    method = f"{found.size}; attributions: {found.attributions.method}; Wilson score interval"
    return _settled(finding).model_copy(update={"method": method}), [_by_reason(case, codes, held.borne_out)]


def _settled(finding: Finding) -> Finding:
    """The same; of a sample whose interval reaches across the limit, it is open on which side of it all rows lie."""
    limits, limit = finding.interval, finding.threshold
    if limits is None or limit is None or not (limits.low or 0.0) < limit <= (limits.high or 1.0):
        return finding
    told_of = f"{finding.statement} The sample does not settle on which side of the limit all decisions lie."
    return finding.model_copy(update={"status": "inconclusive", "statement": told_of, "action": SAMPLE_MORE})


def _by_reason(case: Case, codes: Sequence[str | None], borne_out: fidelity.Flags) -> Table:
    confidence = case.dossier.policy.fairness.confidence.value
    rows: list[list[str | int | float | None]] = []
    known = np.array([code if code in case.dossier.system.reasons else NO_WORDS for code in codes])
    for code in [*case.dossier.system.reasons, NO_WORDS]:
        inside = known == code
        share = rate(int(borne_out[inside].sum()), int(inside.sum()), confidence=confidence)
        rows.append([code, int(inside.sum()), *told.parts(share)])
    shown, hidden = hide_small(rows, n_column=1, counts=(2, 3, 4), small=case.dossier.policy.records.small_cell.value)
    return Table(
        id="P1.2.fidelity",
        title="Stored reasons among the weightiest features",
        requirement="P1.2",
        columns=["reason", "n", "share", "low", "high"],
        rows=shown,
        hidden=hidden,
    )


def _importance_table(found: Modelled, heaviest: Sequence[Importance]) -> Table:
    return Table(
        id="P1.2.importance",
        title="What scores rest on",
        requirement="P1.2",
        columns=["feature", "n", "mean absolute attribution", "low", "high", "share of all"],
        rows=[[i.feature, i.n, *told.parts(i.mean), i.share] for i in heaviest],
        note=f"From {found.size}. Attributions: {found.attributions.method}. What weighs in the model need not be what "
        "causes the outcome.",
    )


def _group_table(case: Case, found: Modelled) -> Table:
    """The comparisons of groups that are more than chance, the largest first."""
    policy, compared = case.dossier.policy, list[GroupImportance]()
    for name, _ in of_people(case):
        compared += importance.by_group(
            found.values[found.known],
            found.features,
            name,
            found.groups[name].astype(object).to_numpy()[found.known],
            minimum=max(policy.fairness.minimum_group.value, policy.records.small_cell.value),
            confidence=policy.fairness.confidence.value,
        )
    judged = importance.adjusted(compared)
    apart = [g for g in judged if (g.adjusted_p or 0.0) < policy.fairness.significance.value]
    apart.sort(key=lambda g: (g.adjusted_p or 0.0, -abs(g.gap.gap.value or 0.0)))
    cut = f" The {MOST_SHOWN} surest are shown." if len(apart) > MOST_SHOWN else ""
    return Table(
        id="P1.2.importance_by_group",
        title="Features that weigh more or less in a group than in all others",
        requirement="P1.2",
        columns=["attribute", "group", "feature", "n", "in the group", "in others", "gap", "low", "high", "adjusted p"],
        rows=[
            [
                g.attribute,
                g.group,
                g.feature,
                g.gap.n,
                g.gap.mean,
                g.gap.rest_mean,
                *told.parts(g.gap.gap),
                g.adjusted_p,
            ]
            for g in apart[:MOST_SHOWN]
        ],
        note=f"Mean absolute attributions; {len(apart)} of {len(judged)} comparisons are more than chance (Welch, "
        f"Benjamini–Hochberg).{cut} A feature may weigh more in a group for good reasons: look before you judge.",
    )
