"""P2.2: who gets what is scarce, as recommended and as done."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.proportions import rates
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import scored
from ethics_kit.stages.bias_testing.labelled import labelled, of_people
from ethics_kit.stages.bias_testing.parity import Line, drawn, unknown_note
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
        own = [rows for rows in held.values() if rows[0].attribute == name]
        if awaits or not own:
            findings.append(not_assessed("P2.2", f"{name}.treatment_difference", awaits or _wanted(case)))
            continue
        findings += [not_assessed("P2.2", f"{name}.{m}_difference", _wanted(case)) for m in _missing(case)]
        findings += [told.finding(case, "P2.2", rows[0].name, rows) for rows in own]
        notes = unknown_note(case, name, own[0]) + _notes(case, [rows[0].metric for rows in own])
        tables.append(told.table(case, "P2.2", f"{name}.treatment", own, notes, title=f"Who gets what, by {name}"))
        shown += [c for rows in own if rows[0].metric != "recall_at_k" for c in drawn(case, rows)]
    tables += _capacities(case)
    small = case.dossier.policy.records.small_cell.value
    labels = {c.metric: told.scale(c.metric).label for c in shown}
    return Outcome(tuple(findings), tuple(tables), figures.forest(shown, labels, small=small))


def _missing(case: Case) -> list[str]:
    """What is owed whatever else is there: what was done in the end, or an assistant's refusals and handovers."""
    owed = ("refused", "handover_granted") if case.dossier.system.kind == "generative" else ("action_rate",)
    return [metric for metric in owed if metric not in labelled(case).metrics]


def _wanted(case: Case) -> str:
    if case.dossier.system.kind == "generative":
        return "in the table conversations the columns for refused, or handover_asked and handover_granted"
    repeated = labelled(case).repeated or labelled(case).weighted
    one_each = " (one unweighted row per customer)" if repeated else ""
    return f"in the table decisions the column for action, or a score with score_is and decision.capacity{one_each}"


def _notes(case: Case, measured: Collection[str]) -> list[str]:
    system, notes = case.dossier.system, list[str]()
    if "action_rate" in measured:
        notes.append("The action taken counts, whatever the system recommended.")
    if system.selection_is and system.kind != "generative":
        notes.append(BENEFIT[system.selection_is])
    places = scored.places(case).get(scored.WHOLE)
    if places:
        notes.append(f"Those that can be served are the first {places.k:,} by score.")
        if places.tied:
            notes.append(
                f"{places.tied:,} rows tie for the last {places.places_left:,} places; each counts as its share."
            )
    if system.selection_is is None and system.kind != "generative":
        notes.append("Whether being selected helps or harms is not stated (selection_is).")
    if (labelled(case).repeated or labelled(case).weighted) and system.decision.capacity:
        notes.append("Who comes first under capacity is not tested, as rows repeat or carry weights.")
    return notes


def _capacities(case: Case) -> list[Table]:
    """Who would be served at several capacities."""
    confidence, small = case.dossier.policy.fairness.confidence.value, case.dossier.policy.records.small_cell.value
    body: list[Line] = []
    for percent, places in scored.places(case).items():
        for name, held in places.groups.items():
            groups = {group: p for group, p in held.items() if group != UNKNOWN}
            sides = list(groups.values())
            share = rates([p.selected for p in sides], [p.rows for p in sides], confidence=confidence)
            recall = rates([p.selected_positives for p in sides], [p.positives for p in sides], confidence=confidence)
            lines = [
                [group, p.rows, *told.parts(s), *told.parts(r)]
                for (group, p), s, r in zip(groups.items(), share, recall, strict=True)
            ]
            shown, _ = hide_small(lines, n_column=1, counts=range(2, 8), small=small)
            body += [[f"{percent}%: first {places.k:,}", name, *line] for line in shown]
    columns = ["capacity", "attribute", "group", "n", "share served", "low", "high", "recall", "low", "high"]
    table = Table(
        id="P2.2.capacities",
        title="Who would be served at other capacities",
        requirement="P2.2",
        columns=columns,
        rows=body,
    )
    return [table] if body else []
