"""S4.2: whether what the system reads, and the score it gives, still look as they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from ethics_kit.measures import drift, periods
from ethics_kit.measures.drift import Drift
from ethics_kit.measures.proportions import UNDEFINED
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.report.figures import Panel
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.deployment_signoff import watch
from ethics_kit.stages.deployment_signoff.watch import Watch
from ethics_kit.stages.deployment_signoff.watch_coverage import covered, present
from ethics_kit.stages.evidence import in_id, not_assessed

METHOD = (
    "population stability index and Kolmogorov–Smirnov distance from binned counts; an alarm takes a distance above "
    "its noise and above the policy's; interval from the noncentral chi-square"
)


@dataclass(frozen=True)
class Series:
    """One feature, or the score, against its baseline: each period it was compared in, and those with an alarm."""

    name: str
    compared: Mapping[date, Drift]
    alarms: tuple[date, ...]

    @property
    def alarm_since(self) -> date | None:
        """The first period of the alarms that have lasted up to the last one; None where that has none."""
        run = list(takewhile(lambda day: day in self.alarms, sorted(self.compared, reverse=True)))
        return run[-1] if run else None


def drift_by_period(case: Case) -> Outcome:
    """S4.2: drift of each feature and of the score against a baseline, and what monitoring leaves out."""
    if waits := watch.awaits(case):
        return Outcome(tuple(not_assessed("S4.2", name, waits) for name in ("drift", "watched", "periods_present")))
    seen = watch.watched(case)
    series = [_compared(case, seen, name) for name in sorted(seen.counts)]
    findings = [_finding(case, seen, one) for one in series]
    return Outcome(
        (*findings, *covered(case, seen), present(case, seen)),
        (_table(case, seen, series),),
        _figure(case, seen, series),
    )


def _ordered(case: Case, name: str) -> bool:
    """Whether a series' bins have an order; those of a text have none."""
    feature = case.dossier.system.features.get(name)
    return feature is None or feature.type == "number"


def _compared(case: Case, seen: Watch, name: str) -> Series:
    policy, ordered = case.dossier.policy.monitoring, _ordered(case, name)
    compared: dict[date, Drift] = {}
    alarms = []
    for day in seen.periods:
        if name not in seen.baselines or day not in seen.counts[name] or day == seen.since[name]:
            continue
        rate = policy.alarm_rate.value / _tests(case, seen, day)
        found = compared[day] = drift.compare(
            seen.baselines[name],
            seen.counts[name][day],
            false_alarm_rate=rate,
            ordered=ordered,
            confidence=case.dossier.policy.fairness.confidence.value,
        )
        if _alarm(case, found, rate):
            alarms.append(day)
    return Series(name, compared, tuple(alarms))


def _tests(case: Case, seen: Watch, day: date) -> int:
    """Tests of one period, over all series: each is allowed its part of the rate of false alarms (Bonferroni)."""
    compared = [n for n, by_period in seen.counts.items() if day in by_period and n in seen.baselines]
    return sum(1 + _ordered(case, name) for name in compared)


def _alarm(case: Case, found: Drift, rate: float) -> bool:
    policy = case.dossier.policy.monitoring
    moved = found.psi.value is not None and found.psi.value > max(found.noise or 0.0, policy.psi_max.value)
    shifted = found.ks is not None and found.ks_p is not None and found.ks_p <= rate and found.ks > policy.ks_max.value
    return moved or shifted


def _finding(case: Case, seen: Watch, series: Series) -> Finding:
    name, policy = f"drift.{in_id(series.name)}", case.dossier.policy
    if seen.last not in seen.counts[series.name]:
        return not_assessed("S4.2", name, f"counts of {series.name} in the period from {seen.last}")
    found = series.compared.get(seen.last)
    if found is None:
        return not_assessed("S4.2", name, f"counts of {series.name} in a baseline and a later period")
    if found.psi.value is None:
        return not_assessed("S4.2", name, f"rows of {series.name} in two bins or more, in the baseline and since")
    small = policy.records.small_cell.value
    shown = min(found.rows, found.baseline_rows) >= small
    status, words = _judged(case, found, series) if shown else ("inconclusive", f"fewer than {small} rows: withheld.")
    return Finding(
        id=f"S4.2.{name}",
        requirement="S4.2",
        status=status,
        evidence="measured",
        statement=f"{series.name}: {words}{_alert(case, series) * shown}",
        value=found.psi.value if shown else None,
        null_reason=None if shown else f"fewer than {small} rows",
        unit="population stability index",
        interval=Interval(low=found.psi.low, high=found.psi.high, level=policy.fairness.confidence.value)
        if shown
        else None,
        n=found.rows,
        threshold=policy.monitoring.psi_max.value,
        method=METHOD,
        source=policy.monitoring.psi_max.source,
        action=None if status == "met" else f"Find out why {series.name} moved, and test the system on today's cases.",
    )


