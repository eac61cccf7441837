"""S4.2: whether gaps between groups widen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ethics_kit.measures import metrics, periods, proportions
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Estimate, Pair, differences
from ethics_kit.measures.widening import Widening, widening
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.report.figures import Panel
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import by_period, watch
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import doubt, labelled, of_people

METHOD = (
    "each group less all others by period; weighted least squares on the gaps with the variances of their counts; "
    "Benjamini–Hochberg over all groups, attributes and rates"
)


ACTIONS: dict[Status, str] = {
    "not_met": "Find out what changed for the group, and what is done for it, before the gap grows further.",
    "inconclusive": "Count by longer periods, so that a growth would be seen.",
}


@dataclass(frozen=True)
class Group:
    """One group's gap to all others by period, and its trend over the periods that both sides have rows enough in."""

    name: str
    rows: float
    gaps: dict[date, Pair]
    trend: Widening | None
    smallest: float


@dataclass(frozen=True)
class Looked:
    """All groups of one attribute on one rate."""

    attribute: str
    metric: Metric
    groups: tuple[Group, ...]

    @property
    def id(self) -> str:
        return f"gap.{self.attribute}.{self.metric.name}"


def gaps_by_period(case: Case) -> Outcome:
    """S4.2: gaps between groups in each period with their intervals, and whether any widens."""
    names = case.dossier.policy.fairness.attributes.value
    if waits := by_period.awaits(case):
        return Outcome(tuple(not_assessed("S4.2", f"gap.{name}", waits) for name in names))
    held = {name for name, _ in of_people(case)}
    rates, missing = _rates(case)
    open_ = {f"gap.rates.{name}": f"the columns and outcomes that {name} is counted from" for name in missing}
    open_ |= {f"gap.{n}": f"the attribute {n}, which S3.1 tells of" for n in names if n not in held}
    open_ |= {f"gap.{n}": why for n in names if n in held and (why := doubt(case, n))}
    looked = [_looked(case, n, m) for n in names if n in held and f"gap.{n}" not in open_ for m in rates]
    found = {(at.id, g.name): g.trend for at in looked for g in at.groups if g.trend}
    adjusted = dict(zip(found, proportions.adjusted([t.p_value for t in found.values()]), strict=True))
    findings = [not_assessed("S4.2", name, why) for name, why in open_.items()]
    findings += [_finding(case, at, adjusted) for at in looked]
    return Outcome(tuple(findings), _table(case, looked), _figure(case, looked, adjusted))


def _rates(case: Case) -> tuple[list[Metric], list[str]]:
    """The rates whose gaps are watched, and those of them that cannot be had."""
    known = labelled(case).metrics
    wanted = (
        [*metrics.CONVERSATIONS]
        if case.dossier.system.kind == "generative"
        else case.dossier.policy.fairness.metrics.value
    )
    return [known[name] for name in wanted if name in known], [name for name in wanted if name not in known]


def _looked(case: Case, attribute: str, metric: Metric) -> Looked:
    by_group: dict[str, dict[date, Pair]] = {}
    for day, pairs in by_period.counted(case).groups(metric, attribute).items():
        for pair in pairs:
            by_group.setdefault(pair.group, {})[day] = pair
    return Looked(attribute, metric, tuple(_group(case, name, gaps) for name, gaps in sorted(by_group.items())))


def _group(case: Case, name: str, gaps: dict[date, Pair]) -> Group:
    policy = case.dossier.policy
    least = policy.fairness.minimum_group.value
    able = {day: p for day, p in gaps.items() if min(_worth(p)) >= least}
    order = by_period.counted(case).over
    trend = None
    if len(able) >= policy.monitoring.trend_periods_min.value:
        trend = widening(
            [order.index(day) for day in able],
            [p.own for p in able.values()],
            [p.rest for p in able.values()],
            confidence=policy.fairness.confidence.value,
        )
    return Group(
        name, sum(p.own.n for p in gaps.values()), gaps, trend, min((min(_worth(p)) for p in able.values()), default=0)
    )


def _worth(pair: Pair) -> tuple[float, float]:
    """What either side's rows are worth; nothing where they cannot be told."""
    sides = (pair.own, pair.rest)
    own, rest = (side.worth[1] if side.estimable else 0.0 for side in sides)
    return own, rest


def _alarm(case: Case, at: Looked, group: Group, adjusted: dict[tuple[str, str], float]) -> bool:
    policy = case.dossier.policy.monitoring
    return (
        group.trend is not None
        and adjusted[at.id, group.name] <= policy.alarm_rate.value
        and (group.trend.growth.value or 0.0) > policy.widening_max.value
    )


def _finding(case: Case, at: Looked, adjusted: dict[tuple[str, str], float]) -> Finding:
    """Not met where a gap is shown to widen; met where a growth of the policy's size would have been seen."""
    policy = case.dossier.policy
    able = [g for g in at.groups if g.trend]
    widest = _widest(case, at, adjusted)
    trend = widest.trend if widest else None
    if widest is None or trend is None:
        needed = policy.monitoring.trend_periods_min.value
        least = policy.fairness.minimum_group.value
        awaits = f"{needed} periods with {least} rows on both sides, for {at.metric.label} by {at.attribute}"
        return not_assessed("S4.2", at.id, awaits)
    if waits := by_period.stale(case, at.metric, widest.gaps):
        return not_assessed("S4.2", at.id, waits)
    status, more = _status(case, at, able, widest, adjusted)
    growth = trend.growth
    label, grown = at.metric.label, growth.value or 0.0
    words = (
        f"{label[0].upper()}{label[1:]} by {at.attribute}: the gap that grew most is that of {widest.name} to all "
        f"others, by {_points(grown)} over {trend.span:.0f} {by_period.counted(case).every}s "
        f"({_points(grown / trend.span)} each) to {_points(trend.last)}. {more}"
    )
    return Finding(
        id=f"S4.2.{at.id}",
        requirement="S4.2",
        status=status,
        evidence="measured",
        statement=words,
        value=growth.value,
        unit="difference of rates",
        interval=Interval(low=growth.low, high=growth.high, level=policy.fairness.confidence.value),
        n=int(widest.rows),
        threshold=policy.monitoring.widening_max.value,
        method=METHOD,
        source=policy.monitoring.widening_max.source,
        action=ACTIONS.get(status),
    )


