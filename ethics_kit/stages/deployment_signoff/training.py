"""G4: training by role."""

from __future__ import annotations

from datetime import timedelta

from ethics_kit.measures import timelines
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding


def training_current(case: Case) -> Outcome:
    """G4: courses that are completed and not expired, by role."""
    if not case.has("training", "role", "completed"):
        return Outcome((not_assessed("G4", "training_current", case.lacking("training", "role", "completed")),))
    roles = timelines.current_training(case.table("training"), as_of=case.end - timedelta(microseconds=1))
    count, n = sum(s.count for s in roles.values()), sum(s.n for s in roles.values())
    policy = case.dossier.policy.coverage.training_min
    finding = share_finding(
        case,
        "G4",
        "training_current",
        count,
        n,
        statement=f"{n - count} of {n} required courses are not completed or have lapsed.",
        at_least=policy.value,
        unit="share of courses",
        action="Train the people whose courses are open or lapsed.",
        source=policy.source,
        minimum=1,
    )
    table = Table(
        id="G4.training",
        title="Training by role",
        requirement="G4",
        columns=["role", "current", "courses"],
        rows=[[role, share.count, share.n] for role, share in roles.items()],
    )
    return Outcome((finding,), (table,))
