"""The system's events by period: which periods are over, whose outcomes have matured, and their rates."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from ethics_kit.measures import clusters, counts, metrics, periods
from ethics_kit.measures.clusters import Clustered
from ethics_kit.measures.counts import Counts
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.periods import Every
from ethics_kit.measures.proportions import Pair, Sample
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff import watch
from ethics_kit.stages.labelled import in_parts, labelled, lacking

TRUNCATED = {"day": "D", "week": "W", "month": "M", "quarter": "Q"}
AWAIT_OUTCOME = {"positive", "correct", "placed_lower"}


@dataclass(frozen=True)
class Periods:
    """Events counted by period. `over` are the periods of the window that have ended, `matured` those whose outcomes
    are all known.
    """

    every: Every
    counted: Counts | Clustered
    over: tuple[date, ...]
    matured: tuple[date, ...]

    def of(self, metric: Metric) -> tuple[date, ...]:
        """The periods that a rate can be told of."""
        return self.matured if metric.flags & AWAIT_OUTCOME else self.over

    def rates(self, metric: Metric) -> dict[date, Sample]:
        """The rate in each of its periods that has rows for it."""
        found = {date.fromisoformat(p.group): p.own for p in self.counted.pairs(metric, "period")}
        return {day: found[day] for day in self.of(metric) if day in found and found[day].n > 0}

    def groups(self, metric: Metric, attribute: str) -> dict[date, list[Pair]]:
        """Each group against the others, in each of the rate's periods."""
        found = self.counted.within(metric, "period", f"attribute_{attribute}")
        return {day: found[str(day)] for day in self.of(metric) if str(day) in found}


def awaits(case: Case) -> str:
    """What is lacking without which no rate can be told by period; empty where nothing is."""
    return watch.plan_awaits(case) or lacking(case) or in_parts(case) or ""


@cache
def counted(case: Case) -> Periods:
    """One pass over the events: by period, attributes and flags."""
    known, stated = labelled(case), watch.plan(case)
    every: Every = (stated.every if stated else None) or "month"
    if not watch.awaits(case):
        every = watch.watched(case).every
    events = known.events.mutate(period=known.events.time.truncate(TRUNCATED[every]).strftime("%Y-%m-%d"))
    used = [metrics.ROWS, *known.metrics.values()]
    source: Counts | Clustered
    if known.repeated or known.weighted:
        source = clusters.Clustered(events, tuple(used), weight=known.weighted)
    else:
        keys = ["period", *(f"attribute_{name}" for name in known.compared)]
        source = counts.count(events, keys, known.flags)
    first = case.tables_used[case.dossier.system.events].first_day
    window = periods.sequence(periods.beginning(first, every), case.end.date(), every) if first else []
    horizon = case.end.date() - timedelta(days=case.dossier.system.outcome.horizon_days or 0)
    over = tuple(window[-case.dossier.policy.monitoring.periods.value :])
    return Periods(every, source, over, tuple(day for day in over if periods.after(day, every) <= horizon))


def stale(case: Case, metric: Metric, days: Collection[date]) -> str:
    """What is awaited where the newest of the periods that a rate is known in is too old; empty where it is not."""
    held, policy = counted(case), case.dossier.policy.monitoring
    newest, last = periods.after(max(days), held.every), periods.after(held.of(metric)[-1], held.every)
    if last - newest > timedelta(days=policy.max_age_days.value):
        return f"rows for {metric.label} in the period that ended on {last} (the newest: {newest})"
    return ""


def baseline(case: Case, days: list[date]) -> date:
    """The period that the others are compared with: the one the dossier names, if it is among them, else the first."""
    stated = watch.plan(case)
    named = periods.beginning(stated.baseline, counted(case).every) if stated and stated.baseline else None
    return named if named in days and named is not None else min(days)
