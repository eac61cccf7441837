"""P4.2: what an auditor needs to redo a decision."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.measures import timelines
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding


def audit_log_completeness(case: Case) -> Outcome:
    """P4.2: events that carry model version, inputs' hash, score (where there is one), reason and actor."""
    name, table = "audit_log_complete", case.dossier.system.events
    fields = [
        f for f in ("model_version", "inputs_hash", "score", "reason", "actor") if f in catalogue.tables()[table].roles
    ]
    if case.dossier.system.supplier or case.dossier.system.kind == "rules":
        fields = [f for f in fields if f != "score" or case.has(table, "score")]
    if not case.has(table, *fields):
        return Outcome((not_assessed("P4.2", name, case.lacking(table, *fields)),))
    complete, blanks = timelines.rows_complete(case.table(table), fields)
    policy = case.dossier.policy.coverage.audit_log_min
    finding = share_finding(
        case,
        "P4.2",
        name,
        complete.count,
        complete.n,
        statement=f"{complete.n - complete.count} of {complete.n} events lack at least one of {', '.join(fields)}.",
        at_least=policy.value,
        unit="share of events",
        action="Log every field with each event.",
        source=policy.source,
    )
    blank = Table(
        id="P4.2.blank_fields",
        title="Events without a value, per field of the audit log",
        requirement="P4.2",
        columns=["field", "blank", "events"],
        rows=[[field, count, complete.n] for field, count in blanks.items()],
    )
    return Outcome((finding,), (blank,))
