"""G4: training by role."""

from __future__ import annotations

from datetime import timedelta

from ethics_kit.measures import timelines
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, register_share


def training_current(case: Case) -> Outcome:
    """G4: courses that are completed and not expired, by role, and those that lapse soon."""
    if not case.has("training", "role", "completed"):
        return Outcome((not_assessed("G4", "training_current", case.lacking("training", "role", "completed")),))
    required = case.dossier.organisation.training_required
    end = case.end - timedelta(microseconds=1)
    roles = timelines.current_training(case.table("training"), as_of=end, required=required)
    current, n = sum(s.current for s in roles.values()), sum(s.n for s in roles.values())
    soon = sum(s.next_90 for s in roles.values())
    policy = case.dossier.policy.coverage.training_min
    finding = register_share(
        case,
        "G4",
        "training_current",
        current,
        n,
        statement=f"{n - current} of {n} required courses are not completed or have lapsed. "
        f"{soon} more lapse within 90 days.",
        at_least=policy.value,
        unit="share of courses",
        action="Train the people whose courses are open or lapsed.",
        source=policy.source,
    )
    nobody = sorted(required.keys() - roles.keys())
    absent = [not_assessed("G4", "roles_trained", f"rows of training for: {', '.join(nobody)}")] if nobody else []
    table = Table(
        id="G4.training",
        title="Training by role",
        requirement="G4",
        columns=["role", "courses asked for", "current", "courses", "lapse within 30 days", "lapse within 90 days"],
        rows=[
            [role, ", ".join(required.get(role, [])) or None, c.current, c.n, c.next_30, c.next_90]
            for role, c in roles.items()
        ],
        note="Each person's courses count one by one. Where organisation.yaml asks for courses (training_required), "
        "these alone count, and one of which there is no row is open.",
    )
    return Outcome((finding, *absent), (table,))
