"""C1.3: rows kept beyond the limit of their class."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ethics_kit.framework import catalogue
from ethics_kit.measures import timelines
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding


def retention(case: Case) -> Outcome:
    """C1.3: per table of customers' dated rows, those older than the limit of its class."""
    findings, rows = [], []
    policy = case.dossier.policy.coverage.over_retention_max
    for name, located in sorted(case.dossier.located_tables.items()):
        role = case.time_role(name)
        if role is None or not case.has(name, "customer"):
            continue
        if role not in located.spec.columns:
            findings.append(not_assessed("C1.3", f"{name}_over_limit", f"in the table {name} the time of each row"))
            continue
        if located.spec.retention_class is None:
            findings.append(not_assessed("C1.3", f"{name}_over_limit", f"a retention_class for the table {name}"))
            continue
        limit = case.dossier.organisation.retention_classes[located.spec.retention_class]
        found = timelines.rows_over_limit(case.table(name)[role], days=limit.days, as_of=case.end)
        findings.append(
            share_finding(
                case,
                "C1.3",
                f"{name}_over_limit",
                found.over,
                found.n,
                statement=f"{found.over} of {found.n} rows of {name} are older than {limit.days} days.",
                at_most=policy.value,
                unit="share of rows",
                action=f"Delete or anonymise the rows of {name} that are past their limit.",
                source=policy.source,
                minimum=1,
            )
        )
        oldest = found.oldest.date() if found.oldest else None
        rows.append(
            [
                name,
                located.spec.retention_class,
                limit.days,
                found.n,
                found.over,
                found.next_30,
                found.next_90,
                oldest.isoformat() if oldest else None,
                (oldest + timedelta(days=limit.days)).isoformat() if oldest else None,
            ]
        )
    findings += unaccounted(case, "C1.3")
    table = Table(
        id="C1.3.retention",
        title="Age of rows against the limit of their class",
        requirement="C1.3",
        columns=[
            "table",
            "class",
            "limit (days)",
            "rows",
            "older",
            "due in 30 days",
            "due in 90 days",
            "oldest",
            "must go by",
        ],
        rows=rows,
        note="Due: rows that reach their limit within so many days after the as-of date; those of 30 are among those "
        "of 90. The day by which the oldest row must go tells when the next run of the deletion is due, or was.",
    )
    return Outcome(tuple(findings), (table,))


def unaccounted(case: Case, requirement: str, undated: Sequence[str] = ()) -> list[Finding]:
    """What is open while one of the kit's tables of customers' rows is neither named nor said not to be kept.

    Those whose rows have a time count, and those of `undated`.
    """
    other = {"conversations", "decisions"} - {case.dossier.system.events}
    if "consents" in case.dossier.located_tables:
        other.add("current_consents")  # which stand in for a history
    kept = {*case.dossier.located_tables, *case.not_kept}
    dated = [n for n, t in catalogue.tables().items() if "customer" in t.roles and case.time_role(n)]
    missing = [name for name in [*dated, *undated] if name not in kept | other]
    awaits = f"the tables {', '.join(missing)}, or why they are not kept (not_kept in system.yaml)"
    return [not_assessed(requirement, "tables_accounted_for", awaits)] * bool(missing)
