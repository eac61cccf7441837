"""P3.2: the lawful basis of each purpose, and where that is consent, the consent in force at each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethics_kit.measures.consents import ConsentCounts, consent_by_purpose, people_who_withdrew
from ethics_kit.record import Finding, Table
from ethics_kit.schema import LawfulBasis
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review import purposes
from ethics_kit.stages.design_review.current_consent import current_consent
from ethics_kit.stages.evidence import in_id, not_assessed, share_finding

if TYPE_CHECKING:
    import ibis.expr.types as ir

NEEDED = ("customer", "purpose", "given")


def consent_in_force(case: Case) -> Outcome:
    """P3.2: per purpose that rests on consent, the events without one in force, and what went on after a withdrawal."""
    bases, events = purposes.bases(case), purposes.served(case)
    if not bases or events is None:
        awaits = purposes.lacking(case) if bases else "the lawful basis of each purpose (lawful_bases in system.yaml)"
        return Outcome((not_assessed("P3.2", "processed_without_consent", awaits),))
    findings = [_by_contract(basis) for basis in purposes.bases(case, "contract").values()]
    unknown = events.filter(events.purpose.notin(list(bases)) | events.purpose.isnull()).count().to_pyarrow().as_py()
    if unknown:
        awaits = f"a lawful basis for the purpose of {unknown} events"
        findings.append(not_assessed("P3.2", "purposes_with_a_basis", awaits))
    consented = _by_consent(case, events, list(purposes.bases(case, "consent")))
    return Outcome((*findings, *consented.findings), consented.tables)


def _by_consent(case: Case, events: ir.Table, by_consent: list[str]) -> Outcome:
    if not by_consent:
        return Outcome()
    own = events.filter(events.purpose.isin(by_consent))
    if not case.has("consents", *NEEDED):
        if case.has("current_consents"):
            return _flags(case, own, by_consent)
        awaits = case.lacking("consents", *NEEDED)
        return Outcome(tuple(not_assessed("P3.2", f"{in_id(p)}.without_consent", awaits) for p in by_consent))
    counts = consent_by_purpose(own, case.table("consents"))
    withdrew = people_who_withdrew(case.table("consents"), case.end)
    found = {purpose: counts.get(purpose, ConsentCounts()) for purpose in by_consent}
    findings = [
        finding
        for purpose, states in found.items()
        for finding in (_without(case, purpose, states), *_after(case, purpose, states, withdrew.get(purpose, 0)))
    ]
    return Outcome(tuple(findings), (_states(found), _withdrawals(found, withdrew)))


def _flags(case: Case, events: ir.Table, by_consent: list[str]) -> Outcome:
    outcomes = [
        current_consent(case, events.filter(events.purpose == purpose), f"{in_id(purpose)}.current_consent")
        for purpose in by_consent
    ]
    return Outcome(tuple(f for o in outcomes for f in o.findings), tuple(t for o in outcomes for t in o.tables))


def _by_contract(basis: LawfulBasis) -> Finding:
    return Finding(
        id=f"P3.2.{in_id(basis.purpose)}.basis_is_contract",
        requirement="P3.2",
        status="not_applicable",
        evidence="measured",
        statement=f"The purpose “{basis.purpose}” rests on contract: no consent to measure. Decided by "
        f"{basis.by}, approved by {basis.approved_by}, {basis.on}.",
        null_reason="basis_is_contract",
        author=f"{basis.by}; {basis.approved_by}",
        stated_on=basis.on,
    )


def _without(case: Case, purpose: str, states: ConsentCounts) -> Finding:
    policy = case.dossier.policy.coverage.without_consent_max
    lapse = "" if case.has("consents", "expires") else " The table does not say when consents lapse."
    return share_finding(
        case,
        "P3.2",
        f"{in_id(purpose)}.without_consent",
        states.without,
        states.total,
        statement=f"{states.without} of {states.total} events for “{purpose}” had no consent in force: {states.none} "
        f"none, {states.withdrawn} withdrawn, {states.expired} expired, {states.wrong_purpose} for another "
        f"purpose.{lapse}",
        at_most=policy.value,
        unit="share of events",
        action=f"Stop the events for “{purpose}” without consent, and check it at the moment of each.",
        source=policy.source,
    )


def _after(case: Case, purpose: str, states: ConsentCounts, withdrew: int) -> list[Finding]:
    """Whether withdrawals ended the processing; where nobody has withdrawn, the share of events tells it all."""
    name = f"{in_id(purpose)}.after_withdrawal"
    if not case.has("consents", "withdrawn"):
        return [not_assessed("P3.2", name, case.lacking("consents", "withdrawn"))]
    if not withdrew:
        return []
    policy = case.dossier.policy.privacy.after_withdrawal_max
    days = ""
    if states.people_after:
        days = f" (for {states.longest_days:.1f} days at the longest, {states.median_days:.1f} in the median)"
    return [
        share_finding(
            case,
            "P3.2",
            name,
            states.people_after,
            withdrew,
            statement=f"{states.people_after} of {withdrew} people who withdrew their consent to “{purpose}” were "
            f"processed after that{days}.",
            at_most=policy.value,
            unit="share of people who withdrew",
            action="Let a withdrawal stop the processing at once.",
            source=policy.source,
            minimum=1,
        )
    ]


def _states(found: dict[str, ConsentCounts]) -> Table:
    return Table(
        id="P3.2.consent_states",
        title="Events by the consent in force at their moment",
        requirement="P3.2",
        columns=["purpose", "events", "in force", "none", "withdrawn", "expired", "another purpose"],
        rows=[
            [purpose, s.total, s.in_force, s.none, s.withdrawn, s.expired, s.wrong_purpose]
            for purpose, s in found.items()
        ],
    )


def _withdrawals(found: dict[str, ConsentCounts], withdrew: dict[str, int]) -> Table:
    return Table(
        id="P3.2.withdrawals",
        title="From withdrawal to the last processing",
        requirement="P3.2",
        columns=["purpose", "people who withdrew", "processed after it", "days (median)", "days (longest)"],
        rows=[
            [purpose, withdrew.get(purpose, 0), s.people_after, s.median_days, s.longest_days]
            for purpose, s in found.items()
        ],
        note="Consents withdrawn up to the as-of date. Days from the latest withdrawal to each person's last event.",
    )
