"""What became of customers' own acts (requests, choices), group by group: counts joined with who they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

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
class Question:
    """What is compared: its requirement, its metric (a name in `told.SCALES`), in which words, and within what."""

    requirement: str
    metric: str
    title: str
    margin: Threshold[float]


def compare_groups(case: Case, question: Question, rows: ir.Table) -> Outcome:
    """Each group of people against the others, on `rows` (customer, and a flag `yes`).

    A customer is one row: yes where all of theirs are.
    """
    names = _of_people(case)
    named = case.dossier.policy.fairness.attributes.value
    what = f"{question.metric}_difference"
    findings = [
        not_assessed(question.requirement, f"{name}.{what}", f"the attribute {name} (attributes in system.yaml)")
        for name in named
        if name not in names
    ]
    if not names:
        return Outcome(tuple(findings))
    held = counts.count(_with_people(case, names, rows), [f"attribute_{name}" for name in names], ["yes"])
    judged = _judged(case, question, names, held)
    tables = []
    for name in names:
        if awaits := _doubt(case, held, name):
            findings.append(not_assessed(question.requirement, f"{name}.{what}", awaits))
            continue
        findings.append(_finding(case, question, f"{name}.{what}", judged[name]))
        if judged[name]:
            tables.append(_table(case, question, name, judged[name], held))
    drawn = [
        c
        for rows_of in judged.values()
        for c in rows_of
        if (c.attribute in named or c.verdict == "disparity") and c.group not in told.withheld_groups(case, rows_of)
    ]
    small = case.dossier.policy.records.small_cell.value
    labels = {question.metric: told.scale(question.metric).label}
    return Outcome(tuple(findings), tuple(tables), figures.forest(drawn, labels, small=small))


def _of_people(case: Case) -> dict[str, str]:
    """The attributes that say something of people, and their tables; a segment never evidences fairness to them."""
    return {
        name: table
        for name, attribute, table in case.dossier.held_attributes()
        if attribute.class_ != "segment" and case.has(table, "customer")
    }


def _with_people(case: Case, names: dict[str, str], rows: ir.Table) -> ir.Table:
    people = rows.group_by("customer").aggregate(yes=ibis._.yes.all())
    for table in sorted(set(names.values())):
        own = [f"attribute_{name}" for name, where in names.items() if where == table]
        known = case.table(table).group_by(who="customer").aggregate(**{column: ibis._[column].max() for column in own})
        people = people.left_join(known, people.customer == known.who).drop("who")
    return people


def _judged(case: Case, question: Question, names: Collection[str], held: Counts) -> dict[str, list[Comparison]]:
    policy = case.dossier.policy.fairness
    metric = Metric(question.metric, told.scale(question.metric).label, {"yes": True}, {"yes": None})
    found = [
        comparison
        for name in names
        if not _doubt(case, held, name)
        for comparison in fairness.compare(
            name,
            question.metric,
            held.pairs(metric, f"attribute_{name}"),
            margin=question.margin.value,
            confidence=policy.confidence.value,
        )
    ]
    judged = fairness.judge(found, significance=policy.significance.value, minimum_group=policy.minimum_group.value)
    return {name: [c for c in judged if c.attribute == name] for name in names}


def _doubt(case: Case, held: Counts, name: str) -> str | None:
    """Why nothing can be concluded for an attribute, or None."""
    groups = held.table[f"attribute_{name}"].nunique()
    if groups > MOST_GROUPS:
        return f"{name} in at most {MOST_GROUPS} groups: it has {groups}; band them"
    unknown, total = held.unknown(f"attribute_{name}")
    most = case.dossier.policy.fairness.max_unknown.value
    if unknown > most * total:
        return f"the {name} of more people: too many have none; the policy allows {most:.0%}"
    return None


def _finding(case: Case, question: Question, name: str, rows: list[Comparison]) -> Finding:
    found = told.finding(case, question.requirement, name, rows)
    return found.model_copy(update={"source": question.margin.source})


def _table(case: Case, question: Question, name: str, rows: list[Comparison], held: Counts) -> Table:
    unknown, total = held.unknown(f"attribute_{name}")
    small = case.dossier.policy.records.small_cell.value
    counted = f"{unknown} of {total}" if unknown >= small or not unknown else f"Fewer than {small}"
    note = f"{counted} people have no known {name}; they are in no comparison."
    title = f"{question.title}, by {name}"
    return told.table(case, question.requirement, f"{name}.{question.metric}", [rows], [note], title=title)
