"""Stage 2: is the design ready: notice, lawful basis and consent, retention, oversight, documentation."""

from __future__ import annotations

from collections.abc import Iterable

from ethics_kit.framework import catalogue
from ethics_kit.measures import timelines
from ethics_kit.record import Finding, Table
from ethics_kit.schema import LawfulBasis
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome, Step
from ethics_kit.stages.evidence import not_assessed, share_finding


def notice_before_first_decision(case: Case) -> Outcome:
    """P1.1: customers who had been told of the AI before it first decided on them."""
    name, table = "notice_before_first_decision", case.dossier.system.events
    for needed in ((table, "customer", "time"), ("notices", "customer", "time")):
        if not case.has(*needed):
            return Outcome((not_assessed("P1.1", name, case.lacking(*needed)),))
    told = timelines.noticed_before_first_event(case.table(table), case.table("notices"))
    policy = case.dossier.policy.coverage.notice_min
    finding = share_finding(
        case,
        "P1.1",
        name,
        told.count,
        told.n,
        statement=f"{told.n - told.count} of {told.n} customers had no notice logged before their first decision.",
        at_least=policy.value,
        unit="share of customers",
        action="Show the notice before the first decision, and log it.",
        source=policy.source,
    )
    return Outcome((finding,))


def consent_in_force(case: Case) -> Outcome:
    """P3.2: events whose purpose rests on consent, by the consent in force at that moment."""
    name, table = "processed_without_consent", case.dossier.system.events
    bases = {b.purpose: b for b in case.dossier.system.lawful_bases if b.on <= case.as_of}
    if not bases:
        return Outcome((not_assessed("P3.2", name, "the lawful basis of each purpose (lawful_bases in system.yaml)"),))
    if not case.has(table, "customer", "time"):
        return Outcome((not_assessed("P3.2", name, case.lacking(table, "customer", "time")),))
    decided = events.with_purpose(case)
    if decided is None:
        return Outcome((not_assessed("P3.2", name, f"in the table {table} the column for purpose"),))
    findings: list[Finding] = []
    unknown = int(
        decided.filter(decided.purpose.notin(list(bases)) | decided.purpose.isnull()).count().to_pyarrow().as_py()
    )
    if unknown:
        findings.append(
            not_assessed("P3.2", "purposes_with_a_basis", f"a lawful basis for the purpose of {unknown} events")
        )
    by_consent = [p for p, b in bases.items() if b.basis == "consent"]
    if not by_consent:
        return Outcome((*findings, *_other_bases(bases.values())))
    if not case.has("consents", "customer", "purpose", "given"):
        return Outcome(
            (*findings, not_assessed("P3.2", name, case.lacking("consents", "customer", "purpose", "given")))
        )
    states = timelines.consent_states(decided.filter(decided.purpose.isin(by_consent)), case.table("consents"))
    policy = case.dossier.policy.coverage.without_consent_max
    findings.append(
        share_finding(
            case,
            "P3.2",
            name,
            states.without,
            states.total,
            statement=f"{states.without} of {states.total} events had no consent in force: {states.none} none, "
            f"{states.withdrawn} withdrawn, {states.expired} expired, {states.wrong_purpose} for another purpose.",
            at_most=policy.value,
            unit="share of events",
            action="Stop these events, and check consent at the moment of each.",
            source=policy.source,
        )
    )
    table_of_states = Table(
        id="P3.2.consent_states",
        title="Events by the consent in force at their moment",
        requirement="P3.2",
        columns=["state", "events"],
        rows=[
            [label, getattr(states, field)]
            for field, label in (
                ("in_force", "in force"),
                ("none", "none"),
                ("withdrawn", "withdrawn"),
                ("expired", "expired"),
                ("wrong_purpose", "another purpose"),
            )
        ],
    )
    return Outcome((*findings, *_other_bases(bases.values())), (table_of_states,))


def _other_bases(bases: Iterable[LawfulBasis]) -> tuple[Finding, ...]:
    """Purposes that rest on legitimate interest await their own measure; contract needs none."""
    found = []
    for basis in sorted(bases, key=lambda b: b.purpose):
        if basis.basis == "legitimate_interest":
            found.append(
                not_assessed(
                    "P3.2",
                    "objections_honoured",
                    "the measure of objections honoured and the balancing test (a later release of the kit)",
                )
            )
        elif basis.basis == "contract":
            found.append(
                Finding(
                    id="P3.2.basis_is_contract",
                    requirement="P3.2",
                    status="not_applicable",
                    evidence="measured",
                    statement=f"The purpose “{basis.purpose}” rests on contract: no consent to measure. Decided by "
                    f"{basis.by}, approved by {basis.approved_by}, {basis.on}.",
                    null_reason="basis_is_contract",
                    author=f"{basis.by}; {basis.approved_by}",
                    stated_on=basis.on,
                )
            )
    return tuple({f.id: f for f in found}.values())


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
        oldest = found.oldest.date().isoformat() if found.oldest else None
        rows.append([name, located.spec.retention_class, limit.days, found.n, found.over, oldest])
    missing = _unaccounted(case)
    if missing:
        awaits = f"the tables {', '.join(missing)}, or why they are not kept (not_kept in system.yaml)"
        findings.append(not_assessed("C1.3", "tables_accounted_for", awaits))
    table = Table(
        id="C1.3.retention",
        title="Age of rows against the limit of their class",
        requirement="C1.3",
        columns=["table", "class", "limit (days)", "rows", "older", "oldest"],
        rows=rows,
    )
    return Outcome(tuple(findings), (table,))


def _unaccounted(case: Case) -> list[str]:
    """The kit's tables of customers' dated rows that the dossier neither names nor says it does not keep."""
    other = {"conversations", "decisions"} - {case.dossier.system.events}
    kept = {*case.dossier.located_tables, *case.not_kept}
    dated = [n for n, t in catalogue.tables().items() if "customer" in t.roles and case.time_role(n)]
    return [name for name in dated if name not in kept | other]


STEPS: dict[Step, tuple[str, ...]] = {
    notice_before_first_decision: ("P1.1",),
    consent_in_force: ("P3.2",),
    retention: ("C1.3",),
}
