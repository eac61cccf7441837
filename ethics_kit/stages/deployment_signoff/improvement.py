"""S4.4: actions of all four stages by age and in time, and findings that came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ethics_kit import comparison
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Finding, Table
from ethics_kit.schema.answers import Action
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff.changes import so_far
from ethics_kit.stages.evidence import not_assessed, register_share


@dataclass(frozen=True)
class Tracked:
    """An action as it stood on the day of assessment: one that was closed later is open."""

    stage: str
    action: Action
    closed: bool

    @property
    def late(self) -> bool:
        """Whether it was closed after it was due."""
        return self.closed and self.action.closed is not None and self.action.closed > self.action.due


def improvement(case: Case) -> Outcome:
    """S4.4: open actions by age, actions closed in time, findings that came back."""
    tracked = [
        Tracked(stage, a, a.closed is not None and a.closed <= case.as_of)
        for stage in STAGES
        for a in case.dossier.stages[stage].actions
        if a.opened is None or a.opened <= case.as_of
    ]
    current = _current(case)
    findings = [_overdue(case, tracked, current), *_closed(case, tracked, current), *_came_back(case, current)]
    return Outcome(tuple(findings), (_actions_table(case, tracked), _returned_table(case, current)))


def _current(case: Case) -> dict[str, dict[str, Finding]]:
    """The findings of each stage by id as they are now; a stage without a record in order is left out."""
    found = {case.stage: {f.id: f for f in so_far(case)}}
    found |= {s: {f.id: f for f in r.findings} for s in STAGES if (r := case.earlier(s)) is not None}
    return found


# --- actions ---------------------------------------------------------------------------------------------------


def _overdue(case: Case, tracked: Sequence[Tracked], current: dict[str, dict[str, Finding]]) -> Finding:
    policy = case.dossier.policy.governance.overdue_actions_max
    if not tracked and (awaits := _unplanned(current)):
        return not_assessed("S4.4", "actions_overdue", awaits)
    open_ = [t for t in tracked if not t.closed]
    overdue = [t for t in open_ if t.action.due < case.as_of]
    oldest = max(((case.as_of - t.action.opened).days for t in open_ if t.action.opened), default=None)
    told = f"{len(overdue)} of {len(open_)} open actions are past their date."
    told += f" The oldest has been open for {oldest} days." if oldest is not None else ""
    failed = len(overdue) > policy.value
    return Finding(
        id="S4.4.actions_overdue",
        requirement="S4.4",
        status="not_met" if failed else "met",
        evidence="measured",
        statement=told,
        value=len(overdue),
        unit="open actions past their date",
        n=len(open_),
        threshold=policy.value,
        method="count of the actions in the four stages' files",
        source=policy.source,
        action="Close the overdue actions, or have somebody who answers for them set a new date." if failed else None,
    )


def _unplanned(current: dict[str, dict[str, Finding]]) -> str:
    """Why a register without any action shows nothing, in words; empty where there is nothing to act on."""
    missing = [TITLES[s].lower() for s in STAGES if s not in current]
    if missing:
        return f"actions, or records in order that show that none is needed ({', '.join(missing)})"
    bad = sum(f.status == "not_met" for findings in current.values() for f in findings.values())
    return f"actions for the {bad} findings that are not met" if bad else ""


def _closed(case: Case, tracked: Sequence[Tracked], current: dict[str, dict[str, Finding]]) -> list[Finding]:
    findings = []
    open_, closed = [t for t in tracked if not t.closed], [t for t in tracked if t.closed]
    if open_:
        owned = case.dossier.policy.coverage.ownership_min
        without = sum(t.action.deputy is None for t in open_)
        findings.append(
            register_share(
                case,
                "S4.4",
                "actions_have_deputies",
                len(open_) - without,
                len(open_),
                statement=f"{without} of {len(open_)} open actions have nobody who stands in for their owner.",
                at_least=owned.value,
                unit="share of open actions",
                action="Name a deputy for each action.",
                source=owned.source,
            )
        )
    if closed:
        policy = case.dossier.policy.governance.closed_in_time_min
        late = sum(t.late for t in closed)
        findings.append(
            register_share(
                case,
                "S4.4",
                "actions_closed_in_time",
                len(closed) - late,
                len(closed),
                statement=f"{late} of {len(closed)} closed actions were closed after their date.",
                at_least=policy.value,
                unit="share of closed actions",
                action="Set dates that can be kept, and keep them.",
                source=policy.source,
            )
        )
        findings.append(_closed_in_vain(closed, open_, current))
    return findings


def _closed_in_vain(
    closed: Sequence[Tracked], open_: Sequence[Tracked], current: dict[str, dict[str, Finding]]
) -> Finding:
    """Actions that count as done while the finding they are about is still not met and no other action is open."""
    name = "closed_yet_not_met"
    missing = sorted({t.stage for t in closed} - current.keys())
    if missing:
        return not_assessed("S4.4", name, f"records in order of: {', '.join(missing)}")
    again = {(t.stage, t.action.finding) for t in open_}
    vain = [
        t.action.finding
        for t in closed
        if (t.stage, t.action.finding) not in again
        and any(f.status == "not_met" and t.action.finding in (f.id, f.requirement) for f in current[t.stage].values())
    ]
    told = f"{len(vain)} of {len(closed)} closed actions left their finding not met, with no other action on it"
    return Finding(
        id=f"S4.4.{name}",
        requirement="S4.4",
        status="not_met" if vain else "met",
        evidence="measured",
        statement=told + (f": {', '.join(vain)}." if vain else "."),
        value=len(vain),
        unit="closed actions",
        n=len(closed),
        threshold=0,
        method="closed actions against the findings of the current records",
        action="Open a new action for each of these findings." if vain else None,
    )


def _actions_table(case: Case, tracked: Sequence[Tracked]) -> Table:
    def row(t: Tracked) -> list[str | int | float | None]:
        a = t.action
        end = a.closed if t.closed and a.closed else case.as_of
        state = ("closed late" if t.late else "closed in time") if t.closed else "open"
        state = "overdue" if not t.closed and a.due < case.as_of else state
        days = (end - a.opened).days if a.opened else None
        return [TITLES[t.stage], a.finding, state, days, a.due.isoformat(), _day(a.closed) if t.closed else None]

    order = {"overdue": 0, "open": 1, "closed late": 2, "closed in time": 3}
    rows = sorted((row(t) for t in tracked), key=lambda r: (order[str(r[2])], -int(r[3] or 0), str(r[1])))
    unknown = sum(t.action.opened is None for t in tracked)
    return Table(
        id="S4.4.actions",
        title="Actions of all four stages, by age",
        requirement="S4.4",
        columns=["stage", "finding", "state", "days open", "due", "closed"],
        rows=rows,
        note=f"{unknown} actions do not say when they were opened." if unknown else None,
    )


def _day(day: object) -> str | None:
    return str(day) if day else None


# --- findings that came back -----------------------------------------------------------------------------------


def _returned(case: Case, current: dict[str, dict[str, Finding]]) -> list[tuple[str, str, str, str]]:
    """Stage, finding, and the days of the records in which it was last not met, and then gone or met."""
    found = []
    for stage in (s for s in STAGES if s in current):
        records = [r for r in case.history(stage).records if r.as_of < _day_of(case, stage)]
        earlier = [{f.id: f.status for f in r.findings} for r in records]
        now = {f.id: f.status for f in current[stage].values()}
        for name, (bad, away) in sorted(comparison.came_back(earlier, now).items()):
            found.append((stage, name, records[bad].as_of.isoformat(), records[away].as_of.isoformat()))
    return found


def _day_of(case: Case, stage: str) -> object:
    record = case.earlier(stage)
    return record.as_of if record else case.as_of


def _came_back(case: Case, current: dict[str, dict[str, Finding]]) -> list[Finding]:
    """No finding while no earlier record is kept: there is nothing that could have come back."""
    histories = [case.history(stage) for stage in STAGES]
    altered = [name for history in histories for name in history.altered]
    records = [r for history in histories for r in history.records]
    if not (records or altered):
        return []
    policy = case.dossier.policy.governance.came_back_max
    found = _returned(case, current)
    failed = len(found) > policy.value
    if not failed and altered:
        return [not_assessed("S4.4", "came_back", f"earlier records that were not altered: {', '.join(altered)}")]
    since = min(r.as_of for r in records)
    told = f"{len(found)} findings that are not met now were so before and had gone in between"
    named = ", ".join(name for _, name, _, _ in found[:3])
    return [
        Finding(
            id="S4.4.came_back",
            requirement="S4.4",
            status="not_met" if failed else "met",
            evidence="measured",
            statement=f"{told}{f': {named}' if found else ''}. Records are kept since {since}.",
            value=len(found),
            unit="findings that came back",
            n=len(records),
            threshold=policy.value,
            method="findings of the current records against all earlier records that are unchanged, by id",
            source=policy.source,
            action="Find out why the first remedy did not hold." if failed else None,
        )
    ]


def _returned_table(case: Case, current: dict[str, dict[str, Finding]]) -> Table:
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
        rows=[[TITLES[stage], name, bad, away] for stage, name, bad, away in _returned(case, current)],
        note=note,
    )
