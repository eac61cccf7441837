"""P2.1: the gaps found, and what could be done about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import ibis.expr.types as ir
import pandas as pd

from ethics_kit import schema
from ethics_kit.measures import fairness
from ethics_kit.measures.engines import RowsRefused
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.mitigation import Constraint, Split, try_mitigations
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.stages import events, refused, told
from ethics_kit.stages.bias_testing import families
from ethics_kit.stages.bias_testing.parity import SEED, Line
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import labelled

TRIED: dict[str, Constraint] = {
    "demographic_parity": "demographic_parity",
    "equal_opportunity": "true_positive_rate_parity",
    "equalized_odds": "equalized_odds",
}
"""The constraints that mitigations know, by the design's name for them."""

JUDGING = tuple("0123")
"""First digits of a customer's hash: one row in four is for judging where the training sample names no split."""

ROWS = 20_000
"""More rows of the training sample than this are not used; they are drawn by hash."""


@cache
def mitigation(case: Case) -> Outcome:
    """P2.1: the gaps found, and the mitigations tried on rows held back."""
    if case.dossier.system.kind == "generative":
        return Outcome()
    results = tested(case)
    if results.awaits:
        return Outcome((not_assessed("P2.1", "gaps_found", results.awaits),))
    found, wanted = _gaps_found(case), _attributes(case)
    awaits = _awaits(case) if wanted else None
    if awaits:
        return Outcome((found, not_assessed("P2.1", "mitigations_tried", awaits)))
    try:
        outcome = [_tried(case, name) for name in wanted]
    except RowsRefused as error:
        return Outcome((found, refused.finding(case, "P2.1", "mitigations_tried", error)))
    return Outcome(
        (found, *(f for o in outcome for f in o.findings)),
        tuple(t for o in outcome for t in o.tables),
        tuple(f for o in outcome for f in o.figures),
    )


def _judged(case: Case) -> list[Comparison]:
    """What counts as a gap: comparisons of groups of people, not of pairs of rows."""
    served = ("C2.1", "C2.3", "C2.4", "P2.2")
    return [c for requirement, c in tested(case).judged if requirement in served]


def _gaps_found(case: Case) -> Finding:
    rows = _judged(case)
    counts = {verdict: sum(c.verdict == verdict for c in rows) for verdict in fairness.WORST_FIRST}
    apart = [c for c in rows if c.verdict == "disparity"]
    largest = max(apart, key=lambda c: abs(c.gap.value or 0.0) / c.margin) if apart else None
    named = _largest_told(largest) if largest else ""
    status: Status = "met"
    if counts["disparity"]:
        status = "not_met"
    elif not rows or counts["not_estimable"] == len(rows):
        status = "not_assessed"
    elif any(f.status != "met" for f in _plain(case)):
        status = "inconclusive"
    return Finding(
        id="P2.1.gaps_found",
        requirement="P2.1",
        status=status,
        evidence="measured",
        statement=f"{counts['disparity']} of {len(rows)} comparisons show a disparity, {counts['equivalent']} a gap "
        f"inside the margin, {counts['inconclusive']} settle nothing, {counts['not_estimable']} cannot be estimated."
        f"{named}",
        value=counts["disparity"],
        unit="disparities",
        n=len(rows),
        threshold=0,
        method="verdicts over the whole record, p-values adjusted together",
        source=case.dossier.policy.fairness.margin.source,
        action=None if status == "met" else "Start with the largest gap; the findings of C2.1, C2.3 and P2.2 name it.",
    )


def _largest_told(comparison: Comparison) -> str:
    scale, gap = told.scale(comparison.metric), comparison.gap.value or 0.0
    return f" The largest: {scale.label} of {comparison.attribute} = {comparison.group}, {scale.gap(gap)}."


def _plain(case: Case) -> list[Finding]:
    """The findings on single attributes: cells of several are settled by pooling, which verdicts alone do not show."""
    found = tested(case)
    return [
        told.finding(case, requirement, name, rows)
        for requirement in ("C2.1", "C2.3", "P2.2")
        for name, rows in found.of(requirement).items()
    ]


def _attributes(case: Case) -> list[str]:
    """What mitigations are tried for: the attributes with a disparity."""
    names = {c.attribute for c in _judged(case) if c.verdict == "disparity"}
    return [name for name in labelled(case).compared if name in names]


def _awaits(case: Case) -> str | None:
    chosen = families.constraint(case)
    if chosen and chosen.metric not in TRIED:
        return f"a constraint that mitigations are known for: {chosen.metric} has none here"
    if not case.has("training_sample", "customer", "outcome"):
        return case.lacking("training_sample", "customer", "outcome")
    roles = case.table("training_sample").columns
    if "score" not in roles and not any(column.startswith("feature_") for column in roles):
        return "in the training sample a score, or features (training under features in system.yaml)"
    return None


