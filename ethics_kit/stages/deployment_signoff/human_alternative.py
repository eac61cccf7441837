"""C3.2: whether who asks for a person is offered one, gets one, and how long that takes beside the automated path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np

from ethics_kit.measures import autonomy, survival
from ethics_kit.measures.autonomy import Waits
from ethics_kit.measures.proportions import rate
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import groups
from ethics_kit.stages.deployment_signoff.groups import Counted
from ethics_kit.stages.deployment_signoff.promised import SOURCE, awaits_promise, given, promised
from ethics_kit.stages.evidence import not_assessed, share_finding

TABLE = "human_requests"
OFFERED, SERVED, KEY = "person_offered", "served_in_time", "human_minutes"


@dataclass(frozen=True)
class Limit:
    """How long a person may take (minutes), who set that, and where it stands."""

    minutes: int
    set_by: str
    source: str

    @property
    def said(self) -> str:
        return f"within {_hours(self.minutes)} ({self.set_by})"


def human_alternative(case: Case) -> Outcome:
    """C3.2: requests for a person: offered, answered in time, and by group."""
    if awaits := _awaits(case):
        return Outcome(tuple(not_assessed("C3.2", name, awaits) for name in (OFFERED, SERVED)))
    requests, policy = case.table(TABLE), case.dossier.policy.autonomy
    waits = autonomy.waits(requests, end=case.end)
    if waits.impossible:
        awaits = f"times that are in order: {waits.impossible} of {waits.asked} requests were answered before they came"
        return Outcome(tuple(not_assessed("C3.2", name, awaits) for name in (OFFERED, SERVED)))
    limit = _limit(case)
    if limit is None:
        unknown = not_assessed("C3.2", SERVED, awaits_promise(case, KEY))
        return Outcome((_offered(case, waits), unknown), (_paths(case, waits),))
    due = autonomy.answered_in_time(requests, minutes=limit.minutes, end=case.end)
    share = Counted(SERVED, due, policy.group_margin)
    by_group = groups.compare(case, "C3.2", [share], title=f"Answered by a person {limit.said}")
    cells = waits.cells
    curve = survival.kaplan_meier(
        [minutes / 60 for minutes, _, _ in cells],
        [ended for _, ended, _ in cells],
        [n for _, _, n in cells],
        confidence=case.dossier.policy.fairness.confidence.value,
    )
    limits = [(f"{_hours(limit.minutes)}: {limit.set_by}", limit.minutes / 60)]
    drawn = figures.completion_curve(curve, limits, what="requests for a person", done="answered by one", unit="hours")
    return Outcome(
        (_offered(case, waits), _served(case, waits, due, limit), *by_group.findings),
        (_paths(case, waits), *by_group.tables),
        (*drawn, *by_group.figures),
    )


def _limit(case: Case) -> Limit | None:
    """What customers were promised, else the policy's limit; None where the promise is not in force."""
    policy = case.dossier.policy.autonomy.human_minutes
    if not given(case, KEY):
        return Limit(policy.value, "the policy's limit, as nothing is promised", f"policy: {policy.source}")
    minutes = promised(case, KEY)
    return None if minutes is None else Limit(minutes, "promised to customers", SOURCE)


def _awaits(case: Case) -> str | None:
    needed = (TABLE, "customer", "time", "offered", "served")
    return None if case.has(*needed) else case.lacking(*needed)


def _hours(minutes: float) -> str:
    return f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:.3g} hours"


def _offered(case: Case, waits: Waits) -> Finding:
    policy = case.dossier.policy.oversight.handover_min
    return share_finding(
        case,
        "C3.2",
        OFFERED,
        waits.offered,
        waits.asked,
        statement=f"{waits.offered} of {waits.asked} who asked for a person were offered one; {waits.answered} were "
        "answered by one.",
        at_least=policy.value,
        unit="share of requests",
        action="Offer a person to everybody who asks, and log the offer.",
        source=policy.source,
    )


def _served(case: Case, waits: Waits, due: ir.Table, limit: Limit) -> Finding:
    policy = case.dossier.policy.autonomy.human_in_time_min
    row = due.aggregate(n=due.count(), count=due.yes.sum()).to_pyarrow().to_pylist()[0]
    count, n = int(row["count"] or 0), int(row["n"])
    recent = waits.asked - n
    return share_finding(
        case,
        "C3.2",
        SERVED,
        count,
        n,
        statement=f"{count} of {n} who asked for a person were answered {limit.said}"
        + (f"; not counted yet, asked less than that ago: {recent}." if recent else "."),
        at_least=policy.value,
        unit="share of requests",
        action="Have people ready for those who ask, or say how long it takes; an open request counts as not answered.",
        source=f"{limit.source}; policy: {policy.source}",
    )


def _paths(case: Case, waits: Waits) -> Table:
    """What a person takes, among those answered, beside what the automated path takes, where that is logged."""
    answered = [(minutes, n) for minutes, done, n in waits.cells if done]
    rows = [["a person, on request", sum(n for _, n in answered), *_quantiles(answered)], _automated(case)]
    share = rate(waits.answered, waits.asked, confidence=case.dossier.policy.fairness.confidence.value)
    low, high = share.low or 0.0, share.high or 0.0
    told = f"Of {waits.asked} requests {share.value or 0.0:.1%} ({low:.1%} to {high:.1%}) were answered at all."
    return Table(
        id="C3.2.waiting",
        title="Hours waited: a person, and the automated path",
        requirement="C3.2",
        columns=["path", "answered", "median hours", "nine in ten within, hours"],
        rows=rows,
        note=f"{told} The curve counts those still waiting; these hours are of those answered only.",
    )


def _quantiles(cells: Sequence[tuple[int, int]]) -> list[float | None]:
    if not cells:
        return [None, None]
    minutes = np.repeat([m for m, _ in cells], [n for _, n in cells])
    return [round(float(np.quantile(minutes, q)) / 60, 2) for q in (0.5, 0.9)]


def _automated(case: Case) -> list[str | int | float | None]:
    path = "the automated path"
    if case.dossier.system.events != "decisions" or not case.has("decisions", "wait_hours"):
        return [f"{path} (waits are not logged)", None, None, None]
    hours = case.table("decisions").wait_hours
    found = hours.as_table().aggregate(n=hours.count(), half=hours.quantile(0.5), most=hours.quantile(0.9))
    row = found.to_pyarrow().to_pylist()[0]
    some = row["n"] > 0
    return [path, int(row["n"]), round(row["half"], 2) if some else None, round(row["most"], 2) if some else None]