def _points(value: float) -> str:
    return f"{round(value * 100, 1) + 0:+.1f} points"


def _widest(case: Case, at: Looked, adjusted: dict[tuple[str, str], float]) -> Group | None:
    """The group with an alarm, else any, whose gap grew most."""
    able = [g for g in at.groups if g.trend]
    return max(
        able,
        key=lambda g: (_alarm(case, at, g, adjusted), (g.trend.growth.value or 0.0) if g.trend else 0.0),
        default=None,
    )


def _status(
    case: Case, at: Looked, able: Sequence[Group], widest: Group, adjusted: dict[tuple[str, str], float]
) -> tuple[Status, str]:
    policy = case.dossier.policy
    rate = policy.monitoring.alarm_rate.value
    if _alarm(case, at, widest, adjusted):
        return "not_met", (
            f"It is shown to widen by more than the policy's {policy.monitoring.widening_max.value * 100:g} points; "
            f"of gaps so called, at most {rate:.0%} are expected to be chance. "
            f"Action: {watch.acted(case, f'S4.2.{at.id}')}."
        )
    small = sum(g.rows for g in at.groups) - sum(g.rows for g in able)
    share = small / sum(g.rows for g in at.groups)
    if share > policy.fairness.max_unknown.value:
        return "inconclusive", f"Groups with too few rows in a period for a trend hold {share:.0%} of the rows."
    seen = policy.monitoring.widening_seen.value
    detectable = {g.name: g.trend.detectable(rate / len(adjusted)) for g in able if g.trend}
    blurred = max(able, key=lambda g: detectable[g.name])
    most = detectable[blurred.name]
    if most > seen:
        enough = round(blurred.smallest * (most / seen) ** 2)
        return "inconclusive", (
            f"No gap is shown to widen, but for {blurred.name} only a growth of {most * 100:.0f} points would have "
            f"been seen; about {enough} rows a period would be enough to see one of {seen * 100:g}."
        )
    return "met", f"No gap is shown to widen; a growth of {most * 100:.0f} points would have been seen (80% power)."


def _gaps(case: Case, pairs: Sequence[Pair]) -> list[Estimate]:
    sides = np.array([(*p.own.worth, *p.rest.worth) for p in pairs], dtype=float).reshape(-1, 4).T
    confidence = case.dossier.policy.fairness.confidence.value
    return differences(*sides, confidence=confidence, correlation=[p.correlation for p in pairs])


def _shown(case: Case, pair: Pair) -> bool:
    small = case.dossier.policy.records.small_cell.value
    return min(pair.own.n, pair.rest.n) >= small and pair.own.estimable and pair.rest.estimable


def _table(case: Case, looked: Sequence[Looked]) -> tuple[Table, ...]:
    """The largest gap of each attribute and rate in each period."""
    body: list[list[str | int | float | None]] = []
    hidden = 0
    for at in looked:
        held = [(day, pair) for group in at.groups for day, pair in group.gaps.items()]
        shown = [(day, pair) for day, pair in held if _shown(case, pair)]
        hidden += len(held) - len(shown)
        gaps = _gaps(case, [pair for _, pair in shown])
        for day in sorted({day for day, _ in shown}):
            of_day = [(pair, gap) for (of, pair), gap in zip(shown, gaps, strict=True) if of == day]
            largest, gap = max(of_day, key=lambda found: abs(found[1].value or 0.0))
            group, n = largest.group, int(largest.own.n)
            body.append([at.attribute, at.metric.label, str(day), group, n, gap.value, gap.low, gap.high])
    if not body:
        return ()
    table = Table(
        id="S4.2.gaps",
        title="The largest gap between a group and all others, by period",
        requirement="S4.2",
        columns=["attribute", "rate", "period from", "group", "n", "gap", "low", "high"],
        rows=body,
        hidden=hidden,
        note="The largest of several gaps is large by chance alone; what counts is whether one group's gap widens.",
    )
    return (table,)


def _figure(case: Case, looked: Sequence[Looked], adjusted: dict[tuple[str, str], float]) -> tuple[figures.Figure, ...]:
    """For each attribute and rate the group whose gap grew most."""
    panels = []
    for at in looked:
        group = _widest(case, at, adjusted)
        if group is None:
            continue
        shown = {day: pair for day, pair in sorted(group.gaps.items()) if _shown(case, pair)}
        gaps = dict(zip(shown, _gaps(case, list(shown.values())), strict=True))
        alarms = tuple(day == max(gaps) and _alarm(case, at, group, adjusted) for day in gaps)
        names = tuple(periods.name(day, by_period.counted(case).every) for day in gaps)
        label = f"{at.attribute}: {group.name}"
        panels.append(Panel(label, names, tuple(gaps.values()), alarms, detail=at.metric.label))
    explained = (
        "Gap to all others by period with its interval, of the group whose gap grew most; a red square marks a gap "
        "that is shown to widen."
    )
    return figures.small_multiples(panels, measure="gap, percentage points", explained=explained, scale=100)