def _judged(case: Case, found: Drift, series: Series) -> tuple[Status, str]:
    """Met where the whole interval lies below the policy's index, so that a drift of that size would have shown."""
    policy, psi = case.dossier.policy.monitoring, found.psi
    against = f"against {_baseline(case, series)}"
    distance = "" if found.ks is None else f", Kolmogorov–Smirnov distance {found.ks:.3f}"
    words = (
        f"population stability index {psi.value:.3f} ({psi.low:.3f} to {psi.high:.3f}) {against}{distance}; chance "
        f"explains up to {found.noise:.3f}, the policy allows {policy.psi_max.value:g}."
    )
    if series.alarm_since:
        return "not_met", words
    if (psi.high or 0.0) < policy.psi_max.value:
        return "met", words
    rows = drift.rows_for_noise(policy.psi_max.value, found.baseline_rows, found.bins, policy.alarm_rate.value / 2)
    enough = (
        "too near the limit to tell" if rows is None or rows <= found.rows else f"{rows} rows a period would be enough"
    )
    return "inconclusive", f"{words} The {found.rows} rows do not settle it: {enough}."


def _baseline(case: Case, series: Series) -> str:
    since = watch.watched(case).since[series.name]
    return "the rows marked as baseline" if since is None else f"the period from {since}"


def _alert(case: Case, series: Series) -> str:
    if not series.alarm_since:
        return ""
    rate = case.dossier.policy.monitoring.alarm_rate.value
    return (
        f" Alarm since the period from {series.alarm_since}; limits are set so that chance raises an alarm in at most "
        f"{rate:.0%} of periods, over all series together. Action: {_action(case, series)}."
    )


def _action(case: Case, series: Series) -> str:
    return watch.acted(case, f"S4.2.drift.{in_id(series.name)}")


def _table(case: Case, seen: Watch, series: list[Series]) -> Table:
    small = case.dossier.policy.records.small_cell.value
    body: list[list[str | int | float | None]] = []
    hidden = 0
    for one in series:
        found = one.compared.get(seen.last)
        if found is None or found.psi.value is None:
            continue
        few = min(found.rows, found.baseline_rows) < small
        hidden += few
        numbers = [
            found.rows,
            found.baseline_rows,
            found.psi.value,
            found.psi.low,
            found.psi.high,
            found.noise,
            found.ks,
            found.ks_p,
        ]
        since = one.alarm_since.isoformat() if one.alarm_since else None
        action = _action(case, one) if since else None
        body.append([one.name, *([None] * len(numbers) if few else numbers), since, len(one.alarms), action])
    columns = ["series", "n", "n of the baseline", "PSI", "low", "high", "noise", "KS", "p", "alarm since"]
    return Table(
        id="S4.2.drift",
        title=f"Drift in the {seen.every} from {seen.last}",
        requirement="S4.2",
        columns=[*columns, "periods with an alarm", "action"],
        rows=body,
        hidden=hidden,
        note="PSI with half a row added to every bin of both sides. Noise: what chance alone exceeds with the series' "
        "part of the policy's rate of false alarms. From binned counts the Kolmogorov–Smirnov p-value is too large.",
    )


def _figure(case: Case, seen: Watch, series: list[Series]) -> tuple[figures.Figure, ...]:
    small, policy = case.dossier.policy.records.small_cell.value, case.dossier.policy.monitoring
    panels = []
    for one in series:
        shown = {d: f for d, f in one.compared.items() if min(f.rows, f.baseline_rows) >= small}
        panels.append(
            Panel(
                one.name,
                tuple(periods.name(day, seen.every) for day in seen.periods),
                tuple(shown[day].psi if day in shown else UNDEFINED for day in seen.periods),
                tuple(day in one.alarms and day in shown for day in seen.periods),
                policy.psi_max.value,
            )
        )
    explained = (
        "Population stability index against the baseline, with its interval; dashed: the policy's limit; a red square "
        "is an alarm."
    )
    return figures.small_multiples(panels, measure="PSI", explained=explained)
