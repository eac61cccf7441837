"""P2.2: who gets what is scarce, as recommended and as done."""

from __future__ import annotations

from functools import cache

from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.proportions import rates
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages.bias_testing import scored, told
from ethics_kit.stages.bias_testing.labelled import labelled, of_people
from ethics_kit.stages.bias_testing.parity import Line, one_of_a_pair, unknown_note
from ethics_kit.stages.bias_testing.tested import doubt, tested, uncovered
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed

BENEFIT = {
    "benefit": "Being selected is a benefit, so fewer is worse.",
    "burden": "Being selected is a burden, so more is worse.",
    "mixed": "Being selected may help or harm, so a gap either way is looked at.",
}


@cache
def equitable_treatment(case: Case) -> Outcome:
    """P2.2: what was done for each group, and who is first served when capacity is short."""
    results = tested(case)
    if results.awaits:
        return Outcome((not_assessed("P2.2", "group_comparison", results.awaits),))
    findings = uncovered(case, "P2.2", "treatment_difference")
    tables: list[Table] = []
    shown: list[Comparison] = []
    held = results.of("P2.2")
    for name, _ in of_people(case):
        awaits = doubt(case, name)
        own = {full: rows for full, rows in held.items() if rows[0].attribute == name}
        if awaits or not own:
            findings.append(not_assessed("P2.2", f"{name}.treatment_difference", awaits or _wanted(case)))
            continue
        for full, rows in own.items():
            findings.append(told.finding(case, "P2.2", full, rows))
            notes = unknown_note(case, name, rows) + _notes(case, rows[0].metric)
            tables.append(told.table(case, "P2.2", full.replace("_difference", ""), rows, notes))
            shown += one_of_a_pair(rows)
    tables += _capacities(case)
    small = case.dossier.policy.records.small_cell.value
    labels = {c.metric: told.scale(c.metric).label for c in shown}
    return Outcome(tuple(findings), tuple(tables), figures.forest(shown, labels, small=small))


def _wanted(case: Case) -> str:
    if case.dossier.system.kind == "generative":
        return "in the table conversations the columns for refused, or handover_asked and handover_granted"
    return "in the table decisions the column for action, or a score with score_is and decision.capacity"


def _notes(case: Case, metric: str) -> list[str]:
    system, notes = case.dossier.system, list[str]()
    if metric == "action_rate":
        notes.append("Counted by the action taken, whatever the system recommended.")
    if system.selection_is and system.kind != "generative":
        notes.append(BENEFIT[system.selection_is])
    places = scored.places(case).get(scored.WHOLE)
    if places and metric in ("top_k", "recall_at_k"):
        notes.append(f"The first {places.k:,} by score: the whole capacity.")
        if places.tied:
            notes.append(
                f"{places.tied:,} rows tie for the last {places.places_left:,} places; each counts as its share."
            )
    if system.selection_is is None and system.kind != "generative":
        notes.append("Whether being selected helps or harms is not stated (selection_is).")
    if labelled(case).repeated and system.decision.capacity:
        notes.append("Who comes first under capacity is not tested, as rows repeat.")
    return notes


def _capacities(case: Case) -> list[Table]:
    """Who would be served at several capacities."""
    found = scored.places(case)
    policy, small = case.dossier.policy.fairness, case.dossier.policy.records.small_cell.value
    tables = []
    for name in labelled(case).compared if found else ():
        body: list[Line] = []
        for percent, places in found.items():
            groups = {g: p for g, p in places.groups[name].items() if g != UNKNOWN}
            share, recall = (
                rates(
                    [getattr(p, top) for p in groups.values()],
                    [getattr(p, n) for p in groups.values()],
                    confidence=level,
                )
                for level in [policy.confidence.value]
                for top, n in (("selected", "rows"), ("selected_positives", "positives"))
            )
            rows = [
                [g, p.rows, *told.parts(s), *told.parts(r)]
                for (g, p), s, r in zip(groups.items(), share, recall, strict=True)
            ]
            shown, _ = hide_small(rows, n_column=1, counts=range(2, 8), small=small)
            body += [[f"{percent}%: first {places.k:,}", *row] for row in shown]
        tables.append(
            Table(
                id=f"P2.2.{name}.capacities",
                title=f"Who would be served at other capacities, by {name}",
                requirement="P2.2",
                columns=["capacity", "group", "n", "share served", "low", "high", "recall", "low", "high"],
                rows=body,
            )
        )
    return tables
