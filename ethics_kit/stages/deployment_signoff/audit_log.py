"""P4.2: what an auditor needs to redo a decision, and whether the log can be trusted to hold every one."""

from __future__ import annotations

from collections.abc import Mapping

from ethics_kit.framework import catalogue
from ethics_kit.measures import auditlog, timelines
from ethics_kit.measures.auditlog import Numbering, Version, VersionUse
from ethics_kit.measures.proportions import rate
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding

FIELDS = ("model_version", "inputs_hash", "score", "reason", "actor")
NUMBERS = ("sequence_given", "sequence_complete", "sequence_unique", "clock_forwards")


def audit_log_completeness(case: Case) -> Outcome:
    """P4.2: events that carry model version, inputs' hash, score (where there is one), reason and actor."""
    name, table = "audit_log_complete", case.dossier.system.events
    fields = [f for f in FIELDS if f in catalogue.tables()[table].roles]
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
    return Outcome((finding,), (_by_field(case, blanks, complete.n),))


def _by_field(case: Case, blanks: Mapping[str, int], n: int) -> Table:
    confidence = case.dossier.policy.fairness.confidence.value
    shares = {field: rate(n - blank, n, confidence=confidence) for field, blank in blanks.items()}
    return Table(
        id="P4.2.blank_fields",
        title="Events without a value, per field of the audit log",
        requirement="P4.2",
        columns=["field", "blank", "events", "share with a value", "low", "high"],
        rows=[[f, blanks[f], n, share.value, share.low, share.high] for f, share in shares.items()],
    )


# --- running numbers -------------------------------------------------------------------------------------------


def audit_log_sequence(case: Case) -> Outcome:
    """P4.2: running numbers that are missing or stand twice, and time that runs backwards along them."""
    table = case.dossier.system.events
    if not case.has(table, "sequence", "time"):
        awaits = case.lacking(table, "sequence", "time")
        return Outcome(tuple(not_assessed("P4.2", name, awaits) for name in NUMBERS))
    tolerance = case.dossier.policy.audit.clock_tolerance_seconds.value
    found = auditlog.numbering(case.table(table), tolerance=tolerance)
    findings = (_given(case, found), _complete(case, found), _unique(case, found), _forwards(case, found))
    return Outcome(findings, (_runs(found),) if found.longest else ())


def _given(case: Case, found: Numbering) -> Finding:
    policy = case.dossier.policy.coverage.audit_log_min
    return share_finding(
        case,
        "P4.2",
        "sequence_given",
        found.numbered,
        found.rows,
        statement=f"{found.rows - found.numbered} of {found.rows} events have no whole running number.",
        at_least=policy.value,
        unit="share of events",
        action="Give every event its number as it is logged.",
        source=policy.source,
    )


def _complete(case: Case, found: Numbering) -> Finding:
    policy = case.dossier.policy.audit.missing_numbers_max
    told = "every running number"
    if found.span:
        told = f"{found.missing} of the {found.span} running numbers from {found.low} to {found.high}"
    return share_finding(
        case,
        "P4.2",
        "sequence_complete",
        found.missing,
        found.span,
        statement=f"{told[0].upper()}{told[1:]} are missing"
        + (f", in {found.runs} {'run' if found.runs == 1 else 'runs'}." if found.missing else "."),
        at_most=policy.value,
        unit="share of running numbers",
        action="Find out which events these were, and whether they were lost, deleted or never logged.",
        source=policy.source,
    )


def _unique(case: Case, found: Numbering) -> Finding:
    policy = case.dossier.policy.audit.repeated_numbers_max
    return share_finding(
        case,
        "P4.2",
        "sequence_unique",
        found.repeated,
        found.numbered,
        statement=f"{found.repeated} of {found.numbered} numbered events share their running number with another.",
        at_most=policy.value,
        unit="share of numbered events",
        action="Tell apart what was logged twice from what was numbered twice, and number each event once.",
        source=policy.source,
    )


def _forwards(case: Case, found: Numbering) -> Finding:
    policy = case.dossier.policy.audit.steps_back_max
    furthest = f", at most by {found.furthest:,.0f} seconds" if found.backwards else ""
    return share_finding(
        case,
        "P4.2",
        "clock_forwards",
        found.backwards,
        found.timed,
        statement=f"At {found.backwards} of {found.timed} steps along the running numbers time runs backwards by more "
        f"than {case.dossier.policy.audit.clock_tolerance_seconds.value:g} s{furthest}.",
        at_most=policy.value,
        unit="share of steps",
        action="Keep the clocks of all that write the log in step, and say which times are wrong.",
        source=policy.source,
    )


def _runs(found: Numbering) -> Table:
    listed = sum(run.missing for run in found.longest)
    rest = f" {found.missing - listed} more numbers are missing in {found.runs - len(found.longest)} shorter runs."
    return Table(
        id="P4.2.missing_numbers",
        title="Running numbers that are missing",
        requirement="P4.2",
        columns=["first", "last", "numbers"],
        rows=[[run.first, run.last, run.missing] for run in found.longest],
        note=f"The longest runs.{rest}" if found.runs > len(found.longest) else None,
    )


# --- model versions --------------------------------------------------------------------------------------------


def audit_log_versions(case: Case) -> Outcome:
    """P4.2: events by model versions that nobody lists, or outside the days on which a version was in use."""
    name, table, model = "versions_known", case.dossier.system.events, case.dossier.system.model
    if model.version is None:
        awaits = "the model's version as the log writes it (model.version in system.yaml)"
        return Outcome((not_assessed("P4.2", name, awaits),))
    if not case.has(table, "model_version", "time"):
        return Outcome((not_assessed("P4.2", name, case.lacking(table, "model_version", "time")),))
    earlier = [Version(v.version, v.from_, v.until) for v in model.earlier_versions]
    found = auditlog.versions(case.table(table), [Version(model.version), *earlier])
    return Outcome((_known(case, found),), (_by_version(found),) if found else ())


def _known(case: Case, found: list[VersionUse]) -> Finding:
    policy = case.dossier.policy.audit.unknown_versions_max
    unknown = sum(use.events for use in found if not use.known)
    outside = sum(use.outside for use in found if use.known)
    n = sum(use.events for use in found)
    return share_finding(
        case,
        "P4.2",
        "versions_known",
        unknown + outside,
        n,
        statement=f"{unknown} of {n} events with a model version are by a version that system.yaml does not list"
        f"{f', and {outside} by one outside the days listed' if outside else ''}.",
        at_most=policy.value,
        unit="share of events with a version",
        action="List the version under model.earlier_versions with its days, or find out what decided here.",
        source=policy.source,
    )


def _by_version(found: list[VersionUse]) -> Table:
    return Table(
        id="P4.2.versions",
        title="Events by model version",
        requirement="P4.2",
        columns=["version", "listed", "events", "outside its days"],
        rows=[
            [use.name, "yes" if use.known else "no", use.events, use.outside if use.known else None] for use in found
        ],
    )
