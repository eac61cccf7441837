"""Who wrote: rows about customers by the groups that the policy names, and gaps between groups, judged alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import ibis.expr.types as ir

from ethics_kit.measures import fairness
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.proportions import independent
from ethics_kit.record import Finding, Table
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages import events, told
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import not_assessed

Cells = dict[str | None, tuple[int, int]]
"""By group (None: not known), those of whom something holds, and all."""


def compared(case: Case) -> list[str]:
    """The attributes that groups are formed by: those the policy names, and segments of the contract."""
    named = case.dossier.policy.fairness.attributes.value
    return [name for name, a, _ in case.dossier.held_attributes() if name in named or a.class_ == "segment"]


@cache
def people(case: Case) -> ir.Table:
    """One row per customer whom the system decided on, with a column per attribute compared."""
    rows = events.described(case)
    columns = {f"attribute_{name}": rows[f"attribute_{name}"].min() for name in compared(case)}
    return case.dossier.tables.kept(rows.group_by("customer").aggregate(**columns))


def of_customers(case: Case, rows: ir.Table) -> ir.Table:
    """The rows of a table about customers, with the attributes of each."""
    known = people(case).rename(known_customer="customer")
    return case.dossier.tables.kept(rows.left_join(known, rows.customer == known.known_customer))


def strangers(table: ir.Table, what: str) -> str | None:
    """What to supply where most rows (see `of_customers`) are of people whom the system never decided on."""
    seen = table.aggregate(n=table.count(), known=table.known_customer.count()).to_pyarrow().to_pylist()[0]
    if 2 * seen["known"] >= seen["n"]:
        return None
    return f"{what} with the ids of customers: {seen['n'] - seen['known']} of {seen['n']} match none decided on"


@dataclass(frozen=True)
class Counted:
    """One share by the groups of one attribute, and the gap that counts."""

    attribute: str
    metric: str
    cells: Cells
    margin: Threshold[float]

    @property
    def name(self) -> str:
        return f"{self.attribute}.{self.metric}_difference"

    def lacking(self, most_unknown: float) -> str | None:
        """What to supply where the group of too many is not known."""
        unknown, total = self.cells.get(None, (0, 0))[1], sum(n for _, n in self.cells.values())
        if unknown <= most_unknown * total:
            return None
        return f"the {self.attribute} of more customers: {unknown} of {total} have none; the policy allows less"


def gaps(
    case: Case, requirement: str, counted: Sequence[Counted], *, title: str
) -> tuple[tuple[Finding, ...], tuple[Table, ...]]:
    """A finding for each share and attribute, by the group furthest from the others, and a table per attribute.

    All comparisons are judged together, with their p-values adjusted (Benjamini–Hochberg).
    """
    policy = case.dossier.policy.fairness
    compared_ = [comparison for share in counted for comparison in _compare(case, share)]
    judged = fairness.judge(compared_, significance=policy.significance.value, minimum_group=policy.minimum_group.value)
    by_name: dict[str, list[Comparison]] = {}
    for comparison in judged:
        by_name.setdefault(comparison.name, []).append(comparison)
    findings = [_finding(case, requirement, share, by_name.get(share.name, [])) for share in counted]
    held = {share.attribute for share in counted}
    findings += [
        not_assessed(requirement, f"{name}.by_group", f"the attribute {name} of customers, or why it is not held")
        for name in policy.attributes.value
        if name not in held
    ]
    tables = [
        told.table(
            case,
            requirement,
            f"by_{attribute}",
            [rows for name, rows in by_name.items() if rows[0].attribute == attribute],
            [],
            title=f"{title} by {attribute}",
        )
        for attribute in dict.fromkeys(c.attribute for c in judged)
    ]
    return tuple(findings), tuple(tables)


def _compare(case: Case, share: Counted) -> list[Comparison]:
    known = [(group, *cell) for group, cell in sorted((g, c) for g, c in share.cells.items() if g is not None)]
    confidence = case.dossier.policy.fairness.confidence.value
    return fairness.compare(
        share.attribute, share.metric, independent(known), margin=share.margin.value, confidence=confidence
    )


def _finding(case: Case, requirement: str, share: Counted, rows: list[Comparison]) -> Finding:
    if lacking := share.lacking(case.dossier.policy.fairness.max_unknown.value):
        return not_assessed(requirement, share.name, lacking)
    found = told.finding(case, requirement, share.name, rows)
    return found.model_copy(update={"source": share.margin.source})
