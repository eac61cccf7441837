"""P3.2: the lawful basis of each purpose, and the consent in force at each event."""

from __future__ import annotations

from collections.abc import Iterable

from ethics_kit.measures import timelines
from ethics_kit.record import Finding, Table
from ethics_kit.schema import LawfulBasis
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding


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
