"""S4.3: feedback: whether customers still write, what they rate, and how soon they hear back, by group."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from ethics_kit.errors import printable
from ethics_kit.measures import amounts, waiting
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.sums import Moments
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.stages import told
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.deployment_signoff import groups
from ethics_kit.stages.deployment_signoff.groups import Counted
from ethics_kit.stages.deployment_signoff.promised import drawn_until, in_time, promised, times_by_group
from ethics_kit.stages.evidence import not_assessed

TABLE, KEY = "feedback", "answer_days"
MOST_TOPICS = 20
"""Topics that a record lists; a column with many more is free text."""


def feedback(case: Case) -> Outcome:
    """S4.3: feedback received, its rating and topics, and answers within the promise, overall and by group."""
    if not case.has(TABLE, "customer", "time"):
        return Outcome((not_assessed("S4.3", "received", case.lacking(TABLE, "customer", "time")),))
    rows = case.table(TABLE)
    findings, tables = [_received(case, rows), _rating(case, rows)], [_by_month(case, rows)]
    if case.has(TABLE, "topic"):
        tables.append(_topics(case, rows))
    if case.has(TABLE, "rating"):
        tables.append(_ratings_by_group(case, rows))
    answered = _answered(case, rows)
    return Outcome((*findings, *answered.findings), (*tables, *answered.tables), answered.figures)


def _received(case: Case, rows: ir.Table) -> Finding:
    """Whether feedback comes in at all, of late."""
    days, enough = case.dossier.policy.records.data_max_age_days.value, case.dossier.policy.fairness.minimum_group.value
    recent = int((rows.time >= case.end - timedelta(days=days)).sum().to_pyarrow().as_py() or 0)
    status: Status = "met" if recent >= enough else "inconclusive" if recent else "not_met"
    few = f"; at least {enough} are needed to say what customers think" if status == "inconclusive" else ""
    return Finding(
        id="S4.3.received",
        requirement="S4.3",
        status=status,
        evidence="measured",
        statement=f"{recent} pieces of feedback came in during the last {days} days{few}.",
        value=recent,
        unit="pieces of feedback",
        n=int(rows.count().to_pyarrow().as_py()),
        threshold=enough,
        method="count of the rows of the last days",
        source=case.dossier.policy.fairness.minimum_group.source,
        action=None if status == "met" else "Ask for feedback where customers meet the system, and see it arrive.",
    )


def _rating(case: Case, rows: ir.Table) -> Finding:
    name, limit = "rating", case.dossier.policy.response.rating_min
    if not case.has(TABLE, name):
        return not_assessed("S4.3", name, case.lacking(TABLE, name))
    impossible = int((~rows.rating.between(1, 5)).sum().to_pyarrow().as_py() or 0)
    if impossible:
        return not_assessed("S4.3", name, f"ratings from 1 to 5 in {impossible} rows with other numbers")
    held = _moments(rows.mutate(all=ibis.literal("all")), "all")["all"].get("all", Moments())
    found = amounts.mean(held, confidence=case.dossier.policy.fairness.confidence.value)
    if found.value is None or found.low is None or found.high is None:
        return not_assessed("S4.3", name, "ratings that differ from one another")
    status: Status = "met" if found.low >= limit.value else "not_met" if found.high < limit.value else "inconclusive"
    action = {"not_met": "Read what the low ratings are about, and mend it.", "inconclusive": "Collect more ratings."}
    return Finding(
        id="S4.3.rating",
        requirement="S4.3",
        status=status,
        evidence="measured",
        statement=f"{held.n} ratings have a mean of {found.value:.2f} of 5; at least {limit.value:g} is wanted.",
        value=found.value,
        unit="points of 5",
        interval=Interval(low=found.low, high=found.high, level=case.dossier.policy.fairness.confidence.value),
        n=held.n,
        threshold=limit.value,
        method="mean with its t interval; met where all of it is at the limit or above",
        source=limit.source,
        action=action.get(status),
    )


def _moments(rows: ir.Table, *columns: str) -> dict[str, dict[str, Moments]]:
    """The ratings by each of the columns and its groups."""
    found = amounts.moments(rows, columns, "rating")
    return {column: {group: strata[()] for group, strata in groups.items()} for column, groups in found.items()}


def _answered(case: Case, rows: ir.Table) -> Outcome:
    """How soon customers hear back, overall and by group."""
    name, policy, days = "answered_in_time", case.dossier.policy.response, promised(case, KEY)
    if not case.has(TABLE, "answered"):
        return Outcome((not_assessed("S4.3", name, case.lacking(TABLE, "answered")),))
    cells = waiting.waits(rows, "answered", end=case.end)
    found = in_time(
        case,
        "S4.3",
        name,
        cells,
        KEY,
        what="pieces of feedback",
        did="answered",
        at_least=policy.answered_in_time_min,
        action="Answer what is open past the promise, or promise what can be kept.",
    )
    drawn = drawn_until(case, cells, KEY, what="pieces of feedback", done="answered")
    due = [] if days is None else [waiting.in_time(rows, "answered", days, end=case.end)]
    by_group = groups.compare(case, "S4.3", [Counted(name, of, policy.outcome_margin) for of in due], title="Feedback")
    times = times_by_group(case, "S4.3", rows, "answered", KEY, title="Days until feedback is answered", did="answered")
    return Outcome((found, *by_group.findings), (*by_group.tables, times), (*drawn, *by_group.figures))


def _ratings_by_group(case: Case, rows: ir.Table) -> Table:
    policy, body, hidden = case.dossier.policy, [], 0
    held_as = {name: f"attribute_{name}" for name in groups.attributes(case)}
    found = _moments(groups.of_customers(case, rows), *held_as.values()) if held_as else {}
    for name, column in held_as.items():
        means = {
            group: (held.n, amounts.mean(held, confidence=policy.fairness.confidence.value))
            for group, held in found[column].items()
        }
        lines = [[group, n, *told.parts(mean)] for group, (n, mean) in sorted(means.items())]
        shown, count = hide_small(lines, n_column=1, counts=(2, 3, 4), small=policy.records.small_cell.value)
        body += [[name, *line] for line in shown]
        hidden += count
    title, columns = "Mean rating by group", ["attribute", "group", "ratings", "mean", "low", "high"]
    return Table(id="S4.3.ratings", title=title, requirement="S4.3", columns=columns, rows=body, hidden=hidden)


def _by_month(case: Case, rows: ir.Table) -> Table:
    done = waiting.done(rows, "answered", end=case.end) if "answered" in rows.columns else ibis.literal(False)
    table = rows.mutate(month=rows.time.strftime("%Y-%m"), done=done)
    counted = table.group_by("month").aggregate(n=table.count(), done=table.done.sum()).order_by("month")
    ratings = _moments(table, "month")["month"] if "rating" in rows.columns else {}
    confidence = case.dossier.policy.fairness.confidence.value
    body = []
    for row in counted.to_pyarrow().to_pylist():
        share = rate(int(row["done"] or 0), row["n"], confidence=confidence)
        mean = amounts.mean(ratings.get(row["month"], Moments()), confidence=confidence)
        body.append([row["month"], row["n"], share.value, share.low, share.high, mean.value, mean.low, mean.high])
    small = case.dossier.policy.records.small_cell.value
    shown, hidden = hide_small(body, n_column=1, counts=range(2, 8), small=small)
    return Table(
        id="S4.3.by_month",
        title="Feedback by month",
        requirement="S4.3",
        columns=["month", "received", "answered", "low", "high", "mean rating", "low", "high"],
        rows=shown,
        hidden=hidden,
        note="Answered: by the as-of date, however late. Ratings run from 1 to 5.",
    )


def _topics(case: Case, rows: ir.Table) -> Table:
    """Topics by how often they come; what few wrote of, or what looks like free text, is not shown."""
    small = case.dossier.policy.records.small_cell.value
    counted = rows.filter(rows.topic.notnull()).group_by("topic").aggregate(n=ibis._.count())
    kept = counted.filter(counted.n >= small).order_by(ibis.desc("n"), "topic").limit(MOST_TOPICS)
    named: list[tuple[str, int]] = [(printable(str(r["topic"])), int(r["n"])) for r in kept.to_pyarrow().to_pylist()]
    whole = counted.aggregate(n=counted.n.sum(), topics=counted.count()).to_pyarrow().to_pylist()[0]
    other, others = int(whole["n"] or 0) - sum(n for _, n in named), int(whole["topics"]) - len(named)
    body = [*named, *([(f"({others} other topics)", other)] if others else [])]
    shown, hidden = hide_small(body, n_column=1, counts=(), small=small)
    return Table(
        id="S4.3.topics",
        title="What feedback is about",
        requirement="S4.3",
        columns=["topic", "pieces of feedback"],
        rows=shown,
        hidden=hidden,
        note=f"Topics of fewer than {small} are gathered without their names, as are those after the {MOST_TOPICS}th.",
    )
