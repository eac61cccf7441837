"""C3: opt-outs, the human alternative, choices on personalisation."""

from __future__ import annotations

from ethics_kit.measures import timelines
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding


def decided_after_opt_out(case: Case) -> Outcome:
    """C3.1: events after the customer had opted out."""
    name, table = "decided_after_opt_out", case.dossier.system.events
    for needed in ((table, "customer", "time"), ("opt_outs", "customer", "time")):
        if not case.has(*needed):
            return Outcome((not_assessed("C3.1", name, case.lacking(*needed)),))
    decided = events.with_purpose(case)
    if decided is None:
        return Outcome((not_assessed("C3.1", name, f"in the table {table} the column for purpose"),))
    opt_outs = case.table("opt_outs")
    known = case.table("customers") if case.has("customers", "customer") else decided
    purposes = [b.purpose for b in case.dossier.system.lawful_bases]
    strange, misspelt = timelines.unmatched(opt_outs, known, purposes)
    if 2 * strange.count > strange.n:
        awaits = f"opt-outs with the ids of customers: {strange.count} of {strange.n} match no customer"
        return Outcome((not_assessed("C3.1", name, awaits),))
    if misspelt.count:
        awaits = f"opt-outs with purposes spelt as in system.yaml: {misspelt.count} of {misspelt.n} are not"
        return Outcome((not_assessed("C3.1", name, awaits),))
    after = timelines.events_after_opt_out(decided, opt_outs)
    policy = case.dossier.policy.coverage.after_opt_out_max
    finding = share_finding(
        case,
        "C3.1",
        name,
        after.count,
        after.n,
        statement=f"{after.count} of {after.n} events came after the customer had opted out "
        f"({strange.n - strange.count} of {strange.n} opt-outs are of known customers).",
        at_most=policy.value,
        unit="share of events",
        action="Honour opt-outs before the system runs, and tell the customers concerned.",
        source=policy.source,
    )
    return Outcome((finding,))
