"""P1.1: what customers are told of the AI, and when."""

from __future__ import annotations

from ethics_kit.measures import timelines
from ethics_kit.stages.case import Case, Outcome
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
