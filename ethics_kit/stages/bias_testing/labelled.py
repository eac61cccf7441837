"""The group comparisons of a record: counted once, tested together, judged with one adjustment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import clusters, fairness
from ethics_kit.measures.fairness import Comparison
from ethics_kit.proposal import MOST_GROUPS
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

    `unknown` gives for each attribute the rows without a value and all rows; `too_many` the attributes with more groups
    than can be shown; `repeated` says what rows repeat within; `blank` counts events without a decision.
    """

    comparisons: list[Comparison]
    unknown: dict[str, tuple[int, int]]
    too_many: dict[str, int]
    immature: int = 0
    blank: int = 0
    repeated: str | None = None
    awaits: str | None = None

    def doubt(self, attribute: str, most_unknown: float) -> str | None:
        """Why nothing can be concluded for an attribute, or None."""
        if attribute in self.too_many:
            return f"{attribute} in at most {MOST_GROUPS} groups: it has {self.too_many[attribute]}; band them"
        unknown, total = self.unknown[attribute]
        if unknown > most_unknown * total:
            limit = f"the policy allows {most_unknown:.0%}"
            return f"the {attribute} of more rows: {unknown} of {total} ({unknown / total:.0%}) have none; {limit}"
        return None


@cache
def tested(case: Case) -> Tested:
    """Count, compare and judge. Where rows repeat within a cluster, they count for what they are worth."""
    awaits = _lacking(case)
    if awaits:
        return Tested([], {}, {}, awaits=awaits)
    names = [name for name, _ in of_people(case)]
    decided, immature, blank = _labelled(case, names)
    groups = dict(zip(names, fairness.counts(decided, [f"attribute_{n}" for n in names]).values(), strict=True))
    unknown = {name: _unknown(groups[name]) for name in names}
    too_many = {name: len(groups[name]) for name in names if len(groups[name]) > MOST_GROUPS}
    repeated, split = _units(case, decided)
    if split:
        awaits = f"a cluster that holds each customer whole: {split} customers are in several"
        return Tested([], unknown, too_many, immature, blank, repeated, awaits)
    policy = case.dossier.policy.fairness
    comparisons: list[Comparison] = []
    for name in (n for n in names if n not in too_many):
        moments = _moments(decided, f"attribute_{name}") if repeated else {}
        for metric in _metrics(case):
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
    return Tested(judged, unknown, too_many, immature, blank, repeated)


def _lacking(case: Case) -> str | None:
    """What is not there without which nothing can be compared."""
    table = case.dossier.system.events
    if not case.has(table, "customer", "time", "decision"):
        return case.lacking(table, "customer", "time", "decision")
    if not of_people(case):
        return "an attribute of people that groups can be formed by (attributes in system.yaml)"
    return None


def _metrics(case: Case) -> tuple[str, ...]:
    """The metrics that can be had: those of outcomes need an outcome and the days after which it is known."""
    if case.has(case.dossier.system.events, "outcome") and case.dossier.system.outcome.horizon_days is not None:
        return tuple(m for metrics in TESTED.values() for m in metrics)
    return TESTED["C2.1"]


def of_people(case: Case) -> list[tuple[str, Attribute]]:
    """The held attributes that say something of people; a segment never evidences fairness towards them."""
    return [(name, a) for name, a, _ in case.dossier.held_attributes() if a.class_ in ("protected", "proxy")]


def _labelled(case: Case, names: list[str]) -> tuple[ir.Table, int, int]:
    """The events with `selected`, `positive` and `unit`; how many have no outcome yet, and how many no decision.

    `positive` is null until the outcome has matured. The unit is the cluster the dossier names, else the customer.
    """
    system = case.dossier.system
    decided = events.with_attributes(case)
    positive = ibis.null("boolean")
    mature = ibis.literal(True)
    if "true_positive_rate" in _metrics(case):
        horizon = timedelta(days=system.outcome.horizon_days or 0)
        mature = decided.time < ibis.literal(case.end - horizon, type="timestamp")
        known = events.meaning(decided.outcome, system.outcome.positive)
        positive = ibis.ifelse(mature, known, ibis.null("boolean"))
    unit = decided.cluster.fill_null(decided.customer) if "cluster" in decided.columns else decided.customer
    labelled = decided.select(
        *[f"attribute_{name}" for name in names],
        selected=events.meaning(decided.decision, system.decision.selected),
        positive=positive,
        mature=mature,
        unit=unit,
        person=decided.customer,
    )
    left_out = labelled.aggregate(blank=labelled.selected.isnull().sum(), immature=(~labelled.mature).sum())
    seen = left_out.to_pyarrow().to_pylist()[0]
    return labelled.filter(labelled.selected.notnull()), int(seen["immature"]), int(seen["blank"])


def _unknown(groups: Mapping[str, Mapping[str, int]]) -> tuple[int, int]:
    sizes = {c.group: c.n for c in fairness.metric_cells(groups, "selection_rate")}
    return sizes.get(fairness.UNKNOWN, 0), sum(sizes.values())


def _units(case: Case, decided: ir.Table) -> tuple[str | None, int]:
    """What rows repeat within, if they do, and how many customers fall into several clusters."""
    per_person = decided.group_by("person").aggregate(units=decided.unit.nunique())
    split = int(per_person.filter(per_person.units > 1).count().to_pyarrow().as_py())
    row = decided.aggregate(n=decided.count(), units=decided.unit.nunique()).to_pyarrow().to_pylist()[0]
    what = "cluster" if "cluster" in case.dossier.tables.sources[case.dossier.system.events].columns else "customer"
    return (f"{row['n']} rows of {row['units']} {what}s" if row["units"] < row["n"] else None), split


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
