"""G3: what brings a review forward, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from ethics_kit.record import UPSTREAM_WORDS, Finding, Record, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import reviews
from ethics_kit.stages.evidence import not_assessed

GAPS = ("P2.2", "S3.1", "C2.1", "C2.2", "C2.3", "C2.4")
"""The requirements of bias testing whose measured findings are gaps between groups."""


@dataclass(frozen=True)
class Trigger:
    """Something that brings a review forward, and the day from which it is known."""

    on: date
    what: str


@dataclass(frozen=True)
class Watched:
    """One kind of trigger since the last review: what happened, what else is to say, or what it awaits to be told."""

    kind: str
    happened: tuple[Trigger, ...] = ()
    awaits: str = ""
    otherwise: str = "did not happen"


def review_triggers(case: Case) -> Outcome:
    """G3: new versions, a new level, new gaps, incidents and changes of supplier since the last review."""
    name, held = "review_triggered", reviews.held(case)
    if not held:
        return Outcome((not_assessed("G3", name, reviews.awaited(case)),))
    since = held[-1].on
    kinds = [_version, _level, _gaps, _incident, _supplier]
    watched = [kind(case, since) for kind in kinds]
    return Outcome((_finding(case, since, watched),), (_table(case, since, watched),))


def _finding(case: Case, since: date, watched: list[Watched]) -> Finding:
    limit = case.dossier.policy.governance.review_after_trigger_days
    happened = sorted((t for w in watched for t in w.happened), key=lambda t: (t.on, t.what))
    late = [t for t in happened if _due(case, t) < case.as_of]
    awaits = [w.awaits for w in watched if w.awaits]
    if not late and awaits:
        return not_assessed("G3", "review_triggered", "; ".join(awaits))
    things = "1 thing" if len(happened) == 1 else f"{len(happened)} things"
    told = f"Since the review of {since}, {things} happened that called for the next one earlier"
    if late:
        first = late[0]
        told += (
            f"; for {len(late)} it is overdue: {first.what} on {first.on}, so that it was due by {_due(case, first)}."
        )
    elif happened:
        told += f": it is due {_due(case, happened[0])} ({happened[0].what})."
    else:
        told = f"Since the review of {since} nothing happened that called for the next one earlier."
    return Finding(
        id="G3.review_triggered",
        requirement="G3",
        status="not_met" if late else "met",
        evidence="measured",
        statement=told,
        value=len(late),
        unit="triggers without a review in time",
        n=len(happened),
        threshold=0,
        method=f"a review within {limit.value} days of each trigger",
        source=limit.source,
        action="Hold the review that these changes call for." if late else None,
    )


def _due(case: Case, trigger: Trigger) -> date:
    return trigger.on + timedelta(days=case.dossier.policy.governance.review_after_trigger_days.value)


def _table(case: Case, since: date, watched: list[Watched]) -> Table:
    rows: list[list[str | int | float | None]] = []
    for kind in watched:
        rows += [[kind.kind, t.what, t.on.isoformat(), _due(case, t).isoformat()] for t in kind.happened]
        if not kind.happened:
            told = f"cannot be told: it awaits {kind.awaits}" if kind.awaits else kind.otherwise
            rows.append([kind.kind, told, None, None])
    return Table(
        id="G3.triggers",
        title=f"What brings a review forward, since the last one ({since})",
        requirement="G3",
        columns=["trigger", "what happened", "known since", "review due"],
        rows=rows,
        note="A gap is new where the last bias tests before the review did not show it, or there were none.",
    )


# --- kinds of trigger ------------------------------------------------------------------------------------------


def _version(case: Case, since: date) -> Watched:
    kind, model = "new model version", case.dossier.system.model
    if model.label is None or model.released is None:
        return Watched(kind, awaits="the version of the model and the day of its release (model in system.yaml)")
    if since < model.released <= case.as_of:
        return Watched(kind, (Trigger(model.released, f"{model.label} was released"),))
    return Watched(kind, tuple(_changes(case, since, "deployment_signoff", _label, model.label)))


def _label(record: Record) -> str | None:
    label = record.system.get("model_version")
    return None if label is None else str(label)


def _level(case: Case, since: date) -> Watched:
    kind = "impact level changed"
    if (awaits := _missing(case, "impact_analysis")) is not None:
        return Watched(kind, awaits=awaits)
    changes = _changes(case, since, "impact_analysis", lambda r: f"level {r.level.holds}")
    return Watched(kind, tuple(changes), otherwise=_compared(len(case.series("impact_analysis")) - 1))


def _supplier(case: Case, since: date) -> Watched:
    supplier = case.dossier.system.supplier
    now = supplier.name if supplier else "none"
    changes = _changes(case, since, "deployment_signoff", _supplied_by, now)
    return Watched("supplier changed", tuple(changes), otherwise=_compared(len(case.series("deployment_signoff"))))


def _compared(earlier: int) -> str:
    """What there is to say where nothing changed, given the number of records before."""
    return "did not happen" if earlier else "no earlier record is kept to compare with"


def _supplied_by(record: Record) -> str:
    supplier = record.system.get("supplier")
    return str(supplier["name"]) if isinstance(supplier, dict) and supplier.get("name") else "none"


def _changes(
    case: Case, since: date, stage: str, value: Callable[[Record], str | None], now: str | None = None
) -> Iterator[Trigger]:
    """Where `value` changed from one record to the next after `since`; `now` is what it is as of today."""
    told = [(r.as_of, value(r)) for r in case.series(stage)]
    told += [(case.as_of, now)] if now is not None else []
    for (_, before), (day, after) in pairwise(told):
        if day > since and None not in (before, after) and before != after:
            yield Trigger(day, f"{before} became {after}")


def _gaps(case: Case, since: date) -> Watched:
    kind = "a gap past its threshold"
    if (awaits := _missing(case, "bias_testing")) is not None:
        return Watched(kind, awaits=awaits)
    known: set[str] = set()
    happened = []
    for record in case.series("bias_testing"):
        measured = (f for f in record.findings if f.requirement in GAPS and f.evidence == "measured")
        gaps = {f.id for f in measured if f.status == "not_met"}
        new = sorted(gaps - known)
        if record.as_of > since and new:
            more = f" and {len(new) - 1} more" if len(new) > 1 else ""
            happened.append(Trigger(record.as_of, f"{new[0]}{more}"))
        known = gaps if record.as_of <= since else known | gaps
    return Watched(kind, tuple(happened))


def _missing(case: Case, stage: str) -> str | None:
    """What the record of an earlier stage is waited for, in words, or None where it is in order."""
    entry = next(u for u in case.upstream if u.stage == stage)
    return None if entry.status == "ok" else f"the record of {stage}: {UPSTREAM_WORDS[entry.status]}"


def _incident(case: Case, since: date) -> Watched:
    from ethics_kit.measures import surges  # scipy, which a stage without the table does not need

    kind, policy = "an incident (error reports)", case.dossier.policy.governance
    if not case.has("error_reports", "time"):
        return Watched(kind, awaits=case.lacking("error_reports", "time"))
    days = policy.incident_days.value
    first = datetime.combine(since + timedelta(days=1), datetime.min.time())
    seen = surges.windows(case.table("error_reports").time, since=first, until=case.end, days=days)
    level = case.dossier.policy.fairness.significance.value
    many = [w for w in seen if w.p_value <= level and w.count >= policy.incident_ratio.value * w.expected]
    return Watched(
        kind,
        tuple(
            Trigger(
                (w.start + timedelta(days=days - 1)).date(),
                f"{w.count} reports in {days} days, where {w.expected:.0f} are usual",
            )
            for w in many
        ),
        otherwise="did not happen" if seen else "too little time since the review, or no report before it, to compare",
    )
