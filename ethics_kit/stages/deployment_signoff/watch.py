"""What monitoring counted: rows by series, period and bin, with the baseline of each series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import ibis

from ethics_kit import schema
from ethics_kit.measures import periods
from ethics_kit.measures.periods import Every
from ethics_kit.schema.monitoring import MonitoringPlan
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import register_awaits

TABLE, SCORE, MOST_SERIES = "monitoring", "score", 200
COLUMNS = ("period", "feature", "bin", "count")

Bins = dict[str, int]


@dataclass(frozen=True)
class Watch:
    """Rows by bin of each feature, and of the score, in each of its periods.

    `periods` are all that belong to the window, those without counts too; `baselines` hold no series without one.
    """

    every: Every
    periods: tuple[date, ...]
    counts: Mapping[str, Mapping[date, Bins]]
    baselines: Mapping[str, Bins]
    since: Mapping[str, date | None]

    @property
    def last(self) -> date:
        return self.periods[-1]


def plan(case: Case) -> MonitoringPlan | None:
    """What the dossier says of monitoring."""
    return case.dossier.stage(schema.DeploymentSignoff).monitoring


def plan_awaits(case: Case) -> str:
    """What is awaited where the dossier's entry does not count; empty without an entry."""
    stated = plan(case)
    return register_awaits(case, stated, "monitoring in deployment_signoff.yaml") if stated else ""


def awaits(case: Case) -> str:
    """What monitoring lacks without which no series can be compared; empty where it lacks nothing."""
    if not case.has(TABLE, *COLUMNS):
        return case.lacking(TABLE, *COLUMNS)
    if waits := plan_awaits(case):
        return waits
    rows = _rows(case)
    series = {row["feature"] for row in rows}
    if len(series) > MOST_SERIES:
        return f"a table {TABLE} of at most {MOST_SERIES} features and scores: it has {len(series)}"
    if any(row["count"] is None or row["count"] % 1 for row in rows):
        return f"counts of whole rows in the table {TABLE}"
    if not any(row["count"] and not row["baseline"] for row in rows):
        return f"rows of the table {TABLE} up to {case.as_of}"
    if every(case) is None:
        return "the length of a period (monitoring in deployment_signoff.yaml), which the table does not tell"
    return _freshness(case)


def _freshness(case: Case) -> str:
    ends = periods.after(watched(case).last, watched(case).every)
    days = case.dossier.policy.monitoring.max_age_days.value
    if ends < case.as_of - timedelta(days=days):
        return f"counts of the last {days} days before {case.as_of} (the newest period ended on {ends})"
    return ""


@cache
def _rows(case: Case) -> list[dict[str, Any]]:
    table = case.table(TABLE)
    baseline = table.baseline.fill_null(False) if "baseline" in table.columns else ibis.literal(False)
    keys = {"period": table.period.date(), "feature": table.feature, "bin": table.bin, "baseline": baseline}
    found = table.group_by(**keys).aggregate(count=table["count"].sum())
    rows: list[dict[str, Any]] = found.order_by(["feature", "period", "bin"]).to_pyarrow().to_pylist()
    return rows


def every(case: Case) -> Every | None:
    """The length of a period: as stated, else as the table's own periods lie."""
    stated = plan(case)
    if stated and stated.every:
        return stated.every
    return periods.inferred({row["period"] for row in _rows(case) if not row["baseline"]})


@cache
def watched(case: Case) -> Watch:
    """The counts, where `awaits` found nothing wrong with them."""
    length = every(case) or "month"
    counts: dict[str, dict[date, Bins]] = {}
    marked: dict[str, Bins] = {}
    for row in _rows(case):
        name = str(row["feature"])
        by_day = counts.setdefault(name, {})
        if not row["count"]:
            continue
        day = periods.beginning(row["period"], length)
        into = marked.setdefault(name, {}) if row["baseline"] else by_day.setdefault(day, {})
        into[str(row["bin"])] = into.get(str(row["bin"]), 0) + int(row["count"])
    days = sorted({day for by_day in counts.values() for day in by_day})
    window = periods.sequence(days[0], periods.after(days[-1], length), length)
    stated = plan(case)
    named = periods.beginning(stated.baseline, length) if stated and stated.baseline else None
    since: dict[str, date | None] = {}
    baselines = {}
    for name, by_day in counts.items():
        if named is None and name in marked:
            since[name], baselines[name] = None, marked[name]
        elif by_day:
            first = since[name] = named or min(by_day)
            baselines[name] = by_day.get(first, {})
    kept = case.dossier.policy.monitoring.periods.value
    return Watch(length, tuple(window[-kept:]), counts, {n: b for n, b in baselines.items() if b}, since)


def acted(case: Case, finding: str) -> str:
    """What the dossier says will be done about a finding, by day alone."""
    actions = [a for a in case.dossier.stages[case.stage].actions if a.finding in (finding, "S4.2")]
    if not actions:
        return "none"
    last = actions[-1]
    return f"closed {last.closed}" if last.closed and last.closed <= case.as_of else f"due {last.due}"
