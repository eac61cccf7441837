"""P4.3: reported errors, how soon they are corrected, and those that come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from statistics import median

from ethics_kit.measures import waiting
from ethics_kit.measures.engines import RowsRefused
from ethics_kit.measures.waiting import Cell
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.deployment_signoff.promised import drawn_until, in_time
from ethics_kit.stages.evidence import not_assessed, share_finding

TABLE, KEY = "error_reports", "error_days"
NEEDED = ("id", "time", "corrected")


def error_correction(case: Case) -> Outcome:
    """P4.3: reported errors corrected within the promise, and repeat errors."""
    if not case.has(TABLE, *NEEDED):
        return Outcome((not_assessed("P4.3", "corrected_in_time", case.lacking(TABLE, *NEEDED)),))
    cells = waiting.waits(case.table(TABLE), "corrected", end=case.end)
    drawn = drawn_until(case, cells, KEY, what="reported errors", done="corrected")
    return Outcome((_in_time(case, cells), _repeats(case)), (_by_period(case),), drawn)


def _in_time(case: Case, cells: Sequence[Cell]) -> Finding:
    return in_time(
        case,
        "P4.3",
        "corrected_in_time",
        cells,
        KEY,
        what="reported errors",
        did="corrected",
        at_least=case.dossier.policy.response.errors_in_time_min,
        action="Correct the errors that are open past the promise, and find out what holds corrections up.",
    )


def _longest(case: Case) -> int:
    """The most reports in one chain; 0 where there is none, or their ids stay in a database."""
    try:
        return waiting.longest_chain(case.table(TABLE))
    except RowsRefused:
        return 0


def _repeats(case: Case) -> Finding:
    name, limit = "repeat_errors", case.dossier.policy.response.repeats_max
    if not case.has(TABLE, "repeat_of"):
        return not_assessed("P4.3", name, case.lacking(TABLE, "repeat_of"))
    found = waiting.repeats(case.table(TABLE))
    if 2 * found.unknown > max(found.repeats, 1):
        awaits = f"repeat_of with the ids of reports: {found.unknown} of {found.repeats} name none that is there"
        return not_assessed("P4.3", name, awaits)
    longest = _longest(case)
    chain = f"; the longest chain has {longest} reports" if longest else ""
    return share_finding(
        case,
        "P4.3",
        name,
        found.repeats,
        found.reports,
        statement=f"{found.repeats} of {found.reports} reported errors repeat an earlier one, {found.after_correction} "
        f"of them one that had been marked as corrected{chain}.",
        at_most=limit.value,
        unit="share of reported errors",
        action="Find the cause that the repeated reports share, and test the correction where the error was seen.",
        source=limit.source,
        minimum=case.dossier.policy.fairness.minimum_group.value,
    )


def _by_period(case: Case) -> Table:
    rows = case.table(TABLE)
    parts = {"reports": rows.count(), "corrected": waiting.done(rows, "corrected", end=case.end).sum()}
    if "repeat_of" in rows.columns:
        parts["repeats"] = (rows.repeat_of.notnull() & (rows.repeat_of != rows.id)).sum()
    table = rows.group_by(month=rows.time.truncate("M")).aggregate(**parts).order_by("month")
    months = {r.pop("month"): [int(n or 0) for n in r.values()] for r in table.to_pyarrow().to_pylist()}
    small = case.dossier.policy.records.small_cell.value
    shown, hidden = hide_small(_in_periods(months, small), n_column=1, counts=range(2, 1 + len(parts)), small=small)
    return Table(
        id="P4.3.by_period",
        title="Reported errors by the period of the report",
        requirement="P4.3",
        columns=["period", *parts],
        rows=shown,
        hidden=hidden,
        note="Corrected: by the as-of date, however late.",
    )


def _in_periods(months: Mapping[datetime, Sequence[int]], small: int) -> list[list[str | int | None]]:
    """Counts by month; by quarter, or by year, where the middle one of the shorter periods would be withheld."""
    labels: tuple[Callable[[datetime], str], ...] = (
        lambda m: f"{m:%Y-%m}",
        lambda m: f"{m.year}, quarter {(m.month + 2) // 3}",
        lambda m: str(m.year),
    )
    periods: dict[str, list[int]] = {}
    for label in labels:
        periods = {}
        for month, counts in months.items():
            held = periods.get(label(month), [0] * len(counts))
            periods[label(month)] = [a + b for a, b in zip(held, counts, strict=True)]
        if median([counts[0] for counts in periods.values()] or [0]) >= small:
            break
    return [[period, *counts] for period, counts in periods.items()]
