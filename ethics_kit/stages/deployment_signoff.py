"""Stage 4: may it go, or stay, live: opt-outs, audit trail, training, reviews, and the three records before it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from ethics_kit.framework import catalogue
from ethics_kit.measures import timelines
from ethics_kit.record import Finding, Table
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome, Step, months_after
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


def audit_log_completeness(case: Case) -> Outcome:
    """P4.2: events that carry model version, inputs' hash, score (where there is one), reason and actor."""
    name, table = "audit_log_complete", case.dossier.system.events
    fields = [
        f for f in ("model_version", "inputs_hash", "score", "reason", "actor") if f in catalogue.tables()[table].roles
    ]
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
    blank = Table(
        id="P4.2.blank_fields",
        title="Events without a value, per field of the audit log",
        requirement="P4.2",
        columns=["field", "blank", "events"],
        rows=[[field, count, complete.n] for field, count in blanks.items()],
    )
    return Outcome((finding,), (blank,))


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


def review_due(case: Case) -> Outcome:
    """G3 and B5: past assessments against the cadence of the impact level."""
    names = {"G3": "review_overdue", "B5": "assessments_recur"}
    if not case.has("past_assessments", "date"):
        awaits = case.lacking("past_assessments", "date")
        return Outcome(tuple(not_assessed(r, n, awaits) for r, n in names.items()))
    column = case.table("past_assessments").date
    dates = sorted(d.date() for d in column.as_table().to_pyarrow()[column.get_name()].to_pylist())
    months = catalogue.levels()[case.level.holds].review_months
    if not dates:
        return Outcome(tuple(not_assessed(r, n, "an assessment before the as-of date") for r, n in names.items()))
    due = months_after(dates[-1], months)
    overdue = (case.as_of - due).days
    late = _late_gaps(dates, months)
    g3 = Finding(
        id="G3.review_overdue",
        requirement="G3",
        status="met" if overdue <= 0 else "not_met",
        evidence="measured",
        statement=f"The last assessment is of {dates[-1]}; level {case.level.holds} wants one every {months} months: "
        + (f"next due {due}." if overdue <= 0 else f"overdue since {due}."),
        value=overdue,
        unit="days overdue (negative: days left)",
        n=len(dates),
        threshold=0,
        method="date of the last assessment plus the level's review_months",
        source="framework/levels.yaml",
        action=None if overdue <= 0 else "Hold the overdue review.",
    )
    b5 = Finding(
        id="B5.assessments_recur",
        requirement="B5",
        status="not_met" if late else "inconclusive" if len(dates) < 2 else "met",
        evidence="measured",
        statement=f"{late} of {max(len(dates) - 1, 0)} intervals between {len(dates)} past assessments were longer "
        f"than {months} months." + (" One assessment shows no interval yet." if len(dates) < 2 else ""),
        value=late,
        unit="intervals too long",
        n=len(dates),
        threshold=0,
        method="intervals between consecutive assessments against the level's review_months",
        source="framework/levels.yaml",
        action=None if not late and len(dates) > 1 else "Keep to the cadence of the level.",
    )
    return Outcome((g3, b5))


def _late_gaps(dates: list[date], months: int) -> int:
    return sum(later > months_after(earlier, months) for earlier, later in pairwise(dates))


def earlier_records(case: Case) -> Outcome:
    """The three records this stage rests on, as they were found: a table, no finding of its own."""
    table = Table(
        id="G3.earlier_records",
        title="The records before this one",
        requirement="G3",
        columns=["stage", "state", "as of", "recommendation", "record"],
        rows=[
            [
                u.stage,
                u.status,
                u.as_of.isoformat() if u.as_of else None,
                u.recommendation,
                (u.record_id or "")[:12] or None,
            ]
            for u in case.upstream
        ],
    )
    return Outcome((), (table,))


STEPS: dict[Step, tuple[str, ...]] = {
    earlier_records: ("G3",),
    decided_after_opt_out: ("C3.1",),
    audit_log_completeness: ("P4.2",),
    training_current: ("G4",),
    review_due: (
        "G3",
        "B5",
    ),
}
