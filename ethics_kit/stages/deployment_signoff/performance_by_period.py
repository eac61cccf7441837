"""S4.2: whether the system still does as well as it did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ethics_kit.measures import fairness, metrics, periods
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import UNDEFINED, Estimate, Pair, rate
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.report.figures import Panel
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import by_period, watch
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import knows_outcomes, labelled

KNOWN = metrics.BINARY | metrics.CONVERSATIONS
METHOD = (
    "latest period less the baseline's; Newcombe interval, pooled z test, Benjamini–Hochberg over the rates of a "
    "period; no drop is shown by one one-sided test (90% interval above the policy's limit)"
)

ByDay = Mapping[date, Comparison]


def performance_by_period(case: Case) -> Outcome:
    """S4.2: performance in each period with its interval, and whether the latest fell below the baseline."""
    wanted = [KNOWN[name] for name in _rates_of(case)]
    waits = {m.name: _awaits(case, m) for m in wanted}
    able = [m for m in wanted if not waits[m.name]]
    compared = _compared(case, able)
    findings = [not_assessed("S4.2", f"performance.{name}", why) for name, why in waits.items() if why]
    findings += [_finding(case, m, compared[m.name]) for m in able]
    if not able:
        return Outcome(tuple(findings))
    return Outcome(tuple(findings), (_table(case, able, compared),), _figure(case, able, compared))


def _awaits(case: Case, metric: Metric) -> str:
    if waits := by_period.awaits(case):
        return waits
    if metric.name not in labelled(case).metrics:
        if case.dossier.system.kind == "generative":
            return f"in the table conversations the column for {metric.name}"
        missing = "" if knows_outcomes(case) else "outcome.horizon_days and the column for outcome"
        return missing or f"the columns that {metric.label} is counted from"
    rates = by_period.counted(case).rates(metric)
    if len(rates) < 2:
        return f"two periods that are over and whose outcomes are known, for {metric.label}"
    return by_period.stale(case, metric, rates)


def _compared(case: Case, able: list[Metric]) -> Mapping[str, ByDay]:
    """Each later period against the baseline, judged with the other rates of that period."""
    policy = case.dossier.policy
    by_day: dict[date, list[Comparison]] = {}
    for metric in able:
        rates = by_period.counted(case).rates(metric)
        first = by_period.baseline(case, list(rates))
        for day, own in rates.items():
            if day != first:
                by_day.setdefault(day, []).extend(
                    fairness.compare(
                        "period",
                        metric.name,
                        [Pair(str(day), own, rates[first])],
                        margin=policy.monitoring.performance_drop_max.value,
                        confidence=policy.fairness.confidence.value,
                    )
                )
    found: dict[str, dict[date, Comparison]] = {m.name: {} for m in able}
    for day in sorted(by_day):
        for one in fairness.judge(
            by_day[day],
            significance=policy.monitoring.alarm_rate.value,
            minimum_group=policy.fairness.minimum_group.value,
        ):
            found[one.metric][day] = one
    return found


def _fell(one: Comparison) -> bool:
    return one.verdict == "disparity" and (one.gap.value or 0.0) < 0


def _status(case: Case, one: Comparison) -> Status:
    """A rise is no drop, and neither is what lies above the limit with its whole 90% interval."""
    if one.verdict == "not_estimable":
        return "not_assessed"
    if _fell(one):
        return "not_met"
    enough = min(one.effective, one.rest_effective) >= case.dossier.policy.fairness.minimum_group.value
    return "met" if enough and (one.equivalence.low or 0.0) > -one.margin else "inconclusive"


def _finding(case: Case, metric: Metric, compared: ByDay) -> Finding:
    policy, last = case.dossier.policy, max(compared)
    one, rates = compared[last], by_period.counted(case).rates(metric)
    first, status = by_period.baseline(case, list(rates)), _status(case, compared[last])
    name = f"S4.2.performance.{metric.name}"
    words = f"{metric.label[0].upper()}{metric.label[1:]}: not to be told from the rows of the period from {last}."
    shown = min(one.n, one.rest_n) >= policy.records.small_cell.value
    gap = one.gap if shown else UNDEFINED
    if gap.value is not None:
        words = (
            f"{metric.label[0].upper()}{metric.label[1:]} in the period from {last}: {one.rate.value:.1%}, "
            f"{gap.value * 100:+.1f} points against the period from {first}; the policy allows a drop of "
            f"{one.margin * 100:g} points."
        )
    if status == "not_met":
        chance = policy.monitoring.alarm_rate.value
        words += (
            f" Alarm; chance raises one in at most {chance:.0%} of periods, over {len(_rates_of(case))} rates "
            f"together. Action: {watch.acted(case, name)}."
        )
    elif status == "inconclusive":
        enough = (
            f"{one.rows_needed} rows a period would be enough"
            if one.rows_needed
            else "no number of rows would settle it"
        )
        words += f" The rows do not settle it: {enough}."
    return Finding(
        id=name,
        requirement="S4.2",
        status=status,
        evidence="measured",
        statement=words,
        value=gap.value,
        null_reason=None if gap.defined else "not estimable" if shown else "a small cell",
        unit="difference of rates",
        interval=Interval(low=gap.low, high=gap.high, level=policy.fairness.confidence.value) if gap.defined else None,
        n=int(one.n + one.rest_n),
        threshold=-one.margin,
        method=METHOD,
        source=policy.monitoring.performance_drop_max.source,
        action=None
        if status == "met"
        else f"Find out why {metric.label} changed, and decide whether the system may go on.",
    )


def _rates_of(case: Case) -> tuple[str, ...]:
    return metrics.ANSWERING if case.dossier.system.kind == "generative" else metrics.PREDICTING


def _estimates(case: Case, metric: Metric) -> dict[date, tuple[int, Estimate]]:
    """Rows and rate of each period; those under the policy's small cell are withheld."""
    policy = case.dossier.policy
    small, confidence = policy.records.small_cell.value, policy.fairness.confidence.value
    found = by_period.counted(case).rates(metric).items()
    return {day: (int(s.n), rate(*s.worth, confidence=confidence)) for day, s in found if s.estimable and s.n >= small}


