"""What became of customers' own acts (appeals, requests, choices), group by group: flags joined with who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import counts, fairness
from ethics_kit.measures.counts import Counts
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import Metric
from ethics_kit.proposal import MOST_GROUPS
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages import told
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed


@dataclass(frozen=True)
class Counted:
    """A share of customers by group: its metric (a name in `told.SCALES`), rows (customer, and a flag `yes`), margin.

    A customer is one row: yes where all of theirs are.
    """

    metric: str
    rows: ir.Table
    margin: Threshold[float]

    def name(self, attribute: str) -> str:
        """As `Comparison.name`."""
        return f"{attribute}.{self.metric}_difference"


def attributes(case: Case) -> dict[str, str]:
    """The attributes that groups are formed by, and their tables: all that are held by customer, segments too."""
    return {name: table for name, _, table in case.dossier.held_attributes() if case.has(table, "customer")}


def of_customers(case: Case, rows: ir.Table) -> ir.Table:
    """The rows of a table about customers, with a column ``attribute_…`` for each attribute; read once."""
    return case.dossier.tables.kept(_with_attributes(case, rows)) if attributes(case) else rows


def _with_attributes(case: Case, rows: ir.Table) -> ir.Table:
    known = _known(case).rename(known_customer="customer")
    return rows.left_join(known, rows.customer == known.known_customer).drop("known_customer")


@cache
def _known(case: Case) -> ir.Table:
    """One row per customer, with all attributes."""
    names = attributes(case)
    nothing = {f"attribute_{name}": ibis.null("string") for name in names}
    parts = []
    for table in sorted(set(names.values())):
        own = [f"attribute_{name}" for name, where in names.items() if where == table]
        held = {column: ibis._[column].cast("string") for column in own}
        parts.append(case.table(table).select("customer", **(nothing | held)))
    columns = {f"attribute_{name}": ibis._[f"attribute_{name}"].max() for name in names}
    return case.dossier.tables.kept(ibis.union(*parts).group_by("customer").aggregate(**columns))


def compare(case: Case, requirement: str, shares: Sequence[Counted], *, title: str) -> Outcome:
    """Each group against all others: a finding per share and attribute, a table per attribute, a figure per share.

    All comparisons are judged together. The figures show the attributes that the policy names, and disparities.
    """
    names, named = list(attributes(case)), case.dossier.policy.fairness.attributes.value
    findings = [
        not_assessed(requirement, share.name(name), f"the attribute {name}, which S3.1 tells of")
        for name in named
        if name not in names
        for share in shares
    ]
    held = {share.metric: _count(case, share, names) for share in shares}
    doubts = {share.name(name): _doubt(case, held[share.metric], name) for name in names for share in shares}
    judged = _judged(case, [(name, share) for name in names for share in shares if not doubts[share.name(name)]], held)
    tables: list[Table] = []
    drawn: list[Comparison] = []
    for name in names:
        families = {share.metric: judged.get(share.name(name), []) for share in shares}
        for share in shares:
            awaits, rows = doubts[share.name(name)], families[share.metric]
            findings.append(
                not_assessed(requirement, share.name(name), awaits)
                if awaits
                else _finding(case, requirement, share, name, rows)
            )
        told_of = {metric: rows for metric, rows in families.items() if rows}
        if told_of:
            tables.append(_table(case, requirement, name, told_of, held, title=title))
        hidden = {group for rows in told_of.values() for group in told.withheld_groups(case, rows)}
        drawn += [
            c
            for rows in told_of.values()
            for c in rows
            if (name in named or c.verdict == "disparity") and c.group not in hidden
        ]
    labels = {share.metric: told.scale(share.metric).label for share in shares}
    small = case.dossier.policy.records.small_cell.value
    return Outcome(tuple(findings), tuple(tables), figures.forest(drawn, labels, small=small))


def _count(case: Case, share: Counted, names: Sequence[str]) -> Counts:
    each = share.rows.group_by("customer").aggregate(yes=ibis._.yes.all())
    known = _with_attributes(case, each) if names else each
    return counts.count(known, [f"attribute_{name}" for name in names], ["yes"])


def _doubt(case: Case, held: Counts, name: str) -> str | None:
    """Why nothing can be concluded for an attribute, or None."""
    groups = held.table[f"attribute_{name}"].nunique()
    if groups > MOST_GROUPS:
        return f"{name} in at most {MOST_GROUPS} groups: it has {groups}; band them"
    unknown, total = held.unknown(f"attribute_{name}")
    most = case.dossier.policy.fairness.max_unknown.value
    if unknown > most * total:
        return f"the {name} of more customers: too many have none; the policy allows {most:.0%}"
    return None


def _judged(case: Case, asked: Sequence[tuple[str, Counted]], held: dict[str, Counts]) -> dict[str, list[Comparison]]:
    """The comparisons by their names, with p-values adjusted over all of them (Benjamini–Hochberg)."""
    policy = case.dossier.policy.fairness
    found = [
        comparison
        for name, share in asked
        for comparison in fairness.compare(
            name,
            share.metric,
            held[share.metric].pairs(
                Metric(share.metric, told.scale(share.metric).label, {"yes": True}, {"yes": None}), f"attribute_{name}"
            ),
            margin=share.margin.value,
            confidence=policy.confidence.value,
        )
    ]
    by_name: dict[str, list[Comparison]] = {}
    for c in fairness.judge(found, significance=policy.significance.value, minimum_group=policy.minimum_group.value):
        by_name.setdefault(c.name, []).append(c)
    return by_name


def _finding(case: Case, requirement: str, share: Counted, name: str, rows: Sequence[Comparison]) -> Finding:
    found = told.finding(case, requirement, share.name(name), rows)
    return found.model_copy(update={"source": share.margin.source})


def _table(
    case: Case,
    requirement: str,
    name: str,
    families: dict[str, list[Comparison]],
    held: dict[str, Counts],
    *,
    title: str,
) -> Table:
    small, left_out = case.dossier.policy.records.small_cell.value, []
    for metric in families:
        unknown, total = held[metric].unknown(f"attribute_{name}")
        if unknown:
            counted = f"{unknown} of {total}" if unknown >= small else f"fewer than {small}"
            left_out.append(f"{counted} ({told.scale(metric).label})")
    notes = [f"Customers with no known {name}, who are in no comparison: {', '.join(left_out)}."] if left_out else []
    return told.table(case, requirement, f"by_{name}", list(families.values()), notes, title=f"{title}, by {name}")
