"""What changed in the records of the stages before, and what was found up to now."""

from __future__ import annotations

from ethics_kit import comparison
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.changes import altered_words, change_table, none_before


def changes_since_last(case: Case) -> Outcome:
    """What appeared, went, got worse or better in each earlier stage's record since the record before that."""
    return Outcome((), tuple(_stage(case, stage) for stage in STAGES if stage != case.stage))


def findings_now(case: Case) -> dict[str, dict[str, Finding]]:
    """By stage and id: what this stage found up to now, and the findings of earlier stages' records in order."""
    found = {case.stage: {f.id: f for outcome in case.taken.values() for f in outcome.findings}}
    return found | {s: {f.id: f for f in r.findings} for s in STAGES if (r := case.earlier(s)) is not None}


def _stage(case: Case, stage: str) -> Table:
    current, history = case.earlier(stage), case.history(stage)
    name, title = f"S4.4.changes_{stage}", TITLES[stage]
    told = altered_words(history)
    before = [r for r in history.records if current and r.as_of < current.as_of]
    if current is None or not before:
        why = none_before(history) if current else "No record that this stage may rest on."
        return change_table(name, "S4.4", f"{title}: changes", (), note=why + told)
    last = before[-1]
    title = f"{title}: changes from {last.as_of} to {current.as_of}"
    found = comparison.compare(last, current)
    return change_table(name, "S4.4", title, found.findings, note=(_rest(found) + told).strip() or None)


def _rest(found: comparison.Comparison) -> str:
    """Parameters and inputs that changed, in words."""
    parts = [f"{c.name}: {comparison.plain(c.before)} became {comparison.plain(c.after)}" for c in found.parameters[:3]]
    if len(found.parameters) > 3:
        parts.append(f"{len(found.parameters) - 3} more parameters")
    told = f"Parameters that changed: {'; '.join(parts)}. " if parts else ""
    return told + (f"Of the inputs, {len(found.inputs)} were added, removed or changed." if found.inputs else "")
