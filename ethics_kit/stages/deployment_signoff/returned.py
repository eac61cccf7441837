"""S4.4: findings that came back after they had gone or been met."""

from __future__ import annotations

from datetime import date

from ethics_kit import comparison
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff.changes import findings_now
from ethics_kit.stages.evidence import not_assessed

Returned = list[tuple[str, str, str, str]]
"""Stage, finding, and the days of the records in which it was last not met, and then gone or met."""


def findings_returned(case: Case) -> Outcome:
    """S4.4: findings that came back, from the records kept so far."""
    now = findings_now(case)
    found = _returned(case, now)
    return Outcome(tuple(_came_back(case, found, [s for s in STAGES if s not in now])), (_table(case, found),))


def _returned(case: Case, current: dict[str, dict[str, Finding]]) -> Returned:
    found: Returned = []
    for stage in (s for s in STAGES if s in current):
        records = [r for r in case.history(stage).records if r.as_of < _day_of(case, stage)]
        earlier = [{f.id: f.status for f in r.findings} for r in records]
        now = {f.id: f.status for f in current[stage].values()}
        for name, (bad, away) in sorted(comparison.came_back(earlier, now).items()):
            found.append((stage, name, records[bad].as_of.isoformat(), records[away].as_of.isoformat()))
    return found


def _day_of(case: Case, stage: str) -> date:
    record = case.earlier(stage)
    return record.as_of if record else case.as_of


def _came_back(case: Case, found: Returned, missing: list[str]) -> list[Finding]:
    """No finding while no earlier record is kept: there is nothing that could have come back."""
    histories = [case.history(stage) for stage in STAGES]
    altered = [name for history in histories for name in history.altered]
    records = [r for history in histories for r in history.records]
    if not (records or altered):
        return []
    policy = case.dossier.policy.governance.came_back_max
    failed = len(found) > policy.value
    awaits = [f"the records of {', '.join(missing)}"] if missing else []
    awaits += [f"earlier records as they were before they were altered: {', '.join(altered)}"] if altered else []
    if not failed and awaits:
        return [not_assessed("S4.4", "came_back", "; ".join(awaits))]
    since = min(r.as_of for r in records)
    told = f"Findings not met now that were so before and had gone in between: {len(found)}"
    named = ", ".join(name for _, name, _, _ in found[:3])
    return [
        Finding(
            id="S4.4.came_back",
            requirement="S4.4",
            status="not_met" if failed else "met",
            evidence="measured",
            statement=f"{told}{f' ({named})' if found else ''}. Records are kept since {since}.",
            value=len(found),
            unit="findings that came back",
            n=len(records),
            threshold=policy.value,
            method="findings of the current records against all earlier records that are unchanged, by id",
            source=policy.source,
            action="Find out why the first remedy did not hold." if failed else None,
        )
    ]


def _table(case: Case, found: Returned) -> Table:
    history = [r.as_of for stage in STAGES for r in case.history(stage).records]
    altered = [name for stage in STAGES for name in case.history(stage).altered]
    if history:
        note = f"Records are kept since {min(history)}."
    else:
        note = f"No earlier record is kept, so none can have come back; records are kept from {case.as_of} on."
    if altered:
        note += f" Not read, as they were altered: {', '.join(altered)}."
    return Table(
        id="S4.4.came_back",
        title="Findings that came back",
        requirement="S4.4",
        columns=["stage", "finding", "not met until", "met or gone on"],
        rows=[[TITLES[stage], name, bad, away] for stage, name, bad, away in found],
        note=note,
    )
