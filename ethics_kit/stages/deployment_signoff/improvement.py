"""S4.4: actions of all four stages, by age and in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Finding, Table
from ethics_kit.schema.answers import Action
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff.changes import findings_now
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


def actions_followed(case: Case) -> Outcome:
    """S4.4: open actions by age, and actions closed in time."""
    tracked = [
        Tracked(stage, a, a.closed is not None and a.closed <= case.as_of)
        for stage in STAGES
        for a in case.dossier.stages[stage].actions
        if a.opened is None or a.opened <= case.as_of
    ]
    current = findings_now(case)
    findings = [_overdue(case, tracked, current), *_closed(case, tracked, current)]
    return Outcome(tuple(findings), (_table(case, tracked),))


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


def _table(case: Case, tracked: Sequence[Tracked]) -> Table:
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
        note=f"Actions that do not say when they were opened: {unknown}." if unknown else None,
    )


def _day(day: date | None) -> str | None:
    return str(day) if day else None
