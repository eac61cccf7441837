"""C3.3: appeals: who files them, how soon they are resolved, and how often they succeed."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import waiting
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.waiting import Cell
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import groups
from ethics_kit.stages.deployment_signoff.groups import Counted
from ethics_kit.stages.deployment_signoff.promised import drawn_until, in_time, promised, times_by_group
from ethics_kit.stages.evidence import not_assessed, share_finding

TABLE, KEY = "appeals", "appeal_days"
NEEDED = ("customer", "time", "resolved")


def appeals(case: Case) -> Outcome:
    """C3.3: appeals filed, resolved within the promise and upheld, overall and by group."""
    for needed in ((TABLE, *NEEDED), (case.dossier.system.events, "customer", "time")):
        if not case.has(*needed):
            return Outcome((not_assessed("C3.3", "resolved_in_time", case.lacking(*needed)),))
    rows = case.table(TABLE)
    if strange := _strangers(case, rows):
        return Outcome((not_assessed("C3.3", "resolved_in_time", strange),))
    cells = waiting.waits(rows, "resolved", end=case.end)
    settled = rows.filter(waiting.done(rows, "resolved", end=case.end))
    by_group = groups.compare(case, "C3.3", _shares(case, rows, settled), title="Appeals")
    drawn = drawn_until(case, cells, KEY, what="appeals", done="resolved")
    return Outcome(
        (_in_time(case, cells), _overturned(case, settled), *by_group.findings),
        (_filed(case, cells), *by_group.tables, _times(case, rows)),
        (*drawn, *by_group.figures),
    )


def _strangers(case: Case, rows: ir.Table) -> str | None:
    """What to supply where most appeals are of people whom the system never decided on."""
    known = case.table(case.dossier.system.events).select(known="customer").distinct()
    joined = rows.left_join(known, rows.customer == known.known)
    seen = joined.aggregate(n=joined.count(), known=joined.known.count()).to_pyarrow().to_pylist()[0]
    if 2 * seen["known"] >= seen["n"]:
        return None
    return f"appeals with the ids of customers: {seen['n'] - seen['known']} of {seen['n']} match none decided on"


def _in_time(case: Case, cells: Sequence[Cell]) -> Finding:
    return in_time(
        case,
        "C3.3",
        "resolved_in_time",
        cells,
        KEY,
        what="appeals",
        did="resolved",
        at_least=case.dossier.policy.response.appeals_in_time_min,
        action="Resolve the appeals that are open past the promise, and staff the desk for the number that comes in.",
    )


def _times(case: Case, rows: ir.Table) -> Table:
    return times_by_group(case, "C3.3", rows, "resolved", KEY, title="Days until an appeal is resolved", did="resolved")


def _overturned(case: Case, settled: ir.Table) -> Finding:
    """The share of resolved appeals by which the decision was changed: evidence about the decisions."""
    name, limit = "overturned", case.dossier.policy.response.overturned_max
    if not case.has(TABLE, name):
        return not_assessed("C3.3", name, case.lacking(TABLE, name))
    count, known, n = _upheld(settled)
    if n - known > case.dossier.policy.fairness.max_unknown.value * n:
        return not_assessed("C3.3", name, f"what came of more appeals: {n - known} of {n} resolved ones do not say")
    return share_finding(
        case,
        "C3.3",
        name,
        count,
        known,
        statement=f"In {count} of {known} resolved appeals the decision was changed.",
        at_most=limit.value,
        unit="share of resolved appeals",
        action="Look for what the overturned decisions have in common, and look again at decisions nobody contested.",
        source=limit.source,
        minimum=case.dossier.policy.fairness.minimum_group.value,
    )


def _upheld(settled: ir.Table) -> tuple[int, int, int]:
    row = settled.aggregate(count=settled.overturned.sum(), known=settled.overturned.count(), n=settled.count())
    found = row.to_pyarrow().to_pylist()[0]
    return int(found["count"] or 0), int(found["known"]), int(found["n"])


def _shares(case: Case, rows: ir.Table, settled: ir.Table) -> list[Counted]:
    policy, days = case.dossier.policy.response, promised(case, KEY)
    found = [Counted("appealed", _appealed(case, rows), policy.filed_margin)]
    if days is not None:
        due = waiting.in_time(rows, "resolved", days, end=case.end)
        found.append(Counted("resolved_in_time", due, policy.outcome_margin))
    if case.has(TABLE, "overturned"):
        told = settled.filter(settled.overturned.notnull()).mutate(yes=ibis._.overturned)
        found.append(Counted("overturned", told, policy.outcome_margin))
    return found


def _appealed(case: Case, rows: ir.Table) -> ir.Table:
    """All whom the system decided on, and whether they appealed."""
    everyone = case.table(case.dossier.system.events).select("customer").distinct()
    who = rows.select(who="customer").distinct()
    return everyone.left_join(who, everyone.customer == who.who).mutate(yes=ibis._.who.notnull())


def _filed(case: Case, cells: Sequence[Cell]) -> Table:
    filed, decisions = (
        sum(c.n for c in cells),
        int(case.table(case.dossier.system.events).count().to_pyarrow().as_py()),
    )
    confidence = case.dossier.policy.fairness.confidence.value
    found = rate(min(filed, decisions), decisions, confidence=confidence)
    per_1000 = [None if v is None else v * 1000 for v in (found.value, found.low, found.high)]
    return Table(
        id="C3.3.filed",
        title="Appeals filed",
        requirement="C3.3",
        columns=["appeals", "resolved", case.dossier.system.events, "appeals per 1,000", "low", "high"],
        rows=[[filed, sum(c.n for c in cells if c.ended), decisions, *per_1000]],
        note="Few appeals may mean good decisions, or a way to appeal that nobody finds.",
    )
