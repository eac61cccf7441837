"""What changed since the record before, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit import comparison
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Finding, Record, Table
from ethics_kit.stages.case import Case, Outcome

SHOWN = 15
"""Rows of a table of changes; the rest is counted."""


def changes_since_last(case: Case) -> Outcome:
    """What appeared, went, got worse or better since the record before, in each of the four stages."""
    return Outcome((), tuple(_stage(case, stage) for stage in STAGES))


def findings_now(case: Case) -> dict[str, dict[str, Finding]]:
    """By stage and id: what this stage found up to now, and the findings of earlier stages' records in order."""
    found = {case.stage: {f.id: f for outcome in case.taken.values() for f in outcome.findings}}
    return found | {s: {f.id: f for f in r.findings} for s in STAGES if (r := case.earlier(s)) is not None}


def _stage(case: Case, stage: str) -> Table:
    own = stage == case.stage
    current = case.earlier(stage)
    day = case.as_of if own else current.as_of if current else None
    before = [r for r in case.history(stage).records if day and r.as_of < day]
    name, title = f"S4.4.changes_{stage}", TITLES[stage]
    altered = case.history(stage).altered
    told = f" Not read, as they were altered: {', '.join(altered)}." if altered else ""
    if day is None or not before:
        why = "No record that this stage may rest on." if day is None else "No earlier record: this is the first."
        return change_table(name, "S4.4", f"{title}: changes", (), note=why + told)
    last = before[-1]
    title = f"{title}: changes from {last.as_of} to {day}"
    if own:
        changes = _own_changes(last, tuple(findings_now(case)[stage].values()))
        return change_table(name, "S4.4", title, changes, note=told.strip() or None)
    assert current
    found = comparison.compare(last, current)
    return change_table(name, "S4.4", title, found.findings, note=(_rest(found) + told).strip() or None)


def _own_changes(last: Record, now: Sequence[Finding]) -> tuple[comparison.FindingChange, ...]:
    """Without what only a finished record says: the findings that stand for evidence that was never supplied."""
    placeholders = {f"{d.requirement}.{e}" for d in last.obligations.duties for e in d.needs}
    before = [f for f in last.findings if f.id not in placeholders]
    return comparison.compare_findings(before, now)


def _rest(found: comparison.Comparison) -> str:
    """Parameters and inputs that changed, in words."""
    parts = [f"{c.name}: {c.before} became {c.after}" for c in found.parameters[:3]]
    if len(found.parameters) > 3:
        parts.append(f"{len(found.parameters) - 3} more parameters")
    told = f"Parameters that changed: {'; '.join(parts)}. " if parts else ""
    return told + (f"Of the inputs, {len(found.inputs)} were added, removed or changed." if found.inputs else "")


def change_table(
    name: str, requirement: str, title: str, changes: Sequence[comparison.FindingChange], note: str | None = None
) -> Table:
    """Changes worst first, the first few in full and the rest by number."""
    rest = len(changes) - SHOWN
    more = f"{rest} more changes are not shown." if rest > 0 else ""
    return Table(
        id=name,
        title=title,
        requirement=requirement,
        columns=["finding", "change", "before", "now", "value before", "value now"],
        rows=[
            [c.id, c.kind, _status(c.before), _status(c.after), _value(c.before), _value(c.after)]
            for c in changes[:SHOWN]
        ],
        note=" ".join(filter(None, (note, more))) or (None if changes else "Nothing changed."),
    )


def _status(finding: Finding | None) -> str | None:
    return finding.status.replace("_", " ") if finding else None


def _value(finding: Finding | None) -> str | None:
    """A value with its interval and n, as text."""
    if finding is None or finding.value is None:
        return None
    told = f"{finding.value:.4g}"
    if finding.interval and finding.interval.low is not None and finding.interval.high is not None:
        told += f" [{finding.interval.low:.4g}, {finding.interval.high:.4g}]"
    return told + (f", n = {finding.n}" if finding.n is not None else "")