@cache
def _samples(case: Case, attribute: str) -> Mapping[str, pd.DataFrame]:
    """The training sample's rows with a known group and outcome, by split: for training, and for judging."""
    system, sample = case.dossier.system, case.table("training_sample")
    described = events.described(case)
    groups = described.group_by("customer").aggregate(group=described[f"attribute_{attribute}"].max())
    known = groups.select(known_customer="customer", group="group")
    joined = sample.join(known, sample.customer == known.known_customer)
    digits = joined.customer.hexdigest("md5")
    if "split" in sample.columns:
        judging: ir.BooleanValue = events.held_out(joined.split)
    else:
        judging = digits.left(1).isin(JUDGING)
    features = {c: joined[c] for c in sample.columns if c.startswith("feature_")}
    scores = {"score": joined.score} if "score" in sample.columns else {}
    positive = events.label(joined.outcome, system.outcome.positive)
    table = joined.select(group=joined.group, positive=positive, judging=judging, place=digits, **features, **scores)
    complete = table.group.notnull() & table.positive.notnull() & table.judging.notnull()
    if scores:
        complete = complete & table.score.notnull()
    rows = table.filter(complete).order_by("place").limit(ROWS).to_pyarrow().to_pandas()
    return {"train": rows[~rows["judging"]], "test": rows[rows["judging"]]}


def _tried(case: Case, attribute: str) -> Outcome:
    parts = _samples(case, attribute)
    chosen, policy = families.constraint(case), case.dossier.policy.fairness
    metric = chosen.metric if chosen else "demographic_parity"
    if min(len(part) for part in parts.values()) < policy.minimum_group.value:
        awaits = "rows with group and outcome in both splits of the training sample"
        return Outcome((not_assessed("P2.1", f"{attribute}.mitigations_tried", awaits),))
    train, test = (
        Split(
            group=part["group"].to_numpy(),
            positive=part["positive"].to_numpy(dtype=bool),
            features=part[[c for c in part.columns if c.startswith("feature_")]].reset_index(drop=True)
            if any(c.startswith("feature_") for c in part.columns)
            else None,
            scores=part["score"].to_numpy(dtype=float) if "score" in part.columns else None,
        )
        for part in (parts["train"], parts["test"])
    )
    found = try_mitigations(
        train,
        test,
        constraint=TRIED[metric],
        allow_group_thresholds=_allowed(chosen, case),
        capacity_share=_capacity_share(case),
        seed=SEED,
        confidence=policy.confidence.value,
    )
    able = [t for t in found if t.failed is None and t.gap.defined]
    base = next((t for t in able if t.name in ("as_deployed", "unmitigated")), None)
    best = min((t for t in able if t is not base), key=lambda t: t.gap.value or 0.0, default=None)
    label = metric.replace("_", " ")
    body: list[Line] = [
        [
            t.name.replace("_", " "),
            *told.parts(t.gap),
            *told.parts(t.accuracy),
            t.balanced_accuracy.value,
            "by group" if t.group_thresholds else "one for all",
            t.failed or "; ".join(t.warnings) or "",
        ]
        for t in found
    ]
    table = Table(
        id=f"P2.1.{attribute}.mitigations",
        title=f"Mitigations tried for {attribute}: {label}",
        requirement="P2.1",
        columns=["trial", "gap", "low", "high", "accuracy", "low", "high", "balanced accuracy", "threshold", "remark"],
        rows=body,
        note=f"Learnt from {len(parts['train']):,} rows of the sample, judged on {len(parts['test']):,} others; "
        "the gap is the largest between any two groups. "
        + " ".join(f"{t.name.replace('_', ' ')}: {t.what}." for t in found),
    )
    shown = [(t.name.replace("_", " "), t.accuracy, t.gap) for t in able]
    drawn = figures.frontier(shown, gap_label=f"gap in {label} by {attribute}", margin=policy.margin.value)
    if base is None or best is None or base.gap.value is None or best.gap.value is None:
        awaits = "a mitigation that could be judged; the table says why each failed"
        return Outcome((not_assessed("P2.1", f"{attribute}.mitigations_tried", awaits),), (table,), drawn)
    low, high = best.gap.low or 0.0, best.gap.high or 1.0
    status: Status = "inconclusive"
    if high <= policy.margin.value:
        status = "met"
    elif low > policy.margin.value:
        status = "not_met"
    accuracy, then = base.accuracy.value or 0.0, best.accuracy.value or 0.0
    finding = Finding(
        id=f"P2.1.{attribute}.mitigations_tried",
        requirement="P2.1",
        status=status,
        evidence="measured",
        statement=f"{len(able)} ways to decide were judged for {attribute} ({label}): gap {base.gap.value * 100:.1f} "
        f"points {base.name.replace('_', ' ')}, {best.gap.value * 100:.1f} at best ({best.name.replace('_', ' ')}), "
        f"accuracy {accuracy:.1%} and {then:.1%}.",
        value=best.gap.value,
        unit="difference of rates",
        interval=Interval(low=low, high=high, level=policy.confidence.value),
        n=best.n_test,
        threshold=policy.margin.value,
        method="fairlearn's reductions, correlation remover and thresholds, learnt on one split and judged on another",
        source=policy.margin.source,
        action=None
        if status == "met"
        else "Look for the cause in data and target; no mitigation tried is shown to bring the gap within the margin.",
    )
    return Outcome((finding,), (table,), drawn)


def _allowed(chosen: schema.FairnessConstraint | None, case: Case) -> bool:
    """Whether somebody had approved trying thresholds that differ by group."""
    approved = chosen.group_thresholds if chosen else None
    return approved is not None and approved.on <= case.as_of


def _capacity_share(case: Case) -> float | None:
    capacity, rows = case.dossier.system.decision.capacity, labelled(case).rows
    return min(capacity / rows, 1.0) if capacity and rows else None
