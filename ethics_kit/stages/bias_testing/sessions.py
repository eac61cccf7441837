"""The user-acceptance sessions that count: of the model in use, and not too old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.dates import months_after
from ethics_kit.measures import acceptance, fairness, sums
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import independent
from ethics_kit.measures.sums import Moments
from ethics_kit.stages.bias_testing.families import Family
from ethics_kit.stages.case import Case

TABLE = "acceptance_sessions"
FLAGS = ("success", "understood", "blocking_defect")


@dataclass(frozen=True)
class Sessions:
    """Counts of the sessions that count, by the testers' group: per flag those with a yes, and those with an answer.

    `usability` holds the moments of the System Usability Scale, or is None where the table has none; `impossible`
    counts rows whose answers cannot be. `left_out` sessions are of another version or too old; `defects` and
    `not_told` count open blocking defects and rows without an answer to that over all sessions, left out or not.
    """

    rows: int
    left_out: int
    defects: int
    not_told: int
    flags: Mapping[str, Mapping[str, tuple[int, int]]]
    usability: Mapping[str, Moments] | None
    impossible: int


def awaits(case: Case) -> str | None:
    """What is lacking without which no session can be shown to count."""
    if not case.has(TABLE, "success", "time", "model_version"):
        return case.lacking(TABLE, "success", "time", "model_version")
    if case.dossier.system.model.label is None:
        return "the model's version (model in system.yaml)"
    held = counted(case)
    months = case.dossier.policy.records.answers_max_age_months.value
    if not held.rows:
        return (
            f"sessions with {case.dossier.system.model.label} of the last {months} months; the {held.left_out} on file "
            "are with another version or older"
        )
    return None


@cache
def counted(case: Case) -> Sessions:
    """The sessions of the model in use that are no older than an answer may be; only counts leave the table."""
    table = case.table(TABLE)
    since = months_after(case.as_of, -case.dossier.policy.records.answers_max_age_months.value)
    current = (table.model_version == case.dossier.system.model.label) & (
        table.time >= ibis.literal(datetime.combine(since, datetime.min.time()), type="timestamp")
    )
    kept = table.filter(current.fill_null(False))
    group = kept.group if "group" in kept.columns else ibis.null("string")
    flags = [flag for flag in FLAGS if flag in kept.columns]
    parts: dict[str, ir.Scalar] = {"rows": ibis._.count()}
    parts |= {flag: kept[flag].sum() for flag in flags} | {f"n_{flag}": kept[flag].count() for flag in flags}
    cells = kept.group_by(group=group).aggregate(**parts).order_by("group").to_pyarrow().to_pylist()
    held = {
        flag: {cell["group"] or UNKNOWN: (int(cell[flag] or 0), int(cell[f"n_{flag}"])) for cell in cells}
        for flag in flags
    }
    rows = sum(cell["rows"] for cell in cells)
    defects, told = _defects(table)
    usability, impossible = _usability(kept, group)
    total = case.use(TABLE).counted
    return Sessions(rows, total - rows, defects, total - told, held, usability, impossible)


def _defects(table: ir.Table) -> tuple[int, int]:
    """Open blocking defects over all sessions, and the rows that say whether there is one."""
    if "blocking_defect" not in table.columns:
        return 0, 0
    seen = table.aggregate(open=table.blocking_defect.sum(), told=table.blocking_defect.count())
    found = seen.to_pyarrow().to_pylist()[0]
    return int(found["open"] or 0), int(found["told"])


def _usability(kept: ir.Table, group: ir.Value) -> tuple[dict[str, Moments] | None, int]:
    """The scale by group, from its ten items where the table has them all, else from the score; and impossible rows."""
    if set(acceptance.ITEMS) <= set(kept.columns):
        score: ir.NumericValue = acceptance.usability_score(kept)
        wrong: ir.BooleanValue = ~acceptance.possible(kept)
    elif "sus" in kept.columns:
        score, wrong = kept.sus.cast("float64"), ~kept.sus.between(0, 100)
    else:
        return None, 0
    table = kept.select(group=group, score=score, wrong=wrong)
    impossible = int(table.wrong.sum().to_pyarrow().as_py() or 0)
    held = sums.moments(table, ["group"], ["score"])["score"]["group"]
    return {name: strata[()] for name, strata in held.items()}, impossible


def understood_apart(case: Case) -> Iterator[Family]:
    """Whether each group of testers understood the explanation as often as the others."""
    if awaits(case):
        return
    cells = counted(case).flags.get("understood", {})
    known = [(group, count, n) for group, (count, n) in cells.items() if group != UNKNOWN]
    policy = case.dossier.policy
    margin, confidence = policy.acceptance.understood_margin.value, policy.fairness.confidence.value
    for comparison in fairness.compare("group", "understood", independent(known), margin=margin, confidence=confidence):
        yield "S3.4", comparison
