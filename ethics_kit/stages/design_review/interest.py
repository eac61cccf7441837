"""P3.2: where a purpose rests on legitimate interest, the balancing test on file and the objections honoured."""

from __future__ import annotations

from ethics_kit.checks.answers import LINK
from ethics_kit.measures import timelines
from ethics_kit.record import Finding
from ethics_kit.schema import LawfulBasis
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review import purposes
from ethics_kit.stages.evidence import attested_finding, in_id, not_assessed, register_awaits, share_finding


def legitimate_interest(case: Case) -> Outcome:
    """P3.2: per purpose that rests on legitimate interest, its balancing test, and events after an objection."""
    bases = purposes.bases(case, "legitimate_interest")
    return Outcome(tuple(f for basis in bases.values() for f in (_balanced(case, basis), _objections(case, basis))))


def _balanced(case: Case, basis: LawfulBasis) -> Finding:
    name, test = f"{in_id(basis.purpose)}.balancing_test", basis.balancing_test
    awaits = register_awaits(case, test, f"the balancing test of “{basis.purpose}” (balancing_test in system.yaml)")
    if test is None or awaits:
        return not_assessed("P3.2", name, awaits).model_copy(update={"evidence": "attested"})
    if not LINK.match(test.evidence):
        case.documents[f"balancing test {basis.purpose}"] = case.dossier.folder / test.evidence
    return attested_finding(
        "P3.2",
        name,
        "met",
        f"A balancing test of “{basis.purpose}” is on file ({test.evidence}), kept by {test.by}, {test.on}. The kit "
        "does not judge it.",
        source="GDPR Art. 6(1)(f)",
        author=test.by,
        stated_on=test.on,
    )


def _objections(case: Case, basis: LawfulBasis) -> Finding:
    name, events = f"{in_id(basis.purpose)}.objections_honoured", purposes.served(case)
    if events is None:
        return not_assessed("P3.2", name, purposes.lacking(case))
    if not case.has("opt_outs", "customer", "time"):
        return not_assessed("P3.2", name, case.lacking("opt_outs", "customer", "time"))
    own = events.filter(events.purpose == basis.purpose)
    after = timelines.events_after_opt_out(own, case.table("opt_outs"))
    policy = case.dossier.policy.coverage.after_opt_out_max
    return share_finding(
        case,
        "P3.2",
        name,
        after.count,
        after.n,
        statement=f"{after.count} of {after.n} events for “{basis.purpose}”, which rests on legitimate interest, came "
        "after the person's objection.",
        at_most=policy.value,
        unit="share of events",
        action=f"Stop the events for “{basis.purpose}” once a person objects, or show the grounds that override it.",
        source=policy.source,
    )
