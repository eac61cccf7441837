"""The group comparisons of a record: counted once, tested together, judged with one adjustment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import clusters, fairness
from ethics_kit.measures.fairness import Comparison
from ethics_kit.schema import Attribute
from ethics_kit.stages import events
from ethics_kit.stages.case import Case

TESTED: dict[str, tuple[str, ...]] = {
    "C2.1": ("selection_rate",),
    "C2.3": ("true_positive_rate", "false_positive_rate"),
}
"""The metrics that evidence each requirement."""


@dataclass(frozen=True)
class Tested:
    """All comparisons of a record with their verdicts, and what was left out.

    `unknown` gives for each attribute the rows without a value and all rows; `repeated` says what rows repeat within.
    """

    comparisons: list[Comparison]
    unknown: dict[str, tuple[int, int]]
    immature: int = 0
    repeated: str | None = None
    awaits: str | None = None


@cache
def tested(case: Case) -> Tested:
    """Count, compare and judge. Where rows repeat within a cluster, they count for what they are worth."""
    table = case.dossier.system.events
    names = [name for name, _ in of_people(case)]
    if not case.has(table, "customer", "time", "decision"):
        return Tested([], {}, awaits=case.lacking(table, "customer", "time", "decision"))
    if not names:
        return Tested([], {}, awaits="an attribute of people that groups can be formed by (attributes in system.yaml)")
    decided, immature = _labelled(case, names)
    groups = dict(zip(names, fairness.counts(decided, [f"attribute_{n}" for n in names]).values(), strict=True))
    unit = "cluster" if "cluster" in case.dossier.tables.sources[table].columns else "customer"
    repeated = _repeated(decided, unit)
    policy = case.dossier.policy.fairness
    comparisons: list[Comparison] = []
    for name in names:
        moments = _moments(decided, f"attribute_{name}") if repeated else {}
        for metric in (m for metrics in TESTED.values() for m in metrics):
            if repeated:
                pairs = clusters.pairs(moments[metric])
                comparisons += fairness.compare_pairs(name, metric, pairs, confidence=policy.confidence.value)
            else:
                cells = fairness.metric_cells(groups[name], metric)
                comparisons += fairness.compare(name, metric, cells, confidence=policy.confidence.value)
    judged = fairness.judge(
        comparisons,
        margin=policy.margin.value,
        significance=policy.significance.value,
        minimum_group=policy.minimum_group.value,
    )
    unknown = {}
    for name in names:
        sizes = {c.group: c.n for c in fairness.metric_cells(groups[name], "selection_rate")}
        unknown[name] = (sizes.get(fairness.UNKNOWN, 0), sum(sizes.values()))
    return Tested(judged, unknown, immature, repeated)


def of_people(case: Case) -> list[tuple[str, Attribute]]:
    """The held attributes that say something of people; a segment never evidences fairness towards them."""
    return [(name, a) for name, a, _ in case.dossier.held_attributes() if a.class_ in ("protected", "proxy")]


def _labelled(case: Case, names: list[str]) -> tuple[ir.Table, int]:
    """The events with `selected`, `positive` and `unit`, and how many have no outcome yet.

    `positive` is null until the outcome has matured. The unit is the cluster the dossier names, else the customer.
    """
    system = case.dossier.system
    decided = events.with_attributes(case)
    positive, immature = ibis.null("boolean"), 0
    if "outcome" in decided.columns:
        horizon = timedelta(days=system.outcome.horizon_days)
        mature = decided.time < ibis.literal(case.end - horizon, type="timestamp")
        immature = int(decided.filter(~mature).count().to_pyarrow().as_py())
        known = events.meaning(decided.outcome, system.outcome.positive)
        positive = ibis.ifelse(mature, known, ibis.null("boolean"))
    unit = decided.cluster.fill_null(decided.customer) if "cluster" in decided.columns else decided.customer
    labelled = decided.select(
        *[f"attribute_{name}" for name in names],
        selected=events.meaning(decided.decision, system.decision.selected),
        positive=positive,
        unit=unit,
    )
    return labelled.filter(labelled.selected.notnull()), immature


def _repeated(decided: ir.Table, unit: str) -> str | None:
    row = decided.aggregate(n=decided.count(), units=decided.unit.nunique()).to_pyarrow().to_pylist()[0]
    return f"{row['n']} rows of {row['units']} {unit}s" if row["units"] < row["n"] else None


def _moments(decided: ir.Table, attribute: str) -> dict[str, dict[str | None, clusters.Moments]]:
    marked = decided.mutate(
        everyone=ibis.literal(True),
        found=decided.selected & decided.positive,
        negative=~decided.positive,
        wrongly=decided.selected & ~decided.positive,
    )
    metrics = {
        "selection_rate": ("selected", "everyone"),
        "true_positive_rate": ("found", "positive"),
        "false_positive_rate": ("wrongly", "negative"),
    }
    return clusters.moments(marked, attribute, cluster="unit", metrics=metrics)
