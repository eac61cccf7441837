"""C2.3: what scores each group gets, and whether they mean the same for every group."""

from __future__ import annotations

from collections.abc import Mapping

from ethics_kit.measures import scores
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import scored
from ethics_kit.stages.bias_testing.parity import Line
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome, hide_small


def scores_by_group(case: Case) -> Outcome:
    """C2.3: what scores each group gets, and whether they mean the same for every group."""
    if tested(case).awaits:
        return Outcome()
    policy, small = case.dossier.policy.fairness, case.dossier.policy.records.small_cell.value
    found = scored.calibrations(case, policy.confidence.value)
    known = {name: {g: c for g, c in groups.items() if g != UNKNOWN} for name, groups in found.items()}
    lines = {
        name: [[g, c.n, *told.parts(c.in_the_large), c.error, c.error_by_chance] for g, c in groups.items()]
        for name, groups in known.items()
    }
    columns = [*BY_GROUP, "observed less predicted", "low", "high", "calibration error", "by chance"]
    note = "The calibration error is above 0 by chance alone; what chance makes of it stands beside."
    calibration = _by_group(case, "calibration", "Calibration by group", columns, lines, note)
    curves = [
        curve
        for name, groups in known.items()
        if name in policy.attributes.value
        for curve in figures.reliability(name, {g: c for g, c in groups.items() if c.n >= small}, small=small)
    ]
    tables = [*_summary_tables(case), *_forecast_tables(case), *calibration]
    return Outcome((), tuple(tables), tuple(curves))


BY_GROUP = ["attribute", "group", "n"]


def _summary_tables(case: Case) -> list[Table]:
    """Mean and percentiles of the score."""
    lines = {
        name: [
            [group, held.n, *told.parts(held.mean), *(held.percentiles[p] for p in scores.PERCENTILES)]
            for group, held in groups.items()
            if group != UNKNOWN
        ]
        for name, groups in scored.summaries(case).items()
    }
    columns = [*BY_GROUP, "mean score", "low", "high", *(f"p{percent}" for percent in scores.PERCENTILES)]
    note = "Percentiles are told to a hundredth of the range of scores."
    return _by_group(case, "scores", "Scores by group", columns, lines, note)


def _forecast_tables(case: Case) -> list[Table]:
    """Errors of a forecast: signed, absolute and squared."""
    lines = {
        name: [
            [
                group,
                held.n,
                *told.parts(held.mean_error),
                *told.parts(held.mean_absolute_error),
                *told.parts(held.root_mean_square_error),
            ]
            for group, held in groups.items()
            if group != UNKNOWN
        ]
        for name, groups in scored.forecasts(case).items()
    }
    errors = [part for name in ("mean error", "mean absolute error", "RMSE") for part in (name, "low", "high")]
    note = "Error: forecast less what came of it."
    return _by_group(case, "forecast_errors", "Errors of the forecast by group", [*BY_GROUP, *errors], lines, note)


def _by_group(
    case: Case, name: str, title: str, columns: list[str], lines: Mapping[str, list[Line]], note: str
) -> list[Table]:
    """One table over all attributes, small groups withheld in each."""
    body: list[Line] = []
    hidden = 0
    for attribute, rows in lines.items():
        shown, count = hide_small(
            rows, n_column=1, counts=range(2, len(columns) - 1), small=case.dossier.policy.records.small_cell.value
        )
        body += [[attribute, *row] for row in shown]
        hidden += count
    table = Table(
        id=f"C2.3.{name}", title=title, requirement="C2.3", columns=columns, rows=body, hidden=hidden, note=note
    )
    return [table] if body else []
