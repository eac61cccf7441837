"""G5: who from outside looked at this version of the system, until when that counts, and what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ethics_kit import schema
from ethics_kit.checks.answers import LINK
from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
from ethics_kit.schema import Audit
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding

QUESTION = "external_audit_state"


@dataclass(frozen=True)
class Held:
    """An audit that covers this system, and whether it stands in organisation.yaml; `folder` is that of its file."""

    audit: Audit
    inherited: bool
    folder: Path

    def state(self, case: Case) -> str:
        """What the audit is worth on the day of assessment, in words; *current* is the best."""
        if self.audit.expires < case.as_of:
            return "expired"
        version = case.dossier.system.model.label
        return "current" if version in self.audit.scope[case.dossier.id] else "of another model version"


def external_audits(case: Case) -> Outcome:
    """G5: external audits with scope and expiry, and their open points by age."""
    own = case.dossier.stage(schema.DeploymentSignoff).audits
    held = [Held(a, True, case.dossier.project.parameters) for a in case.dossier.organisation.audits]
    held += [Held(a, False, case.dossier.folder) for a in own]
    known = [h for h in held if h.audit.on <= case.as_of and case.dossier.id in h.audit.scope]
    for h in known:
        if not LINK.match(h.audit.evidence):
            case.documents[f"evidence audit {h.audit.on} {h.audit.auditor}"] = h.folder / h.audit.evidence
    if not known:
        awaits = f"an audit of {case.dossier.id} in the register of audits"
        missing = attested_finding(
            "G5",
            "audit_current",
            "not_assessed",
            f"Not assessed: it awaits {awaits}.",
            null_reason=f"awaits {awaits}",
            action="Enter the audit under audits, with its report as evidence; if there was none, arrange one.",
        )
        return Outcome((missing, *_contradiction(case, "none")))
    best = max(known, key=lambda h: (h.state(case) == "current", h.audit.on))
    findings = [_current(case, best), *_contradiction(case, best.state(case)), *_points(case, known)]
    return Outcome(tuple(findings), (_table(case, known), *_points_table(case, known)))


def _current(case: Case, best: Held) -> Finding:
    audit, state = best.audit, best.state(case)
    covered = ", ".join(audit.scope[case.dossier.id])
    version = case.dossier.system.model.label or "none named"
    return attested_finding(
        "G5",
        "audit_current",
        "met" if state == "current" else "not_met",
        f"The audit by {audit.auditor} of {audit.on} is {state}: it covers {covered} until {audit.expires}; "
        f"in use is {version}.",
        source=audit.evidence,
        author=audit.by,
        action=None if state == "current" else "Have the version in use audited.",
        inherited=best.inherited,
    )


def _contradiction(case: Case, state: str) -> list[Finding]:
    """The register against the answer on external audits, where that counts."""
    question = catalogue.questions(case.stage)[QUESTION]
    answer = case.answer(question) if case.shown(question) else None
    if answer is None or (answer == "current") == (state == "current"):
        return []
    label = next(c.label for c in question.options if c.value == answer)
    told = "no audit of this system" if state == "none" else f"that the latest audit is {state}"
    return [
        attested_finding(
            "G5",
            "contradiction_audits",
            "not_assessed",
            f"Not both can be true: the register of audits shows {told}, and the answer on external audits is: {label}",
            null_reason="contradictory evidence",
            action="Find out which of the two is wrong, and correct it.",
        )
    ]


def _points(case: Case, known: Sequence[Held]) -> list[Finding]:
    points = [p for h in known for p in h.audit.open_points]
    if not points:
        return []
    open_ = [p for p in points if not (p.closed and p.closed <= case.as_of)]
    overdue = [p for p in open_ if p.due < case.as_of]
    return [
        attested_finding(
            "G5",
            "audit_points_overdue",
            "not_met" if overdue else "met",
            f"Of {len(points)} points that audits raised {len(open_)} are open, {len(overdue)} past their date.",
            value=len(overdue),
            null_reason=None,
            unit="points past their date",
            n=len(points),
            threshold=0,
            author="; ".join(dict.fromkeys(h.audit.by for h in known)),
            action="Settle the points that are past their date." if overdue else None,
        )
    ]


def _table(case: Case, known: Sequence[Held]) -> Table:
    return Table(
        id="G5.audits",
        title="External audits of this system",
        requirement="G5",
        columns=["auditor", "report of", "expires", "covers", "state", "report"],
        rows=[
            [
                h.audit.auditor,
                h.audit.on.isoformat(),
                h.audit.expires.isoformat(),
                ", ".join(h.audit.scope[case.dossier.id]),
                h.state(case),
                h.audit.evidence,
            ]
            for h in sorted(known, key=lambda h: h.audit.on)
        ],
    )


def _points_table(case: Case, known: Sequence[Held]) -> list[Table]:
    def row(audit: Audit, p: schema.OpenPoint) -> list[str | int | float | None]:
        closed = p.closed if p.closed and p.closed <= case.as_of else None
        state = "closed" if closed else "overdue" if p.due < case.as_of else "open"
        return [p.point, state, ((closed or case.as_of) - audit.on).days, p.due.isoformat(), p.owner]

    rows = [row(h.audit, p) for h in known for p in h.audit.open_points]
    if not rows:
        return []
    return [
        Table(
            id="G5.audit_points",
            title="Points that audits raised",
            requirement="G5",
            columns=["point", "state", "days since the report", "due", "owner"],
            rows=rows,
        )
    ]