def _table(case: Case, able: list[Metric], compared: Mapping[str, ByDay]) -> Table:
    body: list[list[str | int | float | None]] = []
    hidden = 0
    for metric in able:
        shown = _estimates(case, metric)
        days = by_period.counted(case).rates(metric)
        hidden += len(days) - len(shown)
        for day in days:
            n, value = shown.get(day, (None, None))
            one = compared[metric.name].get(day)
            parts = [value.value, value.low, value.high] if value else [None] * 3
            alarm = "yes" if one and _fell(one) else "no" if one else "baseline"
            body.append([metric.label, str(day), n, *parts, alarm])
    note = "Periods that are over, and where outcomes count, whose outcomes have all matured."
    if case.dossier.system.outcome.changed_by_action == "yes":
        note += " Acting changes the outcome, so who was helped looks like a false alarm."
    return Table(
        id="S4.2.performance",
        title="Performance by period",
        requirement="S4.2",
        columns=["measure", "period from", "n", "value", "low", "high", "alarm"],
        rows=body,
        hidden=hidden,
        note=note,
    )


def _figure(case: Case, able: list[Metric], compared: Mapping[str, ByDay]) -> tuple[figures.Figure, ...]:
    panels = []
    for metric in able:
        shown = _estimates(case, metric)
        days = sorted(shown)
        alarms = tuple(day in compared[metric.name] and _fell(compared[metric.name][day]) for day in days)
        names = tuple(periods.name(day, by_period.counted(case).every) for day in days)
        label, _, detail = metric.label.removesuffix(")").partition(" (")
        panels.append(Panel(label, names, tuple(shown[d][1] for d in days), alarms, detail=detail))
    explained = "Each rate by period with its interval; a red square is a drop by more than the policy allows."
    return figures.small_multiples(panels, measure="rate, %", explained=explained, scale=100)
